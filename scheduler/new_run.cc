#include "scheduler/new_run.h"

#include "base/identity.h"

namespace bizond {

RunRow NewRun(const JobRow& job, const JobSpec& spec, std::string_view trigger, UtcTime now) {
  RunRow run;
  run.id = NewUuid(now);
  run.job = job.name;
  run.job_version = job.version;
  run.trigger = trigger;
  run.priority = spec.concurrency.priority;
  run.queued_at = now;
  run.not_before = now;
  return run;
}

}  // namespace bizond
