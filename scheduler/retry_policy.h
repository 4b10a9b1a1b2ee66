// RetryPolicy: whether a failed attempt is followed by another one, and when.
//
// Only a transient error is retried. The pause grows from initial_backoff by doubling up to
// max_backoff; of each the last half is drawn by a hash of the seed and the attempt, so that runs
// which failed together do not come back together, and a restart finds the same pause. A peer's
// retry_after is the least that is waited, even beyond max_backoff.
//
// Threads: a value; const methods may be called from any thread.
#ifndef BIZOND_SCHEDULER_RETRY_POLICY_H_
#define BIZOND_SCHEDULER_RETRY_POLICY_H_

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/time.h"

namespace bizond {

struct RetryPolicy {
  int max_attempts = 5;  // The first one included.
  Duration initial_backoff = std::chrono::seconds(1);
  Duration max_backoff = std::chrono::minutes(5);

  // The pause before attempt number `attempt` (2 is the first retry), which the attempt before it
  // asked for by failing with `error`; empty: there is no such attempt, the run has failed.
  std::optional<Duration> DelayBefore(int attempt, const Error& error, uint64_t seed) const;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_RETRY_POLICY_H_
