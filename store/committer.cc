#include "store/committer.h"

#include <sqlite3.h>

#include <utility>

#include "base/failpoint.h"
#include "base/identity.h"
#include "base/log.h"

namespace bizond {
namespace {

constexpr Duration kLongestTransaction = std::chrono::milliseconds(5);
// In pages of 4 KiB: copy the WAL at 4 MB; at 32 MB wait for its readers, too, so that it begins
// anew before it reaches 64 MB.
constexpr int kCheckpointPages = 1000;
constexpr int kRestartPages = 8000;

// Those that have failed by themselves keep their own error.
void FailAll(std::span<PendingChange* const> changes, const Error& error) {
  for (PendingChange* const one : changes) {
    if (one->status) one->status = tl::make_unexpected(error);
  }
}

Error Lost(std::string what) {
  return Error{ErrorKind::kTransient, "store_unavailable", std::move(what), "it is tried again"};
}

}  // namespace

Committer::Committer(std::unique_ptr<Connection> db, std::filesystem::path history,
                     StoreState* state, Clock* clock)
    : state_(state),
      clock_(clock),
      db_(std::move(db)),
      history_(std::move(history), state),
      boot_(NewUuid(clock->Now())),
      checkpoint_at_pages_(kCheckpointPages) {}

Committer::~Committer() {
  // Nothing more is copied into it.
  if (state_->Damage()) db_->LeaveWalOnClose();
}

void Committer::RunChange(PendingChange& pending, Change& change, bool alone) {
  const bool had_events = std::exchange(change.has_events, false);
  const bool savepoint = !alone && pending.refusal == Refusal::kAnyTime;
  const int64_t written_before = sqlite3_total_changes64(db_->database().getHandle());
  try {
    pending.status = change.db.Guard([&]() -> Status {
      if (savepoint) change.db.Run("SAVEPOINT change");
      return (*pending.change)(change);
    });
  } catch (...) {
    pending.thrown = std::current_exception();
  }
  // A failure that the change saw and passed over counts all the same: what it wrote may be half.
  if (std::optional<Error> failure = change.db.TakeFailure(); failure && pending.status) {
    pending.status = tl::make_unexpected(std::move(*failure));
  }
  const bool refused = pending.thrown || !pending.status;
  change.has_events = had_events || (change.has_events && !refused);
  if (alone || !change.db.InTransaction()) return;
  if (!savepoint) {
    spoiled_ = refused && sqlite3_total_changes64(db_->database().getHandle()) != written_before;
    return;
  }
  Status ended = change.db.Guard([&]() -> Status {
    if (refused) change.db.Run("ROLLBACK TO change");
    change.db.Run("RELEASE change");
    return {};
  });
  if (!ended && pending.status) pending.status = std::move(ended);
}

size_t Committer::RunChanges(std::span<PendingChange* const> changes, Change& change) {
  const Duration begun = clock_->Steady();
  size_t done = 0;
  while (done < changes.size() && change.db.InTransaction() && !spoiled_) {
    RunChange(*changes[done], change, changes.size() == 1);
    ++done;
    if (clock_->Steady() - begun > kLongestTransaction) break;
  }
  return done;
}

Status Committer::End(std::span<PendingChange* const> ran, bool alone) {
  const bool nothing = alone && (ran[0]->thrown || !ran[0]->status);
  // SQLite itself ends a transaction that met a full disk or damage.
  Status ended = db_->Guard([&]() -> Status {
    const auto& last = ran.back()->status;
    if (!db_->InTransaction()) {
      return Failure(!last ? last.error() : Lost("the transaction was ended by SQLite"));
    }
    if (spoiled_) {
      return Failure(Lost("a change that shared the commit failed: " +
                          (last ? std::string("it threw") : last.error().message)));
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
  if (!ended && db_->InTransaction()) db_->database().tryExec("ROLLBACK");
  if (ended && !nothing) state_->Committed();
  return ended;
}

Committer::Outcome Committer::Commit(std::span<PendingChange* const> changes) {
  if (const std::optional<Error> damage = state_->Damage()) {
    FailAll(changes, *damage);
    return {changes.size(), false};
  }
  Change change{*db_, history_, *clock_, boot_};
  Status begun = db_->Guard([&]() -> Status {
    db_->Run("BEGIN IMMEDIATE");
    return {};
  });
  if (!begun) {
    db_->TakeFailure();
    FailAll(changes, begun.error());
    return {changes.size(), false};
  }
  spoiled_ = false;
  const size_t done = RunChanges(changes, change);
  const auto ran = changes.first(done);
  if (Status ended = End(ran, changes.size() == 1); !ended) {
    FailAll(ran, ended.error());
    change.has_events = false;
  }
  return {done, change.has_events};
}

bool Committer::IsCheckpointDue() {
  const int pages = db_->wal_pages();
  if (pages < checkpoint_at_pages_ - kCheckpointPages) checkpoint_at_pages_ = kCheckpointPages;
  return pages >= checkpoint_at_pages_ && !state_->Damage();
}

void Committer::Checkpoint() {
  if (!IsCheckpointDue()) return;
  const int pages = db_->wal_pages();
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
