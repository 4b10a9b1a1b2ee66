// ReadSpec: the typed values of a job that its schema accepts.
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "sync/job_parser.h"
#include "sync/job_parser_rules.h"

namespace bizond {
namespace {

using nlohmann::json;

const json& BlockOf(const json& parent, const char* key) {
  static const json kEmpty = json::object();
  auto found = parent.find(key);
  return found == parent.end() || !found->is_object() ? kEmpty : *found;
}

std::string TextOf(const json& block, const char* key, std::string otherwise = "") {
  return block.value(key, std::move(otherwise));
}

Duration DurationOf(const json& value) {
  if (value.is_string()) {
    return ParseDuration(value.get_ref<const std::string&>()).value_or(Duration(0));
  }
  // Bounded as ParseDuration is: a thousand years.
  constexpr double kSecondsMost = 1000.0 * 365.25 * 86400;
  double seconds = std::min(value.get<double>(), kSecondsMost);
  return Duration(std::llround(seconds * 1e6));
}

void ReadDuration(const json& block, const char* key, Duration* into) {
  auto found = block.find(key);
  if (found != block.end()) *into = DurationOf(*found);
}

std::vector<std::string> NamesOf(const json& block, const char* key) {
  auto found = block.find(key);
  if (found == block.end()) return {};
  if (found->is_string()) return {found->get<std::string>()};
  return found->get<std::vector<std::string>>();
}

// The position of a word in its list is the enumerator.
template <typename Enum>
void ReadWord(const json& block, const char* key, std::span<const std::string_view> words,
              Enum* into) {
  std::string word = TextOf(block, key);
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) *into = static_cast<Enum>(i);
  }
}

constexpr std::string_view kSyncModes[] = {"full_refresh", "incremental", "stream"};
constexpr std::string_view kOnNull[] = {"fail", "reject", "include"};
constexpr std::string_view kOnError[] = {"fail", "reject"};
constexpr std::string_view kWrite[] = {"append", "merge"};
constexpr std::string_view kOnTargetChanged[] = {"fail", "continue", "reset"};

SourceSpec ReadSource(const json& block) {
  SourceSpec source;
  source.name = TextOf(block, "name");
  source.streams = NamesOf(block, block.contains("streams") ? "streams" : "stream");
  ReadWord(block, "sync_mode", kSyncModes, &source.sync_mode);
  source.cursor_field = TextOf(block, "cursor_field");
  const json& cursor = BlockOf(block, "cursor");
  ReadDuration(cursor, "lookback", &source.cursor.lookback);
  ReadWord(cursor, "on_null", kOnNull, &source.cursor.on_null);
  ReadDuration(cursor, "future_tolerance", &source.cursor.future_tolerance);
  source.primary_key = NamesOf(block, "primary_key");
  if (block.contains("max_iterations")) {
    source.max_iterations = block["max_iterations"].get<uint64_t>();
  }
  ReadWord(block, "on_error", kOnError, &source.on_error);
  source.reset = block.value("reset", false);
  source.force_ignore_checkpoint = block.value("force_ignore_checkpoint", false);
  return source;
}

ChecksSpec ReadChecks(const json& block) {
  ChecksSpec checks;
  if (block.contains("min_rows")) checks.min_rows = block["min_rows"].get<uint64_t>();
  if (block.contains("max_drop_percent")) {
    checks.max_drop_percent = block["max_drop_percent"].get<double>();
  }
  if (block.contains("freshness")) checks.freshness = DurationOf(block["freshness"]);
  return checks;
}

DestinationSpec ReadDestination(const json& block) {
  DestinationSpec destination;
  destination.name = TextOf(block, "name");
  destination.alias = TextOf(block, "alias", destination.name);
  const json& config = BlockOf(block, "config");
  destination.destination_id = TextOf(config, "destination_id");
  ReadWord(config, "write", kWrite, &destination.write);
  ReadWord(config, "on_target_changed", kOnTargetChanged, &destination.on_target_changed);
  if (config.contains("buffer_size")) {
    destination.buffer_bytes =
        static_cast<uint64_t>(std::llround(config["buffer_size"].get<double>() * (1 << 20)));
  }
  ReadDuration(config, "buffer_flush_timeout", &destination.buffer_flush_timeout);
  return destination;
}

}  // namespace

JobSpec ReadSpec(const json& job) {
  JobSpec spec;
  spec.name = TextOf(job, "name");
  spec.tags = NamesOf(job, "tags");
  spec.source = ReadSource(BlockOf(job, "source"));
  spec.destination = ReadDestination(BlockOf(job, "destination"));
  spec.checks = ReadChecks(BlockOf(job, "checks"));
  if (job.contains("schedule")) spec.schedule = job["schedule"].dump();
  const json& concurrency = BlockOf(job, "concurrency");
  spec.concurrency.pool = TextOf(concurrency, "pool", spec.concurrency.pool);
  spec.concurrency.key = TextOf(concurrency, "key");
  spec.concurrency.limit = concurrency.value("limit", spec.concurrency.limit);
  spec.concurrency.priority = concurrency.value("priority", spec.concurrency.priority);
  const json& retry = BlockOf(job, "retry");
  spec.retry.max_attempts = retry.value("max_attempts", spec.retry.max_attempts);
  ReadDuration(retry, "initial_backoff", &spec.retry.initial_backoff);
  ReadDuration(retry, "max_backoff", &spec.retry.max_backoff);
  if (job.contains("timeout")) spec.timeout = DurationOf(job["timeout"]);
  ReadDuration(job, "stall_timeout", &spec.stall_timeout);
  return spec;
}

std::optional<Duration> FreshnessLimitOf(std::string_view definition) {
  // Most jobs have none, and are not parsed.
  if (definition.find("\"freshness\"") == std::string_view::npos) return std::nullopt;
  const json job = json::parse(definition, nullptr, false);
  const json::json_pointer place("/checks/freshness");
  if (!job.is_object() || !job.contains(place)) return std::nullopt;
  const json& limit = job.at(place);
  if (!limit.is_string() && !limit.is_number()) return std::nullopt;
  return DurationOf(limit);
}

}  // namespace bizond
