// Who runs when: workers, priorities, stops, restarts, and rest.
#include "scheduler/scheduler.h"

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

using SchedulerTest = SchedulerFixture;

TEST_F(SchedulerTest, NeverMoreAtOnceThanWorkers) {
  MakeScheduler(2);
  for (const char* job : {"a", "b", "c", "d", "e"}) {
    MustPut(DummyJob(job));
    MustTrigger(job);
  }
  Start();
  executor_->AwaitBegun(2);
  Pass(seconds(10));
  EXPECT_THAT(executor_->inside(), SizeIs(2));
  EXPECT_EQ(scheduler_->running(), 2u);
  executor_->OpenGate();
  executor_->AwaitEnded(5);
  EXPECT_EQ(executor_->most_inside(), 2u);
}

TEST_F(SchedulerTest, OneRunOfAJobAtATime) {
  MakeScheduler(4);
  MustPut(DummyJob("a"));
  for (int i = 0; i < 4; ++i) MustTrigger("a");
  Start();
  executor_->AwaitBegun(1);
  Pass(seconds(5));
  EXPECT_THAT(executor_->inside(), SizeIs(1));
  executor_->OpenGate();
  executor_->AwaitEnded(4);
  EXPECT_FALSE(executor_->doubled());
  EXPECT_EQ(executor_->most_inside(), 1u);
}

TEST_F(SchedulerTest, HigherPrioritiesGoFirstAndThenTheOlder) {
  MakeScheduler(1);
  const std::pair<const char*, int> jobs[] = {{"low", -5}, {"older", 0}, {"newer", 0}, {"high", 9}};
  for (const auto& [job, priority] : jobs) {
    MustPut(DummyJob(job, {{"concurrency", {{"priority", priority}}}}));
    MustTrigger(job);
    clock_.Advance(seconds(1));
  }
  executor_->OpenGate();
  Start();
  executor_->AwaitEnded(4);
  EXPECT_THAT(executor_->order(), ElementsAre("high", "older", "newer", "low"));
}

TEST_F(SchedulerTest, ATriggerWakesTheSchedulerAtOnce) {
  MakeScheduler();
  MustPut(DummyJob("a"));
  Start();
  AwaitRest();
  const UtcTime before = clock_.Now();
  MustTrigger("a");
  executor_->AwaitBegun(1);
  EXPECT_EQ(clock_.Now(), before);
}

TEST_F(SchedulerTest, ADueScheduleMakesARunAtItsInstant) {
  MakeScheduler();
  MustPut(DummyJob("a", {{"schedule", {{"cron", "* * * * *"}}}}));
  executor_->OpenGate();
  Start();
  for (size_t minute = 1; minute <= 3; ++minute) {
    Pass(minutes(1));
    executor_->AwaitEnded(minute);
  }
  for (const RunRow& run : Runs("a")) EXPECT_EQ(run.queued_at, run.nominal_at);
}

TEST_F(SchedulerTest, AnAttemptIsStoppedAtItsTimeout) {
  MakeScheduler();
  executor_->timeout = seconds(20);
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Start();
  executor_->AwaitBegun(1);
  Pass(seconds(19));
  EXPECT_THAT(executor_->inside(), SizeIs(1));
  Pass(seconds(2));
  executor_->AwaitEnded(1);
  EXPECT_EQ(executor_->ReasonOf(run.id), StopReason::kTimeout);
}

TEST_F(SchedulerTest, AnAttemptWithoutProgressIsStopped) {
  MakeScheduler();
  executor_->stall_timeout = seconds(20);
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Start();
  executor_->AwaitBegun(1);
  Pass(seconds(22));
  executor_->AwaitEnded(1);
  EXPECT_EQ(executor_->ReasonOf(run.id), StopReason::kStall);
}

// Its thread hangs where no stop reaches it: the run ends without it, and its place is free.
TEST_F(SchedulerTest, AWorkerWhoDoesNotAnswerIsLeftBehind) {
  MakeScheduler(1);
  executor_->stall_timeout = seconds(20);
  executor_->ignores_stops = true;
  MustPut(DummyJob("a"));
  MustPut(DummyJob("b"));
  const RunRow hung = MustTrigger("a");
  const RunRow next = MustTrigger("b");
  Start();
  executor_->AwaitBegun(1);
  Pass(seconds(70));
  EXPECT_EQ(Run(hung.id).phase, RunPhase::kRunning) << "it has a minute to answer";
  EXPECT_EQ(Run(next.id).phase, RunPhase::kQueued);
  Pass(seconds(15));
  executor_->AwaitBegun(2);
  EXPECT_EQ(Run(hung.id).phase, RunPhase::kFailed);
  EXPECT_EQ(Run(next.id).phase, RunPhase::kRunning);
  // It comes back after all, and is refused.
  executor_->OpenGate();
  executor_->AwaitEnded(2);
  AwaitRest();
  EXPECT_EQ(Run(hung.id).phase, RunPhase::kFailed);
  EXPECT_EQ(Run(next.id).phase, RunPhase::kSucceeded);
}

