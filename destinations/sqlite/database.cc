#include "destinations/sqlite/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "base/file_error.h"

namespace bizond {
namespace {

constexpr int kBusyWaitsMax = 600;  // Of 50 ms: half a minute.
constexpr Duration kBusyWait = std::chrono::milliseconds(50);
constexpr int kStepsBetweenStopChecks = 10'000;
// Kept small: a load only ever looks at the page it fills.
constexpr int kCacheKib = 4096;

struct CodeRow {
  int code;
  ErrorKind kind;
  std::string_view name;
  std::string_view remedy;  // {} is the path.
};

constexpr CodeRow kCodes[] = {
    {SQLITE_READONLY_DBMOVED, ErrorKind::kPermanent, "file_missing",
     "the database, or the directory that it is in, was moved or removed during the run: put it "
     "back, or run the job again to make it anew: ls -ld '{}'"},
    {SQLITE_BUSY, ErrorKind::kTransient, "target_busy",
     "another program keeps the database locked: fuser -v '{}'"},
    {SQLITE_LOCKED, ErrorKind::kTransient, "target_busy",
     "another program keeps the database locked: fuser -v '{}'"},
    {SQLITE_FULL, ErrorKind::kTransient, "disk_full", "free space or raise the quota: df -h '{}'"},
    {SQLITE_NOMEM, ErrorKind::kTransient, "io_error", "free memory: free -h"},
    {SQLITE_READONLY, ErrorKind::kPermanent, "file_unwritable",
     "give the user that bizond runs as access to the file and its directory: ls -ld '{}'; id"},
    {SQLITE_PERM, ErrorKind::kPermanent, "file_unwritable",
     "give the user that bizond runs as access to the file and its directory: ls -ld '{}'; id"},
    {SQLITE_CANTOPEN, ErrorKind::kPermanent, "file_unwritable",
     "check that its directory exists and can be written: ls -ld '{}'"},
    {SQLITE_NOTADB, ErrorKind::kPermanent, "not_a_database", "name a SQLite database: file '{}'"},
    {SQLITE_CORRUPT, ErrorKind::kPermanent, "target_damaged",
     "check it, and restore it from a backup: sqlite3 '{}' 'pragma integrity_check'"},
    {SQLITE_CONSTRAINT, ErrorKind::kPermanent, "constraint_failed",
     "a rule of the table (UNIQUE, NOT NULL, CHECK) refuses a row: sqlite3 '{}' .schema"},
    {SQLITE_TOOBIG, ErrorKind::kPermanent, "record_too_large",
     "a value is larger than SQLite takes (1 GB)"},
    {SQLITE_IOERR, ErrorKind::kPermanent, "io_error",
     "look for disk errors: dmesg; findmnt -T '{}'"},
    // Stands for all others.
    {SQLITE_ERROR, ErrorKind::kPermanent, "sqlite_error",
     "look at the table: sqlite3 '{}' .schema"},
};

const CodeRow& RowOf(int code) {
  // An extended code that has a row of its own stands before the primary one that it belongs to.
  for (const CodeRow& row : kCodes) {
    if (row.code == code || row.code == (code & 0xff)) return row;
  }
  return kCodes[std::size(kCodes) - 1];
}

// A failing bind leaves NULL behind, which must not be written. Values are bounded by the record's
// size, far below SQLite's limit: a failure is a broken promise.
void Require(int code) {
  if (code != SQLITE_OK) throw std::logic_error("a value could not be bound");
}

}  // namespace

std::string QuoteIdentifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

SqliteStatement& SqliteStatement::operator=(SqliteStatement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    database_ = other.database_;
    statement_ = std::exchange(other.statement_, nullptr);
  }
  return *this;
}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

void SqliteStatement::Bind(int index, int64_t value) {
  Require(sqlite3_bind_int64(statement_, index, value));
}
void SqliteStatement::Bind(int index, double value) {
  Require(sqlite3_bind_double(statement_, index, value));
}
void SqliteStatement::Bind(int index, std::string_view text) {
  Require(sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(),
                              text.size(), SQLITE_STATIC, SQLITE_UTF8));
}
void SqliteStatement::BindBlob(int index, std::string_view bytes) {
  Require(sqlite3_bind_blob64(statement_, index, bytes.data() == nullptr ? "" : bytes.data(),
                              bytes.size(), SQLITE_STATIC));
}
void SqliteStatement::BindNull(int index) { Require(sqlite3_bind_null(statement_, index)); }
void SqliteStatement::ClearBindings() { (void)sqlite3_clear_bindings(statement_); }

