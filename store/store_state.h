// StoreState: what the threads of a store tell each other about its health.
//
// Damage (a malformed page, a read or fsync that failed) is for good: every later write is refused
// with it until the daemon is restarted. Trouble (disk full, no descriptor left) lasts until a
// commit succeeds.
//
// Threads: every method may be called from any thread.
#ifndef BIZOND_STORE_STORE_STATE_H_
#define BIZOND_STORE_STORE_STATE_H_

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"

namespace bizond {

class StoreState {
 public:
  // `error` of a statement: store_corrupt is damage, anything else trouble.
  void Report(const Error& error);
  void Committed();

  // The damage, if there is any; cheap when there is none.
  std::optional<Error> Damage() const;
  // The damage, else the trouble.
  std::optional<Error> Problem() const;

  // Whether history.db exists: set once, by the one that finds or makes it.
  std::atomic<bool> has_history = false;

 private:
  std::atomic<bool> damaged_ = false;
  std::atomic<bool> troubled_ = false;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::optional<Error> damage_;
  std::optional<Error> trouble_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_STORE_STATE_H_
