#include "scheduler/job_check.h"

#include <fmt/format.h>

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

// What an overlap policy would make of a catch-up policy.
struct Contradiction {
  OverlapPolicy overlap;
  CatchUpMode catch_up;
  std::string_view because;
  std::string_view remedy;
};
constexpr std::string_view kBufferAll = "write overlap: buffer_all, or catch_up: last";
constexpr Contradiction kContradictions[] = {
    {OverlapPolicy::kSkip, CatchUpMode::kAll,
     "of the fires to catch up with each but the first would be skipped", kBufferAll},
    {OverlapPolicy::kBufferOne, CatchUpMode::kAll,
     "of the fires to catch up with each but the first would be skipped", kBufferAll},
    {OverlapPolicy::kCancelOther, CatchUpMode::kAll,
     "each fire to catch up with would cancel the one before it",
     "write catch_up: last, which runs the newest, or overlap: buffer_all"},
};

Failure Contradicts(std::string message, std::string_view remedy) {
  return Fail(ErrorKind::kConfig, "invalid_schedule", std::move(message), std::string(remedy));
}

// Runs of a job beside each other are safe only where they share nothing that one of them changes.
Status CheckAllowAll(const JobSpec& spec, const Catalog& catalog) {
  constexpr std::string_view kRemedy = "write overlap: buffer_all, which runs them one by one";
  if (spec.source.sync_mode != SyncMode::kFullRefresh) {
    return Contradicts("allow_all would let two runs move one watermark: rows would be doubled",
                       kRemedy);
  }
  const DestinationDescriptor* const row = catalog.FindDestination(spec.destination.name);
  if (row == nullptr || row->staged) {
    return Contradicts(fmt::format("allow_all would let two runs share one staging and one target "
                                   "of the destination {}",
                                   spec.destination.name),
                       kRemedy);
  }
  if (!spec.concurrency.key.empty() && spec.concurrency.limit == 1) {
    return Contradicts(
        fmt::format("allow_all and a limit of 1 for the key \"{}\" contradict each other",
                    spec.concurrency.key),
        "raise concurrency.limit, or write overlap: buffer_all");
  }
  return {};
}

Status CheckOverlap(const ScheduleSpec& schedule, const JobSpec& spec, const Catalog& catalog) {
  for (const Contradiction& row : kContradictions) {
    if (schedule.overlap != row.overlap || schedule.catch_up != row.catch_up) continue;
    return Contradicts(
        fmt::format("overlap: {} and catch_up: {} contradict each other: {}",
                    OverlapPolicyName(row.overlap), CatchUpModeName(row.catch_up), row.because),
        row.remedy);
  }
  return schedule.overlap == OverlapPolicy::kAllowAll ? CheckAllowAll(spec, catalog) : Status{};
}

// The schema bounds the number; here is what it counts.
Status CheckLimit(const JobSpec& spec) {
  if (!spec.concurrency.key.empty()) return {};
  const nlohmann::json job = nlohmann::json::parse(spec.definition, nullptr, false);
  if (!job.contains("concurrency") || !job["concurrency"].contains("limit")) return {};
  return Fail(ErrorKind::kConfig, "invalid_job",
              "limit counts the runs of a key, and the job names none",
              "add `key`, or leave `limit` out: a pool's size is the operator's (bizond serve "
              "--pool NAME=N), and a job runs once at a time by itself");
}

}  // namespace

ParsedJob CheckJob(std::string_view text, const Catalog& catalog, JobOrigin origin) {
  ParsedJob parsed = ParseJob(text, catalog, origin);
  if (!parsed.spec) return parsed;
  if (const Status limit = CheckLimit(*parsed.spec); !limit) {
    Refuse(text, "concurrency.limit", limit.error(), &parsed);
    return parsed;
  }
  if (parsed.spec->source.sync_mode == SyncMode::kStream && !parsed.spec->concurrency.key.empty()) {
    parsed.warnings.push_back(IssueAt(
        text, "concurrency.key", "a stream never ends, and holds a place of its key for good",
        "leave `key` out, or raise `limit` in all jobs that name it"));
  }
  if (parsed.spec->schedule.empty()) return parsed;
  const nlohmann::json block = nlohmann::json::parse(parsed.spec->schedule, nullptr, false);
  std::string place;
  const Result<ScheduleSpec> schedule = ParseSchedule(block, parsed.spec->name, &place);
  if (!schedule) {
    Refuse(text, place, schedule.error(), &parsed);
  } else if (const Status fits = CheckOverlap(*schedule, *parsed.spec, catalog); !fits) {
    Refuse(text, "schedule.overlap", fits.error(), &parsed);
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