Result<bool> SqliteStatement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = database_->ErrorOf(code);
  (void)sqlite3_reset(statement_);
  return Failure(std::move(error));
}

Status SqliteStatement::Run() {
  while (true) {
    BIZOND_ASSIGN_OR_RETURN(const bool row, Step());
    if (row) continue;
    Reset();
    return {};
  }
}

void SqliteStatement::Reset() { (void)sqlite3_reset(statement_); }

int64_t SqliteStatement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string SqliteStatement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path, bool create,
                                                             Clock& clock, std::stop_token stop) {
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(path, clock, std::move(stop)));
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                    (create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &database->handle_, flags, nullptr);
  if (code != SQLITE_OK) return Failure(database->ErrorOf(code));
  BIZOND_RETURN_IF_ERROR(database->Configure());
  return database;
}

Status SqliteDatabase::Configure() {
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_handler(
      handle_,
      [](void* self, int waits) {
        auto* database = static_cast<SqliteDatabase*>(self);
        if (waits >= kBusyWaitsMax) return 0;
        return database->clock_.SleepFor(kBusyWait, database->stop_) ? 1 : 0;
      },
      this);
  sqlite3_progress_handler(
      handle_, kStepsBetweenStopChecks,
      [](void* self) { return static_cast<SqliteDatabase*>(self)->stop_.stop_requested() ? 1 : 0; },
      this);
  // The database is the user's: its triggers and views may not call what only we should, and
  // renaming a table must not stumble over views that name it (legacy_alter_table).
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 1, nullptr);
  return Execute(fmt::format(
      "PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; PRAGMA cache_size=-{};", kCacheKib));
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(handle_); }

Status SqliteDatabase::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return Failure(ErrorOf(code));
}

Result<SqliteStatement> SqliteDatabase::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Failure(ErrorOf(code));
  return SqliteStatement(this, statement);
}

Result<int64_t> SqliteDatabase::QueryInt(const std::string& sql) {
  BIZOND_ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  BIZOND_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

int64_t SqliteDatabase::LastInsertRowid() const { return sqlite3_last_insert_rowid(handle_); }

bool SqliteDatabase::InTransaction() const { return sqlite3_get_autocommit(handle_) == 0; }

void SqliteDatabase::Rollback() {
  if (InTransaction()) (void)sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Error SqliteDatabase::ErrorOf(int code) const {
  const int primary = code & 0xff;
  if (primary == SQLITE_INTERRUPT || (primary == SQLITE_BUSY && stop_.stop_requested())) {
    return StoppedError("writing to " + path_);
  }
  const int system = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  const bool full = primary == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
  const CodeRow& row = RowOf(full ? SQLITE_FULL : code);
  // SQLite calls a limit of the process an I/O error, or a file that cannot be opened: as of any
  // other file, the one passes, and of the other the remedy is the limit.
  if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
      (system == EMFILE || system == ENFILE || system == EFBIG)) {
    return FileError(system, FileAccess::kWrite, "write to", path_);
  }
  return {.kind = row.kind,
          .code = std::string(row.name),
          .message = fmt::format(
              "{}: {}", path_, handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_)),
          .remedy = fmt::format(fmt::runtime(row.remedy), path_)};
}

Result<SqliteTransaction> SqliteTransaction::Begin(SqliteDatabase* database) {
  BIZOND_RETURN_IF_ERROR(database->Execute("BEGIN IMMEDIATE"));
  return SqliteTransaction(database);
}

SqliteTransaction::~SqliteTransaction() {
  if (database_ != nullptr) database_->Rollback();
}

Status SqliteTransaction::Commit() {
  SqliteDatabase* database = std::exchange(database_, nullptr);
  Status committed = database->Execute("COMMIT");
  if (!committed) database->Rollback();
  return committed;
}

}  // namespace bizond
