// How an attempt ends: its run has ended, is held back, or is queued again.
#include <algorithm>

#include "base/identity.h"
#include "base/log.h"
#include "scheduler/retry_policy.h"
#include "scheduler/run_attempt.h"
#include "sync/publication_checks.h"

namespace bizond {
namespace {

// A file system that fails or refuses in mid-publication leaves a target that only another attempt
// brings to its end: it writes all of it once more. A run that gave up would leave the half of it.
bool MayPassOnceDecided(const Error& error) {
  return error.kind == ErrorKind::kTransient || error.code == "io_error" ||
         error.code == "file_unwritable";
}

uint64_t SeedOf(const RunRow& run) { return HashBytes(run.id).low; }

Error AsAttemptError(const Error& error, const RunningAttempt& attempt, const JobSpec& spec) {
  if (error.kind != ErrorKind::kStopped) return error;
  const std::string where = " (in stage " + std::string(StageName(attempt.stage)) + ")";
  if (attempt.stop_reason == StopReason::kTimeout) {
    return {ErrorKind::kTransient, "timeout",
            "the attempt took longer than the job's timeout of " +
                FormatDuration(spec.timeout.value_or(Duration(0))) + where,
            "raise `timeout`, or find out in the run's log what is slow; a retry goes on from the "
            "checkpoint",
            std::nullopt};
  }
  if (attempt.stop_reason == StopReason::kStall) {
    return {ErrorKind::kTransient, "stalled",
            "no progress was committed for " + FormatDuration(spec.stall_timeout) + where,
            "look at the source and the destination; a retry goes on from the checkpoint",
            std::nullopt};
  }
  return error;
}

}  // namespace

// What becomes of the run: ended, or queued again.
void SyncExecutor::End(Attempt& attempt, const Status& status) {
  const RunRow& run = attempt.run();
  const Status written = status ? EndSucceeded(run) : EndUnfinished(attempt, status.error());
  if (written) return;
  if (written.error().code == "fenced") {
    Log(LogLevel::kWarning, "scheduler", "an attempt that was overtaken may write nothing more",
        {{"run", run.id}, {"job", run.job}, {"error", Describe(written.error())}});
    return;
  }
  // The run stays `running` in the store until whoever claimed it, or the next boot, queues it
  // again.
  attempt.shared.end_unwritten = true;
  Log(LogLevel::kError, "scheduler", "the end of a run could not be written",
      {{"run", run.id}, {"error", Describe(written.error())}});
}

// A run whose last stream was recorded as the end of the run has ended already.
Status SyncExecutor::EndSucceeded(const RunRow& run) const {
  const auto end = [&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> row, tx.GetRun(run.id));
    if (!row || !IsActive(row->phase)) return {};
    return tx.FinishRun(run.id, run.fence, RunPhase::kSucceeded, std::nullopt, parts_.clock->Now());
  };
  return parts_.store->Write(end, Refusal::kBeforeWriting);
}

// A cancel that came while the checks were made has the last word.
Status SyncExecutor::EndHeld(const Attempt& attempt, const Error& why) const {
  const RunRow& run = attempt.run();
  const UtcTime now = parts_.clock->Now();
  if (parts_.log_failures) {
    Log(LogLevel::kWarning, "scheduler", "a run is held back by a check",
        {{"run", run.id}, {"job", run.job}, {"error", Describe(why)}});
  }
  return parts_.store->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> row, tx.GetRun(run.id));
    if (row && row->stop_request == StopRequest::kCancel) {
      return tx.RequeueRun(run.id, run.fence, std::nullopt, now, now);
    }
    BIZOND_RETURN_IF_ERROR(tx.SetStage(run.id, run.fence, Stage::kVerify));
    return tx.FinishRun(run.id, run.fence, RunPhase::kHeld, why, now);
  });
}

void SyncExecutor::Abandon(RunningAttempt& shared) {
  Attempt attempt(shared);
  attempt.log = parts_.logs->OpenRunLog(shared.run.job, shared.run.id);
  Status status = LoadSpec(attempt);
  if (status) {
    status = tl::make_unexpected(StoppedError("the run"));
    const auto streams = parts_.store->Query(
        [&](const StoreReader& reader) { return reader.RunStreams(shared.run.id); });
    for (const RunStreamRow& row : streams.value_or(std::vector<RunStreamRow>{})) {
      attempt.recorded += row.state == "recorded" ? 1 : 0;
    }
  }
  const std::string stage(StageName(shared.stage));
  attempt.log->Write(LogLevel::kError,
                     "the attempt was asked to stop and does not answer: it is left behind, and "
                     "may write nothing more",
                     {{"stage", stage}});
  Log(LogLevel::kError, "scheduler",
      "a run's worker was asked to stop and does not answer; it is left behind",
      {{"run", shared.run.id}, {"job", shared.run.job}, {"stage", stage}});
  End(attempt, status);
}

