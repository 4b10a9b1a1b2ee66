// Backfills of a job: asked for, shown, and taken back.
#include "base/identity.h"
#include "scheduler/job_lookup.h"
#include "scheduler/job_service.h"
#include "scheduler/new_run.h"

namespace bizond {
namespace {

// Those slices of the job that have not ended, of one backfill or (empty) of all.
Result<std::vector<RunRow>> ActiveSlices(const StoreReader& reader, std::string_view job,
                                         std::string_view backfill) {
  BIZOND_ASSIGN_OR_RETURN(std::vector<RunRow> runs, reader.ActiveRuns(job));
  std::erase_if(runs, [&](const RunRow& run) {
    return !run.IsSlice() || (!backfill.empty() && run.backfill != backfill);
  });
  return runs;
}

// The running ones are to be stopped by the caller.
Status CancelSlices(StoreTx& tx, const std::vector<RunRow>& slices, UtcTime now,
                    std::vector<std::string>* to_stop) {
  for (const RunRow& run : slices) {
    if (run.phase == RunPhase::kQueued) {
      BIZOND_RETURN_IF_ERROR(tx.CancelQueuedRun(run.id, std::nullopt, now));
      continue;
    }
    BIZOND_RETURN_IF_ERROR(tx.RequestStop(run.id, StopRequest::kCancel));
    to_stop->push_back(run.id);
  }
  return {};
}

RunRow NewSlice(const JobRow& job, const JobSpec& spec, const BackfillOptions& options,
                const CursorWindow& window, UtcTime queued_at) {
  RunRow run = NewRun(job, spec, "backfill", queued_at);
  run.window = window.Encode();
  run.pool = options.pool.value_or(run.pool);
  run.priority = options.priority.value_or(run.priority - 1);
  // Beside another slice it would be in the same staging, whatever the job's fires may do.
  run.parallel = false;
  return run;
}

}  // namespace

Result<BackfillPlan> JobService::Backfill(std::string_view name, const BackfillOptions& options) {
  const UtcTime now = clock_->Now();
  std::vector<std::string> to_stop;
  Result<BackfillPlan> planned = store_->Transact([&](StoreTx& tx) -> Result<BackfillPlan> {
    to_stop.clear();
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, FindJob(tx, name));
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<StreamStateRow> states, tx.StreamStates(name));
    BIZOND_ASSIGN_OR_RETURN(BackfillPlan plan, PlanBackfill(spec, states, options));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> others, ActiveSlices(tx, name, ""));
    if (!others.empty() && options.overlap == BackfillOverlap::kSkip) {
      return Fail(ErrorKind::kConfig, "backfill_active",
                  "backfill " + others[0].backfill + " of the job has " +
                      std::to_string(others.size()) + " slice(s) to go",
                  "wait for it, take it back (bizond jobs backfill NAME --cancel), or say what is "
                  "to become of it (overlap: buffer_all or cancel_other)");
    }
    if (options.dry_run) return plan;
    if (options.overlap == BackfillOverlap::kCancelOther) {
      BIZOND_RETURN_IF_ERROR(CancelSlices(tx, others, now, &to_stop));
    }
    plan.id = NewUuid(now);
    // Queued a microsecond apart: they run in their order.
    UtcTime queued_at = now;
    for (const CursorWindow& window : plan.slices) {
      RunRow run = NewSlice(job, spec, options, window, queued_at);
      run.backfill = plan.id;
      BIZOND_RETURN_IF_ERROR(tx.InsertRun(run));
      plan.runs.push_back(std::move(run));
      queued_at += Duration(1);
    }
    return plan;
  });
  if (!planned) return planned;
  for (const std::string& run : to_stop) control_->StopRun(run);
  if (!options.dry_run) control_->Wake();
  return planned;
}

Result<size_t> JobService::CancelBackfill(std::string_view name, std::string_view backfill) {
  std::vector<std::string> to_stop;
  BIZOND_ASSIGN_OR_RETURN(const size_t count, store_->Transact([&](StoreTx& tx) -> Result<size_t> {
    to_stop.clear();
    BIZOND_RETURN_IF_ERROR(FindJob(tx, name));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> slices, ActiveSlices(tx, name, backfill));
    BIZOND_RETURN_IF_ERROR(CancelSlices(tx, slices, clock_->Now(), &to_stop));
    return slices.size();
  }));
  for (const std::string& run : to_stop) control_->StopRun(run);
  control_->Wake();
  return count;
}

}  // namespace bizond
