#include "base/host_limits.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

namespace bizond {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr HostRate kTwoPerSecond{.per_second = 2, .burst = 1};

class HostLimitsTest : public ::testing::Test {
 protected:
  std::future<bool> Ask(HostLimits& limits, const std::string& host, HostRate rate,
                        std::stop_token stop = {}) {
    return std::async(std::launch::async,
                      [&limits, host, rate, stop] { return limits.AwaitTurn(host, rate, stop); });
  }

  SimulatedClock clock_{UtcTime{}};
};

TEST_F(HostLimitsTest, WithoutARateNobodyWaitsAndNothingIsHeld) {
  HostLimits limits(clock_);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limits.AwaitTurn("a", {}, {}));
  EXPECT_TRUE(limits.AwaitTurn("a", {.per_second = -1}, {}));
  EXPECT_EQ(limits.hosts(), 0U);
}

TEST_F(HostLimitsTest, ABurstPassesAndTheNextWaitsForItsInterval) {
  HostLimits limits(clock_);
  const HostRate rate{.per_second = 2, .burst = 3};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limits.AwaitTurn("a", rate, {}));
  auto fourth = Ask(limits, "a", rate);
  clock_.AwaitWaiters(1);
  EXPECT_TRUE(limits.AwaitTurn("b", rate, {}));  // Another host has its own.
  clock_.Advance(milliseconds(499));
  clock_.AwaitWaiters(1);
  clock_.Advance(milliseconds(1));
  EXPECT_TRUE(fourth.get());
  // After a rest there is a burst again, and no more than that.
  clock_.Advance(seconds(100));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limits.AwaitTurn("a", rate, {}));
  auto next = Ask(limits, "a", rate);
  clock_.AwaitWaiters(1);
  clock_.Advance(milliseconds(500));
  EXPECT_TRUE(next.get());
}

TEST_F(HostLimitsTest, TurnsComeInTheOrderInWhichTheyWereAskedFor) {
  HostLimits limits(clock_);
  EXPECT_TRUE(limits.AwaitTurn("a", kTwoPerSecond, {}));
  std::vector<std::future<bool>> turns;
  for (size_t i = 0; i < 5; ++i) {
    turns.push_back(Ask(limits, "a", kTwoPerSecond));
    clock_.AwaitWaiters(i + 1);
  }
  for (size_t i = 0; i < 5; ++i) {
    clock_.Advance(milliseconds(500));
    EXPECT_TRUE(turns[i].get());
    clock_.AwaitWaiters(4 - i);  // The others wait on.
  }
}

TEST_F(HostLimitsTest, AStopEndsAWaitAndGivesTheTurnBack) {
  HostLimits limits(clock_);
  EXPECT_TRUE(limits.AwaitTurn("a", kTwoPerSecond, {}));
  std::stop_source stop;
  auto waiting = Ask(limits, "a", kTwoPerSecond, stop.get_token());
  clock_.AwaitWaiters(1);
  stop.request_stop();
  EXPECT_FALSE(waiting.get());
  EXPECT_FALSE(limits.AwaitTurn("c", {}, stop.get_token()));
  // The next one waits for one interval and not for two.
  clock_.Advance(milliseconds(500));
  EXPECT_TRUE(limits.AwaitTurn("a", kTwoPerSecond, {}));
}

TEST_F(HostLimitsTest, HoldsSoManyHostsAndNoMore) {
  HostLimits limits(clock_, 2);
  EXPECT_TRUE(limits.AwaitTurn("a", kTwoPerSecond, {}));
  EXPECT_TRUE(limits.AwaitTurn("b", kTwoPerSecond, {}));
  // Both are in use: c and d share a bucket.
  EXPECT_TRUE(limits.AwaitTurn("c", kTwoPerSecond, {}));
  auto d = Ask(limits, "d", kTwoPerSecond);
  clock_.AwaitWaiters(1);
  EXPECT_EQ(limits.hosts(), 3U);
  clock_.Advance(milliseconds(500));
  EXPECT_TRUE(d.get());
  // Buckets that are full again make room.
  clock_.Advance(seconds(10));
  EXPECT_TRUE(limits.AwaitTurn("e", kTwoPerSecond, {}));
  EXPECT_TRUE(limits.AwaitTurn("f", kTwoPerSecond, {}));
  EXPECT_EQ(limits.hosts(), 2U);
}

TEST_F(HostLimitsTest, StrangeRatesStayWithinBounds) {
  HostLimits limits(clock_);
  EXPECT_TRUE(limits.AwaitTurn("a", {.per_second = 1e-300, .burst = 0}, {}));
  auto waiting = Ask(limits, "a", {.per_second = 1e-300, .burst = -5});
  clock_.AwaitWaiters(1);
  clock_.Advance(std::chrono::hours(24));
  EXPECT_TRUE(waiting.get());
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(limits.AwaitTurn("b", {.per_second = 1e300, .burst = 1'000'000'000}, {}));
  }
}

}  // namespace
}  // namespace bizond
