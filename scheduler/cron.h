// CronExpression: one parsed cron line as bitmasks, and the search for its next civil time.
//
// Five fields (minute hour day-of-month month day-of-week) or six (seconds first). Each field is a
// list of values, ranges (`1-5`, also around the end: `FRI-MON`, `22-4`) and steps (`*/15`, `5/10`,
// `9-17/2`); months and weekdays have names in any case; Sunday is 0 and 7. `H` is a value drawn
// from a hash of the seed (`H`, `H/15`, `H(0-29)`, `H(9-17)/2`; a day of month is drawn from 1-28),
// so that jobs spread by themselves and stay where they are. Day of month also takes `L` (last),
// `L-3`, `15W` (the weekday nearest to the 15th, within the month) and `LW` (last weekday); day of
// week `MON#2` (second Monday) and `5L` (last Friday); both take `?` for `*`. As in Vixie cron a
// day must match either day field where neither begins with `*` or `?` (`*/2` is a star, too), else
// both. A `+` before the day of week asks for both: `0 0 13 * +FRI` is Friday the 13th. `@yearly
// @annually @monthly @weekly @daily @midnight @hourly` are expressions too. An expression that no
// date can match is refused.
//
// Civil times here have no zone: scheduler/next_fire.h maps them to instants.
//
// Threads: a value; const methods may be called from any thread.
#ifndef BIZOND_SCHEDULER_CRON_H_
#define BIZOND_SCHEDULER_CRON_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace bizond {

// What a wall clock shows, whatever the zone.
using CivilTime = std::chrono::local_seconds;

class CronExpression {
 public:
  // `hash_seed` decides what `H` stands for: a job's name. Code `invalid_cron`: the message names
  // the field and the character (counted from 1), the remedy a correction.
  static Result<CronExpression> Parse(std::string_view text, std::string_view hash_seed);

  // The first civil time in [from, limit) that matches. Its cost grows with the months between
  // `from` and the answer, at some tens of nanoseconds each.
  std::optional<CivilTime> NextCivil(CivilTime from, CivilTime limit) const;

  // The shortest time between two matches that follow each other; at least a second.
  std::chrono::seconds ShortestPause() const;

  // True when the hour is `*` or stepped: such an expression means elapsed time, and runs in both
  // passes of a repeated hour.
  bool elapsed_hours() const { return elapsed_hours_; }
  // True when it holds an `H`, and another seed would make another expression of it.
  bool hashed() const { return hashed_; }

 private:
  friend class CronParser;

  CronExpression() = default;

  // Bit d is set when day d of the month matches.
  uint32_t DaysOf(std::chrono::year_month month) const;
  uint32_t MonthDaysOf(std::chrono::year_month month) const;
  uint32_t WeekDaysOf(std::chrono::year_month month) const;
  // Seconds since midnight, at least `from`.
  std::optional<int64_t> NextTimeOfDay(int64_t from) const;
  bool CanFire() const;
  // Days between the two matching days that are nearest to each other.
  int64_t NearestDays() const;

  // Constant after parsing. Bit v is set when value v matches.
  uint64_t seconds_ = 1;
  uint64_t minutes_ = 0;
  uint32_t hours_ = 0;
  uint32_t days_ = 0;                      // 1..31
  uint32_t last_offsets_ = 0;              // `L` is bit 0, `L-3` bit 3
  uint32_t nearest_days_ = 0;              // `15W` is bit 15
  uint16_t months_ = 0;                    // 1..12
  uint8_t weekdays_ = 0;                   // 0..6, Sunday is 0
  uint8_t last_weekdays_ = 0;              // `5L` is bit 5
  std::array<uint8_t, 7> nth_weekdays_{};  // `MON#2` is bit 2 of element 1
  bool last_workday_ = false;              // `LW`
  bool either_day_ = false;                // Both day fields are restricted.
  bool elapsed_hours_ = false;
  bool hashed_ = false;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_CRON_H_
