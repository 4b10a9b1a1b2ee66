// Firing: turns schedules that are due into occurrences and runs, and keeps the plan right when the
// clock or the time zones change.
//
//   the clock                     what happens
//   goes forward, machine asleep  each schedule's catch_up decides; the rest is missed (suspend)
//   is set forward                the same (clock_step): no burst
//   is set back, by a minute      nothing: the next fire waits for its instant
//   is set back, further          what was missed by the wrong clock is to come again, what was run
//                                 stays run; queued runs wait no longer than they had to
//   new time zones                every next fire is computed anew
//
// Threads: the scheduler's.
#ifndef BIZOND_SCHEDULER_FIRING_H_
#define BIZOND_SCHEDULER_FIRING_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "scheduler/clock_watch.h"
#include "scheduler/job_cache.h"
#include "scheduler/replan.h"
#include "store/store.h"

namespace bizond {

class Firing {
 public:
  // `stop_run`: raises the stop of a running run that a fire cancels (overlap: cancel_other).
  Firing(Store* store, JobCache* jobs, Clock* clock,
         std::function<void(std::string_view)> stop_run);

  // Before the first turn.
  Status Begin();
  // Looks at the clock and fires what is due, or some of it, in one transaction. True: there may be
  // more to do at once. An error: the store takes no fires.
  Result<bool> Turn();
  // Within the last hour the clock was set, forward or back, by more than an hour, or the daemon
  // came back on another day: nothing is to be deleted by that date yet.
  bool IsDateDoubtful() const;

 private:
  Status LookAtClock();
  Status FireOne(StoreTx& tx, const ScheduleRow& row, UtcTime now,
                 std::vector<std::string>& stopped) const;

  Store* const store_;
  JobCache* const jobs_;
  Clock* const clock_;
  const std::function<void(std::string_view)> stop_run_;
  ClockWatch watch_;
  Replan replan_;
  Duration doubtful_until_{0};  // Steady
  Duration back_{0};            // How far the clock was set back since the queue was told.
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_FIRING_H_
