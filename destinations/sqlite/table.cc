#include "destinations/sqlite/table.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>

#include "sync/start_over.h"

namespace bizond {
namespace {

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sqlite3_strnicmp(std::string(a).c_str(), std::string(b).c_str(),
                                                  static_cast<int>(a.size())) == 0;
}

const TableColumn* FindColumn(const std::vector<TableColumn>& columns, std::string_view name) {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const auto& column) { return SameName(column.name, name); });
  return found == columns.end() ? nullptr : &*found;
}

std::string KeyIndexOf(std::string_view table) { return std::string(table) + "_bizond_key"; }

std::string Definition(const TableColumn& column) {
  return column.type.empty() ? QuoteIdentifier(column.name)
                             : QuoteIdentifier(column.name) + " " + column.type;
}

std::string NameList(const std::vector<TableColumn>& columns) {
  std::string list;
  for (const TableColumn& column : columns) {
    if (!list.empty()) list += ", ";
    list += QuoteIdentifier(column.name);
  }
  return list;
}

Result<std::vector<TableColumn>> RequireColumns(SqliteDatabase* database, std::string_view table) {
  BIZOND_ASSIGN_OR_RETURN(auto columns, ColumnsOf(database, table));
  if (columns) return std::move(*columns);
  return Fail(ErrorKind::kPermanent, "staging_lost",
              fmt::format("{}: the table {} is gone", database->path(), QuoteIdentifier(table)),
              fmt::format("something outside of bizond dropped it; {}", kStartOver));
}

// What DROP TABLE takes with it, as SQL that makes it again.
Result<std::vector<std::string>> Dependents(SqliteDatabase* database, std::string_view table) {
  BIZOND_ASSIGN_OR_RETURN(
      SqliteStatement query,
      database->Prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE"
                        " AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid"));
  query.Bind(1, table);
  std::vector<std::string> statements;
  while (true) {
    BIZOND_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return statements;
    statements.push_back(query.Text(0));
  }
}

Status AddMissingColumns(SqliteDatabase* database, std::string_view table,
                         const std::vector<TableColumn>& present,
                         const std::vector<TableColumn>& wanted) {
  for (const TableColumn& column : wanted) {
    if (FindColumn(present, column.name) != nullptr) continue;
    BIZOND_RETURN_IF_ERROR(AddColumn(database, table, column));
  }
  return {};
}

}  // namespace

Result<std::optional<std::vector<TableColumn>>> ColumnsOf(SqliteDatabase* database,
                                                          std::string_view table) {
  BIZOND_ASSIGN_OR_RETURN(SqliteStatement kind,
                          database->Prepare("SELECT type, wr FROM pragma_table_list WHERE schema ="
                                            " 'main' AND name = ?1 COLLATE NOCASE"));
  kind.Bind(1, table);
  BIZOND_ASSIGN_OR_RETURN(const bool present, kind.Step());
  if (!present) return std::optional<std::vector<TableColumn>>();
  if (kind.Text(0) != "table" || kind.Int(1) != 0) {
    return Fail(ErrorKind::kPermanent, "not_a_table",
                fmt::format("{}: {} is not an ordinary table (it is a {}{})", database->path(),
                            QuoteIdentifier(table), kind.Text(0),
                            kind.Int(1) != 0 ? " without rowids" : ""),
                "name another table: destination.config.table");
  }
  BIZOND_ASSIGN_OR_RETURN(
      SqliteStatement query,
      database->Prepare("SELECT name, type FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0"
                        " ORDER BY cid"));
  query.Bind(1, table);
  std::vector<TableColumn> columns;
  while (true) {
    BIZOND_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return std::optional(std::move(columns));
    columns.push_back({.name = query.Text(0), .type = query.Text(1)});
  }
}

Result<RowRange> RowsOf(SqliteDatabase* database, std::string_view table) {
  BIZOND_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(database, table));
  if (!columns) return RowRange{};
  const std::string name = QuoteIdentifier(table);
  // Two queries: each is one descent of the tree.
  BIZOND_ASSIGN_OR_RETURN(const int64_t first, database->QueryInt(fmt::format(
                                                   "SELECT min(_rowid_) FROM main.{}", name)));
  BIZOND_ASSIGN_OR_RETURN(const int64_t last, database->QueryInt(fmt::format(
                                                  "SELECT max(_rowid_) FROM main.{}", name)));
  return RowRange{.first = first, .last = last};
}

