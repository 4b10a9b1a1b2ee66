#include "destinations/bigquery/changes.h"

#include <fmt/format.h>

#include <chrono>

#include "sync/run_log.h"

namespace bizond {
namespace {

constexpr int64_t kWarnAt = 1200;
constexpr int64_t kDay_ms = 24 * 60 * 60 * 1000;

}  // namespace

void CountChange(ChangeCount* count, const std::string& table, UtcTime now, RunLog* log,
                 bool* said) {
  const int64_t now_ms =
      std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
  if (now_ms < count->since_ms || now_ms - count->since_ms >= kDay_ms) {
    *count = {.since_ms = now_ms, .count = 0};
  }
  count->count += 1;
  if (count->count < kWarnAt || *said) return;
  *said = true;
  log->Warn({"bigquery_quota_near",
             fmt::format("BigQuery takes 1500 changes of a table a day, and {} has had {} since {}",
                         table, count->count,
                         FormatUtc(UtcTime(std::chrono::milliseconds(count->since_ms)))),
             "let the job run less often, or raise `buffer_size` or `buffer_flush_timeout`: past "
             "the quota runs fail until the day is over"});
}

}  // namespace bizond
