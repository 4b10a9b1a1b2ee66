#include "store/backup.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "embedded/migrations.h"
#include "store/connection.h"
#include "store/database_file.h"
#include "store/migrate.h"
#include "store/opening.h"
#include "store/wal_file.h"

namespace bizond {
namespace {

// Far more than one store gives out in its life: whatever was published after the backup was taken
// has a lower fence than what the restored store publishes.
constexpr int64_t kFenceStep = 1'000'000'000;

constexpr std::array kHistoryTables = {"runs", "attempts", "run_streams", "occurrences"};

std::string RestoringName(std::string_view file_name) {
  return fmt::format("{}.restoring", file_name);
}

std::string Columns(Connection& db, const char* table) {
  Query query = db.Prepare("SELECT name FROM pragma_table_info(?, 'old')", table);
  std::string columns;
  while (query.Step()) columns += (columns.empty() ? "" : ", ") + query.Text(0);
  return columns;
}

// A row that was moved after the copy was taken is in both: the copy's stays.
void PutHistoryBack(Connection& copy, const std::filesystem::path& history) {
  // What comes back was counted when it ended.
  sqlite3_db_config(copy.database().getHandle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  copy.Run("ATTACH ? AS old", history.string());
  copy.Execute("BEGIN");
  for (const char* const table : kHistoryTables) {
    const std::string columns = Columns(copy, table);
    copy.Execute(fmt::format("INSERT OR IGNORE INTO main.{0} ({1}) SELECT {1} FROM old.{0}", table,
                             columns));
  }
  copy.Execute("COMMIT");
  copy.Execute("DETACH old");
}

// The first complaint of a full check of a file that nobody uses.
Status CheckIntegrity(Connection& db) {
  Query query = db.Prepare("PRAGMA integrity_check(1)");
  if (query.Step() && query.Text(0) == "ok") return {};
  return StoreCorrupt(db.path(), query.Text(0));
}

Status MoveAside(const Root& root, const std::string& from, const std::string& to) {
  BIZOND_ASSIGN_OR_RETURN(const auto info, root.Stat(from));
  if (!info) return {};
  return root.Rename(from, to);
}

Status CopyFileDurably(const std::filesystem::path& from, const Root& root, std::string_view to) {
  std::error_code failure;
  const std::filesystem::path target = root.path() / to;
  std::filesystem::copy_file(from, target, std::filesystem::copy_options::overwrite_existing,
                             failure);
  if (failure) {
    return tl::make_unexpected(
        ErrnoError(failure.value(), fmt::format("copy {} to {}", from.string(), target.string()),
                   "check the path, the permissions and the free space"));
  }
  return SyncFile(root, to);
}

Status RemoveWithItsFiles(const Root& root, const std::string& name) {
  for (const char* const suffix : {"", "-journal", "-wal", "-shm"}) {
    BIZOND_RETURN_IF_ERROR(root.Remove(name + suffix));
  }
  return {};
}

// Of the copy in the root; a refusal names the backup.
Status CheckBackupHeader(const Root& root, const std::string& copy,
                         const std::filesystem::path& backup) {
  const auto header = ReadDatabaseHeader(root, copy);
  if (!header) {
    if (header.error().code != "store_corrupt") return tl::make_unexpected(header.error());
    return StoreCorrupt(backup.string(), "it is no whole backup");
  }
  if (!*header) return StoreCorrupt(backup.string(), "it is gone");
  return CheckDatabaseHeader(**header, kStoreApplicationId,
                             NewestVersion(MigrationsOf(embedded::migrations(), "")),
                             backup.string());
}

// Epoch of the store that is replaced, as far as it can be read.
int64_t EpochOf(const Root& root, const std::string& file_name) {
  const auto header = ReadDatabaseHeader(root, file_name);
  if (!header || !*header) return 0;
  try {
    Connection db(root.path() / file_name, Connection::Role::kReader, nullptr);
    return db.MaybeInt("SELECT value FROM meta WHERE key = 'epoch'").value_or(0);
  } catch (const SQLite::Exception&) {
    return 0;
  }
}

}  // namespace

Status BackupStore(const Root& root, const std::string& file_name, const std::string& path,
                   StoreState* state) {
  const std::filesystem::path target = std::filesystem::absolute(path);
  if (target.filename().empty()) {
    return Fail(ErrorKind::kConfig, "not_a_file", fmt::format("{} names no file", path),
                "name the file that the backup becomes: bizond backup FILE");
  }
  BIZOND_ASSIGN_OR_RETURN(const Root place, Root::Open(target.parent_path()));
  const std::string name = target.filename().string();
  const std::string working = name + ".unfinished";
  try {
    {
      // The copy holds one snapshot. The history is read after it, so that no row is in neither.
      Connection source(root.path() / file_name, Connection::Role::kReader, nullptr);
      source.Execute("PRAGMA query_only = OFF");  // It writes to the copy.
      BIZOND_RETURN_IF_ERROR(CopyDatabase(place, source, working));
    }
    Connection copy(place.path() / working, Connection::Role::kPrivate, nullptr);
    copy.Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    if (state->has_history) PutHistoryBack(copy, root.path() / "history.db");
  } catch (const SQLite::Exception& exception) {
    return tl::make_unexpected(SqliteError(exception, (place.path() / working).string()));
  }
  BIZOND_RETURN_IF_ERROR(SyncFile(place, working));
  BIZOND_RETURN_IF_ERROR(place.Rename(working, name));
  return place.SyncDirectoryOf(name);
}

Status BackupStateDir(const std::filesystem::path& directory, const std::string& path) {
  const std::string file(kStoreFile);
  const auto missing = [&]() -> Status {
    return Fail(ErrorKind::kConfig, "store_missing",
                fmt::format("there is no {}", (directory / file).string()),
                "name the daemon's folder with --state-dir or BIZOND_STATE_DIR");
  };
  std::error_code failure;
  if (!std::filesystem::is_directory(directory, failure)) return missing();
  BIZOND_ASSIGN_OR_RETURN(const Root root, Root::Open(directory));
  BIZOND_ASSIGN_OR_RETURN(const auto header, ReadDatabaseHeader(root, file));
  if (!header) return missing();
  const std::string shown = (root.path() / file).string();
  BIZOND_RETURN_IF_ERROR(
      CheckDatabaseHeader(*header, kStoreApplicationId,
                          NewestVersion(MigrationsOf(embedded::migrations(), "")), shown));
  BIZOND_ASSIGN_OR_RETURN(const auto history, root.Stat(kHistoryFile));
  // A store without a daemon is opened here: a copy of half of it would be taken for a backup.
  const Result<FileLock> lock = LockStore(root);
  if (lock) {
    BIZOND_RETURN_IF_ERROR(CheckWal(root, file));
    if (history) BIZOND_RETURN_IF_ERROR(CheckWal(root, kHistoryFile));
  }
  StoreState state;
  state.has_history = history.has_value();
  return BackupStore(root, file, path, &state);
}

Status FinishRestore(const Root& root, std::string_view file_name) {
  const std::string file(file_name);
  const std::string restoring = RestoringName(file);
  BIZOND_ASSIGN_OR_RETURN(const auto info, root.Stat(restoring));
  if (!info) return {};
  // The name is that of the new epoch, so that a second attempt goes on with the first one's.
  const int64_t epoch = EpochOf(root, restoring);
  if (epoch == 0) return StoreCorrupt((root.path() / restoring).string(), "it cannot be read");
  const std::string aside = fmt::format(".replaced-{}", epoch);
  for (const std::string& name : {file, std::string("history.db")}) {
    // The log goes with its database, and never stays beside another one.
    BIZOND_RETURN_IF_ERROR(MoveAside(root, name, name + aside));
    BIZOND_RETURN_IF_ERROR(MoveAside(root, name + "-wal", name + aside + "-wal"));
    BIZOND_RETURN_IF_ERROR(root.Remove(name + "-shm"));
  }
  BIZOND_RETURN_IF_ERROR(root.SyncDirectoryOf(file));
  BIZOND_RETURN_IF_ERROR(root.Rename(restoring, file));
  return root.SyncDirectoryOf(file);
}

Result<RestoreReport> RestoreStore(const std::filesystem::path& backup,
                                   const std::filesystem::path& directory) {
  const std::string file(kStoreFile);
  BIZOND_ASSIGN_OR_RETURN(const Root root, Root::Create(directory));
  BIZOND_ASSIGN_OR_RETURN(const FileLock lock, LockStore(root));
  BIZOND_RETURN_IF_ERROR(FinishRestore(root, file));
  const std::string incoming = file + ".incoming";
  BIZOND_RETURN_IF_ERROR(RemoveWithItsFiles(root, incoming));
  Status checked = CopyFileDurably(backup, root, incoming);
  if (checked) checked = CheckBackupHeader(root, incoming, backup);
  RestoreReport report;
  if (checked) {
    const int64_t old_epoch = EpochOf(root, file);
    try {
      Connection db(root.path() / incoming, Connection::Role::kPrivate, nullptr);
      checked = CheckIntegrity(db);
      if (checked) {
        db.Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
        report.epoch =
            1 + std::max(old_epoch,
                         db.MaybeInt("SELECT value FROM meta WHERE key = 'epoch'").value_or(0));
        db.Run("UPDATE meta SET value = ? WHERE key = 'epoch'", report.epoch);
        db.Run("UPDATE meta SET value = value + ? WHERE key = 'fence'", kFenceStep);
        Query id = db.Prepare("SELECT value FROM meta WHERE key = 'store_id'");
        if (id.Step()) report.store_id = id.Text(0);
      }
    } catch (const SQLite::Exception& exception) {
      checked = tl::make_unexpected(SqliteError(exception, backup.string()));
    }
  }
  if (!checked) {
    BIZOND_RETURN_IF_ERROR(RemoveWithItsFiles(root, incoming));
    return tl::make_unexpected(std::move(checked).error());
  }
  BIZOND_RETURN_IF_ERROR(SyncFile(root, incoming));
  BIZOND_ASSIGN_OR_RETURN(const auto old, root.Stat(file));
  // From here on it goes forward: FinishRestore at the next open ends what is begun.
  BIZOND_RETURN_IF_ERROR(root.Rename(incoming, RestoringName(file)));
  BIZOND_RETURN_IF_ERROR(root.SyncDirectoryOf(file));
  BIZOND_RETURN_IF_ERROR(FinishRestore(root, file));
  if (old) {
    report.replaced = (root.path() / fmt::format("{}.replaced-{}", file, report.epoch)).string();
  }
  return report;
}

}  // namespace bizond
