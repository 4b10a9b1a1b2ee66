// Finding a job by its name, or saying that there is none.
//
// Error codes beside the store's: job_missing.
//
// Threads: any.
#ifndef BIZOND_SCHEDULER_JOB_LOOKUP_H_
#define BIZOND_SCHEDULER_JOB_LOOKUP_H_

#include <string_view>

#include "base/error.h"
#include "store/store.h"

namespace bizond {

Result<JobRow> FindJob(const StoreReader& reader, std::string_view name);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_JOB_LOOKUP_H_
