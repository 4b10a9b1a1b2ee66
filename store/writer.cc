#include "store/writer.h"

#include <sqlite3.h>

#include <utility>

#include "base/failpoint.h"
#include "base/identity.h"
#include "base/log.h"
#include "store/sqlite_queries.h"

namespace bizond {
namespace {

constexpr size_t kMaxGroup = 1000;
constexpr Duration kLongestTransaction = std::chrono::milliseconds(5);
// In pages of 4 KiB: copy the WAL at 4 MB; at 32 MB wait for its readers, too, so that it begins
// anew before it reaches 64 MB.
constexpr int kCheckpointPages = 1000;
constexpr int kRestartPages = 8000;

}  // namespace

Writer::Writer(std::unique_ptr<Connection> db, std::filesystem::path history, StoreState* state,
               Clock* clock)
    : state_(state),
      clock_(clock),
      db_(std::move(db)),
      history_(std::move(history), state),
      boot_(NewUuid(clock->Now())),
      checkpoint_at_pages_(kCheckpointPages) {
  thread_ = std::thread([this] { Loop(); });
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    queued_.notify_all();
  }
  thread_.join();
  // A damaged database is left as it is: nothing more is copied into it.
  if (state_->Damage()) db_->LeaveWalOnClose();
}

Status Writer::Write(const std::function<Status(StoreTx&)>& change) {
  return WriteRaw([&change](Change& raw) -> Status {
    SqliteTx tx(raw);
    return change(tx);
  });
}

Status Writer::WriteRaw(const std::function<Status(Change&)>& change) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    throw std::logic_error("a change or an event listener called the store again");
  }
  const auto pending = std::make_shared<Pending>();
  pending->change = change;
  std::unique_lock lock(mutex_);
  queue_.push_back(pending);
  if (queue_.size() == 1) queued_.notify_one();
  pending->answered.wait(lock, [&] { return pending->done; });
  lock.unlock();
  if (pending->thrown) std::rethrow_exception(pending->thrown);
  return std::move(pending->status);
}

void Writer::Probe() {
  std::lock_guard lock(mutex_);
  if (probing_ || ending_) return;
  probing_ = true;
  auto pending = std::make_shared<Pending>();
  pending->probe = true;
  pending->change = [](Change& change) -> Status {
    change.db.Run(
        "INSERT INTO meta (key, value) VALUES ('probe', 1) "
        "ON CONFLICT (key) DO UPDATE SET value = value + 1");
    return {};
  };
  queue_.push_back(std::move(pending));
  queued_.notify_one();
}

