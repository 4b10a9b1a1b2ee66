// HistoryLink: a connection's way to history.db, opened when it is first needed.
//
// bizond.db and history.db are two files on purpose: what is hot stays small. A row is copied to
// the history before it is deleted from bizond.db; who reads both reads bizond.db first, may find a
// row twice (the hot one counts), and misses none.
//
// Threads: one thread at a time, as its connection.
#ifndef BIZOND_STORE_HISTORY_LINK_H_
#define BIZOND_STORE_HISTORY_LINK_H_

#include <filesystem>
#include <memory>

#include "store/connection.h"

namespace bizond {

class HistoryLink {
 public:
  HistoryLink(std::filesystem::path path, StoreState* state)
      : path_(std::move(path)), state_(state) {}

  // nullptr: nothing has ever been moved. Throws SQLite::Exception.
  Connection* Get() {
    if (connection_ == nullptr && state_->has_history) {
      connection_ = std::make_unique<Connection>(path_, Connection::Role::kReader, state_);
    }
    return connection_.get();
  }

 private:
  const std::filesystem::path path_;
  StoreState* const state_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_HISTORY_LINK_H_
