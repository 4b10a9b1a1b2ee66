#include "tests/scheduler/cron_oracle.h"

#ifndef USE_OS_TZDB
#define USE_OS_TZDB 1
#endif
#include <date/tz.h>

#include <algorithm>
#include <map>

namespace bizond::cron_oracle {
namespace {

constexpr std::array kMonthNames = {"jan", "Feb", "MAR", "apr", "May", "JUN",
                                    "jul", "Aug", "SEP", "oct", "Nov", "DEC"};
constexpr std::array kDayNames = {"sun", "Mon", "TUE", "wed", "Thu", "FRI", "Sat"};

int Weekday(int year, int month, int day) {
  const date::sys_days days = date::year(year) / month / day;
  return static_cast<int>(date::weekday(days).c_encoding());
}

int LastDay(int year, int month) {
  return static_cast<int>(static_cast<unsigned>((date::year(year) / month / date::last).day()));
}

// The nearest Monday to Friday by trying each distance in turn.
int Workday(int year, int month, int day) {
  for (int distance = 0;; ++distance) {
    for (const int d : {day - distance, day + distance}) {
      if (d < 1 || d > LastDay(year, month)) continue;
      if (const int w = Weekday(year, month, d); w >= 1 && w <= 5) return d;
    }
  }
}

int Pick(std::mt19937_64& random, int min, int max) {
  return std::uniform_int_distribution<int>(min, max)(random);
}
bool Chance(std::mt19937_64& random, int percent) { return Pick(random, 1, 100) <= percent; }

struct Field {
  int min, max;
  char kind;  // 's' 'm' 'h' 'd' 'M' 'w'
};

std::string Write(std::mt19937_64& random, const Field& field, int value) {
  if (field.kind == 'M' && Chance(random, 40))
    return kMonthNames.at(static_cast<size_t>(value - 1));
  if (field.kind == 'w' && Chance(random, 40)) return kDayNames.at(static_cast<size_t>(value));
  if (field.kind == 'w' && value == 0 && Chance(random, 40)) return "7";
  return (Chance(random, 10) ? "0" : "") + std::to_string(value);
}

// One list item; adds what it means to `values`.
std::string Item(std::mt19937_64& random, const Field& field, std::set<int>& values,
                 bool& stepped) {
  const int size = field.max - field.min + 1;
  const int from = Pick(random, field.min, field.max);
  if (Chance(random, 45)) {
    values.insert(from);
    return Write(random, field, from);
  }
  const int to = Pick(random, field.min, field.max);
  int first = from;
  int count = (to - from + size) % size + 1;
  std::string text;
  if (Chance(random, 35)) {
    text = "*";
    stepped = true;
    first = field.min;
    count = size;
  } else {
    text = Write(random, field, from) + "-";
    // 7 as the end of a range from 0 means the whole week, so Sunday stays 0 here.
    text += field.kind == 'w' ? kDayNames.at(static_cast<size_t>(to)) : Write(random, field, to);
  }
  int step = 1;
  if (Chance(random, 60)) {
    step = Pick(random, 1, size);
    text += "/" + std::to_string(step);
    stepped = true;
  }
  for (int i = 0; i < count; i += step) {
    values.insert(field.min + (first - field.min + i) % size);
  }
  return text;
}

std::string List(std::mt19937_64& random, const Field& field, std::set<int>& values,
                 bool& stepped) {
  std::string text;
  for (int items = Chance(random, 60) ? 1 : Pick(random, 2, 3); items > 0; --items) {
    if (!text.empty()) text += ",";
    text += Item(random, field, values, stepped);
  }
  return text;
}

std::string Star(std::mt19937_64& random, const Field& field, std::set<int>& values) {
  for (int v = field.min; v <= field.max; ++v) values.insert(v);
  return (field.kind == 'd' || field.kind == 'w') && Chance(random, 30) ? "?" : "*";
}

std::string DaySpecial(std::mt19937_64& random, Expression& cron) {
  const int n = Pick(random, 1, 31);
  switch (Pick(random, 0, 3)) {
    case 0:
      cron.last_offsets.insert(0);
      return "L";
    case 1:
      cron.last_workday = true;
      return "LW";
    case 2:
      cron.nearest_days.insert(n);
      return std::to_string(n) + "w";
    default:
      cron.last_offsets.insert(std::min(n, 30));
      return "L-" + std::to_string(std::min(n, 30));
  }
}

std::string WeekdaySpecial(std::mt19937_64& random, const Field& field, Expression& cron) {
  const int day = Pick(random, 0, 6);
  const std::string text = Write(random, field, day);
  if (Chance(random, 50)) {
    cron.last_weekdays.insert(day);
    return text + "L";
  }
  const int n = Pick(random, 1, 5);
  cron.nth_weekdays.insert({day, n});
  return text + "#" + std::to_string(n);
}

}  // namespace

bool Expression::MatchesDate(int year, int month, int day) const {
  if (!months.contains(month)) return false;
  const int last = LastDay(year, month);
  const int weekday = Weekday(year, month, day);
  bool by_date = days.contains(day) || last_offsets.contains(last - day);
  by_date = by_date || (last_workday && Workday(year, month, last) == day);
  for (const int n : nearest_days) {
    by_date = by_date || (n <= last && Workday(year, month, n) == day);
  }
  const bool by_weekday = weekdays.contains(weekday) ||
                          nth_weekdays.contains({weekday, (day + 6) / 7}) ||
                          (last_weekdays.contains(weekday) && day + 7 > last);
  const bool either = days_restricted && weekdays_restricted && !both_days;
  return either ? by_date || by_weekday : by_date && by_weekday;
}

Expression RandomExpression(std::mt19937_64& random, bool with_seconds) {
  Expression cron;
  bool ignored = false;
  const Field seconds{0, 59, 's'}, minutes{0, 59, 'm'}, hours{0, 23, 'h'};
  const Field days{1, 31, 'd'}, months{1, 12, 'M'}, weekdays{0, 6, 'w'};
  if (with_seconds) {
    cron.text = List(random, seconds, cron.seconds, ignored) + " ";
  } else {
    cron.seconds = {0};
  }
  cron.text += List(random, minutes, cron.minutes, ignored) + " ";
  if (Chance(random, 25)) {
    cron.text += Star(random, hours, cron.hours);
    cron.elapsed_hours = true;
  } else {
    cron.text += List(random, hours, cron.hours, cron.elapsed_hours);
  }
  const int special = Pick(random, 0, 9);
  std::string text;
  if (special == 0) {
    text = DaySpecial(random, cron);
  } else if (special == 1) {
    text = DaySpecial(random, cron) + "," + List(random, days, cron.days, ignored);
  } else {
    text =
        Chance(random, 60) ? Star(random, days, cron.days) : List(random, days, cron.days, ignored);
  }
  cron.days_restricted = text[0] != '*' && text[0] != '?';
  cron.text += " " + text + " ";
  cron.text += Chance(random, 60) ? Star(random, months, cron.months)
                                  : List(random, months, cron.months, ignored);
  text = special == 2         ? WeekdaySpecial(random, weekdays, cron)
         : Chance(random, 60) ? Star(random, weekdays, cron.weekdays)
                              : List(random, weekdays, cron.weekdays, ignored);
  cron.weekdays_restricted = text[0] != '*' && text[0] != '?';
  cron.both_days = Chance(random, 15);
  cron.text += (cron.both_days ? " +" : " ") + text;
  return cron;
}

BruteForce::BruteForce(const std::string& zone_name, int64_t begin, int64_t end, int64_t step)
    : zone_(zone_name), step_(step) {
  using std::chrono::seconds;
  const date::time_zone* zone = date::locate_zone(zone_name);
  for (int64_t utc = begin; utc < end;) {
    const date::sys_info info = zone->get_info(date::sys_seconds(seconds(utc)));
    const int64_t offset = info.offset.count();
    if (!spans_.empty() && spans_.back().offset != offset) {
      changes_.push_back(utc);
      Gap gap{utc, {}};
      for (int64_t civil = utc + spans_.back().offset; civil < utc + offset; civil += step) {
        const auto local = zone->get_info(date::local_seconds(seconds(civil)));
        if (local.result == date::local_info::nonexistent) gap.swallowed.push_back(civil);
      }
      if (!gap.swallowed.empty()) gaps_.push_back(std::move(gap));
    }
    spans_.push_back({utc, std::min<int64_t>(end, info.end.time_since_epoch().count()), offset});
    utc = spans_.back().end;
  }
}

std::vector<Instant> BruteForce::Fires(const Expression& cron, bool gap_next,
                                       bool fold_both) const {
  std::array<bool, 60> seconds{}, minutes{};
  std::array<bool, 24> hours{};
  for (const int v : cron.seconds) seconds.at(static_cast<size_t>(v)) = true;
  for (const int v : cron.minutes) minutes.at(static_cast<size_t>(v)) = true;
  for (const int v : cron.hours) hours.at(static_cast<size_t>(v)) = true;
  std::map<int64_t, bool> dates;
  const auto matches = [&](int64_t civil) {
    const int64_t day = civil >= 0 ? civil / 86'400 : -((86'399 - civil) / 86'400);
    const auto second = static_cast<size_t>(civil - day * 86'400);
    if (!hours[second / 3600] || !minutes[second / 60 % 60] || !seconds[second % 60]) return false;
    const auto [known, is_new] = dates.try_emplace(day, false);
    if (is_new) {
      const date::year_month_day ymd{date::sys_days(date::days(day))};
      known->second = cron.MatchesDate(static_cast<int>(ymd.year()),
                                       static_cast<int>(static_cast<unsigned>(ymd.month())),
                                       static_cast<int>(static_cast<unsigned>(ymd.day())));
    }
    return known->second;
  };
  const bool fixed = !cron.elapsed_hours;
  std::vector<Instant> fires;
  auto gap = gaps_.begin();
  const date::time_zone* zone = date::locate_zone(zone_);
  constexpr int64_t kNear = int64_t{2} * 86'400;  // Further from a change nothing comes twice.
  for (const Span& span : spans_) {
    for (int64_t utc = span.begin; utc < span.end; utc += step_) {
      const int64_t civil = utc + span.offset;
      const bool after_gap = gap != gaps_.end() && gap->utc == utc;
      bool repeated = false;
      bool second_pass = false;
      const bool match = matches(civil);
      if (match && (utc - span.begin < kNear || span.end - utc < kNear)) {
        const auto local = zone->get_info(date::local_seconds(std::chrono::seconds(civil)));
        repeated = local.result == date::local_info::ambiguous;
        second_pass = repeated && utc >= local.second.begin.time_since_epoch().count();
      }
      if (match && !(fixed && second_pass && !fold_both)) {
        fires.push_back({utc, false, repeated});
      } else if (after_gap && fixed && gap_next &&
                 std::any_of(gap->swallowed.begin(), gap->swallowed.end(), matches)) {
        fires.push_back({utc, true, false});
      }
      if (after_gap) ++gap;
    }
  }
  return fires;
}

}  // namespace bizond::cron_oracle
