#include "base/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace bizond {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr UtcTime kStart{std::chrono::microseconds(1'796'126'400'000'000)};

template <typename F>
auto Async(F work) {
  return std::async(std::launch::async, std::move(work));
}

TEST(SimulatedClock, StandsStillUntilItIsMoved) {
  SimulatedClock clock(kStart);
  EXPECT_EQ(clock.Now(), kStart);
  clock.Advance(hours(1));
  EXPECT_EQ(clock.Now(), kStart + hours(1));
  EXPECT_EQ(clock.Steady(), hours(1));
  clock.StepWall(-hours(2));
  EXPECT_EQ(clock.Now(), kStart - hours(1));
  EXPECT_EQ(clock.Steady(), hours(1));
}

TEST(SimulatedClock, WakesWhoIsDueAndNobodyElse) {
  SimulatedClock clock(kStart);
  const auto early = clock.NewWaiter();
  const auto late = clock.NewWaiter();
  auto first = Async([&] { return early->WaitUntil(kStart + seconds(10), {}); });
  auto second = Async([&] { return late->WaitUntil(kStart + seconds(20), {}); });
  clock.AwaitWaiters(2);
  clock.Advance(seconds(10));
  EXPECT_EQ(first.get(), WakeReason::kDeadline);
  clock.AwaitWaiters(1);
  EXPECT_EQ(second.wait_for(milliseconds(0)), std::future_status::timeout);
  clock.Advance(seconds(10));
  EXPECT_EQ(second.get(), WakeReason::kDeadline);
}

TEST(SimulatedClock, APastDeadlineReturnsAtOnce) {
  SimulatedClock clock(kStart);
  EXPECT_EQ(clock.NewWaiter()->WaitUntil(kStart, {}), WakeReason::kDeadline);
  EXPECT_TRUE(clock.SleepFor(seconds(0), {}));
  EXPECT_TRUE(clock.SleepFor(-seconds(5), {}));
}

TEST(SimulatedClock, TenYearsOfMinutesPassWithoutWaiting) {
  SimulatedClock clock(kStart);
  constexpr int kFires = 10 * 365;
  auto fires = Async([&] {
    const auto waiter = clock.NewWaiter();
    UtcTime next = kStart;
    for (int i = 0; i < kFires; ++i) {
      next += hours(24);
      EXPECT_EQ(waiter->WaitUntil(next, {}), WakeReason::kDeadline);
      EXPECT_EQ(clock.Now(), next);
    }
  });
  for (int i = 0; i < kFires; ++i) {
    clock.AwaitWaiters(1);
    ASSERT_TRUE(clock.AdvanceToNextDeadline(UtcTime::max()));
  }
  fires.get();
}

TEST(SimulatedClock, AdvanceToNextDeadlineStopsAtItsLimit) {
  SimulatedClock clock(kStart);
  EXPECT_FALSE(clock.AdvanceToNextDeadline(kStart + hours(1)));
  EXPECT_EQ(clock.Now(), kStart + hours(1));
  auto sleeper = Async([&] { return clock.SleepFor(hours(2), {}); });
  clock.AwaitWaiters(1);
  EXPECT_FALSE(clock.AdvanceToNextDeadline(kStart + hours(2)));
  EXPECT_TRUE(clock.AdvanceToNextDeadline(kStart + hours(3)));
  EXPECT_EQ(clock.Now(), kStart + hours(3));
  EXPECT_TRUE(sleeper.get());
}

TEST(SimulatedClock, AStepOfTheWallIsToldToWaitersAndLeavesSleepersAlone) {
  SimulatedClock clock(kStart);
  const auto waiter = clock.NewWaiter();
  auto waiting = Async([&] { return waiter->WaitUntil(kStart + hours(1), {}); });
  auto sleeping = Async([&] { return clock.SleepFor(seconds(1), {}); });
  clock.AwaitWaiters(2);
  clock.StepWall(hours(3));
  EXPECT_EQ(waiting.get(), WakeReason::kClockStepped);
  EXPECT_EQ(sleeping.wait_for(milliseconds(0)), std::future_status::timeout);
  clock.Advance(seconds(1));
  EXPECT_TRUE(sleeping.get());
}

