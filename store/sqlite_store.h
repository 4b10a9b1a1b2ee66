// SqliteStore: the Store in one folder: bizond.db, history.db beside it, and a lock.
//
// Opening takes the lock (state_dir_locked names the holder), looks at the header of the file
// before SQLite does (store_corrupt, store_newer: nothing is written), runs a bounded quick check,
// and migrates after a copy was made. No thread runs but the writer's, which sleeps while there is
// nothing to write.
//
// The quick check reads every page, which takes about a second for 300 MB: it is cut off after
// `check_budget`, because a daemon must start; what it did not reach is found when it is used, and
// by `bizond doctor`.
//
// Threads: every method of the Store may be called from any thread.
#ifndef BIZOND_STORE_SQLITE_STORE_H_
#define BIZOND_STORE_SQLITE_STORE_H_

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/embedded_file.h"
#include "store/store.h"

namespace bizond {

inline constexpr std::string_view kStoreFile = "bizond.db";
inline constexpr std::string_view kHistoryFile = "history.db";
inline constexpr std::string_view kStoreLockFile = "bizond.lock";

struct StoreOptions {
  std::filesystem::path directory;  // Created if it is missing (0700).
  std::string file_name = std::string(kStoreFile);
  Clock* clock = nullptr;  // Must outlive the store.
  size_t readers = 4;
  Duration check_budget = std::chrono::milliseconds(500);
  std::span<const EmbeddedFile> migrations = {};  // Empty: those of this binary.
};

Result<std::unique_ptr<Store>> OpenSqliteStore(const StoreOptions& options);

}  // namespace bizond

#endif  // BIZOND_STORE_SQLITE_STORE_H_
