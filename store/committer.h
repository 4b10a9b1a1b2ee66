// Committer: the only writing connection, and how changes share its transactions.
//
// A transaction runs changes one after the other, commits (one fsync), and takes no new change
// after 5 ms, so that a checkpoint or a long queue delays nobody for long. A change that may be
// refused after it has written runs in a savepoint of its own; one that promised not to
// (Refusal::kBeforeWriting) saves that, and takes the whole transaction with it when it breaks the
// promise or the database fails under it. The same connection copies the WAL into the database
// (nobody else may: see docs/operations.md), between two transactions.
//
// Threads: one at a time; Writer sees to it.
#ifndef BIZOND_STORE_COMMITTER_H_
#define BIZOND_STORE_COMMITTER_H_

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "store/change.h"
#include "store/store.h"

namespace bizond {

// A change that somebody waits for, and what became of it.
struct PendingChange {
  const std::function<Status(Change&)>* change;  // Of whoever waits.
  Refusal refusal = Refusal::kAnyTime;
  Status status;
  std::exception_ptr thrown;
};

class Committer {
 public:
  Committer(std::unique_ptr<Connection> db, std::filesystem::path history, StoreState* state,
            Clock* clock);
  // Closes the connection; a damaged database is left as it is.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  struct Outcome {
    size_t done = 0;  // From the front; at least one. The rest was not begun.
    bool has_events = false;
  };
  // One transaction; the status of each change that is done is final.
  Outcome Commit(std::span<PendingChange* const> changes);

  bool IsCheckpointDue();
  // When it is due.
  void Checkpoint();

 private:
  // Runs changes until their time is up or the transaction is lost; returns how many.
  size_t RunChanges(std::span<PendingChange* const> changes, Change& change);
  void RunChange(PendingChange& pending, Change& change, bool alone);
  // Commits, or rolls back where nothing is to be kept; an error: nothing was written.
  Status End(std::span<PendingChange* const> ran, bool alone);

  StoreState* const state_;
  Clock* const clock_;
  std::unique_ptr<Connection> db_;
  HistoryLink history_;
  const std::string boot_;
  int checkpoint_at_pages_;
  bool spoiled_ = false;  // A change left half of itself in the transaction.
};

}  // namespace bizond

#endif  // BIZOND_STORE_COMMITTER_H_
