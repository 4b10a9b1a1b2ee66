// A run before it is stored.
#ifndef BIZOND_SCHEDULER_NEW_RUN_H_
#define BIZOND_SCHEDULER_NEW_RUN_H_

#include <string_view>

#include "base/clock.h"
#include "store/store.h"
#include "sync/job_spec.h"

namespace bizond {

// A run that nobody else may have: a new UUIDv7, queued now, of the row's version, which `spec` is.
RunRow NewRun(const JobRow& job, const JobSpec& spec, std::string_view trigger, UtcTime now);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_NEW_RUN_H_
