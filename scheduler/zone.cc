#include "scheduler/zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "scheduler/schedule_words.h"
#include "scheduler/zone_file.h"

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

std::vector<Period> PeriodsOf(const ZoneFile& file) {
  std::vector<Period> periods;
  seconds offset = file.first_offset;
  UtcSeconds last_change = kBegin;
  Add(periods, kBegin, offset);
  for (const ZoneFooter::Change& change : file.changes) {
    if (change.at >= kEnd) break;
    offset = change.offset;
    last_change = std::max(change.at, kBegin);
    if (change.at <= kBegin) periods.clear();  // Before the table: where it begins.
    Add(periods, last_change, offset);
  }
  if (file.footer) {
    const auto day = chrono::floor<chrono::days>(last_change);
    const chrono::year first = std::max(chrono::year_month_day(day).year(), chrono::year(1970));
    for (chrono::year year = first; year <= kLastFooterYear; ++year) {
      for (const ZoneFooter::Change& change : file.footer->ChangesOf(year)) {
        if (change.at > last_change) Add(periods, change.at, change.offset);
      }
    }
  }
  return periods;
}

Failure UnknownZone(std::string_view name) {
  const std::vector<std::string> known = ZoneNames();
  const std::vector<std::string_view> names(known.begin(), known.end());
  std::string remedy = DidYouMean(NearestNames(name, names, 3));
  if (remedy.empty()) {
    remedy = names.empty()
                 ? "Install the system's time zones: apt-get install tzdata"
                 : "Write a name like Europe/Paris or UTC: see `timedatectl list-timezones`";
  }
  return Fail(ErrorKind::kConfig, "unknown_timezone",
              fmt::format("there is no time zone '{}'", Printable(name)), std::move(remedy));
}

// Null: there is no such zone.
std::unique_ptr<const Zone> Load(std::string_view name) {
  // UTC needs no tzdata: a machine without it runs every schedule that names no zone.
  const auto file = name == "UTC" ? ZoneFile() : ReadZoneFile(name);
  if (!file) return nullptr;
  return std::make_unique<const Zone>(std::string(name), PeriodsOf(*file));
}

struct ZoneCache {
  std::mutex mutex;
  std::map<std::string, const Zone*, std::less<>> current;
  std::vector<std::unique_ptr<const Zone>> zones;  // The current ones and those before them.

  const Zone* Keep(std::unique_ptr<const Zone> zone) {
    const Zone* const kept = zones.emplace_back(std::move(zone)).get();
    current[kept->name()] = kept;
    return kept;
  }
};

// Left to the process's end on purpose: schedules of any thread hold pointers into it.
ZoneCache& Cache() {
  static auto& cache = *new ZoneCache;
  return cache;
}

}  // namespace

Result<const Zone*> Zone::Find(std::string_view name) {
  ZoneCache& cache = Cache();
  {
    const std::lock_guard lock(cache.mutex);
    if (const auto found = cache.current.find(name); found != cache.current.end()) {
      return found->second;
    }
    if (auto zone = Load(name)) return cache.Keep(std::move(zone));
  }
  return UnknownZone(name);
}

bool Zone::Refresh() {
  ZoneCache& cache = Cache();
  const std::lock_guard lock(cache.mutex);
  bool changed = false;
  for (auto& [name, zone] : cache.current) {
    auto now = Load(name);
    if (now == nullptr || now->periods_ == zone->periods_) continue;
    zone = cache.zones.emplace_back(std::move(now)).get();
    changed = true;
  }
  return changed;
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

}  // namespace bizond
