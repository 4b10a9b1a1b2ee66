// Backup and restore: one file that holds everything of a store.
//
// A backup is a bizond.db at one moment into which the rows of history.db were put back: one file,
// whole in itself, which a restore puts in the place of bizond.db; retention moves what is old out
// again. Run logs are not in it. It is taken while the store is in use and does not hold up its
// writes; it is written beside its place and renamed when it is durable.
//
// A restore raises the epoch and the fences, so that destinations can tell what it publishes from
// what was published after the backup was taken. What it replaces is kept beside it, as
// "<file>.replaced-<epoch>".
//
// Threads: pure functions over files.
#ifndef BIZOND_STORE_BACKUP_H_
#define BIZOND_STORE_BACKUP_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fs.h"
#include "store/store_state.h"

namespace bizond {

// Of the store in `root`, which may be in use by this process.
Status BackupStore(const Root& root, const std::string& file_name, const std::string& path,
                   StoreState* state);

// The same of a store that another process may be using, as `bizond backup` does. Codes
// store_missing, store_corrupt, store_newer.
Status BackupStateDir(const std::filesystem::path& directory, const std::string& path);

struct RestoreReport {
  std::string store_id;
  int64_t epoch = 0;     // The new one.
  std::string replaced;  // Where the old database is now; empty: there was none.
};

// Refuses while a daemon holds the directory (state_dir_locked) and a file that is not a whole
// backup (store_corrupt) or of a newer binary (store_newer); the store is then as it was.
Result<RestoreReport> RestoreStore(const std::filesystem::path& backup,
                                   const std::filesystem::path& directory);

// Ends a restore that was interrupted after its file was whole. Under the store's lock.
Status FinishRestore(const Root& root, std::string_view file_name);

}  // namespace bizond

#endif  // BIZOND_STORE_BACKUP_H_
