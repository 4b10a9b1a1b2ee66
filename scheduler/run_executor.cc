#include "scheduler/run_executor.h"

#include <algorithm>
#include <atomic>
#include <exception>

#include "base/failpoint.h"
#include "base/identity.h"
#include "base/log.h"
#include "base/text.h"
#include "scheduler/pending_resets.h"
#include "scheduler/retry_policy.h"
#include "store/store_run_state.h"
#include "store/warning_log.h"
#include "sync/job_parser.h"
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

// One Execute: what its steps share.
struct SyncExecutor::Attempt {
  explicit Attempt(RunningAttempt& attempt) : shared(attempt) {}

  RunningAttempt& shared;
  JobSpec spec;
  bool by_file = false;
  std::unique_ptr<RunLog> log;
  std::vector<std::string> resets;   // Streams (or "" for all) with a reset that was asked for.
  std::vector<std::string> streams;  // All of the definition's.
  std::optional<Error> first_error;
  std::optional<Stage> failed_in;  // Of the first error.
  std::optional<Error> held;       // What a check said first.
  size_t recorded = 0;
  bool left_out = false;               // A stream was not begun: the run is cancelled.
  Counters done;                       // Of the streams that ended in this attempt.
  std::optional<CursorWindow> window;  // Of a slice.

  const RunRow& run() const { return shared.run; }
};

SyncExecutor::SyncExecutor(Parts parts) : parts_(std::move(parts)) {}

void SyncExecutor::Execute(RunningAttempt& shared) {
  Attempt attempt(shared);
  Status status;
  try {
    attempt.log = parts_.logs->OpenRunLog(shared.run.job, shared.run.id);
    status = RunStreams(attempt);
  } catch (const std::exception& error) {
    status = Fail(ErrorKind::kPermanent, "internal_error",
                  std::string("a promise of bizond's own was broken: ") + error.what(),
                  "report it with the run's log; published data is what it was");
  }
  Failpoint("scheduler.before_finish");
  End(attempt, status);
}

Result<JobSpec> SyncExecutor::ReadSpec(const JobRow& job) const {
  if (parts_.jobs == nullptr) return ParseStoredJob(job.definition, *parts_.catalog);
  return parts_.jobs->Get(job).map([](const auto& compiled) { return compiled->spec; });
}

Status SyncExecutor::LoadSpec(Attempt& attempt) const {
  const RunRow& run = attempt.run();
  BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job,
                          parts_.store->Query([&](const StoreReader& reader) {
                            return reader.GetJobVersion(run.job, run.job_version);
                          }));
  if (!job) {
    return Fail(ErrorKind::kConfig, "job_missing",
                "version " + std::to_string(run.job_version) + " of job " + run.job + " is gone",
                "submit the job again");
  }
  attempt.by_file = job->managed_by == "file";
  BIZOND_ASSIGN_OR_RETURN(JobSpec spec, ReadSpec(*job));
  spec.plain_secrets = parts_.plain_secrets->Get(run.job);
  if (parts_.overrides.max_iterations) spec.source.max_iterations = parts_.overrides.max_iterations;
  // A slice that ended early would be taken for a whole one.
  if (run.IsSlice()) {
    spec.source.max_iterations.reset();
    BIZOND_ASSIGN_OR_RETURN(attempt.window, CursorWindow::Decode(run.window));
    attempt.log->Write(
        LogLevel::kInfo, "a slice of a backfill",
        {{"from", attempt.window->from_token()}, {"to", attempt.window->to_token()}});
  }
  attempt.streams = spec.source.streams;
  if (!parts_.overrides.streams.empty()) spec.source.streams = parts_.overrides.streams;
  attempt.spec = std::move(spec);
  return {};
}

