// What becomes of due instants: occurrences, runs and the next fire.
#include "scheduler/fire.h"

#include "sync/job_parser.h"
#include "tests/scheduler/instants.h"
#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FireTest : public JobFixture {
 protected:
  // The clock stands at 00:00:30; a job of `* * * * *` is due from 00:01 on.
  void PutCron(const std::string& cron, json more = json::object()) {
    more["cron"] = cron;
    MustPut(DummyJob("a", {{"schedule", more}}));
  }
  // "00:01 queued", "00:02 skipped overlap", ... oldest first.
  std::vector<std::string> Story() {
    std::vector<std::string> story;
    for (const OccurrenceRow& row : Occurrences("a")) {
      story.push_back(FormatUtc(row.nominal_at).substr(11, 5) + " " + row.state +
                      (row.reason.empty() ? "" : " " + row.reason));
    }
    return story;
  }
};

TEST_F(FireTest, AFireIsAnOccurrenceARunAndTheNextFire) {
  PutCron("* * * * *");
  EXPECT_THAT(Fire(), IsEmpty()) << "not due yet";
  clock_.Advance(seconds(30));
  const auto runs = Fire();
  ASSERT_THAT(runs, SizeIs(1));
  const RunRow run = Run(runs[0].id);
  EXPECT_EQ(run.trigger, "schedule");
  EXPECT_EQ(run.nominal_at, At("2026-12-01T00:01:00Z"));
  EXPECT_EQ(run.not_before, clock_.Now());
  const auto occurrences = Occurrences("a");
  ASSERT_THAT(occurrences, SizeIs(1));
  EXPECT_EQ(occurrences[0].run_id, run.id);
  EXPECT_EQ(occurrences[0].state, "queued");
  EXPECT_EQ(ScheduleOf("a")->next_at, At("2026-12-01T00:02:00Z"));
  EXPECT_EQ(ScheduleOf("a")->last_nominal, At("2026-12-01T00:01:00Z"));
  EXPECT_THAT(Fire(), IsEmpty());
  Finish(run.id, RunPhase::kSucceeded);
  EXPECT_EQ(Occurrences("a")[0].state, "ran");
}

TEST_F(FireTest, AFireThatFailsLeavesNothingOfItself) {
  PutCron("* * * * *");
  clock_.Advance(seconds(30));
  const Status written = store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(FireIn(tx));
    return Fail(ErrorKind::kTransient, "cut_off", "the disk went away");
  });
  EXPECT_FALSE(written);
  EXPECT_THAT(Runs("a"), IsEmpty());
  EXPECT_THAT(Occurrences("a"), IsEmpty());
  EXPECT_EQ(ScheduleOf("a")->next_at, At("2026-12-01T00:01:00Z"));
  EXPECT_THAT(Fire(), SizeIs(1));
}

TEST_F(FireTest, AnInstantMakesOneRunHoweverOftenItIsFired) {
  PutCron("* * * * *");
  clock_.Advance(seconds(30));
  Fire();
  const std::optional<ScheduleRow> after = ScheduleOf("a");
  // As after a restored copy of the schedule, or a clock that went back.
  Must([&](StoreTx& tx) {
    return tx.PutSchedule({"a", At("2026-12-01T00:01:00Z"), std::nullopt, ""});
  });
  Finish(Runs("a")[0].id, RunPhase::kSucceeded);
  EXPECT_THAT(Fire(), IsEmpty());
  EXPECT_THAT(Runs("a"), SizeIs(1));
  EXPECT_THAT(Occurrences("a"), SizeIs(1));
  EXPECT_EQ(Occurrences("a")[0].state, "ran");
  EXPECT_EQ(ScheduleOf("a")->next_at, after->next_at);
}

TEST_F(FireTest, AReopenedStoreDoublesNothing) {
  PutCron("* * * * *");
  clock_.Advance(seconds(30));
  Fire();
  Open();
  EXPECT_THAT(Fire(), IsEmpty());
  EXPECT_THAT(Runs("a"), SizeIs(1));
  EXPECT_THAT(Story(), ElementsAre("00:01 queued"));
}

TEST_F(FireTest, SkipMakesNoRunWhileOneIsActive) {
  PutCron("* * * * *");
  clock_.Advance(seconds(30));
  const std::string first = Fire()[0].id;
  clock_.Advance(minutes(1));
  EXPECT_THAT(Fire(), IsEmpty());
  Claim(first);
  clock_.Advance(minutes(1));
  EXPECT_THAT(Fire(), IsEmpty());
  EXPECT_THAT(Story(),
              ElementsAre("00:01 queued", "00:02 skipped overlap", "00:03 skipped overlap"));
}

