#include "scheduler/zone_footer.h"

#include <algorithm>
#include <utility>

namespace bizond {
namespace {

namespace chrono = std::chrono;
using chrono::seconds;

// Reads from left to right; `ok` turns false at the first surprise and stays so.
struct Reader {
  std::string_view rest;
  bool ok = true;

  bool Take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void Need(char c) { ok = Take(c) && ok; }
  unsigned Number(unsigned max) {
    const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    unsigned value = 0;
    for (const char c : rest.substr(0, std::min<size_t>(digits, 6))) {
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    ok = ok && digits > 0 && value <= max;
    rest.remove_prefix(digits);
    return value;
  }
  // "CET" or "<-03>".
  void Name() {
    const bool quoted = Take('<');
    const size_t size =
        std::min(quoted ? rest.find('>') : rest.find_first_of("+-0123456789,"), rest.size());
    ok = ok && size >= 3;
    rest.remove_prefix(size);
    if (quoted) Need('>');
  }
  // "[+-]hh[:mm[:ss]]", at most a week.
  seconds Time() {
    const bool negative = Take('-');
    if (!negative) Take('+');
    seconds time = chrono::hours(Number(167));
    if (Take(':')) time += chrono::minutes(Number(59));
    if (Take(':')) time += seconds(Number(59));
    return negative ? -time : time;
  }
  ZoneFooter::Date Date() {
    ZoneFooter::Date date;
    Need(',');
    Need('M');
    date.month = Number(12);
    Need('.');
    date.week = Number(5);
    Need('.');
    date.weekday = Number(6);
    if (Take('/')) date.time = Time();
    ok = ok && date.month >= 1 && date.week >= 1;
    return date;
  }
};

chrono::sys_seconds Resolve(chrono::year year, const ZoneFooter::Date& date, seconds offset) {
  const chrono::year_month month = year / chrono::month(date.month);
  const chrono::weekday weekday(date.weekday);
  const chrono::sys_days day = date.week == 5 ? chrono::sys_days(month / weekday[chrono::last])
                                              : chrono::sys_days(month / weekday[date.week]);
  return day + date.time - offset;
}

}  // namespace

std::array<ZoneFooter::Change, 2> ZoneFooter::ChangesOf(chrono::year year) const {
  std::array changes = {Change{Resolve(year, daylight_begin, standard), daylight},
                        Change{Resolve(year, daylight_end, daylight), standard}};
  if (changes[1].at < changes[0].at) std::swap(changes[0], changes[1]);
  return changes;
}

std::optional<ZoneFooter> ParseZoneFooter(std::string_view text) {
  Reader in{text};
  ZoneFooter footer;
  in.Name();
  footer.standard = -in.Time();  // POSIX counts west of Greenwich.
  if (!in.ok || in.rest.empty()) return std::nullopt;
  in.Name();
  const bool default_offset = in.rest.empty() || in.rest.front() == ',';
  footer.daylight = default_offset ? footer.standard + chrono::hours(1) : -in.Time();
  footer.daylight_begin = in.Date();
  footer.daylight_end = in.Date();
  if (!in.ok || !in.rest.empty()) return std::nullopt;
  return footer;
}

}  // namespace bizond
