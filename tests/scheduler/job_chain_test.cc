// Jobs that run after one another: what a success makes, what is refused, what waits.
#include "scheduler/job_chain.h"

#include "scheduler/fire.h"
#include "scheduler/job_check.h"
#include "sync/job_parser.h"
#include "tests/scheduler/instants.h"
#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobChainTest : public JobFixture {
 protected:
  static json After(const std::string& name, const std::string& upstream,
                    json more = json::object()) {
    more["after"] = upstream;
    return DummyJob(name, {{"schedule", more}});
  }
  RunRow Succeed(const std::string& job) {
    const RunRow run = MustTrigger(job);
    Finish(run.id, RunPhase::kSucceeded);
    return run;
  }
  // "queued", "skipped paused", ... oldest first.
  std::vector<std::string> Story(const std::string& job) {
    std::vector<std::string> story;
    for (const OccurrenceRow& row : Occurrences(job)) {
      story.push_back(row.state + (row.reason.empty() ? "" : " " + row.reason));
    }
    return story;
  }
  std::string Refusal(const json& job) {
    const auto put = Put(job);
    return put ? "accepted" : put.error().message;
  }
};

TEST_F(JobChainTest, ASuccessIsAnOccurrenceAndARunOfTheJobAfterIt) {
  MustPut(DummyJob("a"));
  MustPut(After("b", "a"));
  EXPECT_EQ(ScheduleOf("b")->next_at, std::nullopt);
  Succeed("a");
  EXPECT_THAT(Runs("b"), IsEmpty()) << "whoever fires makes it";
  Open();  // A crash between the end and the fire takes nothing and doubles nothing.
  Fire();
  Fire();
  ASSERT_THAT(Runs("b"), SizeIs(1));
  const RunRow run = Runs("b")[0];
  EXPECT_EQ(run.trigger, "after");
  EXPECT_EQ(run.nominal_at, clock_.Now());
  EXPECT_EQ(run.job_version, Job("b")->version);
  ASSERT_THAT(Occurrences("b"), SizeIs(1));
  EXPECT_EQ(Occurrences("b")[0].run_id, run.id);
  EXPECT_EQ(ScheduleOf("b")->next_at, std::nullopt);
  Finish(run.id, RunPhase::kSucceeded);
  EXPECT_THAT(Story("b"), ElementsAre("ran"));
}

TEST_F(JobChainTest, OnlyASuccessCounts) {
  MustPut(DummyJob("a"));
  MustPut(After("b", "a"));
  for (const RunPhase phase : {RunPhase::kFailed, RunPhase::kPartial, RunPhase::kCancelled}) {
    Finish(MustTrigger("a").id, phase);
  }
  EXPECT_THAT(Occurrences("b"), IsEmpty());
  // A partial run that another attempt makes whole has succeeded then, and once.
  const RunRow run = Runs("a").back();
  ASSERT_TRUE(service_->Retry(run.id));
  Finish(run.id, RunPhase::kSucceeded);
  EXPECT_THAT(Occurrences("b"), SizeIs(1));
}

TEST_F(JobChainTest, EachSuccessIsTreatedByTheOverlapPolicy) {
  MustPut(DummyJob("a"));
  MustPut(After("skips", "a"));
  MustPut(After("waits", "a", {{"overlap", "buffer_all"}}));
  for (int i = 0; i < 3; ++i) Succeed("a");
  Fire();
  EXPECT_THAT(Story("skips"), ElementsAre("queued", "skipped overlap", "skipped overlap"));
  EXPECT_THAT(Story("waits"), ElementsAre("queued", "queued", "queued"));
  EXPECT_THAT(Runs("waits"), SizeIs(3));
}

TEST_F(JobChainTest, APausedJobSaysWhatItDidNotFollow) {
  MustPut(DummyJob("a"));
  MustPut(After("b", "a"));
  ASSERT_TRUE(service_->Pause("b"));
  Succeed("a");
  Fire();
  EXPECT_THAT(Story("b"), ElementsAre("skipped paused"));
  ASSERT_TRUE(service_->Resume("b"));
  Fire();
  EXPECT_THAT(Runs("b"), IsEmpty()) << "the past stays what it was";
}

