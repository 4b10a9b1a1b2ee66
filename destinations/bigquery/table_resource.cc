#include "destinations/bigquery/table_resource.h"

#include <fmt/format.h>

#include <algorithm>

#include "destinations/google/transport.h"

namespace bizond {
namespace {

using nlohmann::json;

// `fields` as BigQuery said them, made to what `merged` has.
json MergedFields(const json& fields, const BigQuerySchema& merged) {
  json out = json::array();
  for (const BigQueryColumn& column : merged) {
    json made = SchemaToRest({column})["fields"][0];
    for (const json& field : fields) {
      if (FoldColumnName(JsonText(field, "name")) != FoldColumnName(column.name)) continue;
      json kept = field;
      kept["mode"] = made["mode"];
      if (!column.fields.empty()) {
        kept["fields"] = MergedFields(field.value("fields", json::array()), column.fields);
      }
      made = std::move(kept);
      break;
    }
    out.push_back(std::move(made));
  }
  return out;
}

json FieldsOf(const BigQueryTable& table) {
  const json schema = JsonObject(table.resource, "schema");
  const auto fields = schema.find("fields");
  return fields != schema.end() && fields->is_array() ? *fields : json::array();
}

const BigQueryColumn* FindColumn(const BigQuerySchema& schema, std::string_view name) {
  const auto found = std::find_if(schema.begin(), schema.end(), [name](const auto& column) {
    return FoldColumnName(column.name) == FoldColumnName(name);
  });
  return found == schema.end() ? nullptr : &*found;
}

// The target's layout, as far as the columns allow it.
Status KeepLayout(const BigQueryTable& target, const BigQuerySchema& schema, json* resource) {
  const auto missing = [&](const std::string& name, std::string_view what) {
    return Fail(ErrorKind::kConfig, "schema_mismatch",
                fmt::format("{} is {} by the column '{}', which the job does not have",
                            target.name.Dotted(), what, name),
                "add the column to record_schemas, or drop the table to have it made anew");
  };
  const json time = JsonObject(target.resource, "timePartitioning");
  if (!time.empty()) {
    json& kept = (*resource)["timePartitioning"] = {{"type", JsonText(time, "type")}};
    if (const std::string field = JsonText(time, "field"); !field.empty()) {
      if (FindColumn(schema, field) == nullptr) return missing(field, "partitioned");
      kept["field"] = field;
    }
  }
  const json range = JsonObject(target.resource, "rangePartitioning");
  if (!range.empty()) {
    if (FindColumn(schema, JsonText(range, "field")) == nullptr) {
      return missing(JsonText(range, "field"), "partitioned");
    }
    (*resource)["rangePartitioning"] = range;
  }
  const json clustering = JsonObject(target.resource, "clustering");
  if (clustering.empty() || !clustering.contains("fields")) return {};
  for (const json& field : clustering["fields"]) {
    const std::string name = field.is_string() ? field.get<std::string>() : "";
    if (FindColumn(schema, name) == nullptr) return missing(name, "clustered");
  }
  (*resource)["clustering"] = {{"fields", clustering["fields"]}};
  return {};
}

}  // namespace

Result<json> StagingResource(const BigQueryConfig& config,
                             const std::optional<BigQueryTable>& target, bool replace) {
  if (!target) return NewTableResource(config);
  json resource = {{"schema", SchemaToRest(config.schema)}};
  if (!replace) {
    BIZOND_ASSIGN_OR_RETURN(const SchemaChange change, MergeSchemas(target->schema, config.schema));
    resource["schema"] = {{"fields", MergedFields(FieldsOf(*target), change.merged)}};
    BIZOND_RETURN_IF_ERROR(KeepLayout(*target, change.merged, &resource));
    return resource;
  }
  BIZOND_RETURN_IF_ERROR(KeepLayout(*target, config.schema, &resource));
  return resource;
}

Result<std::optional<json>> ChangedSchema(const BigQueryTable& table,
                                          const BigQuerySchema& wanted) {
  BIZOND_ASSIGN_OR_RETURN(const SchemaChange change, MergeSchemas(table.schema, wanted));
  if (change.empty()) return std::nullopt;
  return std::optional<json>(json{{"fields", MergedFields(FieldsOf(table), change.merged)}});
}

json LoadConfiguration(const BigQueryTableName& table) {
  return {{"destinationTable", table.Reference()},
          {"sourceFormat", "NEWLINE_DELIMITED_JSON"},
          {"writeDisposition", "WRITE_APPEND"},
          {"createDisposition", "CREATE_NEVER"}};
}

json CopyConfiguration(const BigQueryTableName& from, const BigQueryTableName& to, bool replace) {
  return {{"sourceTable", from.Reference()},
          {"destinationTable", to.Reference()},
          {"writeDisposition", replace ? "WRITE_TRUNCATE" : "WRITE_APPEND"},
          {"createDisposition", "CREATE_IF_NEEDED"}};
}

}  // namespace bizond
