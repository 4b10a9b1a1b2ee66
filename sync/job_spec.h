// JobSpec: a job's definition, checked and typed.
//
// Made from YAML or JSON by ParseJob (sync/job_parser.h) only. `definition` is the whole job as
// canonical JSON, the form that is stored and shown: secrets in it are references, never values.
//
// Threads: values.
#ifndef BIZOND_SYNC_JOB_SPEC_H_
#define BIZOND_SYNC_JOB_SPEC_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace bizond {

enum class SyncMode { kFullRefresh, kIncremental, kStream };
enum class OnNullCursor { kFail, kReject, kInclude };
enum class OnError { kFail, kReject };
enum class WriteMode { kAppend, kMerge };
enum class OnTargetChanged { kFail, kContinue, kReset };

std::string_view SyncModeName(SyncMode mode);  // "full_refresh", "incremental", "stream"

struct CursorPolicy {
  Duration lookback{0};
  OnNullCursor on_null = OnNullCursor::kFail;
  Duration future_tolerance = std::chrono::hours(24);
};

struct SourceSpec {
  std::string name;
  std::vector<std::string> streams;  // At least one.
  SyncMode sync_mode = SyncMode::kFullRefresh;
  std::string cursor_field;  // Empty: none.
  CursorPolicy cursor;
  std::vector<std::string> primary_key;
  std::optional<uint64_t> max_iterations;
  OnError on_error = OnError::kFail;
  bool reset = false;
  bool force_ignore_checkpoint = false;
  std::string config;  // The whole `source` block as JSON text, secrets as references.
};

struct DestinationSpec {
  std::string name;
  std::string alias;
  std::string destination_id;  // As written, with {stream}; empty: <source>_<stream>
  WriteMode write = WriteMode::kAppend;
  OnTargetChanged on_target_changed = OnTargetChanged::kFail;
  uint64_t buffer_bytes = 50 << 20;
  Duration buffer_flush_timeout = std::chrono::minutes(10);
  std::string config;  // The `destination.config` block as JSON text, secrets as references.
};

// What must hold of a run's staging before it is published, and of the job as time goes by.
struct ChecksSpec {
  std::optional<uint64_t> min_rows;
  std::optional<double> max_drop_percent;  // Of a full refresh, against the last one.
  std::optional<Duration> freshness;       // Without a success for longer the job is late.

  bool JudgesRows() const { return min_rows || max_drop_percent; }
};

struct ConcurrencySpec {
  std::string pool = "default";
  std::string key;  // Empty: none.
  int limit = 1;
  int priority = 0;
};

struct RetrySpec {
  int max_attempts = 5;
  Duration initial_backoff = std::chrono::seconds(1);
  Duration max_backoff = std::chrono::minutes(5);
};

struct JobSpec {
  std::string name;
  std::vector<std::string> tags;
  SourceSpec source;
  DestinationSpec destination;
  ChecksSpec checks;
  std::string schedule;  // The `schedule` block as JSON text; empty: runs only when asked.
  ConcurrencySpec concurrency;
  RetrySpec retry;
  std::optional<Duration> timeout;
  Duration stall_timeout = std::chrono::minutes(15);
  std::string definition;
  // Secrets that were written in plain in a file, by the reference that stands for them in
  // `definition` ("plain:///source/authentication/params/token"). Kept in memory only.
  std::map<std::string, std::string> plain_secrets;

  // Of one stream, with {stream} and the default filled in.
  std::string DestinationIdOf(std::string_view stream) const;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_SPEC_H_