Status CreateTable(SqliteDatabase* database, std::string_view table,
                   const std::vector<TableColumn>& columns) {
  std::string list;
  for (const TableColumn& column : columns) {
    list += (list.empty() ? "" : ", ") + Definition(column);
  }
  return database->Execute(fmt::format("CREATE TABLE main.{} ({})", QuoteIdentifier(table), list));
}

Status DropTable(SqliteDatabase* database, std::string_view table) {
  return database->Execute(fmt::format("DROP TABLE IF EXISTS main.{}", QuoteIdentifier(table)));
}

Status DropKeyIndex(SqliteDatabase* database, std::string_view table) {
  return database->Execute(
      fmt::format("DROP INDEX IF EXISTS main.{}", QuoteIdentifier(KeyIndexOf(table))));
}

Status AddColumn(SqliteDatabase* database, std::string_view table, const TableColumn& column) {
  return database->Execute(
      fmt::format("ALTER TABLE main.{} ADD COLUMN {}", QuoteIdentifier(table), Definition(column)));
}

Status SwapTable(SqliteDatabase* database, std::string_view from, std::string_view to) {
  BIZOND_ASSIGN_OR_RETURN(const std::vector<std::string> dependents, Dependents(database, to));
  BIZOND_RETURN_IF_ERROR(DropTable(database, to));
  BIZOND_RETURN_IF_ERROR(database->Execute(
      fmt::format("ALTER TABLE main.{} RENAME TO {}", QuoteIdentifier(from), QuoteIdentifier(to))));
  for (const std::string& sql : dependents) BIZOND_RETURN_IF_ERROR(database->Execute(sql));
  return {};
}

Status AppendTable(SqliteDatabase* database, std::string_view from, std::string_view to) {
  BIZOND_ASSIGN_OR_RETURN(const auto source, RequireColumns(database, from));
  BIZOND_ASSIGN_OR_RETURN(auto target, RequireColumns(database, to));
  BIZOND_RETURN_IF_ERROR(AddMissingColumns(database, to, target, source));
  BIZOND_ASSIGN_OR_RETURN(target, RequireColumns(database, to));
  if (source == target) {
    // Only this form lets SQLite move whole rows without taking them apart (its transfer
    // optimization).
    return database->Execute(fmt::format("INSERT INTO main.{} SELECT * FROM main.{}",
                                         QuoteIdentifier(to), QuoteIdentifier(from)));
  }
  const std::string names = NameList(source);
  return database->Execute(
      fmt::format("INSERT INTO main.{} ({}) SELECT {} FROM main.{} ORDER BY "
                  "_rowid_",
                  QuoteIdentifier(to), names, names, QuoteIdentifier(from)));
}

Status MergeTable(SqliteDatabase* database, std::string_view from, std::string_view to,
                  const MergeRule& rule) {
  BIZOND_ASSIGN_OR_RETURN(const auto source, RequireColumns(database, from));
  BIZOND_ASSIGN_OR_RETURN(const auto target, RequireColumns(database, to));
  BIZOND_RETURN_IF_ERROR(AddMissingColumns(database, to, target, source));
  std::string keys;
  for (const std::string& key : rule.keys) {
    keys += (keys.empty() ? "" : ", ") + QuoteIdentifier(key);
  }
  BIZOND_RETURN_IF_ERROR(
      database->Execute(fmt::format("CREATE UNIQUE INDEX IF NOT EXISTS main.{} ON {} ({})",
                                    QuoteIdentifier(KeyIndexOf(to)), QuoteIdentifier(to), keys)));
  // A column that the new row's run never saw is NULL in it: the row is replaced as a whole.
  std::string updates;
  for (const TableColumn& column : source) {
    const std::string name = QuoteIdentifier(column.name);
    updates += fmt::format("{}{} = excluded.{}", updates.empty() ? "" : ", ", name, name);
  }
  for (const TableColumn& column : target) {
    if (FindColumn(source, column.name) != nullptr) continue;
    updates += fmt::format(", {} = NULL", QuoteIdentifier(column.name));
  }
  const std::string quoted = QuoteIdentifier(to);
  std::string greater;
  if (!rule.order_column.empty()) {
    const std::string column = QuoteIdentifier(rule.order_column);
    greater = fmt::format(" WHERE {}(excluded.{}) >= {}({}.{})", rule.order, column, rule.order,
                          quoted, column);
  }
  const std::string names = NameList(source);
  return database->Execute(
      fmt::format("INSERT INTO main.{} ({}) SELECT {} FROM main.{} WHERE true ORDER BY _rowid_ "
                  "ON CONFLICT ({}) DO UPDATE SET {}{}",
                  quoted, names, names, QuoteIdentifier(from), keys, updates, greater));
}

}  // namespace bizond
