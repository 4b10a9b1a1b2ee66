// SqliteRows: how a record becomes a row: bizon's columns, or a column for each of its own keys.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_SQLITE_ROWS_H_
#define BIZOND_DESTINATIONS_SQLITE_ROWS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "destinations/record_schemas.h"
#include "destinations/sqlite/database.h"
#include "destinations/sqlite/table.h"
#include "sync/bizon_id.h"
#include "sync/record_batch.h"

namespace bizond {

class SqliteRows {
 public:
  virtual ~SqliteRows() = default;
  // Finds or makes the table that rows go to; inside a transaction. `like` is a table whose columns
  // a new one begins with, when it exists.
  virtual Status Attach(SqliteDatabase* database, const std::string& table,
                        const std::string& like) = 0;
  // Inserts the batch's records; inside a transaction.
  virtual Status Insert(const RecordBatch& batch, UtcTime loaded_at) = 0;
  // Forgets the table and its statements.
  virtual void Detach() = 0;
};

// `target` is the name under which the columns of odd keys are remembered.
std::unique_ptr<SqliteRows> MakeBizonRows(const BizonIdMaker& ids);
std::unique_ptr<SqliteRows> MakeUnnestedRows(std::string target, std::vector<SchemaColumn> schema);

// "INSERT INTO main."t" ("a", ...) VALUES (?1, ...)"
Result<SqliteStatement> PrepareInsert(SqliteDatabase* database, const std::string& table,
                                      const std::vector<TableColumn>& columns);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_SQLITE_ROWS_H_
