#include "scheduler/job_chain.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace bizond {
namespace {

// Every job of a chain is looked up when one that follows it is put.
constexpr size_t kLongestChain = 1000;
// What a message spells at each end of a longer circle.
constexpr size_t kShownJobs = 10;

std::string Spelled(const std::vector<std::string>& jobs) {
  std::string path;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (i == kShownJobs && jobs.size() > 2 * kShownJobs) {
      path += " -> ...";
      i = jobs.size() - kShownJobs;
    }
    path += (path.empty() ? "" : " -> ") + jobs[i];
  }
  return path;
}

}  // namespace

Result<std::optional<ScheduleSpec>> ScheduleOf(const JobSpec& spec) {
  if (spec.schedule.empty()) return std::nullopt;
  BIZOND_ASSIGN_OR_RETURN(
      ScheduleSpec schedule,
      ParseSchedule(nlohmann::json::parse(spec.schedule, nullptr, false), spec.name));
  return std::optional(std::move(schedule));
}

Status CheckNoCircle(const StoreReader& reader, std::string_view job, const std::string& upstream) {
  std::vector<std::string> walked{std::string(job)};  // Against the arrows.
  std::string at = upstream;
  while (at != job) {
    if (walked.size() == kLongestChain) {
      return Fail(ErrorKind::kConfig, "invalid_schedule",
                  "more than " + std::to_string(kLongestChain) + " jobs run after one another",
                  "let one of them go by cron, every or at");
    }
    walked.push_back(at);
    BIZOND_ASSIGN_OR_RETURN(const std::optional<ScheduleRow> row, reader.GetSchedule(at));
    if (!row || row->upstream.empty()) return {};
    at = row->upstream;
  }
  walked.push_back(at);
  std::reverse(walked.begin(), walked.end());
  return Fail(ErrorKind::kConfig, "invalid_schedule",
              "the jobs would wait for each other: " + Spelled(walked) +
                  " (each runs after the one before it)",
              "let one of them go by cron, every or at, or run after another job");
}

Result<std::string> WhyNeverAfter(const StoreReader& reader, const std::string& upstream) {
  BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, reader.GetJob(upstream));
  if (!job) return "waits for a job that is not there: " + upstream;
  const auto definition = nlohmann::json::parse(job->definition, nullptr, false);
  const bool stream =
      definition.is_object() && definition.contains("source") && definition["source"].is_object() &&
      definition["source"].value("sync_mode", "") == SyncModeName(SyncMode::kStream);
  return stream ? "waits for the end of a stream, which has none: " + upstream : std::string();
}

}  // namespace bizond
