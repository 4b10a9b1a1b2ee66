// The least that NDJSON to a SQLite table takes, in one thread: find each record's key and cursor,
// insert bizon's columns by a prepared statement, publish them in one transaction, durably.
//
//   bench_to_sqlite replace INPUT DATABASE          full refresh: one transaction
//   bench_to_sqlite append INPUT DATABASE CURSOR    incremental: what is above CURSOR is staged in
//   a
//                                                   transaction of its own, then moved in another
//
// SQLite and its options are bizond's: the same library, a rollback journal, synchronous=FULL.
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "bench/minimal/columns.h"
#include "bench/minimal/records.h"

namespace bizond::bench {
namespace {

constexpr std::string_view kColumns =
    " (bizon_id TEXT, bizon_extracted_at TEXT, bizon_loaded_at TEXT, source_record_id TEXT,"
    " source_timestamp TEXT, source_data TEXT)";

class Database {
 public:
  explicit Database(const char* path) {
    if (sqlite3_open_v2(path, &handle_,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        nullptr) != SQLITE_OK) {
      Die(path);
    }
    Run("PRAGMA synchronous=FULL");
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void Run(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      Die(sqlite3_errmsg(handle_));
    }
  }
  sqlite3* handle() { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

void Bind(sqlite3_stmt* insert, int column, std::string_view text) {
  sqlite3_bind_text(insert, column, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

void Insert(const char* input, std::string_view cursor, const std::string& table,
            Database* database) {
  Records records(input);
  sqlite3_stmt* insert = nullptr;
  const std::string sql = "INSERT INTO " + table + " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
  if (sqlite3_prepare_v3(database->handle(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &insert,
                         nullptr) != SQLITE_OK) {
    Die(sqlite3_errmsg(database->handle()));
  }
  const uint64_t seed = static_cast<uint64_t>(getpid());
  uint64_t row = 0;
  uint64_t block = 0;
  std::string extracted_at;
  std::string loaded_at;
  std::array<char, kIdBytes> id;
  Bind(insert, 1, {id.data(), id.size()});
  for (MinimalRecord record; records.Next(&record);) {
    if (block != records.blocks()) {
      block = records.blocks();
      extracted_at = Instant();
      loaded_at = Instant();
      Bind(insert, 2, extracted_at);
      Bind(insert, 3, loaded_at);
      Bind(insert, 5, extracted_at);
    }
    if (record.cursor <= cursor) continue;
    WriteId(seed, row++, id.data());
    Bind(insert, 4, record.key);
    Bind(insert, 6, record.data);
    if (sqlite3_step(insert) != SQLITE_DONE) Die(sqlite3_errmsg(database->handle()));
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
}

int Main(int argc, char** argv) {
  const std::string_view mode = argc > 3 ? argv[1] : "";
  const std::string columns(kColumns);
  if (mode == "replace" && argc == 4) {
    Database database(argv[3]);
    database.Run("BEGIN IMMEDIATE; DROP TABLE IF EXISTS records; CREATE TABLE records" + columns);
    Insert(argv[2], "", "records", &database);
    database.Run("COMMIT");
    return 0;
  }
  if (mode == "append" && argc == 5) {
    Database database(argv[3]);
    database.Run(
        "BEGIN IMMEDIATE; DROP TABLE IF EXISTS records_incremental; "
        "CREATE TABLE records_incremental" +
        columns);
    Insert(argv[2], argv[4], "records_incremental", &database);
    database.Run("COMMIT; BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS records" + columns +
                 "; INSERT INTO records SELECT * FROM records_incremental; "
                 "DROP TABLE records_incremental; COMMIT");
    return 0;
  }
  (void)std::fputs("usage: bench_to_sqlite replace|append INPUT DATABASE [CURSOR]\n", stderr);
  return 2;
}

}  // namespace
}  // namespace bizond::bench

int main(int argc, char** argv) { return bizond::bench::Main(argc, argv); }