// As on a full disk: the run would be `running` without anybody until the next boot.
TEST_F(SchedulerTest, ARunWhoseEndTheStoreDidNotTakeGoesOn) {
  MakeScheduler(1);
  executor_->ends_lost = 2;
  executor_->OpenGate();
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Start();
  executor_->AwaitBegun(3);
  AwaitRest();
  EXPECT_EQ(Run(run.id).phase, RunPhase::kSucceeded);
  EXPECT_EQ(Run(run.id).attempt, 3);
}

TEST_F(SchedulerTest, ACancelReachesTheRunningAttempt) {
  MakeScheduler();
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Start();
  executor_->AwaitBegun(1);
  ASSERT_TRUE(service_->Cancel(run.id));
  executor_->AwaitEnded(1);
  EXPECT_EQ(executor_->ReasonOf(run.id), StopReason::kCancel);
  EXPECT_EQ(Run(run.id).phase, RunPhase::kCancelled);
}

// Between the claim and the start of its worker there is nobody whom a StopRun would reach.
TEST_F(SchedulerTest, AStopThatIsOnlyInTheStoreReachesTheAttempt) {
  MakeScheduler();
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Start();
  executor_->AwaitBegun(1);
  Must([&](StoreTx& tx) { return tx.RequestStop(run.id, StopRequest::kCancel); });
  scheduler_->Wake();
  executor_->AwaitEnded(1);
  EXPECT_EQ(executor_->ReasonOf(run.id), StopReason::kCancel);
}

TEST_F(SchedulerTest, CancelOtherStopsTheRunningOneAndRunsTheNewOne) {
  MakeScheduler();
  MustPut(DummyJob("a", {{"schedule", {{"cron", "* * * * *"}, {"overlap", "cancel_other"}}}}));
  Start();
  AwaitRest();
  clock_.Advance(seconds(30));
  executor_->AwaitBegun(1);
  const std::string first = executor_->inside().begin()->first;
  AwaitRest();
  clock_.Advance(minutes(1));
  executor_->AwaitBegun(2);
  EXPECT_EQ(executor_->ReasonOf(first), StopReason::kCancel);
  EXPECT_EQ(Run(first).phase, RunPhase::kCancelled);
}

// A run that waits for its next attempt bars the job's others, and is not late for them.
TEST_F(SchedulerTest, ARetryIsOnTimeWithAnotherRunBehindIt) {
  MakeScheduler();
  MustPut(DummyJob("a"));
  const RunRow retried = MustTrigger("a");
  const int64_t fence = Claim(retried.id);
  const UtcTime again = clock_.Now() + seconds(7);
  Must([&](StoreTx& tx) {
    const Error error{ErrorKind::kTransient, "x", "y", "", std::nullopt};
    return tx.RequeueRun(retried.id, fence, error, again, clock_.Now());
  });
  const RunRow behind = MustTrigger("a");
  Start();
  AwaitRest();
  EXPECT_THAT(executor_->order(), IsEmpty());
  ASSERT_TRUE(clock_.AdvanceToNextDeadline(clock_.Now() + minutes(5)));
  EXPECT_EQ(clock_.Now(), again);
  executor_->AwaitBegun(1);
  EXPECT_TRUE(executor_->inside().contains(retried.id));
}

TEST_F(SchedulerTest, OrphansOfAnEarlierBootGoOnAtTheStart) {
  MustPut(DummyJob("a", {{"schedule", {{"cron", "* * * * *"}}}}));
  const RunRow orphan = MustTrigger("a");
  const int64_t fence = Claim(orphan.id);
  clock_.Advance(hours(2));
  Open();
  MakeScheduler();
  Start();
  executor_->AwaitBegun(1);
  ASSERT_TRUE(executor_->inside().contains(orphan.id));
  const RunRow adopted = executor_->inside()[orphan.id];
  EXPECT_EQ(adopted.attempt, 2);
  EXPECT_GT(adopted.fence, fence);
  AwaitRest();
  for (const RunRow& run : Runs("a")) EXPECT_EQ(run.id, orphan.id) << "it is its own overlap";
  EXPECT_EQ(store_
                ->Write([&](StoreTx& tx) {
                  return tx.FinishRun(orphan.id, fence, RunPhase::kSucceeded, std::nullopt,
                                      clock_.Now());
                })
                .error()
                .code,
            "fenced");
}

TEST_F(SchedulerTest, StopQueuesRunningAttemptsAgain) {
  MakeScheduler();
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Start();
  executor_->AwaitBegun(1);
  EXPECT_TRUE(scheduler_->Stop());
  EXPECT_EQ(executor_->ReasonOf(run.id), StopReason::kShutdown);
  EXPECT_EQ(Run(run.id).phase, RunPhase::kQueued);
  EXPECT_TRUE(scheduler_->Stop()) << "a second stop does nothing";
}

}  // namespace
}  // namespace bizond
