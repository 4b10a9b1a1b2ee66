// Connection: one SQLite connection with its prepared statements, and Query, one use of a
// statement.
//
// What SQLite refuses is thrown as SQLite::Exception and turned into an Error by Guard, at the edge
// of the store. Every statement is prepared once and kept.
//
// Threads: one thread at a time.
#ifndef BIZOND_STORE_CONNECTION_H_
#define BIZOND_STORE_CONNECTION_H_

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/time.h"
#include "store/store_state.h"

namespace bizond {

// store_corrupt for what tells of damage, store_unavailable for the rest. `path` is the database.
Error SqliteError(const SQLite::Exception& exception, std::string_view path);

// One execution of a statement. Steps are driven by the caller; the destructor makes the statement
// ready for its next use.
// Bound as it is, where a text would be bound as TEXT.
struct Blob {
  std::string_view bytes;
};

class Query {
 public:
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  ~Query();

  bool Step() { return statement_->executeStep(); }
  // Runs a statement without rows to its end; returns the rows that it changed.
  int Run() { return statement_->exec(); }

  int64_t Int(int column) const { return statement_->getColumn(column).getInt64(); }
  uint64_t Unsigned(int column) const { return static_cast<uint64_t>(Int(column)); }
  bool Flag(int column) const { return Int(column) != 0; }
  bool IsNull(int column) const { return statement_->isColumnNull(column); }
  std::string Text(int column) const { return statement_->getColumn(column).getString(); }
  UtcTime Time(int column) const { return FromUnixMicros(Int(column)); }
  std::optional<UtcTime> MaybeTime(int column) const;
  std::optional<std::string> MaybeText(int column) const;

 private:
  friend class Connection;
  Query(std::shared_ptr<SQLite::Statement> statement, bool* in_use);

  void Bind(int index, int64_t value) { statement_->bind(index, value); }
  void Bind(int index, int value) { statement_->bind(index, value); }
  void Bind(int index, bool value) { statement_->bind(index, value ? 1 : 0); }
  void Bind(int index, uint64_t value) { statement_->bind(index, static_cast<int64_t>(value)); }
  void Bind(int index, UtcTime value) { statement_->bind(index, ToUnixMicros(value)); }
  void Bind(int index, std::string_view value) { statement_->bind(index, std::string(value)); }
  void Bind(int index, const std::string& value) { statement_->bind(index, value); }
  void Bind(int index, const char* value) { Bind(index, std::string_view(value)); }
  void Bind(int index, Blob value) {
    statement_->bind(index, value.bytes.data(), static_cast<int>(value.bytes.size()));
  }
  void Bind(int index, std::nullopt_t) { statement_->bind(index); }
  template <typename T>
  void Bind(int index, const std::optional<T>& value) {
    if (value) {
      Bind(index, *value);
    } else {
      statement_->bind(index);
    }
  }

  std::shared_ptr<SQLite::Statement> statement_;
  bool* in_use_;  // nullptr: not a kept statement.
};

class Connection {
 public:
  enum class Role {
    kReader,   // query_only, never checkpoints
    kWriter,   // synchronous=FULL; checkpoints when it says so, at the end by CopyWalOnClose
    kPrivate,  // a file that nobody else has open: no WAL rules
  };

  // Throws SQLite::Exception. The state is told of every failure that Guard sees; may be null.
  Connection(const std::filesystem::path& path, Role role, StoreState* state);

  // The statement with its parameters bound in order.
  template <typename... Args>
  Query Prepare(std::string_view sql, const Args&... args) {
    Query query = Take(sql);
    int index = 0;
    (query.Bind(++index, args), ...);
    return query;
  }
  template <typename... Args>
  int Run(std::string_view sql, const Args&... args) {
    return Prepare(sql, args...).Run();
  }
  // The first column of the first row.
  template <typename... Args>
  std::optional<int64_t> MaybeInt(std::string_view sql, const Args&... args) {
    Query query = Prepare(sql, args...);
    if (!query.Step() || query.IsNull(0)) return std::nullopt;
    return query.Int(0);
  }

  // Several statements without parameters, not kept.
  void Execute(const std::string& sql) { database_.exec(sql); }

  // Calls `f`, which returns a Result or Status; a SQLite::Exception becomes its error, and is kept
  // as this connection's failure until TakeFailure.
  template <typename F>
  auto Guard(F f) -> decltype(f()) {
    try {
      return f();
    } catch (const SQLite::Exception& exception) {
      return tl::make_unexpected(Failed(exception));
    }
  }
  std::optional<Error> TakeFailure();

  bool InTransaction() const;
  // Pages in the WAL after the latest commit of this connection.
  int wal_pages() const { return *wal_pages_; }
  // Whether this connection, when it is the last to be closed, copies the WAL into the database and
  // removes it. A reader and a new writer leave it: what is not yet known to be whole is not
  // touched.
  void CopyWalOnClose();
  void LeaveWalOnClose();
  SQLite::Database& database() { return database_; }
  const std::string& path() const { return path_; }

 private:
  struct Kept {
    std::shared_ptr<SQLite::Statement> statement;
    bool in_use = false;
  };

  struct SqlHash {
    using is_transparent = void;
    size_t operator()(std::string_view sql) const { return std::hash<std::string_view>()(sql); }
  };

  Query Take(std::string_view sql);
  Error Failed(const SQLite::Exception& exception);

  std::string path_;
  StoreState* state_;
  std::unique_ptr<int> wal_pages_ = std::make_unique<int>(0);
  SQLite::Database database_;
  std::unordered_map<std::string, Kept, SqlHash, std::equal_to<>> kept_;
  std::optional<Error> failure_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_CONNECTION_H_
