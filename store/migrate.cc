#include "store/migrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/log.h"
#include "store/database_file.h"

namespace bizond {
namespace {

// 0: not a migration of this prefix.
int VersionOf(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return 0;
  path.remove_prefix(prefix.size());
  int version = 0;
  const auto parsed = std::from_chars(path.data(), path.data() + path.size(), version);
  if (parsed.ec != std::errc() || parsed.ptr == path.data()) return 0;
  return version;
}

void Apply(Connection& db, const Migration& migration) {
  db.Execute("BEGIN IMMEDIATE");
  db.Execute(migration.sql);
  db.Execute(fmt::format("PRAGMA user_version = {}; COMMIT", migration.version));
}

// The header in the file must tell the version: the next open reads it there.
void CopyWalIntoDatabase(Connection& db) {
  Query query = db.Prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  query.Step();
}

}  // namespace

std::vector<Migration> MigrationsOf(std::span<const EmbeddedFile> files, std::string_view prefix) {
  std::vector<Migration> migrations;
  for (const EmbeddedFile& file : files) {
    const int version = VersionOf(file.path, prefix);
    if (version > 0) migrations.push_back({version, std::string(file.bytes)});
  }
  std::sort(migrations.begin(), migrations.end(),
            [](const Migration& a, const Migration& b) { return a.version < b.version; });
  return migrations;
}

int NewestVersion(const std::vector<Migration>& migrations) {
  return migrations.empty() ? 0 : migrations.back().version;
}

Status CreateDatabase(const Root& root, std::string_view file, int32_t application_id,
                      const std::vector<Migration>& migrations, const std::string& extra_sql) {
  const std::string making = fmt::format("{}.making", file);
  // The rollback journal of an earlier attempt would be played back into this one.
  for (const char* const suffix : {"", "-journal", "-wal", "-shm"}) {
    BIZOND_RETURN_IF_ERROR(root.Remove(making + suffix));
  }
  try {
    Connection db(root.path() / making, Connection::Role::kPrivate, nullptr);
    // Nothing is lost with a file that was never renamed: one fsync at the end is enough.
    db.Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    db.Execute(fmt::format("PRAGMA application_id = {}", application_id));
    for (const Migration& migration : migrations) Apply(db, migration);
    db.Execute(extra_sql);
    db.Execute("PRAGMA journal_mode = WAL");
  } catch (const SQLite::Exception& exception) {
    return tl::make_unexpected(SqliteError(exception, (root.path() / making).string()));
  }
  BIZOND_RETURN_IF_ERROR(SyncFile(root, making));
  BIZOND_RETURN_IF_ERROR(root.Rename(making, file));
  return root.SyncDirectoryOf(file);
}

Status CopyDatabase(const Root& root, Connection& db, std::string_view to) {
  const std::string copying = fmt::format("{}.copying", to);
  for (const char* const suffix : {"", "-journal"}) {
    BIZOND_RETURN_IF_ERROR(root.Remove(copying + suffix));
  }
  BIZOND_RETURN_IF_ERROR(db.Guard([&]() -> Status {
    db.Run("VACUUM INTO ?", (root.path() / copying).string());
    return {};
  }));
  BIZOND_RETURN_IF_ERROR(SyncFile(root, copying));
  BIZOND_RETURN_IF_ERROR(root.Rename(copying, to));
  return root.SyncDirectoryOf(to);
}

Status MigrateDatabase(const Root& root, std::string_view file, Connection& db, int version,
                       const std::vector<Migration>& migrations) {
  if (version >= NewestVersion(migrations)) return {};
  const auto first = std::find_if(migrations.begin(), migrations.end(),
                                  [&](const Migration& m) { return m.version > version; });
  const std::string copy = fmt::format("{}.before-{}", file, first->version);
  BIZOND_RETURN_IF_ERROR(CopyDatabase(root, db, copy));
  const std::string from = std::to_string(version);
  const std::string to = std::to_string(NewestVersion(migrations));
  Log(LogLevel::kInfo, "store", "migrating the database",
      {{"file", db.path()}, {"from", from}, {"to", to}, {"copy", copy}});
  return db.Guard([&]() -> Status {
    for (auto migration = first; migration != migrations.end(); ++migration) {
      try {
        Apply(db, *migration);
      } catch (const SQLite::Exception&) {
        db.database().tryExec("ROLLBACK");
        throw;
      }
    }
    CopyWalIntoDatabase(db);
    return {};
  });
}

}  // namespace bizond
