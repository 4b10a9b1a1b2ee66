#include "scheduler/schedule_preview.h"

#include <nlohmann/json.hpp>

#include "scheduler/schedule.h"

namespace bizond {

Result<nlohmann::json> PreviewSchedule(std::string_view cron, std::string_view timezone,
                                       UtcTime from, int count) {
  if (count < 1 || count > kPreviewFiresMax) {
    return Fail(ErrorKind::kConfig, "invalid_schedule",
                "count must be from 1 to " + std::to_string(kPreviewFiresMax),
                "ask for fewer fires");
  }
  nlohmann::json block = {{"cron", cron}};
  if (!timezone.empty()) block["timezone"] = timezone;
  // Who asked gave an expression and a zone, and no schedule.
  std::string place;
  BIZOND_ASSIGN_OR_RETURN(const ScheduleSpec spec, ParseSchedule(block, "preview", &place));
  BIZOND_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Compile(spec, "preview"));
  nlohmann::json items = nlohmann::json::array();
  UtcTime after = from;
  for (int i = 0; i < count; ++i) {
    const std::optional<Fire> fire = schedule.Next(after);
    if (!fire) break;
    items.push_back({{"at", FormatUtc(fire->at)},
                     {"local", schedule.LocalText(fire->at)},
                     {"gap", fire->gap},
                     {"fold", fire->fold}});
    after = fire->at;
  }
  return nlohmann::json{{"items", std::move(items)}};
}

}  // namespace bizond
