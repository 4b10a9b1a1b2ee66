#include "scheduler/next_fire.h"

#include <algorithm>

namespace bizond {
namespace {

namespace chrono = std::chrono;
using chrono::seconds;

constexpr Zone::UtcSeconds kFirst = chrono::sys_days(chrono::year(1) / 1 / 1);
constexpr Zone::UtcSeconds kLast = chrono::sys_days(chrono::year(9900) / 1 / 1);

// The longest pause of an expression that can fire at all is 40 years (a 29 February of one weekday
// around a year like 2100). A fire that a policy skips doubles it at the most.
constexpr seconds kLongestPause = chrono::years(100);

constexpr Zone::UtcSeconds kRulesOfToday = chrono::sys_days(chrono::year(2020) / 1 / 1);

}  // namespace

std::optional<Fire> NextFire(const CronExpression& cron, const Zone& zone, GapPolicy on_gap,
                             FoldPolicy on_fold, UtcTime after) {
  if (after >= UtcTime(kLast)) return std::nullopt;
  const auto start =
      std::max(chrono::floor<seconds>(std::max(after, UtcTime(kFirst))) + seconds(1), kFirst);
  const auto stop = std::min(start + kLongestPause, kLast);
  const bool fixed = !cron.elapsed_hours();
  const auto& periods = zone.periods();
  for (size_t i = zone.PeriodAt(start); i < periods.size() && periods[i].begin < stop; ++i) {
    const Zone::Period& period = periods[i];
    CivilTime from = period.Civil(std::max(period.begin, start));
    if (fixed && period.begin >= start && on_gap == GapPolicy::kNext) {
      // A match right after the gap is a fire of its own, and the two are one.
      const bool swallowed = cron.NextCivil(period.seen_before, from).has_value();
      if (swallowed && !cron.NextCivil(from, from + seconds(1))) {
        return Fire{period.begin, true, false};
      }
    }
    if (fixed && on_fold == FoldPolicy::kFirst) from = std::max(from, period.seen_before);
    if (const auto civil = cron.NextCivil(from, period.Civil(std::min(period.end, stop)))) {
      const bool fold = *civil < period.seen_before || *civil >= period.seen_again;
      return Fire{period.Utc(*civil), false, fold};
    }
  }
  return std::nullopt;
}

Duration ShortestPause(const CronExpression& cron, const Zone& zone, GapPolicy on_gap,
                       FoldPolicy on_fold) {
  const auto next = [&](UtcTime after) { return NextFire(cron, zone, on_gap, on_fold, after); };
  Duration shortest = cron.ShortestPause();
  const auto& periods = zone.periods();
  // Within a period the clock runs evenly: only the fires on either side of its start, and the pair
  // after it (of which one may have been moved), can be nearer to each other.
  for (size_t i = zone.PeriodAt(kRulesOfToday); i < periods.size(); ++i) {
    const UtcTime change = periods[i].begin;
    if (change < UtcTime(kRulesOfToday)) continue;
    const auto first = next(change - Duration(1));
    if (!first) continue;
    if (const auto second = next(first->at)) shortest = std::min(shortest, second->at - first->at);
    // The last fire before the change is the least instant whose next fire is beyond it.
    auto low = chrono::floor<seconds>(change - shortest);
    if (const auto within = next(low); !within || within->at >= change) continue;
    auto high = chrono::floor<seconds>(change) - seconds(1);
    while (high - low > seconds(1)) {
      const auto middle = low + (high - low) / 2;
      const auto fire = next(middle);
      (fire && fire->at < change ? low : high) = middle;
    }
    shortest = std::min(shortest, first->at - high);
  }
  return shortest;
}

}  // namespace bizond
