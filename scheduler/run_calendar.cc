#include "scheduler/run_calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "scheduler/schedule.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::local_days;

constexpr int kCountedPerDay = 5000;
constexpr int kPlannedPerDay = 1500;  // One a minute is 1,440.
constexpr int kWeeksBefore = 3;

std::string DateText(local_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

local_days DayOf(const Zone& zone, UtcTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  return std::chrono::floor<std::chrono::days>(zone.periods()[zone.PeriodAt(second)].Civil(second));
}

// The schedule of a definition; nullopt: none that has times of its own.
Result<std::optional<Schedule>> TimesOf(const json& definition, const std::string& name) {
  if (!definition.is_object() || !definition.contains("schedule")) return std::nullopt;
  const Result<ScheduleSpec> spec = ParseSchedule(definition["schedule"], name);
  // One that this binary cannot read has no times that it could show.
  if (!spec || spec->kind == ScheduleKind::kAfter) return std::nullopt;
  BIZOND_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Compile(*spec, name));
  return std::optional<Schedule>(schedule);
}

// What the schedule says of a day.
struct DayPlan {
  int planned = 0;  // After now.
  bool more = false;
  bool gap = false;
  bool fold = false;
};

DayPlan PlanOf(const Schedule& schedule, UtcTime begin, UtcTime end, UtcTime now, bool changes) {
  DayPlan plan;
  // Days that have passed are the ledger's, but for the marks of a day on which the clocks change.
  if (end <= now && !changes) return plan;
  UtcTime after = changes ? begin - Duration(1) : std::max(begin - Duration(1), now);
  for (int looked = 0; looked < kPlannedPerDay; ++looked) {
    const std::optional<Fire> fire = schedule.Next(after);
    if (!fire || fire->at >= end) return plan;
    after = fire->at;
    plan.gap = plan.gap || fire->gap;
    plan.fold = plan.fold || fire->fold;
    if (fire->at > now) ++plan.planned;
  }
  plan.more = end > now;
  return plan;
}

}  // namespace

UtcTime BeginOfDay(const Zone& zone, local_days day) {
  const Zone::CivilSeconds midnight = day;
  // No offset is greater than that.
  constexpr auto kMost = std::chrono::hours(26);
  const Zone::UtcSeconds near(midnight.time_since_epoch() - kMost);
  const std::vector<Zone::Period>& periods = zone.periods();
  for (size_t i = zone.PeriodAt(near); i < periods.size(); ++i) {
    const Zone::Period& period = periods[i];
    // Midnight itself was left out.
    if (i > 0 && period.Civil(period.begin) > midnight) return period.begin;
    const Zone::UtcSeconds begin = period.Utc(midnight);
    if (begin < period.end || i + 1 == periods.size()) return begin;
  }
  return near;  // There is always a period.
}

Result<json> RunCalendar(const StoreReader& reader, const std::string& job,
                         const CalendarRange& range, UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> row, reader.GetJob(job));
  if (!row) {
    return Fail(ErrorKind::kPermanent, "job_missing", "there is no job " + job, "bizond jobs list");
  }
  BIZOND_ASSIGN_OR_RETURN(const std::optional<Schedule> schedule,
                          TimesOf(json::parse(row->definition, nullptr, false), job));
  BIZOND_ASSIGN_OR_RETURN(const Zone* const utc, Zone::Find("UTC"));
  const Zone& zone = schedule ? schedule->zone() : *utc;
  const local_days today = DayOf(zone, now);
  const auto since_monday = std::chrono::weekday(today) - std::chrono::Monday;
  const local_days first =
      range.from.value_or(today - since_monday - std::chrono::weeks(kWeeksBefore));
  json days = json::array();
  UtcTime begin = BeginOfDay(zone, first);
  for (int i = 0; i < range.days; ++i) {
    const local_days day = first + std::chrono::days(i);
    const UtcTime end = BeginOfDay(zone, day + std::chrono::days(1));
    const bool changes = end - begin != std::chrono::hours(24);
    FireCounts counts;
    if (begin <= now) {
      BIZOND_ASSIGN_OR_RETURN(counts, reader.CountFires(job, begin, end, kCountedPerDay));
    }
    const DayPlan plan = schedule ? PlanOf(*schedule, begin, end, now, changes) : DayPlan{};
    days.push_back({{"date", DateText(day)},
                    {"starts_at", FormatUtc(begin)},
                    {"hours", std::chrono::duration<double, std::ratio<3600>>(end - begin).count()},
                    {"ran", counts.ran},
                    {"failed", counts.failed},
                    {"skipped", counts.skipped},
                    {"missed", counts.missed},
                    {"missed_in_a_row", counts.in_a_row},
                    {"waiting", counts.waiting},
                    {"planned", plan.planned},
                    {"more", counts.more || plan.more},
                    {"gap", plan.gap},
                    {"fold", plan.fold}});
    begin = end;
  }
  return json{{"job", job},
              {"timezone", zone.name()},
              {"today", DateText(today)},
              {"paused", row->paused},
              {"days", std::move(days)}};
}

}  // namespace bizond
