// The verbs that look and write nothing: check, plan, secrets check.
#include <nlohmann/json.hpp>

#include "app/composition.h"
#include "app/job_file.h"
#include "sync/cursor.h"
#include "sync/record_parser.h"
#include "web/run_json.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr size_t kPlanRecords = 10;
constexpr uint64_t kPlanIterations = 100;

struct Probe {
  std::string stream;
  std::string what;  // "source", "destination"
  Status status;
};

std::vector<Probe> ProbeConnections(const JobFile& file, Clock& clock, std::stop_token stop) {
  std::vector<Probe> probes;
  for (const std::string& stream : file.spec.source.streams) {
    Result<OpenedStream> opened = OpenStream(file, stream, clock);
    if (!opened) {
      probes.push_back({stream, "definition", tl::make_unexpected(opened.error())});
      continue;
    }
    probes.push_back({stream, "source", opened->source->CheckConnection(stop)});
    probes.push_back({stream, "destination", opened->destination->CheckConnection(stop)});
  }
  return probes;
}

// A text without its quotes, as the API shows a watermark; null: the record has none.
json CursorShown(std::string_view token) {
  if (token.empty() || token == "null") return nullptr;
  return token.front() == '"' ? UnescapeJsonString(token) : std::string(token);
}

// Up to ten records as a run without a watermark would read them.
Result<json> FirstRecords(const JobFile& file, const std::string& stream, Clock& clock,
                          std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const OpenedStream opened, OpenStream(file, stream, clock));
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
    BIZOND_ASSIGN_OR_RETURN(const Iteration page,
                            opened.source->Read(request, pagination, &batch, stop));
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

}  // namespace

int CheckJobFile(const JobFileOptions& options, Console& console) {
  Signals signals;
  RealClock clock;
  const OpenedJobFile opened = OpenJobFile(options, console);
  if (!opened.file) return opened.exit_code;
  int exit_code = kExitDone;
  json result = {{"job", opened.file->spec.name}, {"checks", json::array()}};
  for (const Probe& probe : ProbeConnections(*opened.file, clock, signals.token())) {
    result["checks"].push_back(
        {{"stream", probe.stream},
         {"what", probe.what},
         {"ok", probe.status.has_value()},
         {"error", probe.status ? json() : ErrorJson(probe.status.error())}});
    if (probe.status) {
      if (!console.json()) console.Print(probe.stream + ": " + probe.what + " ok");
      continue;
    }
    console.Report(probe.status.error());
    exit_code = probe.status.error().kind == ErrorKind::kConfig ? kExitInvalid : kExitCannotConnect;
  }
  result["ok"] = exit_code == kExitDone;
  if (console.json()) console.Print(result.dump());
  return exit_code;
}

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
    Result<OpenedStream> parts = OpenStream(*opened.file, stream, clock);
    Result<json> records = parts ? FirstRecords(*opened.file, stream, clock, signals.token())
                                 : tl::make_unexpected(parts.error());
    if (!records) {
      console.Report(records.error());
      return records.error().kind == ErrorKind::kConfig ? kExitInvalid : kExitCannotConnect;
    }
    plan["streams"].push_back({{"stream", stream},
                               {"destination", spec.destination.name},
                               {"destination_id", spec.DestinationIdOf(stream)},
                               {"target", parts->destination->CanonicalTarget()},
                               {"exactly_once", parts->destination->ExactlyOnce()},
                               {"records", *records}});
  }
  if (console.json()) {
    console.Print(plan.dump());
    return kExitDone;
  }
  for (const json& stream : plan["streams"]) {
    const std::string target = stream["target"].get<std::string>();
    console.Print(stream["stream"].get<std::string>() + " -> " + spec.destination.name + " " +
                  (target.empty() ? stream["destination_id"].get<std::string>() : target) + ", " +
                  std::string(SyncModeName(spec.source.sync_mode)) + ", " +
                  (stream["exactly_once"] ? "exactly once" : "at least once"));
    for (const json& record : stream["records"]) {
      console.Print("  " + record["source_data"].get<std::string>());
    }
  }
  console.Note("nothing was written");
  return kExitDone;
}

int CheckSecrets(const JobFileOptions& options, Console& console) {
  const OpenedJobFile opened = OpenJobFile(options, console);
  if (!opened.file) return opened.exit_code;
  int exit_code = kExitDone;
  json items = json::array();
  const std::string project = SecretProjectOf(opened.file->spec);
  for (const SecretReference& found : SecretResolver::References(opened.file->spec.definition)) {
    if (found.reference.starts_with("plain:")) continue;
    const Result<std::string> value = opened.file->secrets.ResolveOne(found.reference, project);
    items.push_back(
        {{"path", found.path}, {"reference", found.reference}, {"ok", value.has_value()}});
    if (!console.json()) {
      console.Print(found.path + ": " + found.reference + (value ? " ok" : " missing"));
    }
    if (value) continue;
    console.Report(value.error());
    exit_code = kExitInvalid;
  }
  if (console.json()) console.Print(json{{"items", items}}.dump());
  return exit_code;
}

}  // namespace bizond
