// `bizond plan`: what a run would do, by looking alone.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/composition.h"
#include "app/job_file.h"
#include "sync/cursor.h"
#include "sync/record_parser.h"
#include "web/problem.h"
#include "web/run_json.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr size_t kPlanRecords = 10;
constexpr uint64_t kPlanIterations = 100;

// A text without its quotes, as the API shows a watermark; null: the record has none.
json CursorShown(std::string_view token) {
  if (token.empty() || token == "null") return nullptr;
  return token.front() == '"' ? UnescapeJsonString(token) : std::string(token);
}

// Up to ten records as a run without a watermark would read them.
Result<json> FirstRecords(const JobFile& file, Source* source, Clock& clock, std::stop_token stop) {
  RecordParser parser(file.spec.source.cursor_field, file.spec.source.primary_key);
  ReadRequest request;
  request.mode = SyncMode::kFullRefresh;
  request.parser = &parser;
  json records = json::array();
  std::string pagination;
  for (uint64_t i = 0; i < kPlanIterations && records.size() < kPlanRecords; ++i) {
    RecordBatch batch;
    batch.iteration = i;
    batch.extracted_at = clock.Now();
    BIZOND_ASSIGN_OR_RETURN(const Iteration page, source->Read(request, pagination, &batch, stop));
    for (const Record& record : batch.records()) {
      if (records.size() == kPlanRecords) break;
      records.push_back({{"source_record_id", record.has_key ? json(record.key) : json(nullptr)},
                         {"cursor", CursorShown(record.cursor)},
                         {"source_data", record.data}});
    }
    if (page.exhausted) break;
    if (page.upper_bound) request.upper_bound = *page.upper_bound;
    pagination = page.next_pagination;
  }
  return records;
}

// ---- as JSON ----

json FactsJson(const std::vector<PlannedFact>& facts) {
  json object = json::object();
  for (const PlannedFact& fact : facts) object[fact.name] = fact.value;
  return object;
}

json PlaceJson(const PlannedPlace& place) {
  json columns = json::array();
  for (const PlannedColumn& column : place.columns) {
    json one = {{"name", column.name}, {"type", column.type}};
    if (!column.mode.empty()) one["mode"] = column.mode;
    if (!column.change.empty()) one["change"] = column.change;
    columns.push_back(std::move(one));
  }
  return {{"role", place.role},
          {"kind", place.kind},
          {"name", place.name},
          {"exists", place.exists},
          {"becomes", place.becomes},
          {"columns", std::move(columns)},
          {"properties", FactsJson(place.facts)}};
}

json StepJson(const PlannedStep& step) {
  return {{"what", step.what}, {"does", step.does}, {"properties", FactsJson(step.facts)}};
}

Result<json> StreamPlan(const JobFile& file, const std::string& stream, Clock& clock,
                        const std::stop_token& stop) {
  const JobSpec& spec = file.spec;
  BIZOND_ASSIGN_OR_RETURN(const OpenedStream parts, OpenStream(file, stream, clock));
  BIZOND_ASSIGN_OR_RETURN(json records, FirstRecords(file, parts.source.get(), clock, stop));
  BIZOND_ASSIGN_OR_RETURN(const DestinationPlan plan,
                          parts.destination->Plan(PublishModeOf(spec, /*reset=*/false), stop));
  json places = json::array();
  for (const PlannedPlace& place : plan.places) places.push_back(PlaceJson(place));
  json steps = json::array();
  for (const PlannedStep& step : plan.steps) steps.push_back(StepJson(step));
  return json{{"stream", stream},
              {"destination", spec.destination.name},
              {"destination_id", spec.DestinationIdOf(stream)},
              {"target", parts.destination->CanonicalTarget()},
              {"exactly_once", parts.destination->ExactlyOnce()},
              {"places", std::move(places)},
              {"steps", std::move(steps)},
              {"records", std::move(records)}};
}

// ---- for a person ----

std::string Text(const json& object, const char* key) { return object.value(key, std::string()); }

void PrintProperties(const json& properties, Console& console) {
  for (const auto& [name, value] : properties.items()) {
    console.Print(fmt::format("    {}: {}", name, value.get<std::string>()));
  }
}

void PrintColumns(const json& columns, Console& console) {
  for (const json& column : columns) {
    std::string line = "    column " + Text(column, "name");
    for (const char* key : {"type", "mode"}) {
      if (const std::string text = Text(column, key); !text.empty()) line += " " + text;
    }
    if (const std::string change = Text(column, "change"); !change.empty()) {
      line += " (" + change + ")";
    }
    console.Print(line);
  }
}

// What the target's columns are in a table that is filled for it.
json WithoutChanges(const json& columns) {
  json kept = json::array();
  for (json column : columns) {
    if (Text(column, "change") == "removed") continue;
    column.erase("change");
    kept.push_back(std::move(column));
  }
  return kept;
}

void PrintPlaces(const json& places, Console& console) {
  json target;
  for (const json& place : places) {
    if (Text(place, "role") == "target") target = WithoutChanges(place["columns"]);
  }
  for (const json& place : places) {
    console.Print(fmt::format("  {} {} {}: {}, {}", Text(place, "role"), Text(place, "kind"),
                              Text(place, "name"), place["exists"] ? "exists" : "new",
                              Text(place, "becomes")));
    PrintProperties(place["properties"], console);
    const bool same = Text(place, "role") != "target" && place["columns"] == target;
    if (!same) PrintColumns(place["columns"], console);
    if (same && !target.empty()) console.Print("    columns: the target's");
  }
}

void PrintStream(const json& stream, const JobSpec& spec, Console& console) {
  const std::string target = Text(stream, "target");
  console.Print(fmt::format("{} -> {} {}, {}, {}", Text(stream, "stream"), spec.destination.name,
                            target.empty() ? Text(stream, "destination_id") : target,
                            SyncModeName(spec.source.sync_mode),
                            stream["exactly_once"] ? "exactly once" : "at least once"));
  PrintPlaces(stream["places"], console);
  for (const json& step : stream["steps"]) {
    console.Print(fmt::format("  {}: {}", Text(step, "what"), Text(step, "does")));
    PrintProperties(step["properties"], console);
  }
  for (const json& record : stream["records"]) console.Print("  " + Text(record, "source_data"));
}

// With --json a program reads standard output, whatever the outcome.
int RefusePlan(const Error& error, Console& console) {
  console.Report(error);
  if (console.json()) console.Print(Serialize({{"error", ErrorJson(error)}}));
  const int exit_code = ExitCodeOf(error);
  return exit_code == kExitFailed ? kExitCannotConnect : exit_code;
}

}  // namespace

int PlanJobFile(const JobFileOptions& options, Console& console) {
  Signals signals;
  RealClock clock;
  const OpenedJobFile opened = OpenJobFile(options, console);
  if (!opened.file) return opened.exit_code;
  const JobSpec& spec = opened.file->spec;
  json plan = {{"job", spec.name},
               {"sync_mode", SyncModeName(spec.source.sync_mode)},
               {"streams", json::array()}};
  for (const std::string& stream : spec.source.streams) {
    Result<json> one = StreamPlan(*opened.file, stream, clock, signals.token());
    if (!one) return RefusePlan(one.error(), console);
    plan["streams"].push_back(*std::move(one));
  }
  if (console.json()) {
    console.Print(Serialize(plan));
    return kExitDone;
  }
  for (const json& stream : plan["streams"]) PrintStream(stream, spec, console);
  console.Note("nothing was written");
  return kExitDone;
}

}  // namespace bizond
