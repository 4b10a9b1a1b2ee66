#include "store/sqlite_queries.h"

#include "store/event_table.h"
#include "store/job_table.h"
#include "store/run_table.h"
#include "store/schedule_table.h"
#include "store/stream_table.h"

namespace bizond {

Result<JobRow> SqliteTx::PutJob(const JobRow& job) {
  return db_.Guard([&]() -> Result<JobRow> { return jobs::Put(change_, job); });
}

Status SqliteTx::DeleteJob(std::string_view name, UtcTime now) {
  return db_.Guard([&]() -> Status { return jobs::Delete(change_, name, now); });
}

Status SqliteTx::SetPaused(std::string_view name, bool paused, UtcTime now) {
  return db_.Guard([&]() -> Status { return jobs::SetPaused(change_, name, paused, now); });
}

Status SqliteTx::PutSchedule(const ScheduleRow& schedule) {
  return db_.Guard([&]() -> Status {
    schedules::Put(change_, schedule);
    return {};
  });
}

Status SqliteTx::DeleteSchedule(std::string_view job) {
  return db_.Guard([&]() -> Status {
    schedules::Delete(change_, job);
    return {};
  });
}

Result<bool> SqliteTx::InsertOccurrence(const OccurrenceRow& occurrence) {
  return db_.Guard(
      [&]() -> Result<bool> { return schedules::InsertOccurrence(change_, occurrence); });
}

Status SqliteTx::SetOccurrence(const OccurrenceRow& occurrence) {
  return db_.Guard([&]() -> Status { return schedules::SetOccurrence(change_, occurrence); });
}

Status SqliteTx::UndoMissed(std::string_view job, UtcTime now) {
  return db_.Guard([&]() -> Status {
    schedules::UndoMissed(change_, job, now);
    return {};
  });
}

Status SqliteTx::PutSchedulerMarks(const SchedulerMarks& marks) {
  return db_.Guard([&]() -> Status {
    schedules::PutMarks(change_, marks);
    return {};
  });
}

Status SqliteTx::InsertRun(const RunRow& run) {
  return db_.Guard([&]() -> Status { return runs::Insert(change_, run); });
}

Result<int64_t> SqliteTx::ClaimRun(std::string_view id, std::string_view node, UtcTime now) {
  return db_.Guard([&]() -> Result<int64_t> { return runs::Claim(change_, id, node, now); });
}

Result<ClaimedRuns> SqliteTx::ClaimReady(const ClaimBounds& bounds, std::string_view node,
                                         UtcTime now) {
  return db_.Guard(
      [&]() -> Result<ClaimedRuns> { return runs::ClaimReady(change_, bounds, node, now); });
}

Status SqliteTx::RequeueRun(std::string_view id, int64_t fence, const std::optional<Error>& error,
                            UtcTime not_before, UtcTime now) {
  return db_.Guard(
      [&]() -> Status { return runs::Requeue(change_, id, fence, error, not_before, now); });
}

Status SqliteTx::FinishRun(std::string_view id, int64_t fence, RunPhase phase,
                           const std::optional<Error>& error, UtcTime now) {
  return db_.Guard([&]() -> Status { return runs::Finish(change_, id, fence, phase, error, now); });
}

Status SqliteTx::CancelQueuedRun(std::string_view id, const std::optional<Error>& error,
                                 UtcTime now) {
  return db_.Guard([&]() -> Status { return runs::CancelQueued(change_, id, error, now); });
}

Status SqliteTx::PullQueuedRuns(UtcTime now, Duration step) {
  return db_.Guard([&]() -> Status {
    runs::PullQueued(change_, now, step);
    return {};
  });
}

Status SqliteTx::ReopenRun(std::string_view id, UtcTime now) {
  return db_.Guard([&]() -> Status { return runs::Reopen(change_, id, now); });
}

Status SqliteTx::ApproveRun(std::string_view id, UtcTime now) {
  return db_.Guard([&]() -> Status { return runs::Approve(change_, id, now); });
}

Status SqliteTx::CancelHeldRun(std::string_view id, UtcTime now) {
  return db_.Guard([&]() -> Status { return runs::CancelHeld(change_, id, now); });
}

Status SqliteTx::RequestStop(std::string_view id, StopRequest request) {
  return db_.Guard([&]() -> Status { return runs::RequestStop(change_, id, request); });
}

Result<std::vector<RunRow>> SqliteTx::AdoptOrphans(std::string_view node, UtcTime now) {
  return db_.Guard(
      [&]() -> Result<std::vector<RunRow>> { return runs::AdoptOrphans(change_, node, now); });
}

Result<int64_t> SqliteTx::PutChunk(std::string_view run, int64_t fence, std::string_view stream,
                                   std::string_view chunk) {
  return db_.Guard(
      [&]() -> Result<int64_t> { return runs::PutChunk(change_, run, fence, stream, chunk); });
}

Status SqliteTx::SaveCheckpoint(std::string_view run, int64_t fence, std::string_view stream,
                                const Checkpoint& checkpoint) {
  return db_.Guard(
      [&]() -> Status { return runs::SaveCheckpoint(change_, run, fence, stream, checkpoint); });
}

Status SqliteTx::DropCheckpoint(std::string_view run, int64_t fence, std::string_view stream) {
  return db_.Guard([&]() -> Status { return runs::DropCheckpoint(change_, run, fence, stream); });
}

Status SqliteTx::RecordStream(std::string_view run, int64_t fence, std::string_view stream,
                              const StreamRecord& record, bool last, UtcTime now) {
  return db_.Guard([&]() -> Status {
    return runs::RecordStream(change_, run, fence, stream, record, last, now);
  });
}

Status SqliteTx::FailStream(std::string_view run, int64_t fence, std::string_view stream,
                            const Counters& counters, const Error& error) {
  return db_.Guard(
      [&]() -> Status { return runs::FailStream(change_, run, fence, stream, counters, error); });
}

Status SqliteTx::HoldStream(std::string_view run, int64_t fence, std::string_view stream,
                            const Error& why) {
  return db_.Guard([&]() -> Status { return runs::HoldStream(change_, run, fence, stream, why); });
}

Status SqliteTx::AddWarning(std::string_view run, int64_t fence, const RunWarningRow& warning) {
  return db_.Guard([&]() -> Status { return runs::AddWarning(change_, run, fence, warning); });
}

Status SqliteTx::SetStage(std::string_view run, int64_t fence, Stage stage) {
  return db_.Guard([&]() -> Status { return runs::SetStage(change_, run, fence, stage); });
}

Status SqliteTx::PutStreamState(std::string_view job, const StreamStateRow& row, UtcTime now) {
  return db_.Guard([&]() -> Status {
    streams::Put(change_, job, row, now);
    return {};
  });
}

Status SqliteTx::ForgetStreamStates(std::string_view job) {
  return db_.Guard([&]() -> Status {
    streams::Forget(change_, job);
    return {};
  });
}

Status SqliteTx::ClaimTarget(const TargetRow& target) {
  return db_.Guard([&]() -> Status { return streams::ClaimTarget(change_, target); });
}

Status SqliteTx::ReleaseTargets(std::string_view job) {
  return db_.Guard([&]() -> Status {
    streams::ReleaseTargets(change_, job);
    return {};
  });
}

Status SqliteTx::PutIdempotencyKey(std::string_view job, std::string_view key, std::string_view run,
                                   UtcTime now) {
  return db_.Guard([&]() -> Status {
    events::PutIdempotencyKey(change_, job, key, run, now);
    return {};
  });
}

Status SqliteTx::PutPendingReset(std::string_view job, std::string_view stream, UtcTime now) {
  return db_.Guard([&]() -> Status {
    streams::PutPendingReset(change_, job, stream, now);
    return {};
  });
}

Status SqliteTx::DropPendingResets(std::string_view job) {
  return db_.Guard([&]() -> Status {
    streams::DropPendingResets(change_, job);
    return {};
  });
}

Result<int64_t> SqliteTx::AppendEvent(const EventRow& event) {
  return db_.Guard([&]() -> Result<int64_t> { return events::Append(change_, event); });
}

}  // namespace bizond
