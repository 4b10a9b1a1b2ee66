// Freshness: whether a job's published data is older than its definition allows.
//
// FreshnessOf is arithmetic on a job's row. FreshnessWatch goes through all jobs once a minute, a
// few a turn, and tells of each that becomes late: once in the log, and as an event for those who
// follow them.
//
// Threads: FreshnessOf is a pure function; a FreshnessWatch belongs to the scheduler's thread.
#ifndef BIZOND_SCHEDULER_FRESHNESS_H_
#define BIZOND_SCHEDULER_FRESHNESS_H_

#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/time.h"
#include "store/store.h"

namespace bizond {

struct Freshness {
  Duration limit{0};
  UtcTime since{};  // The last success; before the first one, when the job was made.

  UtcTime LateAt() const { return since + limit; }
  bool IsLate(UtcTime now) const { return now > LateAt(); }
};

// nullopt: the job asks for none (checks.freshness). A paused job's data grows old, too.
std::optional<Freshness> FreshnessOf(const JobRow& job);

class FreshnessWatch {
 public:
  FreshnessWatch(Store* store, Clock* clock) : store_(store), clock_(clock) {}

  // A part of the jobs, when it is time to look. True: there are more.
  bool Turn();

 private:
  void Look(const JobRow& job, UtcTime now);

  Store* const store_;
  Clock* const clock_;
  Duration look_at_{0};  // Steady
  std::string cursor_;
  // Jobs that were told of, as of the look before and as of this one so far.
  std::set<std::string> late_;
  std::set<std::string> late_now_;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_FRESHNESS_H_
