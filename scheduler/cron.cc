#include "scheduler/cron.h"

#include <algorithm>
#include <bit>

namespace bizond {
namespace {

namespace chrono = std::chrono;

// The lowest set bit that is at least `from`, or -1.
template <typename Mask>
int NextBit(Mask mask, int64_t from) {
  if (from >= static_cast<int64_t>(sizeof(Mask)) * 8) return -1;
  const auto rest = static_cast<uint64_t>(mask) >> from;
  return rest == 0 ? -1 : static_cast<int>(from) + std::countr_zero(rest);
}

int LastDay(chrono::year_month month) {
  return static_cast<int>(static_cast<unsigned>((month / chrono::last).day()));
}

// 0 for Sunday.
int WeekdayOf(chrono::year_month month, int day) {
  return static_cast<int>(chrono::weekday(chrono::sys_days(month / day)).c_encoding());
}

// The Monday to Friday nearest to `day`, without leaving the month.
int NearestWorkday(chrono::year_month month, int day) {
  const int last = LastDay(month);
  const int weekday = WeekdayOf(month, day);
  if (weekday == 6) return day > 1 ? day - 1 : day + 2;
  if (weekday == 0) return day < last ? day + 1 : day - 2;
  return day;
}

constexpr uint32_t Bit(int n) { return uint32_t{1} << n; }

constexpr int64_t kDaySeconds = 86'400;

// The Gregorian calendar repeats after 400 years, weekdays included.
constexpr int kCycleStart = 2000;
constexpr int kCycleYears = 400;

}  // namespace

uint32_t CronExpression::MonthDaysOf(chrono::year_month month) const {
  const int last = LastDay(month);
  uint32_t days = days_ & (Bit(last) | (Bit(last) - 1));
  for (int n = NextBit(last_offsets_, 0); n >= 0 && n < last; n = NextBit(last_offsets_, n + 1)) {
    days |= Bit(last - n);
  }
  for (int d = NextBit(nearest_days_, 1); d >= 0 && d <= last; d = NextBit(nearest_days_, d + 1)) {
    days |= Bit(NearestWorkday(month, d));
  }
  if (last_workday_) days |= Bit(NearestWorkday(month, last));
  return days;
}

uint32_t CronExpression::WeekDaysOf(chrono::year_month month) const {
  constexpr uint32_t kEverySeventh = Bit(0) | Bit(7) | Bit(14) | Bit(21) | Bit(28);
  const int last = LastDay(month);
  const int first_weekday = WeekdayOf(month, 1);
  uint32_t days = 0;
  for (int w = 0; w < 7; ++w) {
    const int first = 1 + (w - first_weekday + 7) % 7;
    if ((weekdays_ & Bit(w)) != 0) days |= kEverySeventh << first;
    const uint8_t nth = nth_weekdays_[static_cast<size_t>(w)];
    for (int n = NextBit(nth, 1); n >= 0; n = NextBit(nth, n + 1)) {
      if (first + 7 * (n - 1) <= last) days |= Bit(first + 7 * (n - 1));
    }
    if ((last_weekdays_ & Bit(w)) != 0) days |= Bit(first + (last - first) / 7 * 7);
  }
  return days & (Bit(last) | (Bit(last) - 1));
}

uint32_t CronExpression::DaysOf(chrono::year_month month) const {
  const uint32_t by_date = MonthDaysOf(month);
  const uint32_t by_weekday = WeekDaysOf(month);
  return either_day_ ? by_date | by_weekday : by_date & by_weekday;
}

std::optional<int64_t> CronExpression::NextTimeOfDay(int64_t from) const {
  const int64_t hour = from / 3600;
  const int64_t minute = from / 60 % 60;
  // Each line gives up one more field of `from`: the same minute, the same hour, a later hour.
  const bool same_hour = NextBit(hours_, hour) == hour;
  if (same_hour && NextBit(minutes_, minute) == minute) {
    if (const int s = NextBit(seconds_, from % 60); s >= 0) return hour * 3600 + minute * 60 + s;
  }
  if (same_hour) {
    const int m = NextBit(minutes_, minute + 1);
    if (m >= 0) return hour * 3600 + m * 60 + NextBit(seconds_, 0);
  }
  const int h = NextBit(hours_, hour + 1);
  if (h < 0) return std::nullopt;
  return int64_t{h} * 3600 + NextBit(minutes_, 0) * 60 + NextBit(seconds_, 0);
}

std::optional<CivilTime> CronExpression::NextCivil(CivilTime from, CivilTime limit) const {
  const auto start = chrono::floor<chrono::days>(from);
  const chrono::year_month_day first(start);
  // A start whose day is over goes on at the next midnight; every later day starts at midnight.
  const auto on_first_day = NextTimeOfDay((from - start).count());
  const auto at_midnight = NextTimeOfDay(0);
  if (!at_midnight) return std::nullopt;
  int64_t from_day = static_cast<unsigned>(first.day());
  for (chrono::year_month month = first.year() / first.month();; month += chrono::months(1)) {
    const chrono::local_days month_start(month / 1);
    if (month_start >= limit) return std::nullopt;
    const auto number = static_cast<unsigned>(month.month());
    if (NextBit(months_, number) == static_cast<int>(number)) {
      const uint32_t days = DaysOf(month);
      for (int d = NextBit(days, from_day); d >= 0; d = NextBit(days, d + 1)) {
        const auto day = month_start + chrono::days(d - 1);
        const auto second = day == start ? on_first_day : at_midnight;
        if (!second) continue;
        const CivilTime found = day + chrono::seconds(*second);
        return found < limit ? std::optional(found) : std::nullopt;
      }
    }
    from_day = 1;
  }
}

chrono::seconds CronExpression::ShortestPause() const {
  const int64_t first = NextTimeOfDay(0).value_or(0);
  int64_t last = first;
  int64_t shortest = kDaySeconds * kCycleYears * 366;
  for (auto next = NextTimeOfDay(first + 1); next; next = NextTimeOfDay(last + 1)) {
    shortest = std::min(shortest, *next - last);
    if (shortest == 1) return chrono::seconds(1);
    last = *next;
  }
  const int64_t overnight = kDaySeconds - (last - first);
  if (shortest <= overnight) return chrono::seconds(shortest);
  return chrono::seconds(std::min(shortest, overnight + (NearestDays() - 1) * kDaySeconds));
}

int64_t CronExpression::NearestDays() const {
  int64_t nearest = int64_t{kCycleYears} * 366;
  int64_t before = -nearest;  // The day that matched last, counted from the first month's start.
  int64_t month_start = 0;
  for (int month_number = 0; month_number < kCycleYears * 12 && nearest > 1; ++month_number) {
    const chrono::year_month month =
        chrono::year(kCycleStart) / chrono::January + chrono::months(month_number);
    const auto number = static_cast<unsigned>(month.month());
    const bool matches = NextBit(months_, number) == static_cast<int>(number);
    const uint32_t days = matches ? DaysOf(month) : 0;
    for (int d = NextBit(days, 1); d >= 0; d = NextBit(days, d + 1)) {
      nearest = std::min(nearest, month_start + d - before);
      before = month_start + d;
    }
    month_start += LastDay(month);
  }
  return nearest;
}

bool CronExpression::CanFire() const {
  for (int year = kCycleStart; year < kCycleStart + kCycleYears; ++year) {
    for (int month = NextBit(months_, 1); month >= 0; month = NextBit(months_, month + 1)) {
      if (DaysOf(chrono::year(year) / month) != 0) return true;
    }
  }
  return false;
}

}  // namespace bizond
