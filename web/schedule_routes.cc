// What a schedule means: one that stands in the request, or a job's own.
#include <nlohmann/json.hpp>

#include "scheduler/schedule_preview.h"
#include "store/store.h"
#include "web/problem.h"
#include "web/request_values.h"
#include "web/routes.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

constexpr const char* kBlockKeys[] = {"cron", "every", "timezone", "on_gap", "on_fold", "jitter"};

Result<json> ScheduleOf(const WebParts& parts, const std::string& name) {
  BIZOND_ASSIGN_OR_RETURN(
      const std::optional<JobRow> job,
      parts.store->Query([&](const StoreReader& reader) { return reader.GetJob(name); }));
  if (!job) {
    return Fail(ErrorKind::kPermanent, "job_missing", "there is no job " + name,
                "bizond jobs list; with cron= the job need not be there yet");
  }
  json block = json::parse(job->definition, nullptr, false).value("schedule", json());
  if (!block.is_null()) return block;
  return Fail(ErrorKind::kConfig, "invalid_schedule", "the job " + name + " has no schedule",
              "it runs when it is triggered: bizond jobs trigger NAME");
}

}  // namespace

Result<WebResponse> PreviewSchedule(const WebParts& parts, const WebRequest& request) {
  constexpr int kCount = 10;
  json block = json::object();
  for (const char* key : kBlockKeys) {
    const std::string* const value = request.Query(key);
    if (value != nullptr && !value->empty()) block[key] = *value;
  }
  const std::string* const named = request.Query("job");
  const std::string job = named == nullptr ? "" : *named;
  if (!block.contains("cron") && !block.contains("every")) {
    if (job.empty() || !block.empty()) {
      return Fail(ErrorKind::kConfig, "invalid_parameter", "cron is missing",
                  "for instance ?cron=*/5+*+*+*+*, or ?job=NAME alone for a job's own schedule");
    }
    BIZOND_ASSIGN_OR_RETURN(block, ScheduleOf(parts, job));
  }
  BIZOND_ASSIGN_OR_RETURN(const std::optional<UtcTime> from, TimeParameter(request, "from"));
  BIZOND_ASSIGN_OR_RETURN(const int64_t count,
                          IntegerParameter(request, "count", kCount, 1, kPreviewFiresMax));
  BIZOND_ASSIGN_OR_RETURN(const json preview,
                          bizond::PreviewSchedule(block, job, from.value_or(parts.clock->Now()),
                                                  static_cast<int>(count)));
  return JsonResponse(preview);
}

}  // namespace bizond::handlers