TEST(SimulatedClock, AwaitWaitersDoesNotCountWhoWasWoken) {
  SimulatedClock clock(kStart);
  std::atomic<int> rounds = 0;
  const auto waiter = clock.NewWaiter();
  auto loop = Async([&] {
    while (waiter->WaitUntil(UtcTime::max(), {}) == WakeReason::kNotified && ++rounds < 500) {
    }
  });
  for (int i = 0; i < 500; ++i) {
    clock.AwaitWaiters(1);
    ASSERT_EQ(rounds.load(), i);
    waiter->Notify();
  }
  loop.get();
}

// What every clock promises, over both of them.
class AnyClock : public ::testing::TestWithParam<bool> {
 protected:
  AnyClock() {
    if (GetParam()) {
      clock_ = std::make_unique<SimulatedClock>(kStart);
    } else {
      clock_ = std::make_unique<RealClock>();
    }
  }
  std::unique_ptr<Clock> clock_;
};
INSTANTIATE_TEST_SUITE_P(Clocks, AnyClock, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Simulated" : "Real"; });

TEST_P(AnyClock, ANotifyBeforeTheWaitIsNotLostAndCountsOnce) {
  const auto waiter = clock_->NewWaiter();
  waiter->Notify();
  waiter->Notify();
  EXPECT_EQ(waiter->WaitUntil(UtcTime::max(), {}), WakeReason::kNotified);
  EXPECT_EQ(waiter->WaitUntil(clock_->Now(), {}), WakeReason::kDeadline);
}

TEST_P(AnyClock, ANotifyEndsAWaitWithoutADeadline) {
  const auto waiter = clock_->NewWaiter();
  auto waiting = Async([&] { return waiter->WaitUntil(UtcTime::max(), {}); });
  waiter->Notify();
  EXPECT_EQ(waiting.get(), WakeReason::kNotified);
}

TEST_P(AnyClock, AStopEndsAWaitAndASleep) {
  const auto waiter = clock_->NewWaiter();
  std::stop_source stop;
  auto waiting = Async([&] { return waiter->WaitUntil(UtcTime::max(), stop.get_token()); });
  auto sleeping = Async([&] { return clock_->SleepFor(hours(1), stop.get_token()); });
  stop.request_stop();
  EXPECT_EQ(waiting.get(), WakeReason::kStopped);
  EXPECT_FALSE(sleeping.get());
}

TEST_P(AnyClock, AStopBeforeTheWaitIsToldFirst) {
  const auto waiter = clock_->NewWaiter();
  waiter->Notify();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(waiter->WaitUntil(clock_->Now(), stop.get_token()), WakeReason::kStopped);
  EXPECT_FALSE(clock_->SleepFor(hours(1), stop.get_token()));
  // The notification was not used up by it.
  EXPECT_EQ(waiter->WaitUntil(UtcTime::max(), {}), WakeReason::kNotified);
}

TEST_P(AnyClock, NotifiesFromManyThreadsNeverHangAWaiter) {
  const auto waiter = clock_->NewWaiter();
  std::atomic<bool> done = false;
  std::vector<std::jthread> notifiers;
  notifiers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    notifiers.emplace_back([&] {
      while (!done) waiter->Notify();
    });
  }
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(waiter->WaitUntil(UtcTime::max(), {}), WakeReason::kNotified);
  }
  done = true;
}

TEST(RealClock, ReadsTheWallInUtcAndASteadyClock) {
  RealClock clock;
  const auto before = std::chrono::system_clock::now();
  const UtcTime now = clock.Now();
  EXPECT_LE(std::chrono::floor<Duration>(before), now);
  EXPECT_LE(now, std::chrono::system_clock::now());
  const Duration steady = clock.Steady();
  EXPECT_LE(steady, clock.Steady());
}

TEST(RealClock, WaitsForItsDeadlineAndNotLess) {
  RealClock clock;
  const UtcTime deadline = clock.Now() + milliseconds(30);
  EXPECT_EQ(clock.NewWaiter()->WaitUntil(deadline, {}), WakeReason::kDeadline);
  EXPECT_GE(clock.Now(), deadline);
  const Duration before = clock.Steady();
  EXPECT_TRUE(clock.SleepFor(milliseconds(20), {}));
  EXPECT_GE(clock.Steady() - before, milliseconds(20));
}

TEST(RealClock, DeadlinesBeforeTheEpochAreDue) {
  EXPECT_EQ(RealClock().NewWaiter()->WaitUntil(UtcTime(-hours(1)), {}), WakeReason::kDeadline);
  EXPECT_EQ(RealClock().NewWaiter()->WaitUntil(UtcTime::min(), {}), WakeReason::kDeadline);
}

}  // namespace
}  // namespace bizond
