#include "scheduler/fire_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "scheduler/occurrence_words.h"
#include "scheduler/schedule.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr Duration kOneMinute = std::chrono::minutes(1);
constexpr int kFiresOfMinute = 1000;
constexpr int kRunsShown = 20;

Result<json> OccurrenceWithRun(const StoreReader& reader, const OccurrenceRow& row) {
  std::optional<RunRow> run;
  if (!row.run_id.empty()) {
    BIZOND_ASSIGN_OR_RETURN(run, reader.GetRun(row.run_id));
  }
  return OccurrenceJson(row, run);
}

json PlannedJson(UtcTime nominal) {
  const OccurrenceRow planned{"", nominal, "planned", "", "", UtcTime{}};
  json result = OccurrenceJson(planned, std::nullopt);
  result["recorded_at"] = nullptr;
  return result;
}

// What is known beside the ledger of the minute [begin, end).
struct Minute {
  UtcTime begin;
  UtcTime end;
  UtcTime now;
  std::optional<JobRow> job;
  std::optional<ScheduleRow> row;
  std::optional<ScheduleSpec> spec;
  std::optional<UtcTime> pruned;   // The ledger is whole from here on; nullopt: from its beginning.
  std::optional<UtcTime> planned;  // The first fire in it or later that has no occurrence yet.

  bool Holds(const std::optional<UtcTime>& at) const { return at && *at >= begin && *at < end; }
};

Result<Minute> LookAround(const StoreReader& reader, const std::string& name, UtcTime at,
                          UtcTime now) {
  Minute minute;
  minute.begin = std::chrono::floor<std::chrono::minutes>(at);
  minute.end = minute.begin + kOneMinute;
  minute.now = now;
  BIZOND_ASSIGN_OR_RETURN(minute.pruned, reader.PrunedBefore());
  BIZOND_ASSIGN_OR_RETURN(minute.job, reader.GetJob(name));
  if (!minute.job) return minute;
  BIZOND_ASSIGN_OR_RETURN(minute.row, reader.GetSchedule(name));
  const json definition = json::parse(minute.job->definition, nullptr, false);
  if (!definition.is_object() || !definition.contains("schedule")) return minute;
  Result<ScheduleSpec> spec = ParseSchedule(definition["schedule"], name);
  if (!spec) return minute;
  minute.spec = std::move(*spec);
  if (!minute.row || !minute.row->next_at || minute.spec->kind == ScheduleKind::kAfter) {
    return minute;
  }
  minute.planned = minute.row->next_at;
  if (*minute.planned >= minute.begin) return minute;
  BIZOND_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Compile(*minute.spec, name));
  const std::optional<Fire> fire = schedule.Next(minute.begin - Duration(1));
  minute.planned = fire ? std::optional(fire->at) : std::nullopt;
  return minute;
}

// "It did not run: the job was paused."
std::string TextOf(const json& fire) {
  const std::string state = fire["state"];
  const std::string why = fire["why"].is_string() ? fire["why"].get<std::string>() : "";
  const std::string range =
      fire["until"].is_string()
          ? fmt::format(" This row stands for every fire from {} to {}.",
                        fire["nominal_at"].get<std::string>(), fire["until"].get<std::string>())
          : "";
  if (state == "ran") {
    const std::string run = fire["run_state"].is_string() ? fire["run_state"] : "ran";
    if (run == "succeeded" || run == "ran") return "It ran.";
    return fmt::format("It ran, and the run is {}{}{}.", run, why.empty() ? "" : ": ", why);
  }
  if (state == "queued" || state == "buffered") {
    return fmt::format("It has not ended yet{}{}.", why.empty() ? "" : ": ", why);
  }
  return fmt::format("It did not run: {}.{}", why.empty() ? state : why, range);
}

// Of the fires of a minute, the first that tells most: one that did not run.
const json& Telling(const json& items) {
  for (const char* const state : {"missed", "skipped", "queued", "buffered"}) {
    for (auto fire = items.rbegin(); fire != items.rend(); ++fire) {
      if ((*fire)["state"] == state) return *fire;
    }
  }
  return items.back();
}

void SayFires(const json& items, json* answer) {
  const json& fire = Telling(items);
  (*answer)["outcome"] = fire["state"] == "buffered" ? json("queued") : fire["state"];
  (*answer)["remedy"] = fire["remedy"];
  std::string text = TextOf(fire);
  if (items.size() > 1) {
    std::map<std::string, int> counts;
    for (const json& each : items) ++counts[each["state"].get<std::string>()];
    std::string parts;
    for (const auto& [state, count] : counts) {
      parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", count, state);
    }
    text = fmt::format("{} fires in this minute: {}. The one at {}: {}", items.size(), parts,
                       fire["nominal_at"].get<std::string>(), text);
  }
  (*answer)["text"] = std::move(text);
}

