// SyncExecutor::Attempt: one Execute, what its steps share.
//
// Threads: the worker's own, but for `shared`.
#ifndef BIZOND_SCHEDULER_RUN_ATTEMPT_H_
#define BIZOND_SCHEDULER_RUN_ATTEMPT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/run_executor.h"

namespace bizond {

struct SyncExecutor::Attempt {
  explicit Attempt(RunningAttempt& attempt) : shared(attempt) {}

  RunningAttempt& shared;
  JobSpec spec;
  bool by_file = false;
  std::unique_ptr<RunLog> log;
  std::vector<std::string> resets;   // Streams (or "" for all) with a reset that was asked for.
  std::vector<std::string> streams;  // All of the definition's.
  std::optional<Error> first_error;
  std::optional<Stage> failed_in;  // Of the first error.
  std::optional<Error> held;       // What a check said first.
  size_t recorded = 0;
  bool left_out = false;               // A stream was not begun: the run is cancelled.
  Counters done;                       // Of the streams that ended in this attempt.
  std::optional<CursorWindow> window;  // Of a slice.

  const RunRow& run() const { return shared.run; }
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_RUN_ATTEMPT_H_
