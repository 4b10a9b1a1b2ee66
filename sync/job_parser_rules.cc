#include "sync/job_parser_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace bizond {
namespace {

using nlohmann::json;

struct NoEffect {
  std::string_view path;
  std::string_view message;
  std::string_view remedy;
};
constexpr NoEffect kNoEffect[] = {
    {"id", "has no effect: state is kept under the job's name", "Keep the name as it is."},
    {"transforms", "has no effect: Python is not run here, and records pass unchanged",
     "Transform at the destination, or before the source."},
    {"streams", "has no effect in this version: nothing is routed by it",
     "Name the streams in source.streams."},
    {"alerting", "has no effect in this version: nobody is told",
     "Watch /metrics or the events of /api/v1/events."},
    {"monitoring", "has no effect: nothing is sent", "Scrape /metrics."},
    {"engine.queue", "has no effect: the queue between reader and writer is in memory", ""},
    {"engine.runner", "has no effect: a run has a reader and a writer thread", ""},
    {"engine.backend", "has no effect: state is kept in the state directory, on disk",
     "Choose the place by --state-dir."},
    {"source.source_file_path", "has no effect: no Python is loaded", ""},
    {"source.api_config", "has no effect: the policy is the job's retry block", ""},
    {"source.http", "has no effect: the policy is the job's retry block", ""},
    {"source.init_pipeline", "has no effect", ""},
    {"destination.config.max_concurrent_threads", "has no effect: one thread writes", ""},
};

const json* ValueAtPath(const json& job, std::string_view path) {
  const json* at = &job;
  for (const PathStep& step : ParsePath(path)) {
    auto found = at->is_object() ? at->find(step.key) : at->end();
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

// Of a name that others read: NUL is excluded before, other control characters may come from
// escapes.
bool HasControl(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // U+0080 to U+009F
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

void CheckName(const std::string& name, IssueSink* sink) {
  constexpr std::string_view kRule =
      "A name has 1 to 200 characters, none of them / or a control character, and no leading dot.";
  if (name.starts_with('.')) sink->Error("name", "begins with a dot", std::string(kRule));
  if (name.find('/') != name.npos) sink->Error("name", "holds a /", std::string(kRule));
  if (HasControl(name)) sink->Error("name", "holds a control character", std::string(kRule));
}

void CheckStreams(const json& source, const JobSpec& spec, IssueSink* sink) {
  bool one = source.contains("stream");
  bool several = source.contains("streams");
  if (one && several) {
    sink->Error("source.streams", "stands beside source.stream", "Keep one of the two.", true);
  } else if (!one && !several) {
    sink->Error("source.stream", "stream is missing", "Add stream: NAME, or streams: [NAME, NAME].",
                true);
  }
  std::set<std::string_view> seen;
  for (size_t i = 0; i < spec.source.streams.size(); ++i) {
    std::string path = several ? fmt::format("source.streams[{}]", i) : "source.stream";
    const std::string& stream = spec.source.streams[i];
    if (!seen.insert(stream).second) {
      sink->Error(path, fmt::format("the stream {} is there twice", QuoteForMessage(stream)),
                  "Remove one.");
    }
    if (HasControl(stream)) sink->Error(path, "holds a control character", "Remove it.");
  }
  const std::string& id = spec.destination.destination_id;
  if (spec.source.streams.size() > 1 && !id.empty() && id.find("{stream}") == id.npos) {
    sink->Error("destination.config.destination_id",
                "several streams would be written to one place",
                fmt::format("Put {{stream}} in it, as in \"{}_{{stream}}\", or leave it out.", id));
  }
}

void CheckIncremental(const json& job, const JobSpec& spec, IssueSink* sink) {
  const SourceSpec& source = spec.source;
  bool incremental = source.sync_mode == SyncMode::kIncremental;
  if (job["source"].contains("cursor") && source.cursor_field.empty()) {
    sink->Error("source.cursor", "needs a cursor_field", "Add source.cursor_field.", true);
  }
  if (source.reset && source.sync_mode == SyncMode::kStream) {
    sink->Error("source.reset", "only an incremental job can be reset", "Remove it.");
  } else if (source.reset && !incremental) {
    sink->Warn("source.reset", "has no effect: a full refresh replaces the target at every run",
               "Remove it.");
  }
  if (spec.destination.write == WriteMode::kMerge) {
    if (!incremental) {
      sink->Warn("destination.config.write",
                 fmt::format("has no effect with sync_mode: {}", SyncModeName(source.sync_mode)),
                 "Remove it.");
    } else if (source.primary_key.empty()) {
      sink->Error("destination.config.write", "merge needs a key to merge by",
                  "Add source.primary_key.");
    }
  }
  if (source.sync_mode == SyncMode::kStream && job.contains("schedule")) {
    sink->Error("schedule", "a job of sync_mode: stream runs without an end and takes no schedule",
                "Remove the schedule.", true);
  }
}

void CheckLimits(const json& job, const JobSpec& spec, IssueSink* sink) {
  if (spec.retry.initial_backoff > spec.retry.max_backoff) {
    std::string path = ValueAtPath(job, "retry.initial_backoff") != nullptr
                           ? "retry.initial_backoff"
                           : "retry.max_backoff";
    sink->Error(path,
                fmt::format("initial_backoff ({}) is longer than max_backoff ({})",
                            FormatDuration(spec.retry.initial_backoff),
                            FormatDuration(spec.retry.max_backoff)),
                "Make max_backoff at least as long.");
  }
  if (spec.timeout && spec.timeout->count() == 0) {
    sink->Error("timeout", "must be longer than 0", "Leave it out for no limit.");
  }
  if (spec.stall_timeout.count() == 0) {
    sink->Error("stall_timeout", "must be longer than 0", "Leave it out for 15m.");
  }
}

// A state elsewhere is refused: in a pod without a volume each run would begin anew and append
// again what the last one did.
void CheckBackend(const json& job, IssueSink* sink) {
  const json* type = ValueAtPath(job, "engine.backend.type");
  if (type == nullptr || !type->is_string()) return;
  const auto& name = type->get_ref<const std::string&>();
  static const std::vector<std::string> kAccepted = {"sqlite", "sqlite_in_memory"};
  if (name == "postgres" || name == "bigquery") {
    sink->Error("engine.backend.type",
                fmt::format("the state is not kept in {}: it is local here, and a place that "
                            "forgets it between runs would append everything again",
                            name),
                "Remove engine.backend and keep the state directory (--state-dir) on a volume that "
                "stays.");
  } else if (std::find(kAccepted.begin(), kAccepted.end(), name) == kAccepted.end()) {
    auto nearest = NearestNames(name, kAccepted);
    sink->Error(
        "engine.backend.type",
        fmt::format("expected sqlite or sqlite_in_memory, found {}", QuoteForMessage(name)),
        nearest.empty() ? "Remove engine.backend." : fmt::format("Did you mean {}?", nearest[0]));
  }
}

std::vector<std::string> StreamNames(const SourceDescriptor& source) {
  std::vector<std::string> names;
  if (source.streams == nullptr) return names;
  for (const StreamInfo& stream : source.streams()) names.push_back(stream.name);
  return names;
}

void CheckSourceModes(const JobSpec& spec, const SourceDescriptor& source, IssueSink* sink) {
  bool by_cursor = !spec.source.cursor_field.empty();
  if (spec.source.sync_mode == SyncMode::kStream && !source.stream_mode) {
    sink->Error("source.sync_mode", fmt::format("the source {} cannot stream", source.name),
                "Use full_refresh or incremental, with a schedule.");
  }
  if (spec.source.sync_mode != SyncMode::kIncremental) return;
  if (!source.incremental_by_cursor && !source.incremental_by_position) {
    sink->Error("source.sync_mode",
                fmt::format("the source {} cannot run incrementally", source.name),
                "Use full_refresh.");
  } else if (by_cursor && !source.incremental_by_cursor) {
    sink->Error("source.cursor_field",
                fmt::format("the source {} goes by position and has no cursor", source.name),
                "Remove cursor_field.");
  } else if (!by_cursor && !source.incremental_by_position) {
    sink->Error("source.cursor_field",
                fmt::format("the source {} needs a cursor_field to run incrementally", source.name),
                "Add the field that grows with each change, as in cursor_field: updated_at.", true);
  }
}

void CheckAddsOnly(const JobSpec& spec, const DestinationDescriptor& destination, IssueSink* sink) {
  if (spec.source.sync_mode == SyncMode::kFullRefresh) {
    sink->Warn("destination.name",
               fmt::format("the destination {} only adds rows: each full refresh adds all of them "
                           "to those of the runs before",
                           destination.name),
               "Use another destination, or sync_mode: incremental or stream.");
  }
  if (spec.source.reset && spec.source.sync_mode == SyncMode::kIncremental) {
    sink->Error("source.reset",
                fmt::format("the destination {} only adds rows: a reset would double them",
                            destination.name),
                "Use another destination, or empty the table yourself and give the job another "
                "name.");
  }
}

}  // namespace

void CheckJobRules(const json& job, const JobSpec& spec, IssueSink* sink) {
  CheckName(spec.name, sink);
  CheckStreams(job["source"], spec, sink);
  CheckIncremental(job, spec, sink);
  CheckLimits(job, spec, sink);
  CheckBackend(job, sink);
}

void CheckCapabilities(const JobSpec& spec, const Catalog& catalog, IssueSink* sink) {
  const SourceDescriptor* source = catalog.FindSource(spec.source.name);
  const DestinationDescriptor* destination = catalog.FindDestination(spec.destination.name);
  if (source != nullptr) {
    CheckSourceModes(spec, *source, sink);
    std::vector<std::string> names = StreamNames(*source);
    for (size_t i = 0; i < spec.source.streams.size() && !names.empty(); ++i) {
      const std::string& stream = spec.source.streams[i];
      if (std::find(names.begin(), names.end(), stream) != names.end()) continue;
      // Without source.streams the path is not there, and its place is source.stream's.
      bool single = sink->document.value()["source"].contains("stream");
      auto nearest = NearestNames(stream, names);
      std::string remedy = nearest.empty() ? "" : fmt::format("Did you mean {}? ", nearest[0]);
      sink->Error(
          single ? "source.stream" : fmt::format("source.streams[{}]", i),
          fmt::format("the source {} has no stream {}", source->name, QuoteForMessage(stream)),
          fmt::format("{}It has: {}.", remedy, fmt::join(names, ", ")));
    }
  }
  bool merges = spec.source.sync_mode == SyncMode::kIncremental &&
                spec.destination.write == WriteMode::kMerge;
  if (destination != nullptr && merges && !destination->merge) {
    sink->Error("destination.config.write",
                fmt::format("the destination {} cannot merge", destination->name), "Use append.");
  }
  if (destination != nullptr && !destination->replace) CheckAddsOnly(spec, *destination, sink);
}

void WarnOfNoEffect(const json& job, IssueSink* sink) {
  for (const NoEffect& row : kNoEffect) {
    const json* value = ValueAtPath(job, row.path);
    if (value == nullptr || (value->is_structured() && value->empty())) continue;
    JobPath path = ParsePath(row.path);
    sink->Warn(row.path, fmt::format("{} {}", path.back().key, row.message),
               std::string(row.remedy));
  }
}

void IssueSink::Error(std::string_view path, std::string message, std::string remedy, bool at_key) {
  JobPath steps = ParsePath(path);
  Position at = at_key ? document.KeyAt(steps) : document.ValueAt(steps);
  result->errors.push_back(
      {std::string(path), at.line, at.column, std::move(message), std::move(remedy)});
}

void IssueSink::Warn(std::string_view path, std::string message, std::string remedy) {
  Position at = document.KeyAt(ParsePath(path));
  result->warnings.push_back(
      {std::string(path), at.line, at.column, std::move(message), std::move(remedy)});
}

}  // namespace bizond
