#include "destinations/google/table_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "destinations/google/transport.h"

namespace bizond {
namespace {

using nlohmann::json;

void AddColumns(const BigQuerySchema& schema, const std::string& prefix,
                std::vector<PlannedColumn>* out) {
  for (const BigQueryColumn& column : schema) {
    const json rest = SchemaToRest({column})["fields"][0];
    out->push_back({.name = prefix + column.name,
                    .type = std::string(BigQueryTypeName(column.type)),
                    .mode = JsonText(rest, "mode")});
    AddColumns(column.fields, prefix + column.name + ".", out);
  }
}

const PlannedColumn* Find(const std::vector<PlannedColumn>& columns, const std::string& name) {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const PlannedColumn& one) {
    return FoldColumnName(one.name) == FoldColumnName(name);
  });
  return found == columns.end() ? nullptr : &*found;
}

std::string Joined(const json& texts) {
  std::string joined;
  for (const json& text : texts) {
    if (!text.is_string()) continue;
    if (!joined.empty()) joined += ", ";
    joined += text.get<std::string>();
  }
  return joined;
}

std::string Shown(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) return Joined(value);
  if (!value.is_object()) return value.dump();
  if (value.contains("tableId")) {
    return fmt::format("{}.{}.{}", JsonText(value, "projectId"), JsonText(value, "datasetId"),
                       JsonText(value, "tableId"));
  }
  if (value.contains("fields")) return Joined(value["fields"]);
  const std::string field = JsonText(value, "field");
  return JsonText(value, "type") + (field.empty() ? " of arrival" : " of " + field);
}

}  // namespace

std::vector<PlannedColumn> PlannedColumnsOf(const BigQuerySchema& schema) {
  std::vector<PlannedColumn> columns;
  AddColumns(schema, "", &columns);
  return columns;
}

std::vector<PlannedColumn> PlannedChange(const std::optional<BigQueryTable>& before,
                                         const BigQuerySchema& after) {
  std::vector<PlannedColumn> columns = PlannedColumnsOf(after);
  if (!before) return columns;
  const std::vector<PlannedColumn> old = PlannedColumnsOf(before->schema);
  for (PlannedColumn& column : columns) {
    const PlannedColumn* was = Find(old, column.name);
    if (was == nullptr) {
      column.change = "added";
    } else if (was->mode == "REQUIRED" && column.mode != "REQUIRED") {
      column.change = "relaxed";
    }
  }
  for (const PlannedColumn& was : old) {
    if (Find(columns, was.name) != nullptr) continue;
    columns.push_back(was);
    columns.back().change = "removed";
  }
  return columns;
}

std::vector<PlannedFact> LayoutFacts(const json& resource) {
  std::vector<PlannedFact> facts;
  if (resource.contains("timePartitioning")) {
    facts.push_back({"partitioning", Shown(resource["timePartitioning"])});
  } else if (resource.contains("rangePartitioning")) {
    const json range = JsonObject(resource, "rangePartitioning");
    facts.push_back({"partitioning", "ranges of " + JsonText(range, "field")});
  } else {
    facts.push_back({"partitioning", "none"});
  }
  const json clustering = JsonObject(resource, "clustering");
  facts.push_back({"clustering", clustering.contains("fields") ? Shown(clustering) : "none"});
  return facts;
}

PlannedPlace NewDataset(const BigQueryTableName& in, const std::string& location) {
  return {.role = "container",
          .kind = "dataset",
          .name = in.project + "." + in.dataset,
          .exists = false,
          .becomes = "made",
          .columns = {},
          .facts = {{"location", location}}};
}

std::vector<PlannedFact> JobFacts(const json& configuration) {
  std::vector<PlannedFact> facts;
  for (const auto& [key, value] : configuration.items()) facts.push_back({key, Shown(value)});
  return facts;
}

BigQuerySchema WithoutRequired(BigQuerySchema schema) {
  for (BigQueryColumn& column : schema) {
    if (column.mode == ColumnMode::kRequired) column.mode = ColumnMode::kNullable;
    column.fields = WithoutRequired(std::move(column.fields));
  }
  return schema;
}

}  // namespace bizond
