// Store: everything that bizond must not forget.
//
// Reads see one consistent snapshot. Writes are closures that run one after another, on the
// caller's thread or on the store's own; many of them share one commit (group commit), and one that
// is refused takes nothing else with it. Write returns when the commit is durable.
//
// A write for a run names the fence under which the caller claimed it; when another attempt owns
// the run by now, it is refused with code `fenced` and nothing is written.
//
// Error codes: store_unavailable (transient: disk full, locked), store_corrupt (permanent),
// store_newer (permanent: written by a newer binary), not_found, conflict, fenced (stopped),
// target_taken, later_run_published.
//
// Threads: every method may be called from any thread. A closure must not call the store again,
// must be quick, and must not keep its StoreTx or StoreReader.
#ifndef BIZOND_STORE_STORE_H_
#define BIZOND_STORE_STORE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "store/records.h"

namespace bizond {

// Queries. Inside a write they see what the write has done so far.
class StoreReader {
 public:
  virtual ~StoreReader() = default;

  // ---- jobs ----
  virtual Result<std::optional<JobRow>> GetJob(std::string_view name) const = 0;
  virtual Result<std::optional<JobRow>> GetJobVersion(std::string_view name,
                                                      int64_t version) const = 0;
  // Sorted by name; deleted ones are not in it.
  virtual Result<PageOf<JobRow>> ListJobs(const Page& page) const = 0;
  virtual Result<JobHistory> History(std::string_view job) const = 0;

  // ---- schedules and occurrences ----
  virtual Result<std::optional<ScheduleRow>> GetSchedule(std::string_view job) const = 0;
  // next_at <= now, the oldest first.
  virtual Result<std::vector<ScheduleRow>> DueSchedules(UtcTime now, int limit) const = 0;
  // The earliest next_at of all; nullopt: none.
  virtual Result<std::optional<UtcTime>> NextDue() const = 0;
  // Occurrences of a job that wait for their run: what its upstream's successes left. Oldest first.
  virtual Result<std::vector<OccurrenceRow>> WaitingOccurrences(std::string_view job,
                                                                int limit) const = 0;
  // Sorted by job, those after `after`.
  virtual Result<std::vector<ScheduleRow>> ListSchedules(std::string_view after,
                                                         int limit) const = 0;
  virtual Result<SchedulerMarks> GetSchedulerMarks() const = 0;
  // Since the job is there; what was moved or pruned counts.
  virtual Result<std::vector<OccurrenceCount>> OccurrenceCounts(std::string_view job) const = 0;
  // Runs and occurrences from before it may be gone for good; nullopt: none are.
  virtual Result<std::optional<UtcTime>> PrunedBefore() const = 0;
  // Newest first, history too.
  virtual Result<PageOf<OccurrenceRow>> ListOccurrences(const OccurrenceFilter& filter,
                                                        const Page& page) const = 0;
  Result<PageOf<OccurrenceRow>> ListOccurrences(std::string_view job, const Page& page) const {
    OccurrenceFilter all;
    all.job = job;
    return ListOccurrences(all, page);
  }
  // The first of a job at `from` or later, history too.
  virtual Result<std::optional<OccurrenceRow>> FirstOccurrence(std::string_view job,
                                                               UtcTime from) const = 0;
  // Of the fires in [from, to), history too; counts at most `most` of each kind, so that a
  // schedule that fires every second costs no more than another.
  virtual Result<FireCounts> CountFires(std::string_view job, UtcTime from, UtcTime to,
                                        int most) const = 0;

