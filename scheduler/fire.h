// Fire: what becomes of the instants of one schedule that are due.
//
// PlanFires is arithmetic: which nominal instants up to now are run and which are missed, by the
// catch-up policy. FireSchedule writes it down in the caller's transaction: occurrences, the
// overlap decision, the runs, and the next fire. A schedule of `after` has no instants of its own:
// FireSchedule gives their runs to the occurrences that its upstream's successes left.
//
// Threads: called inside a store's write.
#ifndef BIZOND_SCHEDULER_FIRE_H_
#define BIZOND_SCHEDULER_FIRE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "scheduler/job_cache.h"
#include "scheduler/schedule.h"
#include "store/store.h"
#include "sync/job_spec.h"

namespace bizond {

// A fire that is handled this late is on time: nobody was away.
inline constexpr Duration kOnTime = std::chrono::minutes(1);
// At most this many instants of one schedule are handled in one transaction. Where more are due,
// those that the policy does not run share one row.
inline constexpr size_t kFiresMax = 1000;

struct PlannedFire {
  UtcTime nominal{};
  bool run = false;              // false: missed
  std::optional<UtcTime> until;  // Of one that stands for many that were missed: the last of them.

  friend bool operator==(const PlannedFire&, const PlannedFire&) = default;
};

struct FirePlan {
  std::vector<PlannedFire> fires;  // In order; at least one.
  std::optional<UtcTime> next;     // The first instant that is not in it; may lie before now.
};

FirePlan PlanFires(const Schedule& schedule, const ScheduleSpec& spec, UtcTime first, UtcTime now);

// The latest fire of `schedule` from `first`, which is one, to `until`: found by bisection, not by
// going through them all.
UtcTime LatestFire(const Schedule& schedule, UtcTime first, UtcTime until);

// Why nobody was there at an instant: "downtime", "suspend", "clock_step", "store_unavailable",
// "late".
using WhyMissed = std::function<std::string_view(UtcTime nominal)>;

// What a fire goes by.
struct FireRules {
  const JobRow& job;             // What the runs will be of ...
  const JobSpec& spec;           // ... with this definition.
  const ScheduleSpec& policies;  // What the schedule's row was planned by.
  const Schedule& schedule;
};

// The rules of a job that has a schedule.
inline FireRules RulesOf(const JobRow& job, const CompiledJob& compiled) {
  return {job, compiled.spec, *compiled.schedule_spec, *compiled.schedule};
}

struct FireOutcome {
  std::vector<RunRow> made;
  std::vector<std::string> to_stop;  // Running runs whose stop was asked for (cancel_other).
};

// Everything that is due of `row`, up to kFiresMax instants. Of a schedule of `after`: what the
// other job's successes left.
Result<FireOutcome> FireSchedule(StoreTx& tx, const ScheduleRow& row, const FireRules& rules,
                                 UtcTime now, const WhyMissed& why);

// The same for all that is due, before the schedule is changed: what was due until now is the old
// one's. Returns the running runs to stop.
Result<std::vector<std::string>> SettleSchedule(StoreTx& tx, const FireRules& rules, UtcTime now,
                                                std::string_view why);

// Takes the schedule away. What was due until now is missed, in one row.
Status DropSchedule(StoreTx& tx, const FireRules& rules, UtcTime now, std::string_view why);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_FIRE_H_
