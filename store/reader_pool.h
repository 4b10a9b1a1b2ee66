// ReaderPool: read-only connections, made when they are first needed and kept.
//
// A read is one deferred transaction: a snapshot. When all connections are taken, the next reader
// waits for one.
//
// Threads: every method may be called from any thread.
#ifndef BIZOND_STORE_READER_POOL_H_
#define BIZOND_STORE_READER_POOL_H_

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "store/connection.h"
#include "store/history_link.h"
#include "store/store.h"

namespace bizond {

class ReaderPool {
 public:
  ReaderPool(std::filesystem::path database, std::filesystem::path history, StoreState* state,
             size_t size);

  Status Read(const std::function<Status(const StoreReader&)>& query);

 private:
  struct Reader {
    Connection db;
    HistoryLink history;
  };

  // Throws SQLite::Exception.
  std::unique_ptr<Reader> Take();
  void GiveBack(std::unique_ptr<Reader> reader);
  Status ReadWith(Reader& reader, const std::function<Status(const StoreReader&)>& query);

  const std::filesystem::path database_;
  const std::filesystem::path history_;
  StoreState* const state_;
  const size_t size_;

  std::mutex mutex_;
  std::condition_variable given_back_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<Reader>> idle_;
  size_t taken_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_STORE_READER_POOL_H_