void SayNoFire(const Minute& minute, json* answer) {
  const auto say = [&](const char* outcome, std::string text, json remedy = nullptr) {
    (*answer)["outcome"] = outcome;
    (*answer)["text"] = std::move(text);
    (*answer)["remedy"] = std::move(remedy);
  };
  if (minute.Holds(minute.planned)) {
    const std::string at = FormatUtc(*minute.planned);
    if (*minute.planned > minute.now) return say("planned", "It is to run at " + at + ".");
    return say("due", "It was due at " + at + " and has not been handled yet.",
               "see /readyz and bizond_scheduler_lag_seconds");
  }
  if (minute.pruned && minute.begin < *minute.pruned) {
    return say("unknown",
               "What ran then is no longer known: what is older than " + FormatUtc(*minute.pruned) +
                   " has been pruned.",
               "keep more of it: `history_retention` in serve's --config");
  }
  if (!minute.job) return say("nothing", "Nothing was to run; the job has been deleted since.");
  if (minute.end <= minute.job->created_at) {
    return say("nothing", "Nothing was to run: the job was not there yet, it was created at " +
                              FormatUtc(minute.job->created_at) + ".");
  }
  if (!minute.spec) {
    return say("nothing", "Nothing was to run: the job has no schedule, it runs when asked.",
               "bizond jobs trigger NAME");
  }
  if (minute.spec->kind == ScheduleKind::kAfter) {
    return say("nothing",
               "Nothing was to run: no run of " + minute.spec->after +
                   ", which this job follows, succeeded in this minute.",
               "ask the same of " + minute.spec->after);
  }
  say("nothing", "Nothing was to run: the schedule has no fire in this minute.");
}

Status AddNeighbours(const StoreReader& reader, const std::string& name, const Minute& minute,
                     json* answer) {
  OccurrenceFilter earlier;
  earlier.job = name;
  earlier.to = minute.begin;
  BIZOND_ASSIGN_OR_RETURN(const PageOf<OccurrenceRow> before,
                          reader.ListOccurrences(earlier, {1, ""}));
  (*answer)["before"] = nullptr;
  if (!before.items.empty()) {
    BIZOND_ASSIGN_OR_RETURN((*answer)["before"], OccurrenceWithRun(reader, before.items[0]));
  }
  BIZOND_ASSIGN_OR_RETURN(const std::optional<OccurrenceRow> after,
                          reader.FirstOccurrence(name, minute.end));
  (*answer)["after"] = nullptr;
  if (after) {
    BIZOND_ASSIGN_OR_RETURN((*answer)["after"], OccurrenceWithRun(reader, *after));
  } else if (minute.planned && *minute.planned >= minute.end) {
    (*answer)["after"] = PlannedJson(*minute.planned);
  }
  return {};
}

Status AddRuns(const StoreReader& reader, const std::string& name, const Minute& minute,
               json* answer) {
  RunFilter filter;
  filter.job = name;
  filter.since = minute.begin;
  filter.until = minute.end;
  BIZOND_ASSIGN_OR_RETURN(const PageOf<RunRow> runs, reader.ListRuns(filter, {kRunsShown, ""}));
  (*answer)["runs"] = json::array();
  for (const RunRow& run : runs.items) {
    if (run.nominal_at) continue;  // A fire's.
    (*answer)["runs"].push_back(
        {{"id", run.id}, {"trigger", run.trigger}, {"state", RunPhaseName(run.phase)}});
  }
  if ((*answer)["runs"].empty()) return {};
  (*answer)["text"] = (*answer)["text"].get<std::string>() +
                      fmt::format(" {} asked for in this minute.",
                                  (*answer)["runs"].size() == 1 ? "A run was" : "Runs were");
  return {};
}

}  // namespace

Result<json> OccurrencesPage(const StoreReader& reader, const OccurrenceFilter& filter,
                             const Page& page) {
  BIZOND_ASSIGN_OR_RETURN(const PageOf<OccurrenceRow> rows, reader.ListOccurrences(filter, page));
  if (rows.items.empty()) {
    // A job that is gone has its fires still.
    BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, reader.GetJob(filter.job));
    BIZOND_ASSIGN_OR_RETURN(const std::optional<OccurrenceRow> any,
                            reader.FirstOccurrence(filter.job, UtcTime::min()));
    if (!job && !any) {
      return Fail(ErrorKind::kPermanent, "job_missing", "there is no job " + filter.job,
                  "bizond jobs list");
    }
  }
  json items = json::array();
  for (const OccurrenceRow& row : rows.items) {
    BIZOND_ASSIGN_OR_RETURN(json item, OccurrenceWithRun(reader, row));
    items.push_back(std::move(item));
  }
  return json{{"items", std::move(items)},
              {"next_cursor", rows.next_cursor.empty() ? json() : json(rows.next_cursor)}};
}

Result<json> AnswerMinute(const StoreReader& reader, const std::string& job, UtcTime at,
                          UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(const Minute minute, LookAround(reader, job, at, now));
  OccurrenceFilter filter;
  filter.job = job;
  filter.from = minute.begin;
  filter.to = minute.end;
  BIZOND_ASSIGN_OR_RETURN(json result, OccurrencesPage(reader, filter, {kFiresOfMinute, ""}));
  json answer = {{"at", FormatUtc(minute.begin)}};
  if (result["items"].empty()) {
    SayNoFire(minute, &answer);
  } else {
    SayFires(result["items"], &answer);
  }
  BIZOND_RETURN_IF_ERROR(AddNeighbours(reader, job, minute, &answer));
  BIZOND_RETURN_IF_ERROR(AddRuns(reader, job, minute, &answer));
  result["answer"] = std::move(answer);
  return result;
}

}  // namespace bizond