  // ---- runs ----
  virtual Result<std::optional<RunRow>> GetRun(std::string_view id) const = 0;  // history too
  // Newest first, history too.
  virtual Result<PageOf<RunRow>> ListRuns(const RunFilter& filter, const Page& page) const = 0;
  virtual Result<std::vector<RunRow>> ActiveRuns(std::string_view job) const = 0;  // empty: of all
  // The run of the job that a check holds back: until it is approved or cancelled no other of the
  // job begins.
  virtual Result<std::optional<std::string>> HeldRun(std::string_view job) const = 0;
  // Whether a claim at `now` would look at a run.
  virtual Result<bool> AnyReady(UtcTime now) const = 0;
  // The earliest not_before of the runs that wait for it; nullopt: none does.
  virtual Result<std::optional<UtcTime>> NextReady() const = 0;
  // The runs that have what this queued one waits for, at most `limit`. Empty when it waits for its
  // time or for a worker.
  virtual Result<std::vector<std::string>> HoldersFor(const RunRow& run, int limit) const = 0;
  // Running runs with a stop request.
  virtual Result<std::vector<std::string>> StoppingRuns() const = 0;
  virtual Result<std::vector<AttemptRow>> Attempts(std::string_view run) const = 0;
  virtual Result<std::vector<RunStreamRow>> RunStreams(std::string_view run) const = 0;
  virtual Result<std::optional<Checkpoint>> GetCheckpoint(std::string_view run,
                                                          std::string_view stream) const = 0;

  // A part of a stream's boundary set; nullopt: there is none of this number.
  virtual Result<std::optional<std::string>> GetChunk(std::string_view job, std::string_view stream,
                                                      int64_t id) const = 0;

  // ---- state of streams, targets, the rest ----
  virtual Result<std::vector<StreamStateRow>> StreamStates(std::string_view job) const = 0;
  virtual Result<std::optional<StreamStateRow>> StreamState(std::string_view job,
                                                            std::string_view stream) const = 0;
  virtual Result<std::vector<TargetRow>> Targets(std::string_view job) const = 0;
  virtual Result<std::optional<TargetRow>> TargetOwner(std::string_view target) const = 0;
  // The run that this key made for this job.
  virtual Result<std::optional<std::string>> IdempotentRun(std::string_view job,
                                                           std::string_view key) const = 0;
  // A reset that was asked for and not run yet; empty stream names: all streams.
  virtual Result<std::vector<std::string>> PendingResets(std::string_view job) const = 0;
  virtual Result<std::vector<EventRow>> EventsAfter(int64_t id, int limit) const = 0;
  virtual Result<int64_t> LastEventId() const = 0;
};

// Queries and changes of one write.
class StoreTx : public StoreReader {
 public:
  // ---- jobs ----
  // Inserts, or replaces the definition and raises the version (kept when the definition is equal).
  // Keeps `paused` and created_at of an existing job. Returns the row as stored.
  virtual Result<JobRow> PutJob(const JobRow& job) = 0;
  // Its schedule and queued runs go too (runs: cancelled); stream state and targets are kept for 30
  // days, for a job of the same name. not_found.
  virtual Status DeleteJob(std::string_view name, UtcTime now) = 0;
  virtual Status SetPaused(std::string_view name, bool paused, UtcTime now) = 0;

  // ---- schedules and occurrences ----
  // A changed or deleted schedule leaves nothing waiting: such occurrences become skipped
  // (cancelled).
  virtual Status PutSchedule(const ScheduleRow& schedule) = 0;
  virtual Status DeleteSchedule(std::string_view job) = 0;
  // False when (job, nominal_at) has a row already: nothing is changed.
  virtual Result<bool> InsertOccurrence(const OccurrenceRow& occurrence) = 0;
  virtual Status SetOccurrence(const OccurrenceRow& occurrence) = 0;
  // Forgets that fires of the job after `now` were missed, or found it paused: the clock was wrong,
  // and they are to come. What was decided of the others stays. A row that stands for many is cut
  // to those until `now`.
  virtual Status UndoMissed(std::string_view job, UtcTime now) = 0;
  virtual Status PutSchedulerMarks(const SchedulerMarks& marks) = 0;

