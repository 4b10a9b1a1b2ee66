#include "web/job_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scheduler/freshness.h"
#include "scheduler/job_chain.h"
#include "web/run_json.h"

namespace bizond {
namespace {

using nlohmann::json;

// A fire that nobody took up for so long is late: the scheduler looks far more often.
constexpr Duration kLateAfter = std::chrono::minutes(1);

json Member(const json& object, const char* key, json otherwise = nullptr) {
  if (!object.is_object()) return otherwise;
  const auto found = object.find(key);
  return found == object.end() ? otherwise : *found;
}

json SourceJson(const json& source) {
  json streams = Member(source, "streams");
  if (!streams.is_array()) {
    const json stream = Member(source, "stream");
    streams = stream.is_string() ? json::array({stream}) : json::array();
  }
  return {{"name", Member(source, "name")},
          {"streams", std::move(streams)},
          {"sync_mode", Member(source, "sync_mode", "full_refresh")}};
}

json DestinationJson(const json& destination) {
  return {{"name", Member(destination, "name")},
          {"alias", Member(destination, "alias")},
          {"destination_id", Member(Member(destination, "config"), "destination_id")}};
}

// null: the job asks for none.
json FreshnessJson(const std::optional<Freshness>& freshness) {
  if (!freshness) return {};
  return {{"limit", FormatDuration(freshness->limit)},
          {"since", FormatUtc(freshness->since)},
          {"late_at", FormatUtc(freshness->LateAt())}};
}

const char* HealthOf(const JobRow& job, const std::vector<RunRow>& recent, bool held,
                     const std::optional<ScheduleRow>& schedule, bool stale, UtcTime now) {
  const auto running = [](const RunRow& run) { return run.phase == RunPhase::kRunning; };
  if (std::any_of(recent.begin(), recent.end(), running)) return "running";
  if (held) return "held";
  if (job.paused) return "paused";
  if (schedule && schedule->upstream.empty() && schedule->next_at &&
      *schedule->next_at + kLateAfter < now)
    return "late";
  for (const RunRow& run : recent) {
    // A run that is tried again has failed for now.
    if (IsActive(run.phase)) {
      if (run.error) return "failing";
      continue;
    }
    if (run.phase == RunPhase::kCancelled) continue;
    if (run.phase != RunPhase::kSucceeded) return "failing";
    return stale ? "late" : "ok";
  }
  return stale ? "late" : "never_run";
}

// Of the newest run; of one that goes on and has not warned of anything yet, those of the run
// before: what bites later must not come and go with each run.
json WarningsOf(const std::vector<RunRow>& recent) {
  for (const RunRow& run : recent) {
    if (!run.warnings.empty() || !IsActive(run.phase)) return WarningsJson(run.warnings);
  }
  return json::array();
}

json ParsedOrNull(const std::string& text) {
  if (text.empty()) return {};
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

json CheckpointJson(const Checkpoint& checkpoint) {
  json result = CountersJson(checkpoint.counters);
  result["iterations"] = checkpoint.iterations;
  result["pagination"] = ParsedOrNull(checkpoint.pagination);
  result["intent"] = !checkpoint.intent.empty();
  return result;
}

Result<json> CheckpointOf(const StoreReader& reader, const std::string& job,
                          const std::string& stream) {
  BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, reader.ActiveRuns(job));
  for (const RunRow& run : active) {
    BIZOND_ASSIGN_OR_RETURN(const auto checkpoint, reader.GetCheckpoint(run.id, stream));
    if (!checkpoint) continue;
    json result = CheckpointJson(*checkpoint);
    result["run_id"] = run.id;
    return result;
  }
  return json();
}

}  // namespace

std::string EtagOf(const JobRow& job) { return "\"v" + std::to_string(job.version) + "\""; }

Result<json> JobJson(const JobRow& job, const JobView& view) {
  BIZOND_ASSIGN_OR_RETURN(const JobHistory history, view.reader.History(job.name));
  BIZOND_ASSIGN_OR_RETURN(const auto schedule, view.reader.GetSchedule(job.name));
  BIZOND_ASSIGN_OR_RETURN(const auto held, view.reader.HeldRun(job.name));
  const std::optional<Freshness> freshness = FreshnessOf(job);
  const bool stale = freshness && freshness->IsLate(view.now);
  json definition = json::parse(job.definition, nullptr, false);
  json result = {
      {"name", job.name},
      {"tags", Member(definition, "tags", json::array())},
      {"version", job.version},
      {"etag", EtagOf(job)},
      {"managed_by", job.managed_by},
      {"origin", job.origin.empty() ? json() : json(job.origin)},
      {"paused", job.paused},
      {"source", SourceJson(Member(definition, "source"))},
      {"destination", DestinationJson(Member(definition, "destination"))},
      {"schedule", Member(definition, "schedule")},
      {"health", HealthOf(job, history.recent, held.has_value(), schedule, stale, view.now)},
      {"late", stale},
      {"freshness", FreshnessJson(freshness)},
      {"last_success_at", TimeJson(history.last_success_at)},
      {"created_at", FormatUtc(job.created_at)},
      {"updated_at", FormatUtc(job.updated_at)}};
  const bool has_times = schedule && schedule->upstream.empty();
  result["next_at"] = has_times && !job.paused ? TimeJson(schedule->next_at) : json();
  result["schedule_warning"] = nullptr;
  if (schedule && !schedule->upstream.empty()) {
    BIZOND_ASSIGN_OR_RETURN(const std::string why, WhyNeverAfter(view.reader, schedule->upstream));
    if (!why.empty()) result["schedule_warning"] = why;
  }
  result["last_run"] =
      history.recent.empty() ? json() : RunJson(history.recent.front(), view.control);
  result["warnings"] = WarningsOf(history.recent);
  result["recent_runs"] = json::array();
  for (const RunRow& run : history.recent) {
    result["recent_runs"].push_back(RunSummaryJson(run));
  }
  if (view.whole) {
    BIZOND_ASSIGN_OR_RETURN(const auto resets, view.reader.PendingResets(job.name));
    result["pending_resets"] = resets;
    result["definition"] = std::move(definition);
  }
  return result;
}

Result<json> StateJson(const StoreReader& reader, const std::string& job) {
  BIZOND_ASSIGN_OR_RETURN(const std::vector<StreamStateRow> rows, reader.StreamStates(job));
  json streams = json::array();
  std::vector<std::string> seen;
  const auto add = [&](const std::string& name, const StreamStateRow* row) -> Status {
    json stream = {
        {"stream", name}, {"watermark", nullptr}, {"position", nullptr}, {"resumes", false}};
    if (row != nullptr && row->watermark) {
      if (!row->watermark->cursor.empty()) {
        stream["watermark"] = {{"cursor", CursorJson(row->watermark->cursor)},
                               {"cursor_type", row->watermark->cursor_type}};
      }
      stream["position"] = ParsedOrNull(row->watermark->position);
      stream["resumes"] = !row->watermark->resume.empty();
    }
    stream["updated_at"] = row != nullptr ? json(FormatUtc(row->updated_at)) : json();
    BIZOND_ASSIGN_OR_RETURN(stream["checkpoint"], CheckpointOf(reader, job, name));
    streams.push_back(std::move(stream));
    seen.push_back(name);
    return {};
  };
  for (const StreamStateRow& row : rows) BIZOND_RETURN_IF_ERROR(add(row.stream, &row));
  // Streams that have published nothing yet.
  BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> found, reader.GetJob(job));
  const json definition = found ? json::parse(found->definition, nullptr, false) : json::object();
  // Named, because a range-for does not keep alive what a member of a temporary belongs to (C++20).
  const json source = SourceJson(Member(definition, "source"));
  for (const json& name : Member(source, "streams")) {
    if (!name.is_string()) continue;
    const auto text = name.get<std::string>();
    if (std::find(seen.begin(), seen.end(), text) != seen.end()) continue;
    BIZOND_RETURN_IF_ERROR(add(text, nullptr));
  }
  return json{{"streams", std::move(streams)}};
}

}  // namespace bizond
