// Opening a store's folder: the lock, an interrupted restore, the header, the quick check,
// migrations.
//
// Threads: one, before the store's own begin.
#ifndef BIZOND_STORE_OPENING_H_
#define BIZOND_STORE_OPENING_H_

#include <memory>
#include <string>
#include <vector>

#include "base/fs.h"
#include "store/connection.h"
#include "store/migrate.h"
#include "store/sqlite_store.h"
#include "store/store_state.h"

namespace bizond {

struct OpenedStore {
  Root root;
  FileLock lock;
  std::unique_ptr<StoreState> state;
  std::unique_ptr<Connection> db;  // The writer's.
  std::string store_id;
  int64_t epoch = 0;
  std::vector<Migration> history_migrations;
};

Result<OpenedStore> OpenStoreFiles(const StoreOptions& options);

// state_dir_locked with the holder's pid.
Result<FileLock> LockStore(const Root& root);

}  // namespace bizond

#endif  // BIZOND_STORE_OPENING_H_
