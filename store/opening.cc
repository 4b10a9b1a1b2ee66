#include "store/opening.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <optional>
#include <utility>

#include "base/identity.h"
#include "base/log.h"
#include "embedded/migrations.h"
#include "store/backup.h"
#include "store/database_file.h"
#include "store/wal_file.h"

namespace bizond {
namespace {

struct Budget {
  Clock* clock;
  Duration until;
};

int IsSpent(void* budget) {
  const auto* const given = static_cast<const Budget*>(budget);
  return given->clock->Steady() > given->until ? 1 : 0;
}

// The first complaint of a quick check; nullopt: none within the budget.
std::optional<std::string> QuickCheck(Connection& db, Clock* clock, Duration budget) {
  Budget given{clock, clock->Steady() + budget};
  sqlite3* const handle = db.database().getHandle();
  sqlite3_progress_handler(handle, 10'000, IsSpent, &given);
  std::optional<std::string> complaint;
  try {
    SQLite::Statement check(db.database(), "PRAGMA quick_check(1)");
    if (check.executeStep() && check.getColumn(0).getString() != "ok") {
      complaint = check.getColumn(0).getString();
    }
  } catch (const SQLite::Exception& exception) {
    if ((exception.getErrorCode() & 0xff) != SQLITE_INTERRUPT) complaint = exception.what();
  }
  sqlite3_progress_handler(handle, 0, nullptr, nullptr);
  return complaint;
}

Status CreateStore(const Root& root, const StoreOptions& options,
                   const std::vector<Migration>& migrations) {
  const std::string wal = options.file_name + "-wal";
  BIZOND_ASSIGN_OR_RETURN(const auto left_wal, root.Stat(wal));
  if (left_wal && left_wal->size_bytes > 0) {
    return StoreCorrupt((root.path() / options.file_name).string(),
                        fmt::format("it is missing, but {} is there, which holds its latest "
                                    "changes; to begin with an empty store remove that file",
                                    wal));
  }
  // What a removed database left would be taken for the new one's.
  BIZOND_RETURN_IF_ERROR(root.Remove(wal));
  BIZOND_RETURN_IF_ERROR(root.Remove(options.file_name + "-shm"));
  return CreateDatabase(root, options.file_name, kStoreApplicationId, migrations,
                        fmt::format("INSERT INTO meta (key, value) VALUES ('store_id', '{}'), "
                                    "('epoch', 1), ('fence', 0)",
                                    NewUuid(options.clock->Now())));
}

// An error of the opening, before anything was written.
Failure Refused(const Error& error, std::string_view path) {
  if (error.code != "store_corrupt") return tl::make_unexpected(error);
  return StoreCorrupt(path, error.message);
}

// The database is there and its header is ours.
Status CheckAndMigrate(OpenedStore& opened, const StoreOptions& options, int version,
                       const std::vector<Migration>& migrations) {
  Connection& db = *opened.db;
  if (auto complaint = QuickCheck(db, options.clock, options.check_budget)) {
    return StoreCorrupt(db.path(), *complaint);
  }
  BIZOND_RETURN_IF_ERROR(MigrateDatabase(opened.root, options.file_name, db, version, migrations));
  Status read = db.Guard([&]() -> Status {
    Query query = db.Prepare(
        "SELECT (SELECT value FROM meta WHERE key = 'store_id'), "
        "(SELECT value FROM meta WHERE key = 'epoch'), "
        "(SELECT value FROM meta WHERE key = 'fence')");
    query.Step();
    if (query.IsNull(0) || query.IsNull(1) || query.IsNull(2)) {
      return StoreCorrupt(db.path(), "its id, epoch or fence is missing");
    }
    opened.store_id = query.Text(0);
    opened.epoch = query.Int(1);
    return {};
  });
  const bool untouched = version == NewestVersion(migrations);
  return read || !untouched ? read : Refused(read.error(), db.path());
}

Status OpenHistory(OpenedStore& opened) {
  BIZOND_ASSIGN_OR_RETURN(const auto header, ReadDatabaseHeader(opened.root, kHistoryFile));
  if (!header) return {};
  const std::filesystem::path path = opened.root.path() / kHistoryFile;
  BIZOND_RETURN_IF_ERROR(CheckDatabaseHeader(
      *header, kHistoryApplicationId, NewestVersion(opened.history_migrations), path.string()));
  BIZOND_RETURN_IF_ERROR(CheckWal(opened.root, kHistoryFile));
  if (header->user_version < NewestVersion(opened.history_migrations)) {
    try {
      Connection history(path, Connection::Role::kWriter, nullptr);
      BIZOND_RETURN_IF_ERROR(MigrateDatabase(opened.root, kHistoryFile, history,
                                             header->user_version, opened.history_migrations));
      history.CopyWalOnClose();
    } catch (const SQLite::Exception& exception) {
      return tl::make_unexpected(SqliteError(exception, path.string()));
    }
  }
  opened.state->has_history = true;
  return {};
}

}  // namespace

Result<FileLock> LockStore(const Root& root) {
  Result<FileLock> lock = FileLock::TryAcquire(root, kStoreLockFile);
  if (lock || lock.error().code != "target_locked") return lock;
  return Fail(ErrorKind::kPermanent, "state_dir_locked",
              fmt::format("another bizond uses the state directory {}: {}", root.path().string(),
                          lock.error().message),
              "stop that process, or give this one a folder of its own with --state-dir");
}

Result<OpenedStore> OpenStoreFiles(const StoreOptions& options) {
  const auto files = options.migrations.empty() ? embedded::migrations() : options.migrations;
  const std::vector<Migration> migrations = MigrationsOf(files, "");
  BIZOND_ASSIGN_OR_RETURN(Root root, Root::Create(options.directory));
  BIZOND_ASSIGN_OR_RETURN(FileLock lock, LockStore(root));
  auto state = std::make_unique<StoreState>();
  OpenedStore opened{.root = root,
                     .lock = std::move(lock),
                     .state = std::move(state),
                     .db = nullptr,
                     .store_id = {},
                     .epoch = 0,
                     .history_migrations = MigrationsOf(files, "history_")};
  BIZOND_RETURN_IF_ERROR(FinishRestore(root, options.file_name));
  BIZOND_ASSIGN_OR_RETURN(auto header, ReadDatabaseHeader(root, options.file_name));
  if (!header) {
    BIZOND_RETURN_IF_ERROR(CreateStore(root, options, migrations));
    header = DatabaseHeader{kStoreApplicationId, NewestVersion(migrations)};
  }
  const std::filesystem::path path = root.path() / options.file_name;
  BIZOND_RETURN_IF_ERROR(
      CheckDatabaseHeader(*header, kStoreApplicationId, NewestVersion(migrations), path.string()));
  BIZOND_RETURN_IF_ERROR(CheckWal(root, options.file_name));
  try {
    opened.db = std::make_unique<Connection>(path, Connection::Role::kWriter, opened.state.get());
  } catch (const SQLite::Exception& exception) {
    return Refused(SqliteError(exception, path.string()), path.string());
  }
  BIZOND_RETURN_IF_ERROR(CheckAndMigrate(opened, options, header->user_version, migrations));
  // A restored copy is not in WAL mode; everywhere else this changes nothing.
  BIZOND_RETURN_IF_ERROR(opened.db->Guard([&]() -> Status {
    opened.db->Execute("PRAGMA journal_mode = WAL");
    return {};
  }));
  BIZOND_RETURN_IF_ERROR(OpenHistory(opened));
  opened.db->CopyWalOnClose();
  return opened;
}

}  // namespace bizond
