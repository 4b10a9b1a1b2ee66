// PreviewSchedule: the next fires of a schedule, for people.
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

// The fires of `block`, a definition's `schedule`, after `from`, at most `count` (1 to
// kPreviewFiresMax; code invalid_schedule). The codes of ParseSchedule; their messages name no
// place in a definition.
//   {"job", "timezone", "depends_on_job": bool, "items": [{"at", "local", "gap", "fold",
//   "starts_at"}]}
// `starts_at` has the jitter in it. `H`, the phase of an interval and the jitter are drawn from the
// job's name: without one (`job` empty; null in the answer) and with `depends_on_job` the instants
// are an example.
Result<nlohmann::json> PreviewSchedule(const nlohmann::json& block, std::string_view job,
                                       UtcTime from, int count);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_SCHEDULE_PREVIEW_H_
