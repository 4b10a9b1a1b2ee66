// PreviewSchedule: the next fires of an expression, for people.
//
// Threads: a pure function.
#ifndef BIZOND_SCHEDULER_SCHEDULE_PREVIEW_H_
#define BIZOND_SCHEDULER_SCHEDULE_PREVIEW_H_

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace bizond {

inline constexpr int kPreviewFiresMax = 1000;

// {"items": [{"at", "local", "gap", "fold"}]}: the fires after `from`, at most `count` (1 to
// kPreviewFiresMax; code invalid_schedule). An empty timezone is UTC. The codes of ParseSchedule.
Result<nlohmann::json> PreviewSchedule(std::string_view cron, std::string_view timezone,
                                       UtcTime from, int count);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_SCHEDULE_PREVIEW_H_
