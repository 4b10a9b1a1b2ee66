// NextFire: a cron expression and a zone's rules make instants.
//
// An expression whose hour is `*` or stepped means elapsed time: it fires whenever the wall clock
// shows a match, in both passes of a repeated hour, and what a gap swallows does not happen.
// One with fixed hours means a daily appointment, and the schedule's policy says what becomes of it
// when the clock changes:
//   gap:  kNext (default) fires at the first instant after the gap, once however many matches the
//   gap
//         swallowed; kSkip does not fire.
//   fold: kFirst (default) fires at the first of the two instants; kBoth at each.
//
// Threads: a pure function of its arguments.
#ifndef BIZOND_SCHEDULER_NEXT_FIRE_H_
#define BIZOND_SCHEDULER_NEXT_FIRE_H_

#include <optional>

#include "base/time.h"
#include "scheduler/cron.h"
#include "scheduler/zone.h"

namespace bizond {

enum class GapPolicy : unsigned char { kNext, kSkip };
enum class FoldPolicy : unsigned char { kFirst, kBoth };

struct Fire {
  UtcTime at;
  bool gap = false;   // Its civil time did not exist: `at` is the instant after the gap.
  bool fold = false;  // Its civil time exists twice: `at` is one of them.

  friend bool operator==(const Fire&, const Fire&) = default;
};

// The first fire after `after`, that instant excluded; empty when there is none before the year
// 9900. A whole second.
std::optional<Fire> NextFire(const CronExpression& cron, const Zone& zone, GapPolicy on_gap,
                             FoldPolicy on_fold, UtcTime after);

// The shortest time between two fires that follow each other from 2020 on: what the expression
// allows, and what is left of it where the zone's clocks change (02:00 twice with kBoth is an
// hour). It takes up to a few milliseconds.
Duration ShortestPause(const CronExpression& cron, const Zone& zone, GapPolicy on_gap,
                       FoldPolicy on_fold);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_NEXT_FIRE_H_
