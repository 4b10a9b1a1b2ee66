#include "scheduler/run_executor.h"

#include <algorithm>
#include <exception>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/text.h"
#include "scheduler/pending_resets.h"
#include "scheduler/run_attempt.h"
#include "store/store_run_state.h"
#include "store/warning_log.h"
#include "sync/job_parser.h"
#include "sync/publication_checks.h"

namespace bizond {

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

}  // namespace bizond
