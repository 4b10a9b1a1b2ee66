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

#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "scheduler/schedule.h"
#include "store/store.h"
#include "sync/job_spec.h"

namespace bizond {

// A fire that is handled this late is on time: nobody was away.
inline constexpr Duration kOnTime = std::chrono::minutes(1);
// At most this many instants of one schedule are handled in one transaction.
inline constexpr size_t kFiresMax = 1000;

struct PlannedFire {
  UtcTime nominal{};
  bool run = false;  // false: missed
};

struct FirePlan {
  std::vector<PlannedFire> fires;  // In order; at least one.
  std::optional<UtcTime> next;     // The first instant that is not in it; may lie before now.
};

FirePlan PlanFires(const Schedule& schedule, const ScheduleSpec& spec, UtcTime first, UtcTime now);

// Everything that is due of `row`, up to kFiresMax instants. Returns the runs that it made.
Result<std::vector<RunRow>> FireSchedule(StoreTx& tx, const ScheduleRow& row, const JobRow& job,
                                         const JobSpec& spec, UtcTime now);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_FIRE_H_
