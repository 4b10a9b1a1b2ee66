#include "scheduler/fire.h"

#include <algorithm>
#include <iterator>

#include "scheduler/new_run.h"

namespace bizond {
namespace {

constexpr Duration kMoment = Duration(1);

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

// The latest due fire that the policy can do nothing for, whatever comes later; nullopt: there is
// none.
std::optional<UtcTime> LatestLost(const Schedule& schedule, const ScheduleSpec& spec, UtcTime first,
                                  UtcTime now) {
  if (spec.catch_up == CatchUpMode::kAll) return std::nullopt;
  const UtcTime kept = spec.catch_up == CatchUpMode::kWithin
                           ? now - std::max(spec.catch_up_within, kOnTime)
                           : LatestFire(schedule, first, now);
  if (kept <= first) return std::nullopt;
  return LatestFire(schedule, first, kept - kMoment);
}

// A run that somebody asked for at an instant to come overlaps nothing before it.
bool IsStillToCome(const RunRow& run, UtcTime now) {
  return run.phase == RunPhase::kQueued && run.attempt == 0 && !run.nominal_at &&
         run.not_before > now;
}

// The reason why a fire makes no run now; empty: it makes one.
Result<std::string> Overlap(StoreTx& tx, const ScheduleSpec& spec, const JobRow& job, UtcTime now,
                            std::vector<std::string>& to_stop) {
  // Its staging is in the way of any other, whatever the policy.
  BIZOND_ASSIGN_OR_RETURN(const std::optional<std::string> held, tx.HeldRun(job.name));
  if (held) return std::string("held");
  BIZOND_ASSIGN_OR_RETURN(std::vector<RunRow> active, tx.ActiveRuns(job.name));
  // The slices of a backfill have an overlap of their own: fires go between them.
  std::erase_if(active,
                [now](const RunRow& run) { return run.IsSlice() || IsStillToCome(run, now); });
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
        if (run.phase == RunPhase::kQueued) {
          BIZOND_RETURN_IF_ERROR(tx.CancelQueuedRun(run.id, std::nullopt, now));
          continue;
        }
        BIZOND_RETURN_IF_ERROR(tx.RequestStop(run.id, StopRequest::kCancel));
        to_stop.push_back(run.id);
      }
      return std::string();
    case OverlapPolicy::kBufferAll:
    case OverlapPolicy::kAllowAll:
      break;
  }
  return std::string();
}

// What becomes of an occurrence that was decided to run: skipped with a reason, or its run. Whoever
// paused the job wanted none.
Result<std::optional<RunRow>> Decide(StoreTx& tx, const FireRules& rules, std::string_view trigger,
                                     UtcTime now, OccurrenceRow& occurrence, FireOutcome& outcome) {
  if (rules.job.paused) {
    occurrence.reason = "paused";
  } else {
    BIZOND_ASSIGN_OR_RETURN(occurrence.reason,
                            Overlap(tx, rules.policies, rules.job, now, outcome.to_stop));
  }
  if (!occurrence.reason.empty()) {
    occurrence.state = "skipped";
    return std::optional<RunRow>();
  }
  RunRow run = NewRun(rules.job, rules.spec, trigger, now);
  run.nominal_at = occurrence.nominal_at;
  run.not_before =
      std::max(now, occurrence.nominal_at +
                        JitterFor(rules.job.name, occurrence.nominal_at, rules.policies.jitter));
  occurrence.state = "queued";
  occurrence.run_id = run.id;
  return std::optional<RunRow>(std::move(run));
}

// One planned fire into the transaction.
Status WriteFire(StoreTx& tx, const FireRules& rules, const PlannedFire& fire, UtcTime now,
                 std::string_view missed, FireOutcome& outcome) {
  OccurrenceRow occurrence{rules.job.name, fire.nominal, "missed", std::string(missed), "", now,
                           fire.until};
  std::optional<RunRow> run;
  // A pause is the reason whether somebody was there or not.
  if (fire.run || rules.job.paused) {
    BIZOND_ASSIGN_OR_RETURN(run, Decide(tx, rules, "schedule", now, occurrence, outcome));
  }
  BIZOND_ASSIGN_OR_RETURN(const bool fresh, tx.InsertOccurrence(occurrence));
  if (!fresh || !run) return {};
  BIZOND_RETURN_IF_ERROR(tx.InsertRun(*run));
  outcome.made.push_back(std::move(*run));
  return {};
}

// Nobody was away when the upstream's run ended: each of its successes is run or skipped, however
// long ago it was.
Result<FireOutcome> FireAfter(StoreTx& tx, const ScheduleRow& row, const FireRules& rules,
                              UtcTime now) {
  FireOutcome outcome;
  BIZOND_ASSIGN_OR_RETURN(std::vector<OccurrenceRow> waiting,
                          tx.WaitingOccurrences(row.job, static_cast<int>(kFiresMax)));
  ScheduleRow after = row;
  if (waiting.size() < kFiresMax) after.next_at.reset();
  for (OccurrenceRow& occurrence : waiting) {
    after.last_nominal = occurrence.nominal_at;
    occurrence.recorded_at = now;
    BIZOND_ASSIGN_OR_RETURN(std::optional<RunRow> run,
                            Decide(tx, rules, "after", now, occurrence, outcome));
    BIZOND_RETURN_IF_ERROR(tx.SetOccurrence(occurrence));
    if (!run) continue;
    BIZOND_RETURN_IF_ERROR(tx.InsertRun(*run));
    outcome.made.push_back(std::move(*run));
  }
  BIZOND_RETURN_IF_ERROR(tx.PutSchedule(after));
  return outcome;
}

}  // namespace

