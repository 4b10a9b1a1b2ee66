#include "scheduler/zone.h"

// Debian builds date-tz so; its classes have another layout without it.
#ifndef USE_OS_TZDB
#define USE_OS_TZDB 1
#endif
#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>

#include "scheduler/schedule_words.h"
#include "scheduler/zone_footer.h"

namespace bizond {
namespace {

namespace chrono = std::chrono;
using chrono::seconds;
using Period = Zone::Period;
using UtcSeconds = Zone::UtcSeconds;
using CivilSeconds = Zone::CivilSeconds;

// The table's ends, far beyond what FormatUtc prints and far from an overflow.
constexpr UtcSeconds kBegin = chrono::sys_days(chrono::year(-1000) / 1 / 1);
constexpr UtcSeconds kEnd = chrono::sys_days(chrono::year(12'000) / 1 / 1);
constexpr chrono::year kLastFooterYear{2137};

// Adds a period from `begin` on, which ends the one before; nothing when the offset stays.
void Add(std::vector<Period>& periods, UtcSeconds begin, seconds offset) {
  if (!periods.empty()) {
    if (periods.back().offset == offset) return;
    periods.back().end = begin;
  }
  periods.push_back(Period{begin, kEnd, offset, {}, {}});
}

std::vector<Period> LoadPeriods(const date::time_zone& zone) {
  std::vector<Period> periods;
  UtcSeconds last_change = kBegin;
  for (UtcSeconds at = kBegin; at < kEnd;) {
    const date::sys_info info = zone.get_info(at);
    last_change = at;
    Add(periods, at, info.offset);
    if (info.end <= at) break;
    at = info.end;
  }
  if (const auto footer = ReadZoneFooter(zone.name())) {
    const auto day = chrono::floor<chrono::days>(last_change);
    const chrono::year first = std::max(chrono::year_month_day(day).year(), chrono::year(1970));
    for (chrono::year year = first; year <= kLastFooterYear; ++year) {
      for (const ZoneFooter::Change& change : footer->ChangesOf(year)) {
        if (change.at > last_change) Add(periods, change.at, change.offset);
      }
    }
  }
  return periods;
}

Failure UnknownZone(std::string_view name) {
  std::vector<std::string_view> names;
  for (const date::time_zone& zone : date::get_tzdb().zones) names.push_back(zone.name());
  std::string remedy = DidYouMean(NearestNames(name, names, 3));
  if (remedy.empty()) {
    remedy = names.empty()
                 ? "Install the system's time zones: apt-get install tzdata"
                 : "Write a name like Europe/Paris or UTC: see `timedatectl list-timezones`";
  }
  return Fail(ErrorKind::kConfig, "unknown_timezone",
              fmt::format("there is no time zone '{}'", Printable(name)), std::move(remedy));
}

Result<std::unique_ptr<const Zone>> Load(std::string_view name) try {
  // Most schedules are in UTC: they need no walk through the system's database.
  if (name == "UTC") {
    std::vector<Period> periods;
    Add(periods, kBegin, seconds(0));
    return std::make_unique<const Zone>(std::string(name), std::move(periods));
  }
  const auto& zones = date::get_tzdb().zones;
  const auto zone = std::find_if(zones.begin(), zones.end(),
                                 [&](const date::time_zone& z) { return z.name() == name; });
  if (zone == zones.end()) return UnknownZone(name);
  return std::make_unique<const Zone>(std::string(name), LoadPeriods(*zone));
} catch (const std::exception& e) {
  return Fail(ErrorKind::kConfig, "unknown_timezone",
              fmt::format("cannot load the time zone '{}': {}", Printable(name), e.what()),
              "Install the system's time zones: apt-get install tzdata");
}

}  // namespace

Result<const Zone*> Zone::Find(std::string_view name) {
  // Left to the process's end on purpose: schedules of any thread hold pointers into it.
  static std::mutex mutex;
  static auto& cache = *new std::map<std::string, std::unique_ptr<const Zone>, std::less<>>;
  const std::lock_guard lock(mutex);
  if (const auto found = cache.find(name); found != cache.end()) return found->second.get();
  BIZOND_ASSIGN_OR_RETURN(auto zone, Load(name));
  return cache.emplace(std::string(name), std::move(zone)).first->second.get();
}

Zone::Zone(std::string name, std::vector<Period> periods)
    : name_(std::move(name)), periods_(std::move(periods)) {
  CivilSeconds highest = periods_.front().Civil(periods_.front().begin);
  for (Period& period : periods_) {
    period.seen_before = highest;
    highest = std::max(highest, period.Civil(period.end));
  }
  CivilSeconds lowest = periods_.back().Civil(periods_.back().end);
  for (auto period = periods_.rbegin(); period != periods_.rend(); ++period) {
    period->seen_again = lowest;
    lowest = std::min(lowest, period->Civil(period->begin));
  }
}

size_t Zone::PeriodAt(UtcSeconds time) const {
  const auto after = std::upper_bound(periods_.begin() + 1, periods_.end(), time,
                                      [](UtcSeconds t, const Period& p) { return t < p.begin; });
  return static_cast<size_t>(after - periods_.begin()) - 1;
}

std::string Zone::LocalText(UtcTime time) const {
  const seconds offset = periods_[PeriodAt(chrono::floor<seconds>(time))].offset;
  // "2026-03-29T03:00:00.000Z" without its fraction and zone.
  std::string text = FormatUtc(time + offset).substr(0, 19);
  const chrono::hh_mm_ss parts(chrono::abs(offset));
  fmt::format_to(std::back_inserter(text), "{}{:02}:{:02}", offset < seconds(0) ? '-' : '+',
                 parts.hours().count(), parts.minutes().count());
  if (parts.seconds() != seconds(0)) {
    fmt::format_to(std::back_inserter(text), ":{:02}", parts.seconds().count());
  }
  return text;
}

std::string TzdataVersion() {
  // Its first line is "# version 2025b".
  constexpr std::string_view kMark = "# version ";
  std::ifstream file("/usr/share/zoneinfo/tzdata.zi");
  std::string line;
  if (!std::getline(file, line) || !line.starts_with(kMark)) return "unknown";
  return line.substr(kMark.size(), 32);
}

}  // namespace bizond
