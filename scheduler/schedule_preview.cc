#include "scheduler/schedule_preview.h"

#include <nlohmann/json.hpp>

#include "scheduler/schedule.h"

namespace bizond {

using nlohmann::json;

Result<json> PreviewSchedule(const json& block, std::string_view job, UtcTime from, int count) {
  if (count < 1 || count > kPreviewFiresMax) {
    return Fail(ErrorKind::kConfig, "invalid_schedule",
                "count must be from 1 to " + std::to_string(kPreviewFiresMax),
                "ask for fewer fires");
  }
  const std::string_view name = job.empty() ? "example" : job;
  std::string place;
  BIZOND_ASSIGN_OR_RETURN(const ScheduleSpec spec, ParseSchedule(block, name, &place));
  if (spec.kind == ScheduleKind::kAfter) {
    return Fail(ErrorKind::kConfig, "invalid_schedule",
                "the job runs after " + spec.after + ", at no instant of its own",
                "Look at the schedule of that job");
  }
  BIZOND_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Compile(spec, name));
  json items = json::array();
  UtcTime after = from;
  for (int i = 0; i < count; ++i) {
    const std::optional<Fire> fire = schedule.Next(after);
    if (!fire) break;
    items.push_back({{"at", FormatUtc(fire->at)},
                     {"local", schedule.LocalText(fire->at)},
                     {"gap", fire->gap},
                     {"fold", fire->fold},
                     {"starts_at", FormatUtc(fire->at + JitterFor(name, fire->at, spec.jitter))}});
    after = fire->at;
  }
  return json{{"job", job.empty() ? json() : json(job)},
              {"timezone", spec.timezone},
              {"depends_on_job", schedule.depends_on_name() || spec.jitter > Duration(0)},
              {"items", std::move(items)}};
}

}  // namespace bizond
