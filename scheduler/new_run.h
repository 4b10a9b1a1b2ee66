// A run before it is stored.
#ifndef BIZOND_SCHEDULER_NEW_RUN_H_
#define BIZOND_SCHEDULER_NEW_RUN_H_

#include <string_view>

#include "base/clock.h"
#include "store/store.h"

namespace bizond {

// A run that nobody else may have: a new UUIDv7, queued now.
RunRow NewRun(const JobRow& job, std::string_view trigger, UtcTime now);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_NEW_RUN_H_