TEST_F(JobChainTest, AClockThatIsSetBackDelaysNothing) {
  MustPut(DummyJob("a"));
  MustPut(After("b", "a"));
  Succeed("a");
  clock_.StepWall(-hours(1));
  Fire();
  EXPECT_THAT(Runs("b"), SizeIs(1));
}

TEST_F(JobChainTest, AChangedScheduleLeavesNothingWaiting) {
  MustPut(DummyJob("a"));
  MustPut(After("b", "a"));
  Succeed("a");
  // What the upstream did before the change is the old schedule's.
  MustPut(DummyJob("b", {{"schedule", {{"every", "1h"}}}}));
  EXPECT_THAT(Story("b"), ElementsAre("queued"));
  EXPECT_THAT(Runs("b"), SizeIs(1));
  MustPut(After("b", "a"));
  Succeed("a");
  ASSERT_TRUE(service_->Delete("b"));
  EXPECT_THAT(Story("b"), ElementsAre("skipped cancelled", "missed deleted"));
  Succeed("a");
  EXPECT_THAT(Occurrences("b"), SizeIs(2)) << "nobody follows any more";
}

TEST_F(JobChainTest, ACircleIsRefusedWithItsPath) {
  MustPut(After("b", "a"));
  MustPut(After("c", "b"));
  const std::string message = Refusal(After("a", "c"));
  EXPECT_THAT(message, HasSubstr("schedule.after: "));
  EXPECT_THAT(message, HasSubstr("a -> b -> c -> a"));
  EXPECT_FALSE(Job("a")) << "nothing is stored";

  MustPut(DummyJob("a"));
  EXPECT_THAT(Refusal(After("a", "b")), HasSubstr("a -> b -> a"));
  EXPECT_EQ(ScheduleOf("a"), std::nullopt);
  // What comes around Check is held by the write itself.
  const ParsedJob parsed = CheckJob(After("a", "c").dump(), TestCatalog(), JobOrigin::kApi);
  ASSERT_TRUE(parsed.spec);
  const auto put = service_->Put(*parsed.spec, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, "invalid_schedule");
  EXPECT_THAT(put.error().message, HasSubstr("a -> b -> c -> a"));
  // Once one of them goes by a clock there is no circle.
  MustPut(DummyJob("b", {{"schedule", {{"every", "1h"}}}}));
  MustPut(After("a", "c"));
}

TEST_F(JobChainTest, AJobMayWaitForOneThatIsNotThere) {
  const ParsedJob parsed = service_->Check(After("b", "a").dump(), JobOrigin::kApi);
  ASSERT_TRUE(parsed.spec);
  ASSERT_THAT(parsed.warnings, SizeIs(1));
  EXPECT_THAT(parsed.warnings[0].message, HasSubstr("a job that is not there: a"));
  MustPut(After("b", "a"));
  MustPut(DummyJob("a"));
  EXPECT_THAT(service_->Check(After("b", "a").dump(), JobOrigin::kApi).warnings, IsEmpty());
  Succeed("a");
  EXPECT_THAT(Occurrences("b"), SizeIs(1));
  ASSERT_TRUE(service_->Delete("a"));
  const auto why = Read([](const StoreReader& reader) { return WhyNeverAfter(reader, "a"); });
  EXPECT_THAT(why, HasSubstr("not there"));
  EXPECT_EQ(ScheduleOf("b")->upstream, "a") << "it waits for one of that name";
}

TEST_F(JobChainTest, AStreamHasNoEndToWaitFor) {
  json stream = DummyJob("s");
  stream["source"] = {
      {"name", "file"}, {"stream", "s"}, {"path", "in.jsonl"}, {"sync_mode", "stream"}};
  MustPut(stream);
  const ParsedJob parsed = service_->Check(After("b", "s").dump(), JobOrigin::kApi);
  ASSERT_THAT(parsed.warnings, SizeIs(1));
  EXPECT_THAT(parsed.warnings[0].message, HasSubstr("a stream"));
}

}  // namespace
}  // namespace bizond
