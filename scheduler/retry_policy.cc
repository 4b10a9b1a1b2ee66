#include "scheduler/retry_policy.h"

#include <xxhash.h>

#include <algorithm>

namespace bizond {
namespace {

// The full pause before a retry, before the draw. Doubling stops at the cap, which also keeps a
// hundredth attempt from overflowing.
Duration Backoff(const RetryPolicy& policy, int attempt) {
  Duration pause = std::max(policy.initial_backoff, Duration(0));
  const Duration cap = std::max(policy.max_backoff, Duration(0));
  for (int i = 2; i < attempt && pause < cap && pause > Duration(0); ++i) {
    pause = pause > cap / 2 ? cap : pause * 2;
  }
  return std::min(pause, cap);
}

Duration Drawn(Duration pause, int attempt, uint64_t seed) {
  const auto half = static_cast<uint64_t>(pause.count() / 2);
  const uint64_t hash = XXH3_64bits_withSeed(&attempt, sizeof(attempt), seed);
  return pause - Duration(static_cast<int64_t>(hash % (half + 1)));
}

}  // namespace

std::optional<Duration> RetryPolicy::DelayBefore(int attempt, const Error& error,
                                                 uint64_t seed) const {
  switch (error.kind) {
    case ErrorKind::kTransient: {
      if (attempt > max_attempts) return std::nullopt;
      const Duration pause = Drawn(Backoff(*this, attempt), attempt, seed);
      return std::max(pause, Duration(error.retry_after.value_or(std::chrono::milliseconds(0))));
    }
    case ErrorKind::kPermanent:
    case ErrorKind::kConfig:
    case ErrorKind::kStopped:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace bizond
