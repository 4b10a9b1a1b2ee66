// Whether a definition is a job that this daemon can run.
//
// Threads: any.
#ifndef BIZOND_SCHEDULER_JOB_CHECK_H_
#define BIZOND_SCHEDULER_JOB_CHECK_H_

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "sync/job_parser.h"

namespace bizond {

// ParseJob, and the schedule block compiled. With `submitted_at` an `at` before that is refused,
// too.
ParsedJob CheckJob(std::string_view text, const Catalog& catalog, JobOrigin origin,
                   std::optional<UtcTime> submitted_at);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_JOB_CHECK_H_
