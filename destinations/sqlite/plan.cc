// SqliteDestination: what a run would do.
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

#include "destinations/bizon_columns.h"
#include "destinations/sqlite/sqlite_destination.h"
#include "destinations/sqlite/table.h"

namespace bizond {
namespace {

std::string Becomes(PublishMode mode, bool exists, const std::vector<std::string>& keys) {
  if (mode == PublishMode::kDirect) return exists ? "appended to" : "made, and appended to";
  if (!exists) return "made";
  if (mode == PublishMode::kReplace) return "replaced; its indexes and triggers are made again";
  if (mode == PublishMode::kAppend) return "appended to";
  return fmt::format("merged into by {}", fmt::join(keys, ", "));
}

std::vector<PlannedColumn> Columns(const std::vector<PlannedColumn>& wanted,
                                   const std::optional<std::vector<TableColumn>>& present,
                                   bool replace) {
  if (!present) return wanted;
  // A table that is replaced, and whose columns come from the records: they are not known yet.
  if (replace) return wanted;
  std::vector<PlannedColumn> columns;
  columns.reserve(present->size() + wanted.size());
  for (const TableColumn& column : *present) columns.push_back({column.name, column.type});
  for (const PlannedColumn& column : wanted) {
    const bool there = std::any_of(present->begin(), present->end(), [&](const TableColumn& one) {
      return strcasecmp(one.name.c_str(), column.name.c_str()) == 0;
    });
    if (there) continue;
    columns.push_back(column);
    columns.back().change = "added";
  }
  return columns;
}

}  // namespace

Result<DestinationPlan> SqliteDestination::Plan(PublishMode mode, std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const auto file, place_.root.Stat(place_.path));
  std::optional<std::vector<TableColumn>> present;
  if (file) {
    BIZOND_ASSIGN_OR_RETURN(
        const auto database,
        SqliteDatabase::Open(place_.Display(), /*create=*/false, clock_, std::move(stop)));
    BIZOND_ASSIGN_OR_RETURN(present, ColumnsOf(database.get(), options_.table));
  }
  std::vector<PlannedColumn> wanted;
  wanted.reserve(options_.schema.size() + kBizonColumns.size());
  for (const SchemaColumn& column : options_.schema) wanted.push_back({column.name, column.type});
  if (!options_.unnest) {
    for (const std::string_view name : kBizonColumns) wanted.push_back({std::string(name), "TEXT"});
  }
  const std::string& database = place_.Display();
  DestinationPlan plan;
  plan.places.push_back({.role = "target",
                         .kind = "table",
                         .name = options_.table,
                         .exists = present.has_value(),
                         .becomes = Becomes(mode, present.has_value(), options_.primary_key),
                         .columns = Columns(wanted, present, mode == PublishMode::kReplace),
                         .facts = {{"database", file ? database : database + " (new)"}}});
  if (mode == PublishMode::kDirect) {
    plan.steps.push_back(
        {.what = "transaction", .does = "rows into the target, at each checkpoint"});
    return plan;
  }
  plan.places.insert(plan.places.begin(), {.role = "staging",
                                           .kind = "table",
                                           .name = Staging(mode),
                                           .exists = false,
                                           .becomes = "made anew, and gone with the publication",
                                           .facts = {{"database", database}}});
  plan.steps.push_back({.what = "transactions", .does = "rows into the staging"});
  plan.steps.push_back(
      {.what = "transaction", .does = "the staging into the target, and the ledger's row with it"});
  return plan;
}

}  // namespace bizond
