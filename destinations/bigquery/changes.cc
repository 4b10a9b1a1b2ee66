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
  log->Write(
      LogLevel::kWarning,
      fmt::format("BigQuery takes 1500 changes of a table a day, and this one has had {}: a larger "
                  "buffer_size, a longer buffer_flush_timeout or a rarer schedule make fewer",
                  count->count),
      {{"table", table}});
}

}  // namespace bizond
