#include "destinations/record_schemas.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

namespace bizond {
namespace {

using nlohmann::json;

Failure BadSchema(std::string message) {
  return Fail(ErrorKind::kConfig, "bad_record_schema", std::move(message),
              "see destination.config.record_schemas of this job");
}

std::string UpperCase(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

Result<std::vector<SchemaColumn>> ReadColumns(const json& schema) {
  std::vector<SchemaColumn> columns;
  std::set<std::string> names;
  for (const json& column : schema.at("record_schema")) {
    SchemaColumn read{.name = column.at("name").get<std::string>(),
                      .type = UpperCase(column.value("type", "")),
                      .required = UpperCase(column.value("mode", "")) == "REQUIRED"};
    if (!names.insert(UpperCase(read.name)).second) {
      return BadSchema(
          fmt::format("record_schemas names the column '{}' twice (upper and lower "
                      "case are the same to a table)",
                      read.name));
    }
    columns.push_back(std::move(read));
  }
  return columns;
}

}  // namespace

Result<std::vector<SchemaColumn>> RecordSchemaOf(std::string_view config,
                                                 std::string_view destination_id) {
  try {
    const json parsed = json::parse(config);
    const auto schemas = parsed.find("record_schemas");
    if (schemas == parsed.end() || schemas->is_null() || schemas->empty()) {
      return std::vector<SchemaColumn>();
    }
    for (const json& schema : *schemas) {
      if (schema.value("destination_id", std::string(destination_id)) == destination_id) {
        return ReadColumns(schema);
      }
    }
    return BadSchema(
        fmt::format("record_schemas has no entry for the destination_id '{}'", destination_id));
  } catch (const json::exception& problem) {
    return BadSchema(fmt::format("record_schemas cannot be read: {}", problem.what()));
  }
}

}  // namespace bizond
