#include "store/writer.h"

#include <stdexcept>
#include <utility>

#include "store/sqlite_queries.h"

namespace bizond {
namespace {

// How often the writer gives way for a group to become as large as the one before.
constexpr int kGatherTurns = 16;

// The writer whose change or listener this thread is in.
thread_local const Writer* writing = nullptr;

class Writing {
 public:
  explicit Writing(const Writer* writer) { writing = writer; }
  ~Writing() { writing = nullptr; }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
};

}  // namespace

Writer::Writer(std::unique_ptr<Committer> committer) : committer_(std::move(committer)) {
  thread_ = std::thread([this] { Loop(); });
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    wanted_.notify_one();
  }
  thread_.join();
}

Status Writer::Write(const std::function<Status(StoreTx&)>& change, Refusal refusal) {
  return WriteRaw(
      [&change](Change& raw) -> Status {
        SqliteTx tx(raw);
        return change(tx);
      },
      refusal);
}

Status Writer::WriteRaw(const std::function<Status(Change&)>& change, Refusal refusal) {
  if (writing == this) {
    throw std::logic_error("a change or an event listener called the store again");
  }
  PendingChange mine;
  mine.change = &change;
  mine.refusal = refusal;
  std::unique_lock lock(mutex_);
  if (!busy_ && waiting_->changes.empty() && last_size_ <= 1) {
    busy_ = true;
    lock.unlock();
    CommitAlone(mine);
  } else {
    const std::shared_ptr<Group> group = waiting_;
    const size_t place = group->changes.size();
    group->changes.push_back(&mine);
    if (place == 0 && !busy_) wanted_.notify_one();
    lock.unlock();
    std::unique_lock answer_lock(group->mutex);
    group->answer.wait(answer_lock, [&] { return group->answered > place; });
  }
  if (mine.thrown) std::rethrow_exception(mine.thrown);
  return std::move(mine.status);
}

void Writer::Probe() {
  std::lock_guard lock(mutex_);
  probe_wanted_ = true;
  wanted_.notify_one();
}

void Writer::SetListener(std::function<void()> listener) {
  std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

void Writer::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [this] {
      const bool work = !waiting_->changes.empty() || probe_wanted_ || checkpoint_wanted_;
      return !busy_ && (work || ending_);
    });
    busy_ = true;
    Gather(lock);
    const std::shared_ptr<Group> group = std::exchange(waiting_, std::make_shared<Group>());
    const bool probe = std::exchange(probe_wanted_, false);
    const bool checkpoint = std::exchange(checkpoint_wanted_, false);
    const bool ending = ending_ && group->changes.empty() && !probe;
    last_size_ = group->changes.size();
    lock.unlock();
    if (!group->changes.empty()) CommitGroup(*group);
    if (probe) CommitProbe();
    if (checkpoint) committer_->Checkpoint();
    lock.lock();
    busy_ = false;
    if (ending) return;
  }
}

void Writer::Gather(std::unique_lock<std::mutex>& lock) {
  for (int turn = 0; turn < kGatherTurns && waiting_->changes.size() < last_size_; ++turn) {
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
}

void Writer::CommitGroup(Group& group) {
  const Writing here(this);
  const std::span<PendingChange* const> changes(group.changes);
  size_t done = 0;
  while (done < changes.size()) {
    const Committer::Outcome outcome = committer_->Commit(changes.subspan(done));
    done += outcome.done;
    {
      std::lock_guard lock(group.mutex);
      group.answered = done;
    }
    group.answer.notify_all();
    if (outcome.has_events) Tell();
    committer_->Checkpoint();
  }
}

void Writer::CommitProbe() {
  const Writing here(this);
  const std::function<Status(Change&)> touch = [](Change& change) -> Status {
    change.db.Run(
        "INSERT INTO meta (key, value) VALUES ('probe', 1) "
        "ON CONFLICT (key) DO UPDATE SET value = value + 1");
    return {};
  };
  PendingChange probe;
  probe.change = &touch;
  PendingChange* const changes[] = {&probe};
  committer_->Commit(changes);
}

void Writer::CommitAlone(PendingChange& change) {
  bool checkpoint = false;
  {
    const Writing here(this);
    PendingChange* const changes[] = {&change};
    if (committer_->Commit(changes).has_events) Tell();
    checkpoint = committer_->IsCheckpointDue();
  }
  std::lock_guard lock(mutex_);
  busy_ = false;
  last_size_ = waiting_->changes.size();
  // The copy of the WAL is not the caller's to wait for.
  checkpoint_wanted_ = checkpoint_wanted_ || checkpoint;
  if (checkpoint_wanted_ || probe_wanted_ || ending_ || !waiting_->changes.empty()) {
    wanted_.notify_one();
  }
}

void Writer::Tell() {
  std::lock_guard lock(listener_mutex_);
  if (listener_) listener_();
}

}  // namespace bizond
