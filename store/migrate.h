// Migrations: how a database comes to be, and to be of this binary's version.
//
// migrations/NNNN_*.sql are bizond.db's, migrations/history_NNNN_*.sql are history.db's;
// user_version is the number of the newest one that was applied. Each is one transaction. A new
// database is made under another name and renamed when it is whole.
//
// Threads: called before anything else uses the files, under the store's lock.
#ifndef BIZOND_STORE_MIGRATE_H_
#define BIZOND_STORE_MIGRATE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded_file.h"
#include "base/fs.h"
#include "store/connection.h"

namespace bizond {

struct Migration {
  int version = 0;
  std::string sql;
};

// Those of `files` whose name is `prefix` and a number, sorted.
std::vector<Migration> MigrationsOf(std::span<const EmbeddedFile> files, std::string_view prefix);
// 0 when there is none.
int NewestVersion(const std::vector<Migration>& migrations);

// Makes `file` in the root with all migrations and `extra_sql`, durably, in WAL mode.
Status CreateDatabase(const Root& root, std::string_view file, int32_t application_id,
                      const std::vector<Migration>& migrations, const std::string& extra_sql);

// Applies what is newer than `version` to an open database, after a copy of it was made beside it
// as
// "<file>.before-<n>", n the first migration that is applied.
Status MigrateDatabase(const Root& root, std::string_view file, Connection& db, int version,
                       const std::vector<Migration>& migrations);

// A consistent copy of an open database, whatever is in its WAL, written beside `to` and renamed.
Status CopyDatabase(const Root& root, Connection& db, std::string_view to);

}  // namespace bizond

#endif  // BIZOND_STORE_MIGRATE_H_