Status SyncExecutor::RunStreams(Attempt& attempt) {
  BIZOND_RETURN_IF_ERROR(LoadSpec(attempt));
  RunningAttempt& shared = attempt.shared;
  shared.timeout_us = attempt.spec.timeout.value_or(Duration(0)).count();
  shared.stall_timeout_us = attempt.spec.stall_timeout.count();
  attempt.log->Write(
      LogLevel::kInfo, "attempt",
      {{"number", std::to_string(attempt.run().attempt)}, {"trigger", attempt.run().trigger}});
  BIZOND_ASSIGN_OR_RETURN(attempt.resets, parts_.store->Query([&](const StoreReader& reader) {
    return reader.PendingResets(attempt.run().job);
  }));
  for (size_t i = 0; i < attempt.spec.source.streams.size(); ++i) {
    attempt.shared.stage = Stage::kOpen;
    Status status = RunOrDiscard(attempt, i);
    if (status) continue;
    if (status.error().kind == ErrorKind::kStopped) return status;
    BIZOND_RETURN_IF_ERROR(NoteFailure(attempt, attempt.spec.source.streams[i], status.error()));
  }
  if (attempt.first_error) return tl::make_unexpected(*attempt.first_error);
  if (attempt.held) return tl::make_unexpected(*attempt.held);
  if (!attempt.left_out) return {};
  shared.Stop(StopReason::kCancel);
  return tl::make_unexpected(StoppedError("the run"));
}

Status SyncExecutor::RunOrDiscard(Attempt& attempt, size_t index) {
  const std::string& stream = attempt.spec.source.streams[index];
  if (attempt.run().stop_request == StopRequest::kCancel) {
    // A cancel that stood before the attempt: what was decided is brought to its end, and no more.
    BIZOND_ASSIGN_OR_RETURN(const Standing standing, StandingOf(attempt.run(), stream));
    if (standing < Standing::kDecided) {
      attempt.left_out = true;
      if (standing == Standing::kOpen) return {};
      if (const Status gone = RunStream(attempt, index, /*discards=*/true); !gone) {
        attempt.log->Write(
            LogLevel::kWarning,
            "what is staged could not be removed, the next run does it: " + Describe(gone.error()),
            {{"stream", stream}});
      }
      return {};
    }
  }
  BIZOND_RETURN_IF_ERROR(RunStream(attempt, index));
  ++attempt.recorded;
  return {};
}

// The other streams of the run go on.
Status SyncExecutor::NoteFailure(Attempt& attempt, const std::string& stream,
                                 const Error& error) const {
  const RunRow& run = attempt.run();
  if (IsHeldByCheck(error)) {
    if (!attempt.held) attempt.held = error;
    attempt.log->Write(LogLevel::kWarning, Describe(error), {{"stream", stream}});
    return parts_.store->Write(
        [&](StoreTx& tx) { return tx.HoldStream(run.id, run.fence, stream, error); });
  }
  if (!attempt.first_error) {
    attempt.first_error = error;
    attempt.failed_in = attempt.shared.stage;
  }
  attempt.log->Write(LogLevel::kError, Describe(error), {{"stream", stream}});
  return parts_.store->Write(
      [&](StoreTx& tx) { return tx.FailStream(run.id, run.fence, stream, {}, error); });
}

PumpPlan SyncExecutor::PlanOf(const Attempt& attempt, const std::string& stream, bool last,
                              bool asked) const {
  const JobSpec& spec = attempt.spec;
  const RunRow& run = attempt.run();
  PumpPlan plan;
  plan.job = &spec;
  plan.publisher = {
      parts_.store->StoreId(), parts_.store->Epoch(), spec.name, stream, run.id, run.fence};
  plan.reset = spec.source.sync_mode == SyncMode::kIncremental && !attempt.window &&
               (asked || run.reset || spec.source.reset);
  plan.last = last;
  plan.window = attempt.window;
  plan.rejects = {parts_.state_dir, "rejects/" + EncodePathSegment(spec.name) + "/" +
                                        EncodePathSegment(stream) + "-" + run.id + ".jsonl"};
  return plan;
}

