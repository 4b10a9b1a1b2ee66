// RunLogs: the logs of runs, one file of JSON lines for each, below <state-dir>/logs/<job>/.
//
// A line is {"seq", "at", "level", "message", "fields"}; seq counts from 1 and goes on over the
// attempts of a run. Secrets are taken out (base/log.h, Redact). A run's file is bounded: past
// kMaxRunLogBytes one last line says so and the rest is dropped. A log is for people and is not
// synced to disk; a line that a crash tore is skipped. A log that cannot be written never fails its
// run: the daemon's own log says so once.
//
// Threads: every method may be called from any thread.
#ifndef BIZOND_STORE_RUN_LOGS_H_
#define BIZOND_STORE_RUN_LOGS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "sync/run_log.h"

namespace bizond {

inline constexpr uint64_t kMaxRunLogBytes = 16 << 20;

struct RunLogLine {
  uint64_t seq = 0;
  std::string at;  // RFC 3339
  LogLevel level = LogLevel::kInfo;
  std::string message;
  std::string fields;  // A JSON object's text; "{}" when there are none.
};

struct RunLogPage {
  std::vector<RunLogLine> items;
  uint64_t last_seq = 0;  // Go on after this one; lines of lower levels are behind it, too.
  bool more = false;      // There are lines after it already.
};

class RunLogs {
 public:
  // `state_dir` is the folder that gets `logs/`; the clock must outlive this and every log.
  RunLogs(Root state_dir, Clock* clock, uint64_t max_bytes = kMaxRunLogBytes);

  // Never null.
  std::unique_ptr<RunLog> OpenRunLog(std::string_view job, std::string_view run_id);

  // Lines with seq > after_seq, at most `limit` (1 to 1,000). A run without a log has no lines.
  Result<RunLogPage> Read(std::string_view job, std::string_view run_id, uint64_t after_seq,
                          int limit, LogLevel min_level = LogLevel::kDebug) const;
  // The last lines, oldest first.
  Result<RunLogPage> Tail(std::string_view job, std::string_view run_id, int limit,
                          LogLevel min_level = LogLevel::kDebug) const;

  // Removes files last written before that instant; returns how many.
  Result<int> RemoveOlder(UtcTime before);

 private:
  const Root state_dir_;
  Clock* const clock_;
  const uint64_t max_bytes_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_RUN_LOGS_H_
