// The nominal fires of a job and what became of each.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "scheduler/fire_answer.h"
#include "scheduler/run_calendar.h"
#include "web/problem.h"
#include "web/request_values.h"
#include "web/routes.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kStates = {"queued", "buffered", "ran", "skipped",
                                                     "missed"};
constexpr std::string_view kWithoutAt[] = {"limit", "cursor", "from", "to", "state", "reason"};

Failure BadFilter(std::string message, std::string remedy = "") {
  return Fail(ErrorKind::kConfig, "invalid_parameter", std::move(message), std::move(remedy));
}

// "skipped,missed"
Result<std::vector<std::string>> StatesOf(const WebRequest& request) {
  std::vector<std::string> states;
  const std::string* const text = request.Query("state");
  if (text == nullptr) return states;
  std::string_view rest = *text;
  while (true) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view state = rest.substr(0, comma);
    if (std::find(kStates.begin(), kStates.end(), state) == kStates.end()) {
      return BadFilter("state must be of queued, buffered, ran, skipped, missed",
                       "several are separated by commas");
    }
    states.emplace_back(state);
    if (comma == rest.size()) return states;
    rest.remove_prefix(comma + 1);
  }
}

Result<OccurrenceFilter> FilterOf(const WebRequest& request) {
  OccurrenceFilter filter;
  filter.job = request.names.at(0);
  BIZOND_ASSIGN_OR_RETURN(filter.states, StatesOf(request));
  if (const std::string* const reason = request.Query("reason")) filter.reason = *reason;
  BIZOND_ASSIGN_OR_RETURN(filter.from, TimeParameter(request, "from"));
  BIZOND_ASSIGN_OR_RETURN(filter.to, TimeParameter(request, "to"));
  if (filter.from && filter.to && *filter.to <= *filter.from) {
    return BadFilter("to must be after from");
  }
  return filter;
}

// "2026-03-29"
Result<std::optional<std::chrono::local_days>> DateParameter(const WebRequest& request,
                                                             std::string_view name) {
  const std::string* const text = request.Query(name);
  if (text == nullptr) return std::nullopt;
  const Result<UtcTime> midnight = ParseUtc(*text + "T00:00:00Z");
  if (!midnight || text->size() != 10) {
    return BadFilter(std::string(name) + " must be a date like 2026-03-29");
  }
  const auto day = std::chrono::floor<std::chrono::days>(*midnight);
  return std::optional(std::chrono::local_days(day.time_since_epoch()));
}

}  // namespace

Result<WebResponse> ShowCalendar(const WebParts& parts, const WebRequest& request) {
  CalendarRange range;
  BIZOND_ASSIGN_OR_RETURN(range.from, DateParameter(request, "from"));
  BIZOND_ASSIGN_OR_RETURN(const int64_t days,
                          IntegerParameter(request, "days", range.days, 1, kCalendarDaysMax));
  range.days = static_cast<int>(days);
  BIZOND_ASSIGN_OR_RETURN(const json calendar, parts.store->Query([&](const StoreReader& reader) {
    return RunCalendar(reader, request.names.at(0), range, parts.clock->Now());
  }));
  return JsonResponse(calendar);
}

Result<WebResponse> ListOccurrences(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const std::optional<UtcTime> at, TimeParameter(request, "at"));
  if (at) {
    for (const std::string_view other : kWithoutAt) {
      if (request.Query(other) != nullptr) {
        return BadFilter("at asks for one minute, and takes no " + std::string(other),
                         "leave one of the two out");
      }
    }
    BIZOND_ASSIGN_OR_RETURN(const json answer, parts.store->Query([&](const StoreReader& reader) {
      return AnswerMinute(reader, request.names.at(0), *at, parts.clock->Now());
    }));
    return JsonResponse(answer);
  }
  BIZOND_ASSIGN_OR_RETURN(const Page page, PageParameters(request));
  BIZOND_ASSIGN_OR_RETURN(const OccurrenceFilter filter, FilterOf(request));
  BIZOND_ASSIGN_OR_RETURN(const json list, parts.store->Query([&](const StoreReader& reader) {
    return OccurrencesPage(reader, filter, page);
  }));
  return JsonResponse(list);
}

}  // namespace bizond::handlers