UtcTime LatestFire(const Schedule& schedule, UtcTime first, UtcTime until) {
  UtcTime latest = first;
  // Halves the stretch between a fire and the end; both ends stay whole seconds apart at least.
  UtcTime end = until;
  while (end - latest > std::chrono::seconds(1)) {
    const UtcTime middle = latest + (end - latest) / 2;
    const std::optional<Fire> next = schedule.Next(middle);
    if (next && next->at <= until) {
      latest = next->at;
    } else {
      end = middle;
    }
  }
  while (true) {
    const std::optional<Fire> next = schedule.Next(latest);
    if (!next || next->at > until) return latest;
    latest = next->at;
  }
}

FirePlan PlanFires(const Schedule& schedule, const ScheduleSpec& spec, UtcTime first, UtcTime now) {
  FirePlan plan;
  std::optional<UtcTime> at = first;
  while (at && *at <= now && plan.fires.size() < kFiresMax) {
    plan.fires.push_back({*at, false, std::nullopt});
    const std::optional<Fire> next = schedule.Next(*at);
    at = next ? std::optional(next->at) : std::nullopt;
  }
  plan.next = at;
  const bool all = !at || *at > now;
  if (!all) {
    if (const auto lost = LatestLost(schedule, spec, first, now)) {
      const std::optional<Fire> next = schedule.Next(*lost);
      plan.fires = {{first, false, *lost == first ? std::nullopt : lost}};
      plan.next = next ? std::optional(next->at) : std::nullopt;
      return plan;
    }
  }
  for (size_t i = 0; i < plan.fires.size(); ++i) {
    const bool newest = all && i + 1 == plan.fires.size();
    plan.fires[i].run = IsRun(spec, now - plan.fires[i].nominal, newest);
  }
  return plan;
}

Result<FireOutcome> FireSchedule(StoreTx& tx, const ScheduleRow& row, const FireRules& rules,
                                 UtcTime now, const WhyMissed& why) {
  FireOutcome outcome;
  if (!row.next_at) return outcome;
  if (rules.policies.kind == ScheduleKind::kAfter) return FireAfter(tx, row, rules, now);
  const FirePlan plan = PlanFires(rules.schedule, rules.policies, *row.next_at, now);
  std::optional<UtcTime> last = row.last_nominal;
  for (const PlannedFire& fire : plan.fires) {
    BIZOND_RETURN_IF_ERROR(
        WriteFire(tx, rules, fire, now, fire.run ? "" : why(fire.nominal), outcome));
    last = fire.until.value_or(fire.nominal);
  }
  BIZOND_RETURN_IF_ERROR(tx.PutSchedule({row.job, plan.next, last, row.upstream}));
  return outcome;
}

Result<std::vector<std::string>> SettleSchedule(StoreTx& tx, const FireRules& rules, UtcTime now,
                                                std::string_view why) {
  std::vector<std::string> to_stop;
  while (true) {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<ScheduleRow> row, tx.GetSchedule(rules.job.name));
    if (!row || !row->next_at || *row->next_at > now) return to_stop;
    BIZOND_ASSIGN_OR_RETURN(FireOutcome outcome,
                            FireSchedule(tx, *row, rules, now, [&](UtcTime) { return why; }));
    std::move(outcome.to_stop.begin(), outcome.to_stop.end(), std::back_inserter(to_stop));
  }
}

Status DropSchedule(StoreTx& tx, const FireRules& rules, UtcTime now, std::string_view why) {
  const std::string& job = rules.job.name;
  BIZOND_ASSIGN_OR_RETURN(const std::optional<ScheduleRow> row, tx.GetSchedule(job));
  if (!row || !row->next_at || *row->next_at > now) return tx.DeleteSchedule(job);
  if (rules.policies.kind == ScheduleKind::kAfter) {
    BIZOND_ASSIGN_OR_RETURN(std::vector<OccurrenceRow> waiting,
                            tx.WaitingOccurrences(job, static_cast<int>(kFiresMax)));
    for (OccurrenceRow& occurrence : waiting) {
      occurrence.state = "missed";
      occurrence.reason = why;
      BIZOND_RETURN_IF_ERROR(tx.SetOccurrence(occurrence));
    }
    return tx.DeleteSchedule(job);
  }
  const UtcTime latest = LatestFire(rules.schedule, *row->next_at, now);
  const PlannedFire fire{*row->next_at, false,
                         latest == *row->next_at ? std::nullopt : std::optional(latest)};
  FireOutcome none;
  BIZOND_RETURN_IF_ERROR(WriteFire(tx, rules, fire, now, why, none));
  return tx.DeleteSchedule(job);
}

}  // namespace bizond
