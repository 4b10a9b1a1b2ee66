// Delayed runs: asked for now, begun at an instant, and in nobody's way until then.
#include "tests/scheduler/scheduler_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DelayedRunTest : public SchedulerFixture {
 protected:
  RunRow In(const std::string& job, Duration delay) {
    TriggerOptions options;
    options.delay = delay;
    return MustTrigger(job, options);
  }
  std::string Refused(const TriggerOptions& options, const std::string& job = "a") {
    const Result<RunRow> run = service_->Trigger(job, options);
    return run ? "accepted" : run.error().code;
  }
};

TEST_F(DelayedRunTest, ItBeginsAtItsInstantAndNotBefore) {
  MakeScheduler();
  MustPut(DummyJob("a"));
  Start();
  const RunRow run = In("a", minutes(90));
  const UtcTime start = clock_.Now() + minutes(90);
  EXPECT_EQ(Run(run.id).not_before, start);
  EXPECT_EQ(Run(run.id).waits, RunWait::kTime);
  Pass(minutes(90) - seconds(1));
  EXPECT_THAT(executor_->order(), IsEmpty());
  Pass(seconds(1));
  executor_->AwaitBegun(1);
  EXPECT_EQ(Run(run.id).started_at, start) << "the executor woke for it, not by its minute";
}

TEST_F(DelayedRunTest, ItSurvivesARestartAndIsMadeUpForWhenItsInstantHasPassed) {
  MustPut(DummyJob("a"));
  const RunRow soon = In("a", minutes(10));
  const RunRow later = In("a", hours(30));
  Open();
  clock_.Advance(hours(1));
  MakeScheduler();
  Start();
  executor_->OpenGate();
  executor_->AwaitEnded(1);
  EXPECT_THAT(executor_->order(), ElementsAre("a"));
  EXPECT_EQ(Run(soon.id).phase, RunPhase::kSucceeded);
  Pass(hours(30));
  executor_->AwaitEnded(2);
  EXPECT_EQ(Run(later.id).started_at, Run(later.id).not_before);
}

TEST_F(DelayedRunTest, ACancelTakesItBack) {
  MakeScheduler();
  MustPut(DummyJob("a"));
  Start();
  const RunRow run = In("a", minutes(5));
  ASSERT_TRUE(service_->Cancel(run.id));
  EXPECT_EQ(Run(run.id).phase, RunPhase::kCancelled);
  Pass(minutes(10));
  EXPECT_THAT(executor_->order(), IsEmpty());
}

// Somebody named the instant: a clock that was wrong when they did changes nothing about it.
TEST_F(DelayedRunTest, AClockThatIsSetBackMovesItNotAtAll) {
  MakeScheduler();
  MustPut(DummyJob("a"));
  Start();
  AwaitRest();
  const RunRow run = In("a", hours(3));
  AwaitRest();
  clock_.StepWall(-hours(2));
  Pass(minutes(5));
  EXPECT_EQ(Run(run.id).not_before, run.not_before);
  EXPECT_THAT(executor_->order(), IsEmpty());
}

TEST_F(DelayedRunTest, UntilThenItOverlapsNothing) {
  for (const char* const overlap : {"skip", "buffer_one", "cancel_other"}) {
    SCOPED_TRACE(overlap);
    const std::string name = std::string("job ") + overlap;
    MustPut(DummyJob(name, {{"schedule", {{"every", "1h"}, {"overlap", overlap}}}}));
    const RunRow delayed = In(name, hours(2) + minutes(1));
    clock_.Advance(hours(1));
    const std::vector<RunRow> made = Fire();
    ASSERT_THAT(made, SizeIs(1));
    EXPECT_EQ(Run(delayed.id).phase, RunPhase::kQueued);
    Finish(made[0].id, RunPhase::kSucceeded);
    ASSERT_TRUE(service_->Delete(name));
    EXPECT_EQ(Run(delayed.id).phase, RunPhase::kCancelled);
  }
}

TEST_F(DelayedRunTest, OnceItsInstantHasComeItIsARunLikeAnyOther) {
  MustPut(DummyJob("a", {{"schedule", {{"every", "1h"}, {"overlap", "skip"}}}}));
  In("a", seconds(1));
  clock_.Advance(hours(1));
  EXPECT_THAT(Fire(), IsEmpty());
  ASSERT_THAT(Occurrences("a"), SizeIs(1));
  EXPECT_EQ(Occurrences("a")[0].reason, "overlap");
}

TEST_F(DelayedRunTest, ItHoldsUpNobodyAndIsNamedAsNobodysHolder) {
  MustPut(DummyJob("a"));
  const RunRow delayed = In("a", hours(1));
  const RunRow first = MustTrigger("a");
  const RunRow second = MustTrigger("a");
  const auto holders =
      Read([&](const StoreReader& reader) { return reader.HoldersFor(Run(second.id), 10); });
  EXPECT_THAT(holders, ::testing::Not(::testing::Contains(delayed.id)));
  Finish(first.id, RunPhase::kSucceeded);
  Finish(second.id, RunPhase::kSucceeded);
  EXPECT_EQ(Run(delayed.id).phase, RunPhase::kQueued);
}

TEST_F(DelayedRunTest, AStartThatMakesNoSenseIsRefusedAndNothingIsStored) {
  MustPut(DummyJob("a"));
  MustPut(DummyJob("s", {{"source", {{"sync_mode", "stream"}}}}));
  TriggerOptions options;
  options.at = clock_.Now() - seconds(1);
  EXPECT_EQ(Refused(options), "invalid_start");
  options.at = clock_.Now() + hours(24 * 366 * 200);
  EXPECT_EQ(Refused(options), "invalid_start");
  options.at = clock_.Now() + hours(1);
  options.delay = hours(1);
  EXPECT_EQ(Refused(options), "invalid_start") << "both";
  options.at.reset();
  EXPECT_EQ(Refused(options, "s"), "invalid_start");
  options.delay = -seconds(1);
  EXPECT_EQ(Refused(options), "invalid_start");
  options.delay = Duration::max();
  EXPECT_EQ(Refused(options), "invalid_start");
  EXPECT_THAT(Runs("a"), IsEmpty());
  EXPECT_THAT(Runs("s"), SizeIs(1)) << "the one that its submission began";
}

TEST_F(DelayedRunTest, TheSameKeyGivesTheSameRunAlsoAfterItsInstant) {
  MustPut(DummyJob("a"));
  TriggerOptions options;
  options.at = clock_.Now() + minutes(1);
  options.idempotency_key = "k";
  const RunRow run = MustTrigger("a", options);
  clock_.Advance(hours(1));
  EXPECT_EQ(MustTrigger("a", options).id, run.id);
  EXPECT_THAT(Runs("a"), SizeIs(1));
}

}  // namespace
}  // namespace bizond
