// Writer: the thread that owns the only writing connection.
//
// Group commit: it takes what waits in the queue, runs each change in a savepoint of its own within
// one transaction, commits (one fsync), and only then answers. A transaction takes no new change
// after 5 ms, so that a checkpoint or a long queue delays nobody for long. The same connection
// copies the WAL into the database (nobody else may: see docs/operations.md), between two
// transactions.
//
// Threads: Write from any thread but the writer's own; the listener is called on the writer's.
#ifndef BIZOND_STORE_WRITER_H_
#define BIZOND_STORE_WRITER_H_

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "store/change.h"
#include "store/store.h"

namespace bizond {

class Writer {
 public:
  Writer(std::unique_ptr<Connection> db, std::filesystem::path history, StoreState* state,
         Clock* clock);
  // Ends the thread after what is queued, then closes the connection.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Returns when the change is durable, or refused. Rethrows what the change threw.
  Status Write(const std::function<Status(StoreTx&)>& change);
  // A change below the interface of StoreTx, for the store's own rooms.
  Status WriteRaw(const std::function<Status(Change&)>& change);
  // A write of nothing, without waiting: whether the disk takes writes again shows in the state.
  void Probe();
  void SetListener(std::function<void()> listener);

 private:
  struct Pending {
    std::function<Status(Change&)> change;
    Status status;
    std::exception_ptr thrown;
    bool has_events = false;
    bool probe = false;
    bool done = false;  // Guarded by Writer::mutex_.
    std::condition_variable answered;
  };
  using Group = std::vector<std::shared_ptr<Pending>>;

  void Loop();
  // At most kMaxGroup of the queue, once there is one; empty: the end.
  Group NextGroup();
  void RunGroup(Group& group);
  // Runs changes of the group until its time is up; returns how many.
  size_t RunChanges(Group& group, Change& change);
  void RunChange(Pending& pending, Change& change, bool alone);
  void FailAll(std::span<const std::shared_ptr<Pending>> pending, const Error& error);
  void Answer(std::span<const std::shared_ptr<Pending>> pending);
  // Puts what a full transaction left back to the front of the queue.
  void PutBack(Group& group, size_t from);
  void CheckpointIfDue();

  StoreState* const state_;
  Clock* const clock_;
  // The writer thread's own after construction.
  std::unique_ptr<Connection> db_;
  HistoryLink history_;
  const std::string boot_;
  int checkpoint_at_pages_;

  std::mutex mutex_;
  std::condition_variable queued_;
  // Guarded by mutex_.
  std::deque<std::shared_ptr<Pending>> queue_;
  std::function<void()> listener_;
  bool probing_ = false;
  bool ending_ = false;

  std::thread thread_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_WRITER_H_
