#include "scheduler/job_check.h"

#include <nlohmann/json.hpp>
#include <string>

#include "scheduler/schedule.h"

namespace bizond {

ParsedJob CheckJob(std::string_view text, const Catalog& catalog, JobOrigin origin,
                   std::optional<UtcTime> submitted_at) {
  ParsedJob parsed = ParseJob(text, catalog, origin);
  if (!parsed.spec) return parsed;
  const ConcurrencySpec& concurrency = parsed.spec->concurrency;
  if (!concurrency.key.empty() || concurrency.pool != "default" || concurrency.limit != 1) {
    parsed.warnings.push_back(
        IssueAt(text, "concurrency",
                "pool, key and limit have no effect in this version: each job runs once at a time, "
                "and the daemon's workers are the only other limit",
                "set `workers` in the daemon's --config; priority does have an effect"));
  }
  if (parsed.spec->schedule.empty()) return parsed;
  const auto refuse = [&](const std::string& path, const Error& error) {
    parsed.errors.push_back(IssueAt(text, path, error.message, error.remedy));
    parsed.spec.reset();
  };
  const nlohmann::json block = nlohmann::json::parse(parsed.spec->schedule, nullptr, false);
  const Result<ScheduleSpec> schedule = ParseSchedule(block, parsed.spec->name);
  if (!schedule) {
    refuse("schedule", schedule.error());
    return parsed;
  }
  if (schedule->kind == ScheduleKind::kAfter) {
    refuse("schedule.after", {ErrorKind::kConfig, "invalid_schedule",
                              "this version cannot run a job after another one",
                              "give the job a cron, every or at of its own", std::nullopt});
    return parsed;
  }
  if (schedule->overlap == OverlapPolicy::kAllowAll) {
    refuse("schedule.overlap", {ErrorKind::kConfig, "invalid_schedule",
                                "allow_all would let two runs share one staging",
                                "use skip, buffer_one, buffer_all or cancel_other", std::nullopt});
    return parsed;
  }
  if (submitted_at) {
    if (const Status past = CheckNotPast(*schedule, *submitted_at); !past) {
      refuse("schedule.at", past.error());
    }
  }
  return parsed;
}

}  // namespace bizond
