// Retention: keeps bizond.db small by moving what ended long ago to history.db.
//
// A chunk is copied to history.db, made durable there, and only then deleted from bizond.db; a
// crash in between leaves a copy that the next chunk writes again, word for word. Exactly the rows
// that were copied are deleted, less those that changed in between (a run that was opened again).
// Events, idempotency keys and the state of jobs deleted long ago are dropped, not moved. Held runs
// stay: somebody may still approve them.
//
// history.db in turn is pruned by age: a chunk is one transaction of it, after bizond.db was told
// (`pruned_before`) from when on the ledger is whole.
//
// Threads: any; one chunk at a time.
#ifndef BIZOND_STORE_RETENTION_H_
#define BIZOND_STORE_RETENTION_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/fs.h"
#include "store/connection.h"
#include "store/migrate.h"
#include "store/writer.h"

namespace bizond {

class Retention {
 public:
  Retention(Root root, std::string file_name, std::vector<Migration> history_migrations,
            StoreState* state, Writer* writer);

  // The rows moved or dropped; 0: nothing is older.
  Result<int> Move(UtcTime before, int chunk);
  // Deletes from history.db for good; the rows deleted; 0: nothing is older.
  Result<int> Prune(UtcTime before, int chunk);

 private:
  Status OpenHistory();
  // Runs `change` in one transaction of history.db, which is durable when this returns.
  Status ChangeHistory(const std::function<void(Connection&)>& change);
  Result<int> MoveRuns(UtcTime before, int chunk);
  Result<int> MoveOccurrences(UtcTime before, int chunk);
  Result<int> DropOld(UtcTime before, int chunk);

  const Root root_;
  const std::string file_name_;
  const std::vector<Migration> history_migrations_;
  StoreState* const state_;
  Writer* const writer_;

  std::mutex mutex_;
  // Guarded by mutex_. history.db with bizond.db attached as `hot`, which it only reads.
  std::unique_ptr<Connection> history_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_RETENTION_H_
