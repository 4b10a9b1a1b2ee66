// Whether a definition is a job that this daemon can run.
//
// Threads: any.
#ifndef BIZOND_SCHEDULER_JOB_CHECK_H_
#define BIZOND_SCHEDULER_JOB_CHECK_H_

#include <string_view>

#include "base/clock.h"
#include "store/store.h"
#include "sync/job_parser.h"

namespace bizond {

// ParseJob, and the schedule block compiled.
ParsedJob CheckJob(std::string_view text, const Catalog& catalog, JobOrigin origin);

// Of a job after another one: makes a circle of such jobs an error, and what keeps it from running
// as things stand a warning.
void CheckUpstream(std::string_view text, const StoreReader& reader, ParsedJob* parsed);

// Makes of an `at` that has passed an error of `parsed`, which CheckJob made of `text`: for a new
// schedule only, since a job outlives its one run.
void RefusePast(std::string_view text, UtcTime now, ParsedJob* parsed);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_JOB_CHECK_H_
