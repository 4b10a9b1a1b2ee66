#include "base/failpoint.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

namespace bizond {
namespace {

// Every place where a process may be killed, in the order in which a run passes them. A new one is
// a line here and a call of Failpoint().
constexpr std::array<std::string_view, 53> kNames = {
    "scheduler.after_fire",
    "scheduler.after_claim",
    "sync.after_open",
    "file.staging_written",
    "file.staging_synced",
    "sqlite.staging_committed",
    "logger.after_write",
    "bigquery.after_staging_made",
    "bigquery.after_put",
    "bigquery.before_load",
    "bigquery.after_load_post",
    "bigquery.after_load",
    "bigquery.after_file_removed",
    "bigquery_streaming.after_table_made",
    "bigquery_streaming.before_insert",
    "bigquery_streaming.after_insert",
    "bigquery_streaming.before_load",
    "bigquery_streaming.after_load_post",
    "bigquery_streaming_v2.after_table_made",
    "bigquery_streaming_v2.after_create_stream",
    "bigquery_streaming_v2.after_append",
    "bigquery_streaming_v2.before_finalize",
    "bigquery_streaming_v2.after_finalize",
    "sync.after_flush",
    "store.before_commit",
    "store.after_commit",
    "sync.after_checkpoint",
    "bigquery_streaming_v2.before_flush",
    "bigquery_streaming_v2.after_flush",
    "sync.before_verify",
    "sync.after_intent",
    "file.before_rename",
    "file.after_rename",
    "file.append_begin",
    "file.append_half",
    "file.append_synced",
    "sqlite.publish_before_commit",
    "sqlite.publish_after_commit",
    "bigquery.before_copy",
    "bigquery.after_copy_post",
    "bigquery.after_copy",
    "bigquery.after_claim",
    "bigquery_streaming_v2.before_commit",
    "bigquery_streaming_v2.after_commit",
    "bigquery_streaming_v2.before_overwrite",
    "bigquery_streaming_v2.after_overwrite_post",
    "bigquery_streaming_v2.after_overwrite",
    "bigquery_streaming_v2.after_claim",
    "sync.after_finalize",
    "sync.after_record",
    "bigquery.after_staging_dropped",
    "sync.after_discard",
    "scheduler.before_finish",
};

struct Armed {
  std::string name;
  uint64_t passes = 1;
};

void RequireListed(std::string_view name) {
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return;
  throw std::logic_error(
      fmt::format("there is no failpoint '{}'; base/failpoint.cc lists them", name));
}

// Throws for a variable that means nothing: a crash test with a misspelt name would test nothing.
Armed ReadVariable() {
  const char* const variable = std::getenv("BIZOND_FAILPOINT");
  const std::string_view text = variable == nullptr ? "" : variable;
  const size_t colon = text.find(':');
  Armed armed{std::string(text.substr(0, colon))};
  RequireListed(armed.name);
  if (colon != std::string_view::npos) {
    const char* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data() + colon + 1, end, armed.passes);
    if (problem != std::errc() || stopped != end || armed.passes == 0) {
      throw std::logic_error(fmt::format("BIZOND_FAILPOINT={} is not name:N with N from 1", text));
    }
  }
  return armed;
}

}  // namespace

std::span<const std::string_view> FailpointNames() { return kNames; }

namespace internal {

const bool failpoint_armed = std::getenv("BIZOND_FAILPOINT") != nullptr;

void HitFailpoint(std::string_view name) {
  static const Armed armed = ReadVariable();
  static std::atomic<uint64_t> passed = 0;
  RequireListed(name);
  if (name != armed.name || ++passed != armed.passes) return;
  // SIGKILL: no destructor, no flush, no handler, as in a crash.
  kill(getpid(), SIGKILL);
  while (true) pause();
}

}  // namespace internal
}  // namespace bizond
