// JobChain: jobs that run after one another (`schedule: {after: ...}`).
//
// Each job names at most one other, which need not be there yet: a folder's files come in any
// order, and a job whose upstream is deleted waits for one of that name.
//
// Threads: called with a store's reader, also inside a write.
#ifndef BIZOND_SCHEDULER_JOB_CHAIN_H_
#define BIZOND_SCHEDULER_JOB_CHAIN_H_

#include <optional>
#include <string>
#include <string_view>

#include "scheduler/schedule.h"
#include "store/store.h"
#include "sync/job_spec.h"

namespace bizond {

// The schedule of a definition; nullopt: it has none.
Result<std::optional<ScheduleSpec>> ScheduleOf(const JobSpec& spec);

// Refuses `job` after `upstream` where that would have jobs wait for each other in a circle, whose
// path the message spells in the order of their runs, or be the end of a chain of more than 1,000.
// Code invalid_schedule.
Status CheckNoCircle(const StoreReader& reader, std::string_view job, const std::string& upstream);

// Why the schedule of a job after `upstream` would not fire as things stand; empty: it would.
Result<std::string> WhyNeverAfter(const StoreReader& reader, const std::string& upstream);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_JOB_CHAIN_H_