Status SyncExecutor::RunStream(Attempt& attempt, size_t index, bool discards) {
  const JobSpec& spec = attempt.spec;
  const std::string& stream = spec.source.streams[index];
  const bool last = index + 1 == spec.source.streams.size() && !attempt.first_error &&
                    !attempt.held && !attempt.left_out;
  const SecretResolver& secrets = attempt.by_file ? *parts_.file_secrets : *parts_.api_secrets;
  const std::string destination_id = spec.DestinationIdOf(stream);
  // The stop that asks for the discarding is not to prevent it.
  const std::stop_token stop = discards ? std::stop_token() : attempt.shared.stop.get_token();
  BIZOND_ASSIGN_OR_RETURN(std::string source_config,
                          secrets.Resolve(spec.source.config, spec, stop));
  BIZOND_ASSIGN_OR_RETURN(std::string destination_config,
                          secrets.Resolve(spec.destination.config, spec, stop));
  const SourceDescriptor* const source_row = parts_.catalog->FindSource(spec.source.name);
  const DestinationDescriptor* const destination_row =
      parts_.catalog->FindDestination(spec.destination.name);
  if (source_row == nullptr || destination_row == nullptr) {
    return Fail(ErrorKind::kConfig, "unknown_connector",
                "this binary has no connector " +
                    (source_row == nullptr ? spec.source.name : spec.destination.name),
                "bizond source list and bizond destination list show what there is");
  }
  BIZOND_ASSIGN_OR_RETURN(const std::unique_ptr<Source> source,
                          source_row->open({spec, stream, destination_id, std::move(source_config),
                                            parts_.roots, *parts_.clock}));
  BIZOND_ASSIGN_OR_RETURN(
      const std::unique_ptr<Destination> destination,
      destination_row->open({spec, stream, destination_id, std::move(destination_config),
                             parts_.roots, *parts_.clock, parts_.connector_dir}));
  BIZOND_RETURN_IF_ERROR(ClaimTarget(attempt.run(), stream, destination->CanonicalTarget()));

  const bool has_marks = destination->ExactlyOnce();
  const auto on_progress = [&](Stage stage, const Counters& counters, bool committed) {
    // Without marks nothing is committed before the end: there a page that passed counts.
    if (committed || !has_marks) {
      attempt.shared.progress_at_us = parts_.clock->Steady().count();
    }
    attempt.shared.stage = stage;
    if (!parts_.on_progress) return;
    Counters total = attempt.done;
    total += counters;
    parts_.on_progress(
        {attempt.run().id, attempt.run().job, stream, stage, total, parts_.clock->Now()});
  };
  StoreRunState state(parts_.store, parts_.clock, attempt.run(), on_progress);
  BIZOND_ASSIGN_OR_RETURN(const Standing standing, StandingOf(attempt.run(), stream));
  // A reset replaces the target, for which a part of the source is not enough: the next run that
  // goes by the watermark takes it.
  const bool asked = standing <= Standing::kHeld && !attempt.window &&
                     std::any_of(attempt.resets.begin(), attempt.resets.end(),
                                 [&](const auto& name) { return name.empty() || name == stream; });
  const PumpPlan plan = PlanOf(attempt, stream, last, asked);
  WarningLog log(parts_.store, attempt.run(), stream, attempt.log.get());
  SyncPump pump(plan, {source.get(), destination.get(), &state, &log, parts_.clock,
                       &attempt.shared.stop_reason});
  if (discards) return pump.Discard();
  BIZOND_ASSIGN_OR_RETURN(const Counters counters, pump.Run(stop));
  attempt.done += counters;
  if (asked) {
    BIZOND_RETURN_IF_ERROR(parts_.store->Write([&](StoreTx& tx) {
      return DropPendingReset(tx, spec.name, attempt.streams, stream, parts_.clock->Now());
    }));
  }
  return {};
}

Status SyncExecutor::ClaimTarget(const RunRow& run, const std::string& stream,
                                 const std::string& target) const {
  if (target.empty()) return {};
  return parts_.store->Write([&](StoreTx& tx) -> Status {
    // Says whether the run is still this attempt's.
    BIZOND_RETURN_IF_ERROR(tx.SetStage(run.id, run.fence, Stage::kOpen));
    return tx.ClaimTarget({target, run.job, stream});
  });
}

// An attempt still chooses how an open or a held stream is published. One that an earlier attempt
// recorded or decided, or that was approved as it is staged, is what it is: a reset that was asked
// for since is the next run's.
Result<SyncExecutor::Standing> SyncExecutor::StandingOf(const RunRow& run,
                                                        std::string_view stream) const {
  return parts_.store->Query([&](const StoreReader& reader) -> Result<Standing> {
    BIZOND_ASSIGN_OR_RETURN(const auto checkpoint, reader.GetCheckpoint(run.id, stream));
    if (checkpoint && !checkpoint->intent.empty()) return Standing::kDecided;
    BIZOND_ASSIGN_OR_RETURN(const auto streams, reader.RunStreams(run.id));
    const bool recorded = std::any_of(streams.begin(), streams.end(), [&](const RunStreamRow& row) {
      return row.stream == stream && row.state == "recorded";
    });
    if (recorded) return Standing::kRecorded;
    if (!checkpoint || checkpoint->verdict.empty()) return Standing::kOpen;
    return checkpoint->verdict == Checkpoint::kApproved ? Standing::kApproved : Standing::kHeld;
  });
}

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