TEST_F(FireTest, BufferOneHoldsOneBehindTheRunningOne) {
  PutCron("* * * * *", {{"overlap", "buffer_one"}});
  clock_.Advance(seconds(30));
  Claim(Fire()[0].id);
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(minutes(1));
    Fire();
  }
  EXPECT_THAT(Story(), ElementsAre("00:01 queued", "00:02 queued", "00:03 skipped overlap",
                                   "00:04 skipped overlap"));
  EXPECT_THAT(Runs("a"), SizeIs(2));
}

TEST_F(FireTest, BufferAllHoldsEveryOne) {
  PutCron("* * * * *", {{"overlap", "buffer_all"}});
  clock_.Advance(seconds(30));
  Claim(Fire()[0].id);
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(minutes(1));
    EXPECT_THAT(Fire(), SizeIs(1));
  }
  EXPECT_THAT(Runs("a"), SizeIs(4));
}

TEST_F(FireTest, CancelOtherEndsWhatIsQueuedAndStopsWhatRuns) {
  PutCron("* * * * *", {{"overlap", "cancel_other"}});
  clock_.Advance(seconds(30));
  const std::string first = Fire()[0].id;
  Claim(first);
  clock_.Advance(minutes(1));
  const std::string second = Fire()[0].id;
  EXPECT_EQ(Run(first).phase, RunPhase::kRunning) << "its worker ends it";
  EXPECT_EQ(Run(first).stop_request, StopRequest::kCancel);
  clock_.Advance(minutes(1));
  const std::string third = Fire()[0].id;
  EXPECT_EQ(Run(second).phase, RunPhase::kCancelled) << "it never began";
  EXPECT_EQ(Run(third).phase, RunPhase::kQueued);
  EXPECT_THAT(Story(), ElementsAre("00:01 queued", "00:02 skipped cancelled", "00:03 queued"));
}

TEST_F(FireTest, APausedJobsFiresAreRecordedAsSkipped) {
  PutCron("* * * * *");
  ASSERT_TRUE(service_->Pause("a"));
  clock_.Advance(seconds(30));
  EXPECT_THAT(Fire(), IsEmpty());
  ASSERT_TRUE(service_->Resume("a"));
  clock_.Advance(minutes(1));
  EXPECT_THAT(Fire(), SizeIs(1));
  EXPECT_THAT(Story(), ElementsAre("00:01 skipped paused", "00:02 queued"));
}

TEST_F(FireTest, AtFiresOnceAndNeverAgain) {
  MustPut(DummyJob("a", {{"schedule", {{"at", "2026-12-01T00:02:00Z"}}}}));
  clock_.Advance(minutes(1));
  EXPECT_THAT(Fire(), IsEmpty());
  clock_.Advance(seconds(30));
  EXPECT_THAT(Fire(), SizeIs(1));
  EXPECT_FALSE(ScheduleOf("a")->next_at);
  clock_.Advance(hours(1000));
  EXPECT_THAT(Fire(), IsEmpty());
  // The same definition again, and a change that is none of the schedule's.
  PutOptions by_file;
  const json again =
      DummyJob("a", {{"schedule", {{"at", "2026-12-01T00:02:00Z"}}}, {"tags", {"x"}}});
  const ParsedJob parsed = service_->Check(again.dump(), JobOrigin::kApi, /*submitted=*/false);
  ASSERT_TRUE(service_->Put(*parsed.spec, by_file));
  EXPECT_THAT(Fire(), IsEmpty());
  EXPECT_THAT(Story(), ElementsAre("00:02 queued"));
}

TEST_F(FireTest, JitterDelaysTheRunAndNotItsNominalInstant) {
  PutCron("* * * * *", {{"jitter", "30s"}});
  clock_.Advance(seconds(30));
  const auto runs = Fire();
  ASSERT_THAT(runs, SizeIs(1));
  const UtcTime nominal = At("2026-12-01T00:01:00Z");
  EXPECT_EQ(runs[0].nominal_at, nominal);
  EXPECT_EQ(runs[0].not_before, nominal + JitterFor("a", nominal, seconds(30)));
}

TEST_F(FireTest, EveryKeepsItsPhaseOverARestart) {
  MustPut(DummyJob("a", {{"schedule", {{"every", "10m"}}}}));
  const UtcTime first = *ScheduleOf("a")->next_at;
  EXPECT_GT(first, clock_.Now());
  EXPECT_LE(first, clock_.Now() + minutes(10));
  Open();
  MustPut(DummyJob("a", {{"schedule", {{"every", "10m"}}}}));
  EXPECT_EQ(ScheduleOf("a")->next_at, first);
  clock_.Advance(first - clock_.Now());
  EXPECT_THAT(Fire(), SizeIs(1));
  EXPECT_EQ(ScheduleOf("a")->next_at, first + minutes(10));
}

}  // namespace
}  // namespace bizond
