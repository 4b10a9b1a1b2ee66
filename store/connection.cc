#include "store/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "store/wal_vfs.h"

namespace bizond {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// A full disk, a limit of the process or a missing descriptor passes; SQLite calls most of them I/O
// errors.
bool IsPassing(int system_errno) {
  static constexpr std::array kPassing = {ENOSPC, EDQUOT, EFBIG, EMFILE,
                                          ENFILE, ENOMEM, EINTR, EAGAIN};
  return std::find(kPassing.begin(), kPassing.end(), system_errno) != kPassing.end();
}

bool IsDamage(int code, int extended, int system_errno) {
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return true;
  if (code == SQLITE_IOERR) return extended != SQLITE_IOERR_NOMEM && !IsPassing(system_errno);
  // The statements are constants: one that does not compile met a schema that is not ours.
  return code == SQLITE_ERROR;
}

int OnWalCommit(void* pages, sqlite3*, const char*, int pages_in_wal) {
  *static_cast<int*>(pages) = pages_in_wal;
  return SQLITE_OK;
}

int OpenFlags(Connection::Role role) {
  return SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX |
         (role == Connection::Role::kPrivate ? SQLite::OPEN_CREATE : 0);
}

const char* Pragmas(Connection::Role role) {
  switch (role) {
    case Connection::Role::kReader:
      return "PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON; PRAGMA trusted_schema=OFF;"
             "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;";
    case Connection::Role::kWriter:
      // The size limit cuts the WAL file after a burst, when it begins anew.
      return "PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;"
             "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"
             "PRAGMA journal_size_limit=16777216;";
    case Connection::Role::kPrivate:
      return "PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;";
  }
  return "";
}

}  // namespace

Error SqliteError(const SQLite::Exception& exception, std::string_view path) {
  const int code = exception.getErrorCode() & 0xff;
  const std::string what = fmt::format("{}: {}", path, exception.what());
  if (IsDamage(code, exception.getExtendedErrorCode(), errno)) {
    return Error{
        ErrorKind::kPermanent, "store_corrupt",
        "the database is damaged or its disk fails: " + what,
        "stop the daemon, check the disk, then `bizond doctor`; `bizond restore FILE` puts "
        "a backup in its place"};
  }
  const bool full = code == SQLITE_FULL || errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return Error{
      ErrorKind::kTransient, "store_unavailable", "the database cannot be used now: " + what,
      full ? fmt::format("make room, or raise the limit of a file's size: df -h '{}'", path)
           : "it is tried again; if it stays, look at the daemon's limits and disk"};
}

// ---- Query ----

Query::Query(std::shared_ptr<SQLite::Statement> statement, bool* in_use)
    : statement_(std::move(statement)), in_use_(in_use) {
  if (in_use_ != nullptr) *in_use_ = true;
}

Query::Query(Query&& other) noexcept
    : statement_(std::move(other.statement_)), in_use_(std::exchange(other.in_use_, nullptr)) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  statement_->tryReset();
  if (in_use_ == nullptr) return;
  *in_use_ = false;
  try {
    statement_->clearBindings();  // A large text would be kept until the next use.
  } catch (const SQLite::Exception&) {
    // Never: clearing has no way to fail.
  }
}

std::optional<UtcTime> Query::MaybeTime(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Time(column);
}

std::optional<std::string> Query::MaybeText(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Text(column);
}

// ---- Connection ----

Connection::Connection(const std::filesystem::path& path, Role role, StoreState* state)
    : path_(path.string()),
      state_(state),
      database_(path_, OpenFlags(role), kBusyTimeoutMs, role == Role::kWriter ? WalVfs() : "") {
  // First of all: a pragma that throws closes the database.
  if (role != Role::kPrivate) LeaveWalOnClose();
  sqlite3_extended_result_codes(database_.getHandle(), 1);
  database_.exec(Pragmas(role));
  if (role == Role::kWriter) sqlite3_wal_hook(database_.getHandle(), OnWalCommit, wal_pages_.get());
}

Query Connection::Take(std::string_view sql) {
  auto kept = kept_.find(sql);
  if (kept == kept_.end()) {
    auto statement = std::make_shared<SQLite::Statement>(database_, std::string(sql));
    kept = kept_.emplace(std::string(sql), Kept{std::move(statement)}).first;
  }
  if (!kept->second.in_use) return Query(kept->second.statement, &kept->second.in_use);
  return Query(std::make_shared<SQLite::Statement>(database_, std::string(sql)), nullptr);
}

Error Connection::Failed(const SQLite::Exception& exception) {
  errno = sqlite3_system_errno(database_.getHandle());
  failure_ = SqliteError(exception, path_);
  if (state_ != nullptr) state_->Report(*failure_);
  return *failure_;
}

std::optional<Error> Connection::TakeFailure() { return std::exchange(failure_, std::nullopt); }

bool Connection::InTransaction() const {
  return sqlite3_get_autocommit(database_.getHandle()) == 0;
}

void Connection::CopyWalOnClose() {
  sqlite3_db_config(database_.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

void Connection::LeaveWalOnClose() {
  sqlite3_db_config(database_.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace bizond
