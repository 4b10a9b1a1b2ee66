// SqliteTable: what a table is now, and the statements that make, change and fill tables.
//
// Threads: pure functions over a database.
#ifndef BIZOND_DESTINATIONS_SQLITE_TABLE_H_
#define BIZOND_DESTINATIONS_SQLITE_TABLE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "destinations/sqlite/database.h"

namespace bizond {

struct TableColumn {
  std::string name;
  std::string type;  // As declared; empty: none, every value stays as it is bound.

  friend bool operator==(const TableColumn&, const TableColumn&) = default;
};

struct RowRange {
  int64_t first = 0;  // 0 and 0: no rows.
  int64_t last = 0;
};

// nullopt: absent. Code not_a_table for a view or a virtual table of that name, or one without
// rowids.
Result<std::optional<std::vector<TableColumn>>> ColumnsOf(SqliteDatabase* database,
                                                          std::string_view table);
// A table that is absent has no rows.
Result<RowRange> RowsOf(SqliteDatabase* database, std::string_view table);
Status CreateTable(SqliteDatabase* database, std::string_view table,
                   const std::vector<TableColumn>& columns);
Status DropTable(SqliteDatabase* database, std::string_view table);
// The index by which MergeTable finds keys; it would keep versions of a row from being appended.
Status DropKeyIndex(SqliteDatabase* database, std::string_view table);
Status AddColumn(SqliteDatabase* database, std::string_view table, const TableColumn& column);

// `from` takes the place of `to`; the indexes and triggers of the old `to` are made again on it.
Status SwapTable(SqliteDatabase* database, std::string_view from, std::string_view to);
// All rows of `from` behind those of `to`, which gets the columns that it lacks.
Status AppendTable(SqliteDatabase* database, std::string_view from, std::string_view to);

struct MergeRule {
  std::vector<std::string> keys;  // Columns that make a row's key.
  std::string order;              // SQL function and column of the order: {"bizond_cursor", "at"}
  std::string order_column;       // Empty: the last to arrive stays.
};
// Rows of `from` take the place of those of `to` with the same key, unless those are greater.
Status MergeTable(SqliteDatabase* database, std::string_view from, std::string_view to,
                  const MergeRule& rule);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_SQLITE_TABLE_H_
