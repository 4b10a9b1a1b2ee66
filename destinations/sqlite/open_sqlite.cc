#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "destinations/sqlite/sqlite_destination.h"

namespace bizond {
namespace {

Failure BadTable(std::string_view table, std::string_view why) {
  return Fail(ErrorKind::kConfig, "bad_table",
              fmt::format("the table '{}' {}", table.substr(0, 200), why),
              "set destination.config.table to another name");
}

Status CheckTable(const std::string& table) {
  if (table.empty()) return BadTable(table, "has no name");
  if (table.find('\0') != std::string::npos) return BadTable(table, "has a zero byte in its name");
  std::string folded = table;
  for (char& c : folded) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  for (const std::string_view prefix : {"sqlite_", "_bizond_"}) {
    if (folded.starts_with(prefix)) {
      return BadTable(table, "has a name that is kept for something else");
    }
  }
  for (const std::string_view suffix : {"_temp", "_incremental"}) {
    if (folded.ends_with(suffix)) return BadTable(table, "ends as the staging of another one does");
  }
  return {};
}

// Links are resolved once, inside the roots: SQLite then opens the path without following any.
Result<Location> FindDatabase(const Roots& roots, const std::string& path) {
  BIZOND_ASSIGN_OR_RETURN(Location location, roots.Resolve(path));
  BIZOND_RETURN_IF_ERROR(location.root.Stat(location.path));
  std::error_code problem;
  const auto real = std::filesystem::weakly_canonical(location.Display(), problem);
  if (!problem && real != location.Display()) return roots.Resolve(real.string());
  return location;
}

}  // namespace

Result<std::unique_ptr<Destination>> OpenSqliteDestination(const ConnectorArgs& args) {
  const auto config = nlohmann::json::parse(args.config, nullptr, false);
  if (!config.is_object() || !config.contains("path") || !config["path"].is_string()) {
    return Fail(ErrorKind::kConfig, "missing_path", "destination.config.path is not set",
                "set it to the database file: path: warehouse.db");
  }
  SqliteOptions options;
  // A table that is named holds one stream; several are told apart by destination_id.
  options.table = config.value("table", args.destination_id);
  options.unnest = config.value("unnest", false);
  if (options.unnest) {
    BIZOND_ASSIGN_OR_RETURN(options.schema, RecordSchemaOf(args.config, args.destination_id));
  }
  options.merges = args.job.destination.write == WriteMode::kMerge;
  options.primary_key = args.job.source.primary_key;
  options.cursor_field = args.job.source.cursor_field;
  BIZOND_RETURN_IF_ERROR(CheckTable(options.table));
  BIZOND_ASSIGN_OR_RETURN(Location place,
                          FindDatabase(args.roots, config["path"].get<std::string>()));
  return std::make_unique<SqliteDestination>(std::move(place), std::move(options), args.clock);
}

}  // namespace bizond
