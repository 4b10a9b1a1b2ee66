#include "scheduler/fire.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scheduler/new_run.h"

namespace bizond {
namespace {

// Whether an instant that lies `late` behind now is run. `newest`: none later is due.
bool IsRun(const ScheduleSpec& spec, Duration late, bool newest) {
  switch (spec.catch_up) {
    case CatchUpMode::kNone:
      return newest && late <= kOnTime;
    case CatchUpMode::kLast:
      return newest;
    case CatchUpMode::kAll:
      return true;
    case CatchUpMode::kWithin:
      return late <= std::max(spec.catch_up_within, kOnTime);
  }
  return false;
}

// The reason why a fire makes no run now; empty: it makes one.
Result<std::string> Overlap(StoreTx& tx, const ScheduleSpec& spec, const JobRow& job, UtcTime now) {
  if (job.paused) return std::string("paused");
  BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(job.name));
  if (active.empty()) return std::string();
  const bool queued = std::any_of(active.begin(), active.end(),
                                  [](const RunRow& run) { return run.phase == RunPhase::kQueued; });
  switch (spec.overlap) {
    case OverlapPolicy::kSkip:
      return std::string("overlap");
    case OverlapPolicy::kBufferOne:
      return std::string(queued ? "overlap" : "");
    case OverlapPolicy::kCancelOther:
      for (const RunRow& run : active) {
        BIZOND_RETURN_IF_ERROR(run.phase == RunPhase::kQueued
                                   ? tx.CancelQueuedRun(run.id, std::nullopt, now)
                                   : tx.RequestStop(run.id, StopRequest::kCancel));
      }
      return std::string();
    case OverlapPolicy::kBufferAll:
    case OverlapPolicy::kAllowAll:
      break;
  }
  return std::string();
}

// The run of an occurrence that was decided to have one.
RunRow RunOf(const OccurrenceRow& occurrence, const JobRow& job, const JobSpec& spec,
             std::string_view trigger, UtcTime now) {
  RunRow run = NewRun(job, spec, trigger, now);
  run.nominal_at = occurrence.nominal_at;
  return run;
}

// Nobody was away when the upstream's run ended: each of its successes is run or skipped, however
// long ago it was.
Result<std::vector<RunRow>> FireAfter(StoreTx& tx, const ScheduleRow& row,
                                      const ScheduleSpec& schedule, const JobRow& job,
                                      const JobSpec& spec, UtcTime now) {
  std::vector<RunRow> runs;
  BIZOND_ASSIGN_OR_RETURN(std::vector<OccurrenceRow> waiting,
                          tx.WaitingOccurrences(job.name, static_cast<int>(kFiresMax)));
  ScheduleRow after = row;
  if (waiting.size() < kFiresMax) after.next_at.reset();
  for (OccurrenceRow& occurrence : waiting) {
    after.last_nominal = occurrence.nominal_at;
    occurrence.recorded_at = now;
    BIZOND_ASSIGN_OR_RETURN(occurrence.reason, Overlap(tx, schedule, job, now));
    if (occurrence.reason.empty()) {
      const RunRow run = RunOf(occurrence, job, spec, "after", now);
      occurrence.run_id = run.id;
      BIZOND_RETURN_IF_ERROR(tx.InsertRun(run));
      runs.push_back(run);
    } else {
      occurrence.state = "skipped";
    }
    BIZOND_RETURN_IF_ERROR(tx.SetOccurrence(occurrence));
  }
  BIZOND_RETURN_IF_ERROR(tx.PutSchedule(after));
  return runs;
}

}  // namespace

FirePlan PlanFires(const Schedule& schedule, const ScheduleSpec& spec, UtcTime first, UtcTime now) {
  FirePlan plan;
  std::optional<UtcTime> at = first;
  while (at && *at <= now && plan.fires.size() < kFiresMax) {
    plan.fires.push_back({*at, false});
    const std::optional<Fire> next = schedule.Next(*at);
    at = next ? std::optional(next->at) : std::nullopt;
  }
  plan.next = at;
  const bool all = !at || *at > now;
  for (size_t i = 0; i < plan.fires.size(); ++i) {
    const bool newest = all && i + 1 == plan.fires.size();
    plan.fires[i].run = IsRun(spec, now - plan.fires[i].nominal, newest);
  }
  return plan;
}

Result<std::vector<RunRow>> FireSchedule(StoreTx& tx, const ScheduleRow& row, const JobRow& job,
                                         const JobSpec& spec, UtcTime now) {
  std::vector<RunRow> runs;
  if (!row.next_at) return runs;
  const nlohmann::json block = nlohmann::json::parse(spec.schedule, nullptr, false);
  BIZOND_ASSIGN_OR_RETURN(const ScheduleSpec schedule_spec, ParseSchedule(block, job.name));
  if (schedule_spec.kind == ScheduleKind::kAfter) {
    return FireAfter(tx, row, schedule_spec, job, spec, now);
  }
  BIZOND_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Compile(schedule_spec, job.name));
  const FirePlan plan = PlanFires(schedule, schedule_spec, *row.next_at, now);
  for (const PlannedFire& fire : plan.fires) {
    OccurrenceRow occurrence{job.name, fire.nominal, "missed", "downtime", "", now};
    if (fire.run) {
      BIZOND_ASSIGN_OR_RETURN(const std::string reason, Overlap(tx, schedule_spec, job, now));
      occurrence.state = reason.empty() ? "queued" : "skipped";
      occurrence.reason = reason;
    }
    RunRow run = RunOf(occurrence, job, spec, "schedule", now);
    if (occurrence.state == "queued") occurrence.run_id = run.id;
    BIZOND_ASSIGN_OR_RETURN(const bool fresh, tx.InsertOccurrence(occurrence));
    if (!fresh || occurrence.state != "queued") continue;
    run.not_before =
        std::max(now, fire.nominal + JitterFor(job.name, fire.nominal, schedule_spec.jitter));
    BIZOND_RETURN_IF_ERROR(tx.InsertRun(run));
    runs.push_back(std::move(run));
  }
  const std::optional<UtcTime> last =
      plan.fires.empty() ? row.last_nominal : std::optional(plan.fires.back().nominal);
  BIZOND_RETURN_IF_ERROR(tx.PutSchedule({job.name, plan.next, last, ""}));
  return runs;
}

}  // namespace bizond
