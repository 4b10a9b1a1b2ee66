// What the wall clock did, told from what it says.
#include "scheduler/clock_watch.h"

#include <gtest/gtest.h>

#include "tests/scheduler/instants.h"

namespace bizond {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class ClockWatchTest : public testing::Test {
 protected:
  SimulatedClock clock_{At("2026-12-01T00:00:00Z")};
  ClockWatch watch_{&clock_};
};

TEST_F(ClockWatchTest, TimeThatPassesIsNoStep) {
  clock_.Advance(hours(24 * 365));
  clock_.StepWall(milliseconds(-900));  // As a clock is steered.
  const ClockWatch::Change change = watch_.Look();
  EXPECT_EQ(change.step, Duration(0));
  EXPECT_EQ(change.slept, Duration(0));
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-05T00:00:00Z")), "late");
}

TEST_F(ClockWatchTest, BeforeTheStartWasDowntime) {
  EXPECT_EQ(watch_.WhyMissed(At("2026-11-30T00:00:00Z")), "downtime");
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-01T00:00:01Z")), "late");
}

TEST_F(ClockWatchTest, AStepIsTheWallClocksAlone) {
  clock_.Advance(minutes(10));
  clock_.StepWall(hours(3));
  EXPECT_EQ(watch_.Look().step, hours(3));
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-01T00:05:00Z")), "late") << "before the step";
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-01T02:00:00Z")), "clock_step");
  clock_.StepWall(-hours(3));
  EXPECT_EQ(watch_.Look().step, -hours(3));
  EXPECT_EQ(watch_.Look().step, Duration(0)) << "told once";
}

TEST_F(ClockWatchTest, ASuspendedMachineIsNoStep) {
  clock_.Suspend(hours(8));
  const ClockWatch::Change change = watch_.Look();
  EXPECT_EQ(change.step, Duration(0));
  EXPECT_EQ(change.slept, hours(8));
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-01T05:00:00Z")), "suspend");
}

TEST_F(ClockWatchTest, ASuspendWithAClockThatWasSetMeanwhileIsBoth) {
  clock_.Suspend(hours(8));
  clock_.StepWall(hours(24));
  const ClockWatch::Change change = watch_.Look();
  EXPECT_EQ(change.slept, hours(8));
  EXPECT_EQ(change.step, hours(24));
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-01T05:00:00Z")), "suspend");
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-01T20:00:00Z")), "clock_step");
}

TEST_F(ClockWatchTest, AStoreThatTakesNothingIsTheReason) {
  clock_.Advance(minutes(1));
  watch_.StoreAnswered(false);
  clock_.Advance(minutes(30));
  watch_.StoreAnswered(false);
  watch_.StoreAnswered(true);
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-01T00:10:00Z")), "store_unavailable");
  EXPECT_EQ(watch_.WhyMissed(At("2026-12-01T00:00:30Z")), "late");
}

}  // namespace
}  // namespace bizond
