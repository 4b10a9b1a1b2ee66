#include "scheduler/job_check.h"

#include <nlohmann/json.hpp>
#include <string>

#include "scheduler/job_chain.h"
#include "scheduler/schedule.h"

namespace bizond {

namespace {

void Refuse(std::string_view text, const std::string& path, const Error& error, ParsedJob* parsed) {
  parsed->errors.push_back(IssueAt(text, path, error.message, error.remedy));
  parsed->spec.reset();
}

Error Unsupported(std::string message, std::string remedy) {
  return {ErrorKind::kConfig, "invalid_schedule", std::move(message), std::move(remedy),
          std::nullopt};
}

}  // namespace

ParsedJob CheckJob(std::string_view text, const Catalog& catalog, JobOrigin origin) {
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
  const nlohmann::json block = nlohmann::json::parse(parsed.spec->schedule, nullptr, false);
  std::string place;
  const Result<ScheduleSpec> schedule = ParseSchedule(block, parsed.spec->name, &place);
  if (!schedule) {
    Refuse(text, place, schedule.error(), &parsed);
  } else if (schedule->overlap == OverlapPolicy::kAllowAll) {
    Refuse(text, "schedule.overlap",
           Unsupported("allow_all would let two runs share one staging",
                       "use skip, buffer_one, buffer_all or cancel_other"),
           &parsed);
  }
  return parsed;
}

void CheckUpstream(std::string_view text, const StoreReader& reader, ParsedJob* parsed) {
  const nlohmann::json block = nlohmann::json::parse(parsed->spec->schedule, nullptr, false);
  const Result<ScheduleSpec> schedule = ParseSchedule(block, parsed->spec->name);
  if (!schedule || schedule->kind != ScheduleKind::kAfter) return;
  if (const Status free = CheckNoCircle(reader, parsed->spec->name, schedule->after); !free) {
    Refuse(text, "schedule.after", free.error(), parsed);
    return;
  }
  const Result<std::string> why = WhyNeverAfter(reader, schedule->after);
  if (why && !why->empty()) {
    parsed->warnings.push_back(IssueAt(text, "schedule.after", *why,
                                       "it is accepted, and runs when a job of this name has had a "
                                       "run that succeeded"));
  }
}

void RefusePast(std::string_view text, UtcTime now, ParsedJob* parsed) {
  if (parsed->spec->schedule.empty()) return;
  const nlohmann::json block = nlohmann::json::parse(parsed->spec->schedule, nullptr, false);
  const Result<ScheduleSpec> schedule = ParseSchedule(block, parsed->spec->name);
  if (!schedule) return;
  if (const Status past = CheckNotPast(*schedule, now); !past) {
    Refuse(text, "schedule.at", past.error(), parsed);
  }
}

}  // namespace bizond
