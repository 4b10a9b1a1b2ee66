#include "destinations/record_schemas.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"

namespace bizond {
namespace {

using nlohmann::json;

// As deep as BigQuery nests.
constexpr int kDepthMax = 15;

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

// Also for null, as bizon's optional keys may be.
std::string TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? std::string() : found->get<std::string>();
}

Result<std::vector<SchemaColumn>> ReadColumns(const json& list, int depth) {
  if (depth > kDepthMax) return BadSchema("record_schemas nests deeper than 15 RECORDs");
  std::vector<SchemaColumn> columns;
  std::set<std::string> names;
  for (const json& column : list) {
    const std::string mode = UpperCase(TextOf(column, "mode"));
    SchemaColumn read{.name = column.at("name").get<std::string>(),
                      .type = UpperCase(TextOf(column, "type")),
                      .required = mode == "REQUIRED",
                      .repeated = mode == "REPEATED",
                      .description = TextOf(column, "description"),
                      .default_value_expression = TextOf(column, "default_value_expression"),
                      .fields = {}};
    if (!mode.empty() && mode != "NULLABLE" && !read.required && !read.repeated) {
      return Fail(ErrorKind::kConfig, "bad_record_schema",
                  fmt::format("record_schemas gives the column '{}' the mode '{}'", read.name,
                              EscapeControls(mode.substr(0, 100))),
                  "a mode is NULLABLE, REQUIRED or REPEATED");
    }
    if (const auto fields = column.find("fields"); fields != column.end() && !fields->is_null()) {
      BIZOND_ASSIGN_OR_RETURN(read.fields, ReadColumns(*fields, depth + 1));
    }
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

Result<std::vector<RecordSchema>> RecordSchemasIn(std::string_view config) {
  try {
    std::vector<RecordSchema> schemas;
    const json parsed = json::parse(config);
    const auto list = parsed.find("record_schemas");
    if (list == parsed.end() || list->is_null()) return schemas;
    for (const json& entry : *list) {
      RecordSchema schema;
      schema.destination_id = TextOf(entry, "destination_id");
      BIZOND_ASSIGN_OR_RETURN(schema.columns, ReadColumns(entry.at("record_schema"), 1));
      if (const auto keys = entry.find("clustering_keys");
          keys != entry.end() && !keys->is_null()) {
        schema.clustering_keys = keys->get<std::vector<std::string>>();
      }
      schemas.push_back(std::move(schema));
    }
    return schemas;
  } catch (const json::exception& problem) {
    return BadSchema(fmt::format("record_schemas cannot be read: {}", problem.what()));
  }
}

const RecordSchema* FindRecordSchema(const std::vector<RecordSchema>& schemas,
                                     std::string_view destination_id) {
  for (const RecordSchema& schema : schemas) {
    if (schema.destination_id.empty() || schema.destination_id == destination_id) return &schema;
  }
  return nullptr;
}

Result<std::vector<SchemaColumn>> RecordSchemaOf(std::string_view config,
                                                 std::string_view destination_id) {
  BIZOND_ASSIGN_OR_RETURN(const std::vector<RecordSchema> schemas, RecordSchemasIn(config));
  if (schemas.empty()) return std::vector<SchemaColumn>();
  if (const RecordSchema* schema = FindRecordSchema(schemas, destination_id)) {
    return schema->columns;
  }
  return BadSchema(
      fmt::format("record_schemas has no entry for the destination_id '{}'", destination_id));
}

}  // namespace bizond
