// RunCalendar: the fires of a job day by day, past ones by the ledger, coming ones by its schedule.
//
// A day is one of the schedule's own zone: where the clocks change it has 23, 25 or 24.5 hours, and
// none where a zone left it out. What it costs is bounded whatever the schedule: of each day at
// most some thousand fires are counted.
//
// Threads: called with a store's reader.
#ifndef BIZOND_SCHEDULER_RUN_CALENDAR_H_
#define BIZOND_SCHEDULER_RUN_CALENDAR_H_

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "store/store.h"

namespace bizond {

class Zone;

inline constexpr int kCalendarDaysMax = 62;

struct CalendarRange {
  std::optional<std::chrono::local_days> from;  // Else the Monday three weeks before this week's.
  int days = 35;                                // 1 to kCalendarDaysMax
};

// The first instant of a day in `zone`.
UtcTime BeginOfDay(const Zone& zone, std::chrono::local_days day);

// {"job", "timezone", "today", "paused", "days": [{"date", "starts_at", "hours", "ran", "failed",
// "skipped", "missed", "missed_in_a_row", "waiting", "planned", "more", "gap", "fold"}]}.
// `gap`, `fold`: a fire of the schedule, as it is now, is moved over a gap or lies in a fold.
// `more`: there are more fires than were counted. Code job_missing.
Result<nlohmann::json> RunCalendar(const StoreReader& reader, const std::string& job,
                                   const CalendarRange& range, UtcTime now);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_RUN_CALENDAR_H_
