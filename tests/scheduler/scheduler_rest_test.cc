// How a scheduler stops, and how little it does while there is nothing to do.
#include <thread>

#include "scheduler/scheduler.h"
#include "tests/scheduler/scheduler_fixture.h"

namespace bizond {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Counts the waits of everybody who waits in a clock: the scheduler's turns, where nobody else
// does.
class CountingClock final : public Clock {
 public:
  explicit CountingClock(SimulatedClock* clock) : clock_(clock) {}
  UtcTime Now() const override { return clock_->Now(); }
  Duration Steady() const override { return clock_->Steady(); }
  Duration Elapsed() const override { return clock_->Elapsed(); }
  std::unique_ptr<Waiter> NewWaiter() override {
    return std::make_unique<CountingWaiter>(clock_->NewWaiter(), &waits);
  }
  bool SleepFor(Duration duration, std::stop_token stop) override {
    return clock_->SleepFor(duration, stop);
  }

  std::atomic<int> waits{0};

 private:
  class CountingWaiter final : public Waiter {
   public:
    CountingWaiter(std::unique_ptr<Waiter> waiter, std::atomic<int>* waits)
        : waiter_(std::move(waiter)), waits_(waits) {}
    WakeReason WaitUntil(UtcTime deadline, std::stop_token stop) override {
      ++*waits_;
      return waiter_->WaitUntil(deadline, stop);
    }
    void Notify() override { waiter_->Notify(); }

   private:
    const std::unique_ptr<Waiter> waiter_;
    std::atomic<int>* const waits_;
  };

  SimulatedClock* const clock_;
};

class SchedulerRestTest : public SchedulerFixture {
 protected:
  void MakeCounted() {
    scheduler_ =
        std::make_unique<Scheduler>(store_.get(), &TestCatalog(), &counting_, SchedulerOptions{});
    executor_ = std::make_unique<GatedExecutor>(store_.get(), &clock_);
    UseControl(scheduler_.get());
  }
  int WaitsOf(Duration duration) {
    AwaitRest();
    const int before = counting_.waits;
    Pass(duration);
    return counting_.waits - before;
  }

  CountingClock counting_{&clock_};
};

TEST_F(SchedulerRestTest, AnIdleHourIsOneTurnAMinute) {
  MakeCounted();
  MustPut(DummyJob("a"));
  Start();
  EXPECT_LE(WaitsOf(hours(1)), 61);
}

TEST_F(SchedulerRestTest, APausedSchedulesHourIsNoMore) {
  MakeCounted();
  MustPut(DummyJob("a", {{"schedule", {{"every", "10m"}}}}));
  ASSERT_TRUE(service_->Pause("a"));
  Start();
  EXPECT_LE(WaitsOf(hours(1)), 61 + 6);
}

TEST_F(SchedulerRestTest, ABusyMinuteIsOneTurnASecond) {
  MakeCounted();
  MustPut(DummyJob("a"));
  MustTrigger("a");
  MustTrigger("a");
  Start();
  executor_->AwaitBegun(1);
  EXPECT_LE(WaitsOf(minutes(1)), 61);
}

TEST_F(SchedulerRestTest, ItIsReadyWhileItTurns) {
  MakeCounted();
  Start();
  EXPECT_TRUE(scheduler_->Ready());
  Pass(hours(2));
  EXPECT_TRUE(scheduler_->Ready());
  EXPECT_TRUE(scheduler_->Stop());
  clock_.Advance(minutes(10));
  EXPECT_FALSE(scheduler_->Ready());
}

// The clock moves on by itself while Stop waits in it.
TEST_F(SchedulerRestTest, StopWaitsNoLongerThanItsGrace) {
  MakeCounted();
  executor_->ignores_stops = true;
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Start();
  executor_->AwaitBegun(1);
  AwaitRest();
  std::atomic<bool> returned{false};
  bool stopped = true;
  std::thread stopper([&] {
    stopped = scheduler_->Stop();
    returned = true;
  });
  while (!returned) {
    clock_.Advance(std::chrono::milliseconds(100));
    std::this_thread::yield();
  }
  stopper.join();
  EXPECT_FALSE(stopped);
  EXPECT_EQ(Run(run.id).phase, RunPhase::kRunning) << "the next boot takes it up";
  executor_->OpenGate();
  executor_->AwaitEnded(1);
}

TEST_F(SchedulerRestTest, AWallClockThatStepsForwardFiresWhatItPassed) {
  MakeCounted();
  MustPut(DummyJob("a", {{"schedule", {{"cron", "0 * * * *"}}}}));
  Start();
  AwaitRest();
  clock_.StepWall(hours(1));
  executor_->AwaitBegun(1);
  EXPECT_EQ(Runs("a").size(), 1u);
}

TEST_F(SchedulerRestTest, AWallClockThatStepsBackFiresNothingTwice) {
  MakeCounted();
  MustPut(DummyJob("a", {{"schedule", {{"cron", "0 * * * *"}}}}));
  executor_->OpenGate();
  Start();
  AwaitRest();
  clock_.Advance(hours(1));
  executor_->AwaitEnded(1);
  AwaitRest();
  clock_.StepWall(-hours(1));
  Pass(minutes(59));
  EXPECT_EQ(Runs("a").size(), 1u);
  Pass(minutes(61));
  executor_->AwaitEnded(2);
  EXPECT_EQ(Occurrences("a").size(), 2u);
}

TEST_F(SchedulerRestTest, ProgressOfARunningRunIsKnownUntilItsEnd) {
  MakeCounted();
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  std::atomic<int> heard{0};
  scheduler_->OnProgress([&](const LiveRun&) { ++heard; });
  Start();
  executor_->AwaitBegun(1);
  LiveRun live;
  live.run_id = run.id;
  live.counters.rows_read = 7;
  scheduler_->Progress(live);
  ASSERT_TRUE(scheduler_->Live(run.id));
  EXPECT_EQ(scheduler_->Live(run.id)->counters.rows_read, 7u);
  EXPECT_EQ(heard, 1);
  executor_->OpenGate();
  executor_->AwaitEnded(1);
  EXPECT_TRUE(scheduler_->Stop());
  EXPECT_FALSE(scheduler_->Live(run.id));
  scheduler_->Progress(live);
  EXPECT_EQ(heard, 1) << "an attempt that is gone has no progress";
}

TEST_F(SchedulerRestTest, WhatIsOldMovesAndWhatIsOlderGoes) {
  SchedulerOptions options;
  options.retention = hours(1);
  options.history_retention = hours(3);
  MakeScheduler(options);
  MustPut(DummyJob("a", {{"schedule", {{"cron", "30 * * * *"}}}}));
  ASSERT_TRUE(service_->Pause("a"));  // Its fires are recorded, and no worker has a hand in it.
  Start();
  Pass(hours(6));
  // Of six those of 03:30, 04:30 and 05:30: wherever they are, they are younger than three hours.
  EXPECT_EQ(Occurrences("a").size(), 3u);
}

}  // namespace
}  // namespace bizond