  // ---- runs ----
  virtual Status InsertRun(const RunRow& run) = 0;
  // Queued -> running: a new attempt with a new fence, which is returned. conflict: not queued.
  virtual Result<int64_t> ClaimRun(std::string_view id, std::string_view node, UtcTime now) = 0;
  // Claims what may begin at `now`, by priority and then age: one run of a job at a time (parallel
  // ones beside each other; one that has begun before those that have not), of a key at most the
  // smallest limit that its queued and running runs name, of a pool its size. One that waits for
  // another run is passed over, at no cost to the next claim.
  virtual Result<ClaimedRuns> ClaimReady(const ClaimBounds& bounds, std::string_view node,
                                         UtcTime now) = 0;
  // The attempt ended with `error` (nullopt: stopped, goes on later) and another one begins at or
  // after `not_before`: running -> queued. The checkpoint stays.
  virtual Status RequeueRun(std::string_view id, int64_t fence, const std::optional<Error>& error,
                            UtcTime not_before, UtcTime now) = 0;
  // running -> an ended phase. Its checkpoints go, but for a held run's; its occurrence becomes
  // `ran`; a success makes an occurrence, and due, each schedule whose upstream is this job, unless
  // the run is a slice.
  virtual Status FinishRun(std::string_view id, int64_t fence, RunPhase phase,
                           const std::optional<Error>& error, UtcTime now) = 0;
  // A queued run that never started, or waits for a retry: -> cancelled or failed. One with a
  // decided publication stays queued, with its stop requested and due now: from the decision on a
  // run only goes forward, and forgetting it would double its rows or lose their watermark.
  virtual Status CancelQueuedRun(std::string_view id, const std::optional<Error>& error,
                                 UtcTime now) = 0;
  // The wall clock was set back by `step`: queued runs that wait for an instant after `now` wait
  // that much less, but for those that were asked for at an instant (a delayed run).
  virtual Status PullQueuedRuns(UtcTime now, Duration step) = 0;
  // An ended, unpublished run -> queued, as another attempt. later_run_published: once one has.
  // run_active: while another run of the job has begun. Of a slice, later runs are no matter, nor
  // is a slice to any run.
  virtual Status ReopenRun(std::string_view id, UtcTime now) = 0;
  // A held run -> queued, as another attempt that publishes what its held streams have staged.
  // run_not_held.
  virtual Status ApproveRun(std::string_view id, UtcTime now) = 0;
  // A held run -> queued with its stop requested: an attempt that removes what is staged, and is
  // cancelled. run_not_held.
  virtual Status CancelHeldRun(std::string_view id, UtcTime now) = 0;
  virtual Status RequestStop(std::string_view id, StopRequest request) = 0;
  // Every run left `running` by an earlier boot -> queued with its checkpoint, at once. Returns
  // them. What waits for a key or a pool is looked at again: their sizes may be others now.
  virtual Result<std::vector<RunRow>> AdoptOrphans(std::string_view node, UtcTime now) = 0;

  // ---- the pump's ----
  // A part of a boundary set. It goes with the run, with the run's next checkpoint of the stream
  // that does not name it, or with the next watermark that does not.
  virtual Result<int64_t> PutChunk(std::string_view run, int64_t fence, std::string_view stream,
                                   std::string_view chunk) = 0;
  virtual Status SaveCheckpoint(std::string_view run, int64_t fence, std::string_view stream,
                                const Checkpoint& checkpoint) = 0;
  virtual Status DropCheckpoint(std::string_view run, int64_t fence, std::string_view stream) = 0;
  virtual Status RecordStream(std::string_view run, int64_t fence, std::string_view stream,
                              const StreamRecord& record, bool last, UtcTime now) = 0;
  virtual Status FailStream(std::string_view run, int64_t fence, std::string_view stream,
                            const Counters& counters, const Error& error) = 0;
  // A check holds the stream back; its checkpoint says so already.
  virtual Status HoldStream(std::string_view run, int64_t fence, std::string_view stream,
                            const Error& why) = 0;
  // Takes the place of what the run said of this code and stream before. Messages are cut to some
  // kilobytes, and a warning beyond kRunWarningsMax is left out: the run's log has it.
  virtual Status AddWarning(std::string_view run, int64_t fence, const RunWarningRow& warning) = 0;
  // The stage in which an attempt ends. Until then the row has the one of its last checkpoint.
  virtual Status SetStage(std::string_view run, int64_t fence, Stage stage) = 0;

