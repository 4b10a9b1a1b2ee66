// PlanSchedule: what a change of a job does to its schedule.
//
// What was due until the change belongs to the old schedule, whoever was there or not: it is run,
// skipped or missed by the policies that held then, and only then the next fire is planned anew. A
// run that is made up for takes the definition that stands now.
//
// Threads: called inside a store's write.
#ifndef BIZOND_SCHEDULER_PLAN_SCHEDULE_H_
#define BIZOND_SCHEDULER_PLAN_SCHEDULE_H_

#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"
#include "sync/connector.h"
#include "sync/job_spec.h"

namespace bizond {

// Whether the change moves the schedule, or makes the job a stream, which begins at once.
bool IsTimingEqual(std::string_view definition, std::string_view other);

// The next fire of a job that was put; the run of one that became a stream.
Status PlanSchedule(StoreTx& tx, const JobSpec& spec, UtcTime now);

// All below: a definition that this binary cannot read had no policies to go by, and loses what was
// due. Those that return names: of running runs to stop (overlap: cancel_other).

// What was due of `before` when `spec`, stored as `after`, takes its place.
Result<std::vector<std::string>> EndSchedule(StoreTx& tx, const JobRow& before, const JobRow& after,
                                             const JobSpec& spec, const Catalog& catalog,
                                             UtcTime now);
// What is due by now, before the job is paused or resumed.
Result<std::vector<std::string>> SettleJob(StoreTx& tx, const JobRow& job, const Catalog& catalog,
                                           UtcTime now);
// Before the job is deleted.
Status DropJobSchedule(StoreTx& tx, const JobRow& job, const Catalog& catalog, UtcTime now);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_PLAN_SCHEDULE_H_
