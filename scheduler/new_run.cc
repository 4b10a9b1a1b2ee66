#include "scheduler/new_run.h"

#include <nlohmann/json.hpp>

#include "base/identity.h"
#include "scheduler/schedule.h"

namespace bizond {

namespace {

bool AllowsAll(const JobSpec& spec) {
  const std::string_view name = OverlapPolicyName(OverlapPolicy::kAllowAll);
  if (spec.schedule.find(name) == std::string::npos) return false;  // Nearly always.
  return nlohmann::json::parse(spec.schedule, nullptr, false).value("overlap", "") == name;
}

}  // namespace

RunRow NewRun(const JobRow& job, const JobSpec& spec, std::string_view trigger, UtcTime now) {
  RunRow run;
  run.id = NewUuid(now);
  run.job = job.name;
  run.job_version = job.version;
  run.trigger = trigger;
  run.priority = spec.concurrency.priority;
  run.pool = spec.concurrency.pool;
  run.key = spec.concurrency.key;
  run.key_limit = spec.concurrency.limit;
  run.parallel = AllowsAll(spec);
  run.queued_at = now;
  run.not_before = now;
  return run;
}

}  // namespace bizond