  // ---- state of streams, targets, the rest ----
  // nullopt watermark: forgets the stream's state.
  virtual Status PutStreamState(std::string_view job, const StreamStateRow& row, UtcTime now) = 0;
  virtual Status ForgetStreamStates(std::string_view job) = 0;
  // target_taken: another job has it; the message names that job.
  virtual Status ClaimTarget(const TargetRow& target) = 0;
  virtual Status ReleaseTargets(std::string_view job) = 0;
  virtual Status PutIdempotencyKey(std::string_view job, std::string_view key, std::string_view run,
                                   UtcTime now) = 0;
  virtual Status PutPendingReset(std::string_view job, std::string_view stream, UtcTime now) = 0;
  virtual Status DropPendingResets(std::string_view job) = 0;
  virtual Result<int64_t> AppendEvent(const EventRow& event) = 0;
};

// When a change may be refused, that is, return an error or throw.
enum class Refusal {
  kAnyTime,  // Also after it has written: that is undone. Costs about as much as a small write.
  kBeforeWriting,  // Its first write is its last decision; what it breaks breaks the whole commit.
};

struct StoreHealth {
  bool ok = true;
  std::string problem;  // Empty when ok.
  uint64_t database_bytes = 0;
  uint64_t wal_bytes = 0;
  uint64_t history_bytes = 0;  // Of the history database.
};

class Store {
 public:
  virtual ~Store() = default;

  virtual Status Read(const std::function<Status(const StoreReader&)>& query) const = 0;
  virtual Status Write(std::function<Status(StoreTx&)> change, Refusal refusal) = 0;
  Status Write(std::function<Status(StoreTx&)> change) {
    return Write(std::move(change), Refusal::kAnyTime);
  }

  // UUID of this database, and the epoch that a restore raises: see Publisher.
  virtual std::string StoreId() const = 0;
  virtual int64_t Epoch() const = 0;
  // Called (on a thread that writes, one at a time, after the commit) when an event was appended.
  // One listener; the one before is not called any more when this returns.
  virtual void OnEvent(std::function<void()> listener) = 0;

  // Moves what ended before `before` to the history database and drops events, keys and deleted
  // jobs' state that are older, in chunks of at most `chunk` rows. Returns the rows moved; 0: done.
  virtual Result<int> Retain(UtcTime before, int chunk) = 0;
  // Deletes from the history database the runs that ended before `before`, and the occurrences that
  // were decided before it and stand for no fire at it or later; at most `chunk` of each. An
  // occurrence goes no later than its run. Returns the rows deleted; 0: done.
  virtual Result<int> Prune(UtcTime before, int chunk) = 0;
  // A consistent copy while the store is in use, written beside `path` and renamed.
  virtual Status Backup(const std::string& path) = 0;
  virtual StoreHealth Health() const = 0;

  // Read and Write for closures that return a value.
  template <typename F>
  auto Query(F query) const -> std::invoke_result_t<F, const StoreReader&> {
    using R = std::invoke_result_t<F, const StoreReader&>;
    std::optional<typename R::value_type> value;
    Status status = Read([&](const StoreReader& reader) -> Status {
      R result = query(reader);
      if (!result) return tl::make_unexpected(std::move(result).error());
      value.emplace(std::move(*result));
      return {};
    });
    if (!status) return tl::make_unexpected(std::move(status).error());
    return R(std::move(*value));
  }
  template <typename F>
  auto Transact(F change, Refusal refusal = Refusal::kAnyTime)
      -> std::invoke_result_t<F, StoreTx&> {
    using R = std::invoke_result_t<F, StoreTx&>;
    std::optional<typename R::value_type> value;
    Status status = Write(
        [&](StoreTx& tx) -> Status {
          R result = change(tx);
          if (!result) return tl::make_unexpected(std::move(result).error());
          value.emplace(std::move(*result));
          return {};
        },
        refusal);
    if (!status) return tl::make_unexpected(std::move(status).error());
    return R(std::move(*value));
  }
};

}  // namespace bizond

#endif  // BIZOND_STORE_STORE_H_
