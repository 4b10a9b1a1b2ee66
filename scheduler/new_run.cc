#include "scheduler/new_run.h"

#include "base/identity.h"

namespace bizond {

RunRow NewRun(const JobRow& job, std::string_view trigger, UtcTime now) {
  RunRow run;
  run.id = NewUuid(now);
  run.job = job.name;
  run.job_version = job.version;
  run.trigger = trigger;
  run.queued_at = now;
  run.not_before = now;
  return run;
}

}  // namespace bizond
