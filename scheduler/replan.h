// Replan: computes the next fire of every schedule anew, after what it was computed from changed.
//
// That is the time zones (a new tzdata), or a clock that was set back by more than kOnTime: fires
// between the new present and the old one that nobody was there for are to come again, while those
// that were run, or skipped with a reason, stay what they are: nothing fires twice. A fire that is
// due is left to be fired first; its successor is computed from the new rules anyway.
//
// A pass goes over the schedules by name, some hundred in a transaction, between the turns of the
// scheduler. One that is cut off begins anew at the next start: SchedulerMarks are written when it
// has gone through.
//
// Threads: the scheduler's.
#ifndef BIZOND_SCHEDULER_REPLAN_H_
#define BIZOND_SCHEDULER_REPLAN_H_

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "scheduler/job_cache.h"
#include "store/store.h"

namespace bizond {

class Replan {
 public:
  Replan(Store* store, JobCache* jobs, Clock* clock);

  // Reads the marks and begins a pass when the time zones are not those of the last one, or the
  // clock is behind the last fire.
  Status Begin();
  // Looks whether tzdata was changed since, at most once a minute; and whether the clock is behind
  // what was fired at. Begins a pass (again) where one is needed.
  void Look();
  // One transaction of the pass. True: there is more to do.
  Result<bool> Turn();
  const SchedulerMarks& marks() const { return marks_; }

  // Schedules were fired at that instant, in this transaction.
  Status Fired(StoreTx& tx, UtcTime now);

 private:
  void Start(std::string_view why);
  Status ReplanOne(StoreTx& tx, const ScheduleRow& row, UtcTime now) const;

  Store* const store_;
  JobCache* const jobs_;
  Clock* const clock_;
  SchedulerMarks marks_;   // As stored.
  std::string tzdata_;     // As it is now.
  Duration looked_at_{0};  // Steady
  bool under_way_ = false;
  bool back_ = false;  // The pass is for a clock that was set back.
  std::string after_;  // The last job of the pass so far.
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_REPLAN_H_
