#include "web/run_json.h"

#include <nlohmann/json.hpp>

#include "sync/cursor_window.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr int kHoldersShown = 10;

// In the words of runs: a stream that is recorded has succeeded.
std::string_view StreamStateName(const RunStreamRow& row) {
  return row.state == "recorded" ? std::string_view("succeeded") : row.state;
}

// The part of the cursor that a slice of a backfill reads; null for any other run.
json WindowJson(const RunRow& run) {
  if (!run.IsSlice()) return {};
  const Result<CursorWindow> window = CursorWindow::Decode(run.window);
  if (!window) return {};
  return {{"from", CursorJson(window->from_token())},
          {"to", CursorJson(window->to_token())},
          {"cursor_type", CursorTypeName(window->type())}};
}

// A cursor or a position, as it was recorded for people.
json WatermarkText(const std::string& text) {
  if (text.empty()) return {};
  // A text's token has its quotes.
  json cursor = text.front() == '"' ? json::parse(text, nullptr, false) : json(text);
  return {{"cursor", cursor.is_string() ? std::move(cursor) : json(text)}};
}

// What a queued run waits for; null for any other.
json WaitJson(const RunRow& run) {
  if (run.phase != RunPhase::kQueued) return {};
  json wait = {{"reason", RunWaitName(run.waits)}};
  if (run.waits == RunWait::kTime) wait["until"] = FormatUtc(run.not_before);
  if (run.waits == RunWait::kKey) wait["key"] = run.key;
  if (run.waits == RunWait::kPool) wait["pool"] = run.pool;
  return wait;
}

}  // namespace

json TimeJson(const std::optional<UtcTime>& time) { return time ? json(FormatUtc(*time)) : json(); }

json CursorJson(const std::string& token) {
  if (token.empty()) return {};
  if (token.front() != '"') return token;
  json text = json::parse(token, nullptr, false);
  return text.is_string() ? text : json(token);
}

json ErrorJson(const std::optional<Error>& error) {
  if (!error) return {};
  return {{"code", error->code},
          {"kind", ErrorKindName(error->kind)},
          {"message", error->message},
          {"remedy", error->remedy}};
}

json WarningsJson(const std::vector<RunWarningRow>& warnings) {
  json list = json::array();
  for (const RunWarningRow& warning : warnings) {
    list.push_back({{"code", warning.code},
                    {"stream", warning.stream},
                    {"message", warning.message},
                    {"remedy", warning.remedy}});
  }
  return list;
}

json CountersJson(const Counters& counters) {
  return {
      {"rows_read", counters.rows_read},         {"rows_written", counters.rows_written},
      {"rows_rejected", counters.rows_rejected}, {"rows_deduplicated", counters.rows_deduplicated},
      {"rows_filtered", counters.rows_filtered}, {"bytes_written", counters.bytes_written}};
}

json RunJson(const RunRow& run, const RunControl* control) {
  Counters counters = run.counters;
  Stage stage = run.stage;
  if (run.phase == RunPhase::kRunning && control != nullptr) {
    if (const std::optional<LiveRun> live = control->Live(run.id)) {
      counters = live->counters;
      stage = live->stage;
    }
  }
  json result = CountersJson(counters);
  result["id"] = run.id;
  result["job"] = run.job;
  result["job_version"] = run.job_version;
  result["trigger"] = run.trigger;
  result["state"] = RunPhaseName(run.phase);
  result["attempt"] = run.attempt;
  result["reset"] = run.reset;
  result["window"] = WindowJson(run);
  result["backfill"] = run.backfill.empty() ? json() : json(run.backfill);
  result["nominal_at"] = TimeJson(run.nominal_at);
  result["queued_at"] = FormatUtc(run.queued_at);
  result["not_before"] = run.phase == RunPhase::kQueued ? json(FormatUtc(run.not_before)) : json();
  result["waits_for"] = WaitJson(run);
  result["started_at"] = TimeJson(run.started_at);
  result["finished_at"] = TimeJson(run.finished_at);
  result["stage"] = StageName(stage);
  result["published"] = run.published;
  result["stop_requested"] = run.stop_request == StopRequest::kCancel;
  result["error"] = ErrorJson(run.error);
  result["warnings"] = WarningsJson(run.warnings);
  return result;
}

Result<json> WholeRunJson(const StoreReader& reader, const RunRow& run, const RunControl* control) {
  json result = RunJson(run, control);
  if (run.phase == RunPhase::kQueued) {
    BIZOND_ASSIGN_OR_RETURN(result["waits_for"]["runs"], reader.HoldersFor(run, kHoldersShown));
  }
  result["streams"] = json::array();
  BIZOND_ASSIGN_OR_RETURN(const std::vector<RunStreamRow> streams, reader.RunStreams(run.id));
  for (const RunStreamRow& row : streams) {
    json stream = CountersJson(row.counters);
    stream["stream"] = row.stream;
    stream["state"] = StreamStateName(row);
    stream["watermark_before"] = WatermarkText(row.watermark_before);
    stream["watermark_after"] = WatermarkText(row.watermark_after);
    stream["error"] = ErrorJson(row.error);
    result["streams"].push_back(std::move(stream));
  }
  result["attempts"] = json::array();
  BIZOND_ASSIGN_OR_RETURN(const std::vector<AttemptRow> attempts, reader.Attempts(run.id));
  for (const AttemptRow& attempt : attempts) {
    result["attempts"].push_back({{"number", attempt.number},
                                  {"started_at", FormatUtc(attempt.started_at)},
                                  {"finished_at", TimeJson(attempt.finished_at)},
                                  {"error", ErrorJson(attempt.error)}});
  }
  return result;
}

json RunSummaryJson(const RunRow& run) {
  json duration;
  if (run.started_at && run.finished_at) {
    duration =
        std::chrono::floor<std::chrono::milliseconds>(*run.finished_at - *run.started_at).count();
  }
  return {{"id", run.id},
          {"state", RunPhaseName(run.phase)},
          {"started_at", TimeJson(run.started_at)},
          {"finished_at", TimeJson(run.finished_at)},
          {"rows_written", run.counters.rows_written},
          {"duration_ms", std::move(duration)}};
}

}  // namespace bizond
