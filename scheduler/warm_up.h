// WarmUp: readies what comes due soon, so that a thousand schedules of one second need not be
// compiled in that second.
//
// Between the turns of the scheduler it puts the jobs that come due within the next two minutes
// into the JobCache, some at a time. It looks again a minute later, or earlier where it did not get
// that far. Nothing depends on it: a fire compiles what it does not find.
//
// Threads: the scheduler's.
#ifndef BIZOND_SCHEDULER_WARM_UP_H_
#define BIZOND_SCHEDULER_WARM_UP_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "scheduler/job_cache.h"
#include "store/store.h"

namespace bizond {

class WarmUp {
 public:
  WarmUp(const Store* store, JobCache* jobs, Clock* clock)
      : store_(store), jobs_(jobs), clock_(clock) {}

  // A part of what is to be readied. True: there is more.
  bool Turn();

 private:
  void Look();

  const Store* const store_;
  JobCache* const jobs_;
  Clock* const clock_;
  std::vector<std::string> pending_;  // Jobs, those that come due last first.
  Duration look_at_{0};               // Steady
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_WARM_UP_H_
