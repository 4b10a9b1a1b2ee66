// Writer: who writes when.
//
// A change that finds nobody writing runs at once, on its caller's thread: no other thread has to
// wake before it is durable. Changes that come while another one is being written wait in a group,
// which the writer's thread commits as one (Committer) and then wakes as one. While groups of
// several come after one another, nobody writes for himself, and the next group is given a moment
// to gather: two commits of half a group cost more than one.
//
// Threads: Write from any thread, but not from within a change or the listener; the listener is
// called on a thread that writes, one call at a time.
#ifndef BIZOND_STORE_WRITER_H_
#define BIZOND_STORE_WRITER_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "store/committer.h"

namespace bizond {

class Writer {
 public:
  explicit Writer(std::unique_ptr<Committer> committer);
  // Ends the thread after what waits, then closes the connection.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Returns when the change is durable, or refused. Rethrows what the change threw.
  Status Write(const std::function<Status(StoreTx&)>& change, Refusal refusal);
  // A change below the interface of StoreTx, for the store's own rooms.
  Status WriteRaw(const std::function<Status(Change&)>& change,
                  Refusal refusal = Refusal::kAnyTime);
  // A write of nothing, without waiting: whether the disk takes writes again shows in the state.
  void Probe();
  // Waits for a call of the one before.
  void SetListener(std::function<void()> listener);

 private:
  // Changes that came while another one was written, in their order.
  struct Group {
    std::vector<PendingChange*> changes;  // Guarded by Writer::mutex_ until the group is taken.
    std::mutex mutex;
    std::condition_variable answer;
    size_t answered = 0;  // Guarded by mutex. From the front; nobody touches those any more.
  };

  void Loop();
  // With the lock held, which it gives up meanwhile.
  void Gather(std::unique_lock<std::mutex>& lock);
  void CommitGroup(Group& group);
  void CommitProbe();
  void CommitAlone(PendingChange& change);
  void Tell();

  const std::unique_ptr<Committer> committer_;  // Of whoever has set busy_.

  std::mutex mutex_;
  std::condition_variable wanted_;
  // Guarded by mutex_.
  std::shared_ptr<Group> waiting_ = std::make_shared<Group>();
  size_t last_size_ = 0;  // Of the group before; of one: changes run on their callers' threads.
  bool busy_ = false;     // Somebody writes.
  bool probe_wanted_ = false;
  bool checkpoint_wanted_ = false;
  bool ending_ = false;

  std::mutex listener_mutex_;
  std::function<void()> listener_;  // Guarded by listener_mutex_.

  std::thread thread_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_WRITER_H_
