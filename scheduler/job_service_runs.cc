// What a person or a program may do with the runs of a job, and with the state that they left.
#include <fmt/format.h>

#include <algorithm>

#include "scheduler/job_lookup.h"
#include "scheduler/job_service.h"
#include "scheduler/new_run.h"
#include "scheduler/pending_resets.h"
#include "scheduler/run_held.h"

namespace bizond {
namespace {

Failure RunMissing(std::string_view run) {
  return Fail(ErrorKind::kConfig, "run_missing", "there is no run " + std::string(run),
              "bizond runs list shows the runs");
}

Status MustHave(const JobSpec& spec, std::string_view stream) {
  const auto& streams = spec.source.streams;
  if (std::find(streams.begin(), streams.end(), stream) != streams.end()) return {};
  return Fail(ErrorKind::kConfig, "invalid_job", "the job has no stream " + std::string(stream),
              "its definition lists its streams");
}

// A reset of a destination that only adds would double what is there.
Status MayBeReset(const JobSpec& spec, const Catalog& catalog) {
  const DestinationDescriptor* row = catalog.FindDestination(spec.destination.name);
  if (row == nullptr || row->replace) return {};
  return Fail(
      ErrorKind::kConfig, "replace_unsupported",
      "the destination " + spec.destination.name + " only adds rows: a reset would double them",
      "empty the table yourself and give the job another name, or use a destination that "
      "replaces");
}

constexpr Duration kFarthestStart = std::chrono::hours(24) * 36'525;

Failure InvalidStart(std::string message) {
  return Fail(ErrorKind::kConfig, "invalid_start", std::move(message),
              "name one instant to come, {\"at\": \"2026-12-01T00:00:00Z\"}, or a time from now, "
              "{\"delay\": \"90s\"} (bizond jobs trigger: --at, --in)");
}

Result<UtcTime> StartOf(const TriggerOptions& options, const JobSpec& spec, UtcTime now) {
  if (!options.at && !options.delay) return now;
  if (options.at && options.delay) return InvalidStart("a run has one start: at or delay");
  if (spec.source.sync_mode == SyncMode::kStream) {
    return InvalidStart("a stream job has no start to wait for: its one run begins at once");
  }
  if (options.delay && (options.delay->count() < 0 || *options.delay > kFarthestStart)) {
    return InvalidStart("the delay is more than a hundred years, or less than nothing");
  }
  const UtcTime start = options.at ? *options.at : now + *options.delay;
  if (start < now) {
    return InvalidStart("the start has passed: " + FormatUtc(start) + ", and now it is " +
                        FormatUtc(now));
  }
  if (start - now > kFarthestStart) {
    return InvalidStart("the start lies more than a hundred years ahead: " + FormatUtc(start));
  }
  return start;
}

}  // namespace

Result<RunRow> JobService::Trigger(std::string_view name, const TriggerOptions& options) {
  const UtcTime now = clock_->Now();
  const auto trigger = [&](StoreTx& tx) -> Result<RunRow> {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, FindJob(tx, name));
    if (!options.idempotency_key.empty()) {
      BIZOND_ASSIGN_OR_RETURN(const std::optional<std::string> known,
                              tx.IdempotentRun(name, options.idempotency_key));
      if (known) {
        BIZOND_ASSIGN_OR_RETURN(std::optional<RunRow> row, tx.GetRun(*known));
        if (row) return std::move(*row);
      }
    }
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    BIZOND_ASSIGN_OR_RETURN(const UtcTime start, StartOf(options, spec, now));
    if (spec.source.sync_mode == SyncMode::kStream) {
      BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(name));
      if (!active.empty()) {
        return Fail(ErrorKind::kConfig, "stream_job", "the stream runs already: " + active[0].id,
                    "pause and resume the job to start its stream again");
      }
    }
    if (options.reset && spec.source.sync_mode == SyncMode::kStream) {
      return Fail(ErrorKind::kConfig, "invalid_job", "a stream job cannot be reset",
                  "give it another destination_id to write everything again");
    }
    if (options.reset) BIZOND_RETURN_IF_ERROR(MayBeReset(spec, *catalog_));
    RunRow row = NewRun(job, spec, options.trigger, now);
    row.reset = options.reset;
    row.not_before = start;
    BIZOND_RETURN_IF_ERROR(tx.InsertRun(row));
    if (!options.idempotency_key.empty()) {
      BIZOND_RETURN_IF_ERROR(tx.PutIdempotencyKey(name, options.idempotency_key, row.id, now));
    }
    BIZOND_ASSIGN_OR_RETURN(std::optional<RunRow> stored, tx.GetRun(row.id));
    if (!stored) return RunMissing(row.id);
    return std::move(*stored);  // With what it waits for.
  };
  Result<RunRow> run = store_->Transact(trigger, Refusal::kBeforeWriting);
  if (run) control_->Wake();
  return run;
}