void Writer::SetListener(std::function<void()> listener) {
  std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

Writer::Group Writer::NextGroup() {
  std::unique_lock lock(mutex_);
  queued_.wait(lock, [this] { return ending_ || !queue_.empty(); });
  Group group;
  while (!queue_.empty() && group.size() < kMaxGroup) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void Writer::Loop() {
  while (true) {
    Group group = NextGroup();
    if (group.empty()) return;
    RunGroup(group);
  }
}

void Writer::RunChange(Pending& pending, Change& change, bool alone) {
  const bool had_events = std::exchange(change.has_events, false);
  try {
    pending.status = change.db.Guard([&]() -> Status {
      if (!alone) change.db.Run("SAVEPOINT change");
      return pending.change(change);
    });
  } catch (...) {
    pending.thrown = std::current_exception();
  }
  // A failure that the change saw and passed over counts all the same: what it wrote may be half.
  if (std::optional<Error> failure = change.db.TakeFailure(); failure && pending.status) {
    pending.status = tl::make_unexpected(std::move(*failure));
  }
  const bool refused = pending.thrown || !pending.status;
  pending.has_events = change.has_events && !refused;
  change.has_events = had_events || pending.has_events;
  if (alone || !change.db.InTransaction()) return;
  Status ended = change.db.Guard([&]() -> Status {
    if (refused) change.db.Run("ROLLBACK TO change");
    change.db.Run("RELEASE change");
    return {};
  });
  if (!ended && pending.status) pending.status = std::move(ended);
}

size_t Writer::RunChanges(Group& group, Change& change) {
  const Duration begun = clock_->Steady();
  size_t done = 0;
  while (done < group.size() && change.db.InTransaction()) {
    RunChange(*group[done], change, group.size() == 1);
    ++done;
    if (clock_->Steady() - begun > kLongestTransaction) break;
  }
  return done;
}

void Writer::RunGroup(Group& group) {
  if (const std::optional<Error> damage = state_->Damage()) {
    FailAll(group, *damage);
    Answer(group);
    return;
  }
  Change change{*db_, history_, *clock_, boot_};
  Status begun = db_->Guard([&]() -> Status {
    db_->Run("BEGIN IMMEDIATE");
    return {};
  });
  if (!begun) {
    db_->TakeFailure();
    FailAll(group, begun.error());
    Answer(group);
    return;
  }
  const size_t done = RunChanges(group, change);
  const std::span ran(group.begin(), group.begin() + static_cast<ptrdiff_t>(done));
  PutBack(group, done);
  const bool nothing = done == 1 && group.size() == 1 && (ran[0]->thrown || !ran[0]->status);
  // SQLite itself ends a transaction that met a full disk or damage.
  Status ended = db_->Guard([&]() -> Status {
    if (!db_->InTransaction()) {
      const auto& last = ran.back()->status;
      return Failure(!last ? last.error()
                           : Error{ErrorKind::kTransient, "store_unavailable",
                                   "the transaction was ended by SQLite", "it is tried again"});
    }
    if (nothing) {
      db_->Run("ROLLBACK");
      return {};
    }
    Failpoint("store.before_commit");
    db_->Run("COMMIT");
    Failpoint("store.after_commit");
    return {};
  });
  db_->TakeFailure();
  if (!ended) {
    if (db_->InTransaction()) db_->database().tryExec("ROLLBACK");
    FailAll(ran, ended.error());
    change.has_events = false;
  } else if (!nothing) {
    state_->Committed();
  }
  Answer(ran);
  if (change.has_events) {
    std::unique_lock lock(mutex_);
    const std::function<void()> listener = listener_;
    lock.unlock();
    if (listener) listener();
  }
  CheckpointIfDue();
}

void Writer::FailAll(std::span<const std::shared_ptr<Pending>> pending, const Error& error) {
  for (const auto& one : pending) {
    if (one->status) one->status = tl::make_unexpected(error);
  }
}

void Writer::Answer(std::span<const std::shared_ptr<Pending>> pending) {
  {
    std::lock_guard lock(mutex_);
    for (const auto& one : pending) {
      one->done = true;
      if (one->probe) probing_ = false;
    }
  }
  // Without the lock, which each of them takes when it wakes.
  for (const auto& one : pending) one->answered.notify_one();
}

void Writer::PutBack(Group& group, size_t from) {
  if (from == group.size()) return;
  std::lock_guard lock(mutex_);
  queue_.insert(queue_.begin(), group.begin() + static_cast<ptrdiff_t>(from), group.end());
}

void Writer::CheckpointIfDue() {
  const int pages = db_->wal_pages();
  if (pages < checkpoint_at_pages_ - kCheckpointPages) checkpoint_at_pages_ = kCheckpointPages;
  if (pages < checkpoint_at_pages_ || state_->Damage()) return;
  // While a reader keeps the WAL from beginning anew, one attempt for each 4 MB that it grows.
  checkpoint_at_pages_ = pages + kCheckpointPages;
  const bool restart = pages >= kRestartPages;
  int pages_in_wal = 0;
  int pages_copied = 0;
  sqlite3* const handle = db_->database().getHandle();
  if (restart) sqlite3_busy_timeout(handle, 50);
  const int code = sqlite3_wal_checkpoint_v2(
      handle, nullptr, restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
      &pages_in_wal, &pages_copied);
  if (restart) sqlite3_busy_timeout(handle, 5000);
  if (code == SQLITE_OK || code == SQLITE_BUSY) return;
  Status reported = db_->Guard([&]() -> Status { throw SQLite::Exception(handle, code); });
  db_->TakeFailure();
  Log(LogLevel::kWarning, "store", "checkpoint: " + Describe(reported.error()));
}

}  // namespace bizond
