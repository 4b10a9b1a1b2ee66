// Runs that take simulated time and do nothing else, for tests of what surrounds them.
#ifndef BIZOND_TESTS_SCHEDULER_SLOW_EXECUTOR_H_
#define BIZOND_TESTS_SCHEDULER_SLOW_EXECUTOR_H_

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scheduler/scheduler.h"
#include "store/store.h"

namespace bizond {

// A run takes as long as its id says, of simulated time; some fail and are tried again. Runs of
// jobs named "real..." are the real executor's.
class SlowExecutor final : public RunExecutor {
 public:
  SlowExecutor(Store* store, SimulatedClock* clock, RunExecutor* real, uint64_t seed)
      : store_(store), clock_(clock), real_(real), seed_(seed) {}

  void Execute(RunningAttempt& attempt) override {
    {
      std::lock_guard lock(mutex_);
      const bool first = inside_.insert(attempt.run.job).second;
      if (!first) overlapped_.push_back(attempt.run.job);
    }
    if (attempt.run.job.starts_with("real")) {
      real_->Execute(attempt);
    } else {
      Pretend(attempt);
    }
    std::lock_guard lock(mutex_);
    inside_.erase(attempt.run.job);
  }

  void Abandon(RunningAttempt& attempt) override { ADD_FAILURE() << attempt.run.id; }

  // How long until the first of those that run ends.
  Duration UntilNextEnd() const {
    std::lock_guard lock(mutex_);
    Duration next = std::chrono::hours(24 * 365);
    for (const auto& [id, end] : ends_) next = std::min(next, end - clock_->Steady());
    return next;
  }
  std::vector<std::string> overlapped() const {
    std::lock_guard lock(mutex_);
    return overlapped_;
  }

 private:
  void Pretend(RunningAttempt& attempt) {
    const RunRow& run = attempt.run;
    std::mt19937_64 random(seed_ ^ std::hash<std::string>()(run.id) ^
                           static_cast<uint64_t>(run.attempt));
    // Mostly minutes; now and then longer than the pause between two fires.
    const Duration length =
        random() % 20 == 0 ? std::chrono::hours(24 * 40) : std::chrono::minutes(1 + random() % 90);
    {
      std::lock_guard lock(mutex_);
      ends_[run.id] = clock_->Steady() + length;
    }
    clock_->SleepFor(length, attempt.stop.get_token());
    {
      std::lock_guard lock(mutex_);
      ends_.erase(run.id);
    }
    const UtcTime now = clock_->Now();
    const Status written = store_->Write([&](StoreTx& tx) {
      if (attempt.stop_reason == StopReason::kShutdown) {
        return tx.RequeueRun(run.id, run.fence, std::nullopt, now, now);
      }
      if (attempt.stop_reason == StopReason::kCancel) {
        return tx.FinishRun(run.id, run.fence, RunPhase::kCancelled, std::nullopt, now);
      }
      const Error error{ErrorKind::kTransient, "timeout", "by lot", "", std::nullopt};
      if (random() % 10 == 0 && run.attempt < 3) {
        return tx.RequeueRun(run.id, run.fence, error, now + std::chrono::minutes(5), now);
      }
      return tx.FinishRun(run.id, run.fence, RunPhase::kSucceeded, std::nullopt, now);
    });
    EXPECT_TRUE(written) << Describe(written.error());
  }

  Store* const store_;
  SimulatedClock* const clock_;
  RunExecutor* const real_;
  const uint64_t seed_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::set<std::string> inside_;
  std::map<std::string, Duration> ends_;  // Steady, by run.
  std::vector<std::string> overlapped_;
};
}  // namespace bizond

#endif  // BIZOND_TESTS_SCHEDULER_SLOW_EXECUTOR_H_
