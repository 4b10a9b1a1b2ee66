#include "sync/job_schema_check.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace bizond {
namespace {

using nlohmann::json;

// Removes what the walk checks and what is for people: less to compile.
json Stripped(const json& schema) {
  if (schema.is_array()) {
    json list = json::array();
    for (const json& item : schema) list.push_back(Stripped(item));
    return list;
  }
  if (!schema.is_object()) return schema;
  json kept = json::object();
  for (const auto& [key, value] : schema.items()) {
    bool is_text = value.is_string();
    if (is_text &&
        (key == "pattern" || key == "format" || key == "description" || key == "title")) {
      continue;
    }
    if (key == "default" || key == "examples" || key == "writeOnly") {
      if (!value.is_object()) continue;  // An object may be a property of that name.
    }
    kept[key] = key == "enum" || key == "const" ? value : Stripped(value);
  }
  return kept;
}

// "<root>", "[source]", "[streams]", "[0]"
JobPath PathOf(const std::vector<std::string>& context) {
  JobPath path;
  for (const std::string& step : context) {
    if (step.size() < 2 || step.front() != '[') continue;
    std::string name = step.substr(1, step.size() - 2);
    int index = -1;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    bool is_index = error == std::errc() && end == name.data() + name.size();
    path.push_back(is_index ? PathStep{"", index} : PathStep{name});
  }
  return path;
}

}  // namespace

using Adapter = valijson::adapters::NlohmannJsonAdapter;

struct SchemaValidator::Compiled {
  explicit Compiled(const json& schema) : stripped(Stripped(schema)) {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(Adapter(stripped), rules);
  }

  const json stripped;
  valijson::Schema rules;
};

SchemaValidator::SchemaValidator(const json& schema)
    : compiled_(std::make_unique<const Compiled>(schema)) {}

SchemaValidator::~SchemaValidator() = default;

std::vector<SchemaProblem> SchemaValidator::Check(const json& document) const {
  std::vector<SchemaProblem> problems;
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  if (validator.validate(compiled_->rules, Adapter(document), &results)) return problems;
  // The deepest come first; those above only say that something below failed.
  valijson::ValidationResults::Error error;
  if (results.popError(error)) {
    problems.push_back({PathOf(error.context), false,
                        fmt::format("does not fit the schema: {}", error.description),
                        "Compare it with the connector's reference: bizond connectors show."});
  }
  return problems;
}

}  // namespace bizond
