// ClockWatch: tells what the wall clock did since somebody last looked, and why nobody was there
// for an instant.
//
// The wall clock is held against CLOCK_BOOTTIME (Clock::Elapsed), which nobody can set, and that
// against CLOCK_MONOTONIC (Clock::Steady), which stands still while the machine sleeps. Less than
// kLeastStep is the ordinary steering of a clock, and no step.
//
// Threads: one thread at a time.
#ifndef BIZOND_SCHEDULER_CLOCK_WATCH_H_
#define BIZOND_SCHEDULER_CLOCK_WATCH_H_

#include <deque>
#include <string_view>

#include "base/clock.h"

namespace bizond {

class ClockWatch {
 public:
  static constexpr Duration kLeastStep = std::chrono::seconds(1);

  struct Change {
    Duration step{0};   // The clock was set forward (or back, negative) by so much.
    Duration slept{0};  // The machine was suspended for so long.
  };

  // Until now nobody was there: "downtime".
  explicit ClockWatch(const Clock* clock);

  // Since the construction or the last call.
  Change Look();
  // From the first failure until the next success the store took no fires: "store_unavailable".
  void StoreAnswered(bool well);
  // Why a fire of that instant, which has passed, was not handled then: "downtime", "suspend",
  // "clock_step", "store_unavailable", or "late" when nothing of the kind is known.
  std::string_view WhyMissed(UtcTime nominal) const;

 private:
  struct Absence {
    UtcTime from;
    UtcTime to;
    std::string_view why;
  };

  void Remember(UtcTime from, UtcTime to, std::string_view why);

  const Clock* clock_;
  UtcTime wall_;
  Duration elapsed_;
  Duration steady_;
  UtcTime store_failed_at_ = UtcTime::max();  // max(): it is well.
  std::deque<Absence> absences_;              // The latest first; bounded.
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_CLOCK_WATCH_H_