Status JobService::RequestReset(std::string_view name, std::string_view stream, bool cancel) {
  return store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, FindJob(tx, name));
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    if (cancel) return DropPendingReset(tx, name, spec.source.streams, stream, clock_->Now());
    if (spec.source.sync_mode != SyncMode::kIncremental) {
      return Fail(ErrorKind::kConfig, "invalid_job",
                  "a reset means something for an incremental job only; this one is " +
                      std::string(SyncModeName(spec.source.sync_mode)),
                  "trigger a run instead");
    }
    BIZOND_RETURN_IF_ERROR(MayBeReset(spec, *catalog_));
    if (!stream.empty()) BIZOND_RETURN_IF_ERROR(MustHave(spec, stream));
    return tx.PutPendingReset(name, stream, clock_->Now());
  });
}

Status JobService::Cancel(std::string_view id) {
  bool running = false;
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> run, tx.GetRun(id));
    if (!run) return RunMissing(id);
    if (run->phase == RunPhase::kQueued) {
      return tx.CancelQueuedRun(id, std::nullopt, clock_->Now());
    }
    if (run->phase == RunPhase::kHeld) return tx.CancelHeldRun(id, clock_->Now());
    if (run->phase != RunPhase::kRunning) {
      return Fail(ErrorKind::kConfig, "run_ended",
                  "the run has ended: " + std::string(RunPhaseName(run->phase)), "");
    }
    running = true;
    return tx.RequestStop(id, StopRequest::kCancel);
  }));
  if (running) control_->StopRun(id);
  control_->Wake();
  return {};
}

Result<RunRow> JobService::Approve(std::string_view id) {
  Result<RunRow> run = store_->Transact([&](StoreTx& tx) -> Result<RunRow> {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> row, tx.GetRun(id));
    if (!row) return RunMissing(id);
    BIZOND_RETURN_IF_ERROR(tx.ApproveRun(id, clock_->Now()));
    BIZOND_ASSIGN_OR_RETURN(std::optional<RunRow> after, tx.GetRun(id));
    if (!after) return RunMissing(id);
    return std::move(*after);
  });
  if (run) control_->Wake();
  return run;
}

Result<RunRow> JobService::Retry(std::string_view id) {
  Result<RunRow> run = store_->Transact([&](StoreTx& tx) -> Result<RunRow> {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> row, tx.GetRun(id));
    if (!row) return RunMissing(id);
    if (IsActive(row->phase)) {
      return Fail(ErrorKind::kConfig, "run_active", "the run has not ended yet", "");
    }
    if (row->phase == RunPhase::kHeld) return RunHeld(id, row->job);
    if (row->phase == RunPhase::kSucceeded) {
      return Fail(ErrorKind::kConfig, "run_ended", "the run has succeeded",
                  "trigger the job for another run");
    }
    BIZOND_RETURN_IF_ERROR(FindJob(tx, row->job));
    BIZOND_RETURN_IF_ERROR(tx.ReopenRun(id, clock_->Now()));
    BIZOND_ASSIGN_OR_RETURN(std::optional<RunRow> after, tx.GetRun(id));
    if (!after) return RunMissing(id);
    return std::move(*after);
  });
  if (run) control_->Wake();
  return run;
}

Status JobService::ChangeState(std::string_view name, const StateEdit& edit) {
  return store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, FindJob(tx, name));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(name));
    if (!job.paused || !active.empty()) {
      return Fail(ErrorKind::kConfig, "not_paused",
                  "the state of a job changes only while it is paused and no run is active",
                  "bizond jobs pause " + std::string(name));
    }
    // Its approval would put the watermark that belongs to what it has staged.
    BIZOND_ASSIGN_OR_RETURN(const std::optional<std::string> held, tx.HeldRun(name));
    if (held) return RunHeld(*held, name);
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<StreamStateRow> rows, tx.StreamStates(name));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<StreamWatermark> changes, edit(rows));
    for (const StreamWatermark& change : changes) {
      StreamStateRow row;
      for (const StreamStateRow& old : rows) {
        if (old.stream == change.stream) row = old;
      }
      // What is left of a stream that the job has no longer may be kept or forgotten.
      if (change.watermark && row.watermark != change.watermark) {
        BIZOND_RETURN_IF_ERROR(MustHave(spec, change.stream));
      }
      if (row.watermark == change.watermark) continue;
      row.stream = change.stream;
      row.watermark = change.watermark;
      BIZOND_RETURN_IF_ERROR(tx.PutStreamState(name, row, clock_->Now()));
    }
    return {};
  });
}

}  // namespace bizond
