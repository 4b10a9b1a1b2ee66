// SqliteDatabase, SqliteStatement: SQLite's C interface as Results.
//
// Nothing here throws: every code of SQLite becomes an Error that says which database and what to
// do. A wait for another writer is the clock's, ends at a stop, and is limited; a statement that
// runs ends at a stop, too (code stopped, and SQLite rolls it back).
//
// Threads: one thread at a time. A statement must not outlive its database.
#ifndef BIZOND_DESTINATIONS_SQLITE_DATABASE_H_
#define BIZOND_DESTINATIONS_SQLITE_DATABASE_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace bizond {

// An identifier in double quotes, whatever it holds.
std::string QuoteIdentifier(std::string_view name);

class SqliteDatabase;

class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(SqliteDatabase* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&& other) noexcept;
  ~SqliteStatement();

  bool valid() const { return statement_ != nullptr; }
  void Bind(int index, int64_t value);
  void Bind(int index, double value);
  // Not copied: the bytes live until the next Step has returned.
  void Bind(int index, std::string_view text);
  void BindBlob(int index, std::string_view bytes);
  void BindNull(int index);
  void ClearBindings();
  // True: there is a row.
  Result<bool> Step();
  // Step to the end and Reset.
  Status Run();
  void Reset();
  int64_t Int(int column) const;
  std::string Text(int column) const;
  bool IsNull(int column) const;

 private:
  SqliteDatabase* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

class SqliteDatabase {
 public:
  // `path` is canonical. With `create`, a database that is absent is made.
  static Result<std::unique_ptr<SqliteDatabase>> Open(const std::string& path, bool create,
                                                      Clock& clock, std::stop_token stop);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  Status Execute(const std::string& sql);
  Result<SqliteStatement> Prepare(const std::string& sql);
  // The first column of the first row of a query; 0 for no row and for NULL.
  Result<int64_t> QueryInt(const std::string& sql);
  int64_t LastInsertRowid() const;
  bool InTransaction() const;
  // Ends a transaction that failed; SQLite may have ended it already.
  void Rollback();
  // What SQLite's last failure means.
  Error ErrorOf(int code) const;
  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

 private:
  SqliteDatabase(std::string path, Clock& clock, std::stop_token stop)
      : path_(std::move(path)), clock_(clock), stop_(std::move(stop)) {}
  Status Configure();

  const std::string path_;
  Clock& clock_;
  std::stop_token stop_;
  sqlite3* handle_ = nullptr;
};

// BEGIN IMMEDIATE until Commit; rolled back when it goes away before.
class SqliteTransaction {
 public:
  static Result<SqliteTransaction> Begin(SqliteDatabase* database);
  SqliteTransaction(SqliteTransaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  ~SqliteTransaction();
  Status Commit();

 private:
  explicit SqliteTransaction(SqliteDatabase* database) : database_(database) {}
  SqliteDatabase* database_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_SQLITE_DATABASE_H_