// Whether the publication of a stream is decided and not recorded.
Result<bool> SyncExecutor::IsDecided(const Attempt& attempt) const {
  return parts_.store->Query([&](const StoreReader& reader) -> Result<bool> {
    for (const std::string& stream : attempt.spec.source.streams) {
      BIZOND_ASSIGN_OR_RETURN(const auto checkpoint,
                              reader.GetCheckpoint(attempt.run().id, stream));
      if (checkpoint && !checkpoint->intent.empty()) return true;
    }
    return false;
  });
}

// Only attempts that failed count: one that a shutdown ended took nothing from the run. Once a
// stream's publication is decided the run only goes forward: a transient error is then tried again
// for ever.
Result<std::optional<Duration>> SyncExecutor::DelayOfRetry(const Attempt& attempt,
                                                           const Error& error) const {
  int failed = 1;
  BIZOND_ASSIGN_OR_RETURN(const bool decided, IsDecided(attempt));
  BIZOND_ASSIGN_OR_RETURN(const auto attempts, parts_.store->Query([&](const StoreReader& reader) {
    return reader.Attempts(attempt.run().id);
  }));
  for (const AttemptRow& row : attempts) {
    failed += row.error && !IsHeldByCheck(*row.error) ? 1 : 0;
  }
  const RetrySpec& retry = attempt.spec.retry;
  const RetryPolicy policy{retry.max_attempts, retry.initial_backoff, retry.max_backoff};
  Error judged = error;
  if (decided && MayPassOnceDecided(error)) judged.kind = ErrorKind::kTransient;
  const std::optional<Duration> delay =
      policy.DelayBefore(failed + 1, judged, SeedOf(attempt.run()));
  if (!delay && decided && judged.kind == ErrorKind::kTransient) {
    return std::optional<Duration>(retry.max_backoff);
  }
  return delay;
}

Status SyncExecutor::EndUnfinished(Attempt& attempt, const Error& raised) {
  const RunRow& run = attempt.run();
  const UtcTime now = parts_.clock->Now();
  const StopReason reason = attempt.shared.stop_reason;
  const Error error = AsAttemptError(raised, attempt.shared, attempt.spec);
  if (error.kind == ErrorKind::kStopped) {
    // A cancel that interrupts a publication comes too late: the next attempt ends what has begun.
    BIZOND_ASSIGN_OR_RETURN(const bool decided, IsDecided(attempt));
    return parts_.store->Write([&](StoreTx& tx) {
      if (reason == StopReason::kCancel && !decided) {
        return tx.FinishRun(run.id, run.fence, RunPhase::kCancelled, std::nullopt, now);
      }
      return tx.RequeueRun(run.id, run.fence, std::nullopt, now, now);
    });
  }
  if (IsHeldByCheck(error)) return EndHeld(attempt, error);
  if (attempt.log) {
    attempt.log->Write(LogLevel::kError, Describe(error),
                       {{"kind", std::string(ErrorKindName(error.kind))}});
  }
  BIZOND_ASSIGN_OR_RETURN(const std::optional<Duration> delay, DelayOfRetry(attempt, error));
  // What is staged of the others is kept for whoever looks at it.
  if (!delay && attempt.held) return EndHeld(attempt, *attempt.held);
  if (delay || parts_.log_failures) {
    Log(LogLevel::kWarning, "scheduler", delay ? "a run failed and is tried again" : "a run failed",
        {{"run", run.id}, {"job", run.job}, {"error", Describe(error)}});
  }
  return parts_.store->Write([&](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(
        tx.SetStage(run.id, run.fence, attempt.failed_in.value_or(attempt.shared.stage.load())));
    if (delay) return tx.RequeueRun(run.id, run.fence, error, now + *delay, now);
    const RunPhase phase = attempt.recorded > 0 ? RunPhase::kPartial : RunPhase::kFailed;
    return tx.FinishRun(run.id, run.fence, phase, error, now);
  });
}

}  // namespace bizond
