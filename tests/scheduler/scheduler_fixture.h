// A scheduler over a real store, with an executor that does what the test says.
#ifndef BIZOND_TESTS_SCHEDULER_SCHEDULER_FIXTURE_H_
#define BIZOND_TESTS_SCHEDULER_SCHEDULER_FIXTURE_H_

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "scheduler/scheduler.h"
#include "tests/scheduler/job_fixture.h"

namespace bizond {

// Every attempt begins and stays until the test opens the gate or its stop is raised.
class GatedExecutor final : public RunExecutor {
 public:
  GatedExecutor(Store* store, Clock* clock) : store_(store), clock_(clock) {}

  void Execute(RunningAttempt& attempt) override {
    {
      // Before the lock, which the callback takes: its destructor waits for it.
      const std::stop_callback on_stop(attempt.stop.get_token(), [this] {
        std::lock_guard guard(mutex_);
        changed_.notify_all();
      });
      std::unique_lock lock(mutex_);
      attempt.timeout_us = timeout.count();
      attempt.stall_timeout_us = stall_timeout.count();
      order_.push_back(attempt.run.job);
      inside_[attempt.run.id] = attempt.run;
      most_inside_ = std::max(most_inside_, inside_.size());
      for (const auto& [id, run] : inside_) {
        doubled_ = doubled_ || (id != attempt.run.id && run.job == attempt.run.job);
      }
      changed_.notify_all();
      changed_.wait(lock,
                    [&] { return open_ || (!ignores_stops && attempt.stop.stop_requested()); });
    }
    End(attempt);
    std::lock_guard lock(mutex_);
    inside_.erase(attempt.run.id);
    reasons_[attempt.run.id] = attempt.stop_reason;
    changed_.notify_all();
  }

  void Abandon(RunningAttempt& attempt) override {
    {
      std::lock_guard lock(mutex_);
      abandoned_.insert(attempt.run.id);
      inside_.erase(attempt.run.id);
    }
    const Status written = store_->Write([&](StoreTx& tx) {
      return tx.FinishRun(attempt.run.id, attempt.run.fence, RunPhase::kFailed, std::nullopt,
                          clock_->Now());
    });
    EXPECT_TRUE(written) << Describe(written.error());
  }

  // Blocks (in real time) until so many attempts have begun since the start.
  void AwaitBegun(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return order_.size() >= count; });
  }
  void AwaitEnded(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reasons_.size() >= count; });
  }
  void OpenGate() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool is_open() const {
    std::lock_guard lock(mutex_);
    return open_;
  }
  std::vector<std::string> order() const {
    std::lock_guard lock(mutex_);
    return order_;
  }
  std::map<std::string, RunRow> inside() const {
    std::lock_guard lock(mutex_);
    return inside_;
  }
  size_t most_inside() const {
    std::lock_guard lock(mutex_);
    return most_inside_;
  }
  bool doubled() const {
    std::lock_guard lock(mutex_);
    return doubled_;
  }
  StopReason ReasonOf(const std::string& run) const {
    std::lock_guard lock(mutex_);
    const auto found = reasons_.find(run);
    return found == reasons_.end() ? StopReason::kNone : found->second;
  }

  // Set before the start.
  Duration timeout{0};
  Duration stall_timeout{0};
  std::atomic<bool> ignores_stops{false};
  std::atomic<int> ends_lost{0};  // So many ends the store does not take.

 private:
  // As the real one: a shutdown queues the run again, a cancel ends it, a timeout fails it.
  void End(RunningAttempt& attempt) {
    if (ends_lost > 0) {
      --ends_lost;
      attempt.end_unwritten = true;
      return;
    }
    const RunRow& run = attempt.run;
    const StopReason reason = attempt.stop_reason;
    const UtcTime now = clock_->Now();
    const Status written = store_->Write([&](StoreTx& tx) {
      if (reason == StopReason::kShutdown) {
        return tx.RequeueRun(run.id, run.fence, std::nullopt, now, now);
      }
      const RunPhase phase = reason == StopReason::kNone     ? RunPhase::kSucceeded
                             : reason == StopReason::kCancel ? RunPhase::kCancelled
                                                             : RunPhase::kFailed;
      return tx.FinishRun(run.id, run.fence, phase, std::nullopt, now);
    });
    std::lock_guard lock(mutex_);
    if (abandoned_.contains(run.id)) {
      EXPECT_TRUE(!written && written.error().code == "fenced");
    } else {
      EXPECT_TRUE(written) << Describe(written.error());
    }
  }

  Store* const store_;
  Clock* const clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool open_ = false;
  bool doubled_ = false;
  size_t most_inside_ = 0;
  std::vector<std::string> order_;
  std::map<std::string, RunRow> inside_;
  std::map<std::string, StopReason> reasons_;
  std::set<std::string> abandoned_;
};

class SchedulerFixture : public JobFixture {
 protected:
  void TearDown() override { StopAll(); }

  void MakeScheduler(int workers = 2) {
    SchedulerOptions options;
    options.workers = workers;
    MakeScheduler(options);
  }
  void MakeScheduler(const SchedulerOptions& options) {
    scheduler_ = std::make_unique<Scheduler>(store_.get(), &TestCatalog(), &clock_, options);
    executor_ = std::make_unique<GatedExecutor>(store_.get(), &clock_);
    UseControl(scheduler_.get());
  }
  void Start() {
    const Status started = scheduler_->Start(executor_.get());
    ASSERT_TRUE(started) << Describe(started.error());
  }
  void StopAll() {
    if (executor_) executor_->OpenGate();
    if (scheduler_) {
      EXPECT_TRUE(scheduler_->Stop());
    }
    scheduler_.reset();
    executor_.reset();
    UseControl(&control_);
  }
  // The scheduler's thread waits and no worker's end is on its way to it.
  void AwaitRest() {
    clock_.AwaitWaiters(1);
    // Behind an open gate attempts end by themselves, in real time, and wake it for a turn. It
    // rests where none was there before and after, and none began in between.
    while (executor_->is_open()) {
      const size_t begun = executor_->order().size();
      const bool busy = scheduler_->running() > 0;
      clock_.AwaitWaiters(1);
      if (!busy && scheduler_->running() == 0 && executor_->order().size() == begun) return;
      std::this_thread::yield();
    }
  }
  // Moves the clock on from rest, one deadline after another.
  void Pass(Duration duration) {
    const UtcTime until = clock_.Now() + duration;
    do {
      AwaitRest();
    } while (clock_.AdvanceToNextDeadline(until));
    AwaitRest();
  }
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<GatedExecutor> executor_;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_SCHEDULER_SCHEDULER_FIXTURE_H_
