// The database's file before SQLite may touch it: what it is, by its header alone.
//
// A refused file is left byte for byte as it was. The header tells the truth: whoever changes
// user_version or application_id copies the WAL into the database before going on.
//
// Threads: pure functions.
#ifndef BIZOND_STORE_DATABASE_FILE_H_
#define BIZOND_STORE_DATABASE_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fs.h"

namespace bizond {

// "bzon" and "bzhi" in ASCII: bizond.db and history.db.
inline constexpr int32_t kStoreApplicationId = 0x627a6f6e;
inline constexpr int32_t kHistoryApplicationId = 0x627a6869;

struct DatabaseHeader {
  int32_t application_id = 0;
  int32_t user_version = 0;
};

// nullopt: there is no such file. store_corrupt: not a database, or not whole.
Result<std::optional<DatabaseHeader>> ReadDatabaseHeader(const Root& root, std::string_view file);

// store_corrupt: another program's database; store_newer: of a newer binary.
Status CheckDatabaseHeader(const DatabaseHeader& header, int32_t application_id, int newest_version,
                           std::string_view path);

Failure StoreCorrupt(std::string_view path, std::string_view what);

// fsync of a file and of its directory.
Status SyncFile(const Root& root, std::string_view file);

}  // namespace bizond

#endif  // BIZOND_STORE_DATABASE_FILE_H_
