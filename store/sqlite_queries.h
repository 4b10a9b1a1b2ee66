// SqliteReader and SqliteTx: StoreReader and StoreTx over a connection that is in a transaction.
//
// One line a method: the work is in the tables' functions. SQLite's exceptions end here.
//
// Threads: one thread at a time, as the connection.
#ifndef BIZOND_STORE_SQLITE_QUERIES_H_
#define BIZOND_STORE_SQLITE_QUERIES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/change.h"
#include "store/store.h"

namespace bizond {

// The queries, for both of the store's interfaces.
template <typename Base>
class SqliteQueries : public Base {
 public:
  SqliteQueries(Connection& db, HistoryLink& history) : db_(db), history_(history) {}

  Result<std::optional<JobRow>> GetJob(std::string_view name) const override;
  Result<std::optional<JobRow>> GetJobVersion(std::string_view name,
                                              int64_t version) const override;
  Result<PageOf<JobRow>> ListJobs(const Page& page) const override;
  Result<JobHistory> History(std::string_view job) const override;

  Result<std::optional<ScheduleRow>> GetSchedule(std::string_view job) const override;
  Result<std::vector<ScheduleRow>> DueSchedules(UtcTime now, int limit) const override;
  Result<std::optional<UtcTime>> NextDue() const override;
  Result<std::vector<OccurrenceRow>> WaitingOccurrences(std::string_view job,
                                                        int limit) const override;
  Result<std::vector<ScheduleRow>> ListSchedules(std::string_view after, int limit) const override;
  Result<SchedulerMarks> GetSchedulerMarks() const override;
  Result<std::vector<OccurrenceCount>> OccurrenceCounts(std::string_view job) const override;
  Result<std::optional<UtcTime>> PrunedBefore() const override;
  using Base::ListOccurrences;
  Result<PageOf<OccurrenceRow>> ListOccurrences(const OccurrenceFilter& filter,
                                                const Page& page) const override;
  Result<std::optional<OccurrenceRow>> FirstOccurrence(std::string_view job,
                                                       UtcTime from) const override;
  Result<FireCounts> CountFires(std::string_view job, UtcTime from, UtcTime to,
                                int most) const override;

  Result<std::optional<RunRow>> GetRun(std::string_view id) const override;
  Result<PageOf<RunRow>> ListRuns(const RunFilter& filter, const Page& page) const override;
  Result<std::vector<RunRow>> ActiveRuns(std::string_view job) const override;
  Result<std::optional<std::string>> HeldRun(std::string_view job) const override;
  Result<bool> AnyReady(UtcTime now) const override;
  Result<std::optional<UtcTime>> NextReady() const override;
  Result<std::vector<std::string>> HoldersFor(const RunRow& run, int limit) const override;
  Result<std::vector<std::string>> StoppingRuns() const override;
  Result<std::vector<AttemptRow>> Attempts(std::string_view run) const override;
  Result<std::vector<RunStreamRow>> RunStreams(std::string_view run) const override;
  Result<std::optional<std::string>> GetChunk(std::string_view job, std::string_view stream,
                                              int64_t id) const override;
  Result<std::optional<Checkpoint>> GetCheckpoint(std::string_view run,
                                                  std::string_view stream) const override;

  Result<std::vector<StreamStateRow>> StreamStates(std::string_view job) const override;
  Result<std::optional<StreamStateRow>> StreamState(std::string_view job,
                                                    std::string_view stream) const override;
  Result<std::vector<TargetRow>> Targets(std::string_view job) const override;
  Result<std::optional<TargetRow>> TargetOwner(std::string_view target) const override;
  Result<std::optional<std::string>> IdempotentRun(std::string_view job,
                                                   std::string_view key) const override;
  Result<std::vector<std::string>> PendingResets(std::string_view job) const override;
  Result<std::vector<EventRow>> EventsAfter(int64_t id, int limit) const override;
  Result<int64_t> LastEventId() const override;

 protected:
  // Where a run's details are: in bizond.db unless it was moved.
  Connection& HomeOf(std::string_view run) const;

  Connection& db_;
  HistoryLink& history_;
};

using SqliteReader = SqliteQueries<StoreReader>;

class SqliteTx final : public SqliteQueries<StoreTx> {
 public:
  explicit SqliteTx(Change& change)
      : SqliteQueries<StoreTx>(change.db, change.history), change_(change) {}

  Result<JobRow> PutJob(const JobRow& job) override;
  Status DeleteJob(std::string_view name, UtcTime now) override;
  Status SetPaused(std::string_view name, bool paused, UtcTime now) override;

  Status PutSchedule(const ScheduleRow& schedule) override;
  Status DeleteSchedule(std::string_view job) override;
  Result<bool> InsertOccurrence(const OccurrenceRow& occurrence) override;
  Status SetOccurrence(const OccurrenceRow& occurrence) override;
  Status UndoMissed(std::string_view job, UtcTime now) override;
  Status PutSchedulerMarks(const SchedulerMarks& marks) override;

  Status InsertRun(const RunRow& run) override;
  Result<int64_t> ClaimRun(std::string_view id, std::string_view node, UtcTime now) override;
  Result<ClaimedRuns> ClaimReady(const ClaimBounds& bounds, std::string_view node,
                                 UtcTime now) override;
  Status RequeueRun(std::string_view id, int64_t fence, const std::optional<Error>& error,
                    UtcTime not_before, UtcTime now) override;
  Status FinishRun(std::string_view id, int64_t fence, RunPhase phase,
                   const std::optional<Error>& error, UtcTime now) override;
  Status CancelQueuedRun(std::string_view id, const std::optional<Error>& error,
                         UtcTime now) override;
  Status PullQueuedRuns(UtcTime now, Duration step) override;
  Status ReopenRun(std::string_view id, UtcTime now) override;
  Status ApproveRun(std::string_view id, UtcTime now) override;
  Status CancelHeldRun(std::string_view id, UtcTime now) override;
  Status RequestStop(std::string_view id, StopRequest request) override;
  Result<std::vector<RunRow>> AdoptOrphans(std::string_view node, UtcTime now) override;

  Result<int64_t> PutChunk(std::string_view run, int64_t fence, std::string_view stream,
                           std::string_view chunk) override;
  Status SaveCheckpoint(std::string_view run, int64_t fence, std::string_view stream,
                        const Checkpoint& checkpoint) override;
  Status DropCheckpoint(std::string_view run, int64_t fence, std::string_view stream) override;
  Status RecordStream(std::string_view run, int64_t fence, std::string_view stream,
                      const StreamRecord& record, bool last, UtcTime now) override;
  Status FailStream(std::string_view run, int64_t fence, std::string_view stream,
                    const Counters& counters, const Error& error) override;
  Status HoldStream(std::string_view run, int64_t fence, std::string_view stream,
                    const Error& why) override;
  Status AddWarning(std::string_view run, int64_t fence, const RunWarningRow& warning) override;
  Status SetStage(std::string_view run, int64_t fence, Stage stage) override;

  Status PutStreamState(std::string_view job, const StreamStateRow& row, UtcTime now) override;
  Status ForgetStreamStates(std::string_view job) override;
  Status ClaimTarget(const TargetRow& target) override;
  Status ReleaseTargets(std::string_view job) override;
  Status PutIdempotencyKey(std::string_view job, std::string_view key, std::string_view run,
                           UtcTime now) override;
  Status PutPendingReset(std::string_view job, std::string_view stream, UtcTime now) override;
  Status DropPendingResets(std::string_view job) override;
  Result<int64_t> AppendEvent(const EventRow& event) override;

 private:
  Change& change_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_SQLITE_QUERIES_H_
