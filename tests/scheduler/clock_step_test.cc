// The scheduler and a clock that does not go on: steps, a suspended machine, other time zones, and
// definitions that change while nobody is there.
#include <map>
#include <set>

#include "tests/scheduler/instants.h"
#include "tests/scheduler/scheduler_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ClockStepTest : public SchedulerFixture {
 protected:
  void PutCron(const std::string& cron, const json& more = json::object()) {
    json schedule = {{"cron", cron}};
    schedule.merge_patch(more);
    MustPut(DummyJob("a", {{"schedule", schedule}}));
  }
  void Begin() {
    MakeScheduler();
    executor_->OpenGate();
    Start();
    AwaitRest();
  }
  // The wall clock moves without the time that passes.
  void Step(Duration step) {
    AwaitRest();
    clock_.StepWall(step);
    Pass(Duration(0));
  }
  // "ran", "misseddowntime", ... by the hour of the nominal instant; a row for many: each of them.
  std::map<std::string, std::string> Ledger() {
    std::map<std::string, std::string> ledger;
    for (const OccurrenceRow& row : Occurrences("a")) {
      const std::string at = FormatUtc(row.nominal_at).substr(0, 16);
      ledger[at] = row.state + (row.reason.empty() ? "" : ":" + row.reason) +
                   (row.until ? ".." + FormatUtc(*row.until).substr(0, 16) : "");
    }
    return ledger;
  }
  size_t RunsOf(const std::string& job) { return Runs(job).size(); }
  std::string Next() { return FormatUtc(ScheduleOf("a")->next_at.value()).substr(0, 16); }
};

using Rows = std::map<std::string, std::string>;

TEST_F(ClockStepTest, AStepForwardMakesOneRunAndSaysWhatWasLost) {
  PutCron("0 * * * *");
  Begin();
  Pass(hours(1));
  executor_->AwaitEnded(1);  // Else it is an overlap.
  Step(hours(4));
  Pass(seconds(1));
  executor_->AwaitEnded(2);
  EXPECT_EQ(Ledger(), (Rows{{"2026-12-01T01:00", "ran"},
                            {"2026-12-01T02:00", "missed:clock_step"},
                            {"2026-12-01T03:00", "missed:clock_step"},
                            {"2026-12-01T04:00", "missed:clock_step"},
                            {"2026-12-01T05:00", "ran"}}));
  EXPECT_EQ(RunsOf("a"), 2u);
  EXPECT_EQ(Next(), "2026-12-01T06:00");
}

TEST_F(ClockStepTest, AStepForwardOfANightWithNoneRunsNothing) {
  PutCron("30 * * * *", {{"catch_up", "none"}});
  Begin();
  Step(hours(9) + minutes(15));  // 09:15:30
  Pass(seconds(1));
  EXPECT_EQ(RunsOf("a"), 0u);
  EXPECT_THAT(Ledger(), SizeIs(9));
  EXPECT_EQ(Next(), "2026-12-01T09:30");
}

TEST_F(ClockStepTest, NothingFiresTwiceAfterAStepBack) {
  PutCron("*/10 * * * *");
  Begin();
  Pass(hours(2));
  ASSERT_EQ(RunsOf("a"), 12u);
  Step(-hours(1));
  Pass(hours(1));
  EXPECT_EQ(RunsOf("a"), 12u) << "the hour that comes again has had its runs";
  Pass(hours(1));
  EXPECT_EQ(RunsOf("a"), 18u) << "and the schedule goes on after it";
  std::set<UtcTime> nominal;
  for (const RunRow& run : Runs("a")) EXPECT_TRUE(nominal.insert(*run.nominal_at).second);
}

TEST_F(ClockStepTest, ALeapTo2038AndBackSilencesNothing) {
  PutCron("0 * * * *");
  Begin();
  Pass(hours(1));
  const UtcTime before = clock_.Now();
  Step(At("2038-01-19T03:14:07Z") - clock_.Now());
  Pass(seconds(1));
  EXPECT_EQ(RunsOf("a"), 2u) << "no burst: 97,000 instants, one run";
  EXPECT_THAT(Ledger(), SizeIs(3)) << "nor a row for each";
  Step(before + seconds(2) - clock_.Now());
  EXPECT_EQ(Next(), "2026-12-01T02:00");
  Pass(hours(3));
  executor_->AwaitEnded(5);
  const Rows ledger = Ledger();
  EXPECT_EQ(ledger.at("2026-12-01T02:00"), "ran");
  EXPECT_EQ(ledger.at("2026-12-01T03:00"), "ran");
  EXPECT_EQ(ledger.at("2026-12-01T04:00"), "ran");
  EXPECT_EQ(RunsOf("a"), 5u);
}

TEST_F(ClockStepTest, ALeapThatEndsWhileTheDaemonIsDown) {
  PutCron("0 * * * *");
  Begin();
  Step(hours(24 * 400));
  Pass(seconds(1));
  StopAll();
  clock_.StepWall(-hours(24 * 400));
  Open();
  Begin();
  Pass(hours(2));
  EXPECT_EQ(Ledger().at("2026-12-01T01:00"), "ran");
  EXPECT_EQ(Ledger().at("2026-12-01T02:00"), "ran");
}

TEST_F(ClockStepTest, ARetryDoesNotWaitOutAStepBack) {
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  const int64_t fence = Claim(run.id);
  Must([&](StoreTx& tx) {
    return tx.RequeueRun(run.id, fence, std::nullopt, clock_.Now() + seconds(30), clock_.Now());
  });
  Begin();
  Step(-hours(5));
  Pass(seconds(29));
  EXPECT_EQ(Run(run.id).phase, RunPhase::kQueued);
  Pass(seconds(2));
  executor_->AwaitEnded(1);
  EXPECT_EQ(Run(run.id).phase, RunPhase::kSucceeded);
}

TEST_F(ClockStepTest, ASuspendedMachineCatchesUpAsAfterDowntime) {
  PutCron("0 * * * *", {{"catch_up", {{"within", "2h30m"}}}, {"overlap", "buffer_all"}});
  Begin();
  AwaitRest();
  clock_.Suspend(hours(5));
  executor_->AwaitEnded(3);
  EXPECT_EQ(Ledger(), (Rows{{"2026-12-01T01:00", "missed:suspend"},
                            {"2026-12-01T02:00", "missed:suspend"},
                            {"2026-12-01T03:00", "ran"},
                            {"2026-12-01T04:00", "ran"},
                            {"2026-12-01T05:00", "ran"}}));
}

TEST_F(ClockStepTest, AWrongDateMovesNothingToTheHistory) {
  PutCron("0 * * * *");
  Begin();
  Pass(hours(1));
  Step(hours(24 * 365));
  Pass(minutes(30));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state" / "history.db"));
  Pass(hours(1));
  EXPECT_TRUE(std::filesystem::exists(directory_.path() / "state" / "history.db"))
      << "by then the date is believed";
}

// ---- definitions that change while nobody is there ----

class WhileAwayTest : public ClockStepTest {};

TEST_F(WhileAwayTest, WhatWasDueBeforeAChangeIsTheOldSchedules) {
  PutCron("0 * * * *");
  clock_.Advance(hours(3));
  PutCron("30 5 * * *");
  EXPECT_EQ(Ledger(), (Rows{{"2026-12-01T01:00", "missed:downtime"},
                            {"2026-12-01T02:00", "missed:downtime"},
                            {"2026-12-01T03:00", "queued"}}));
  EXPECT_EQ(Runs("a")[0].job_version, 2) << "made up for with what stands now";
  EXPECT_EQ(Next(), "2026-12-01T05:30");
}

TEST_F(WhileAwayTest, AScheduleThatGoesSaysWhatItLost) {
  PutCron("0 * * * *");
  clock_.Advance(hours(3));
  MustPut(DummyJob("a"));
  EXPECT_EQ(Ledger(), (Rows{{"2026-12-01T01:00", "missed:changed..2026-12-01T03:00"}}));
  EXPECT_THAT(Runs("a"), IsEmpty());
  EXPECT_FALSE(ScheduleOf("a"));
}

TEST_F(WhileAwayTest, ADeletedJobSaysWhatItLost) {
  PutCron("0 * * * *");
  clock_.Advance(hours(1));
  ASSERT_TRUE(service_->Delete("a"));
  EXPECT_EQ(Ledger(), (Rows{{"2026-12-01T01:00", "missed:deleted"}}));
}

TEST_F(WhileAwayTest, APausedScheduleRecordsThatItWasPaused) {
  PutCron("0 * * * *");
  ASSERT_TRUE(service_->Pause("a"));
  clock_.Advance(hours(2));
  ASSERT_TRUE(service_->Resume("a"));
  EXPECT_EQ(Ledger(),
            (Rows{{"2026-12-01T01:00", "skipped:paused"}, {"2026-12-01T02:00", "skipped:paused"}}));
  Begin();
  Pass(hours(1));
  EXPECT_EQ(Ledger().at("2026-12-01T03:00"), "ran");
}

// ---- other time zones ----

TEST_F(ClockStepTest, NewTimeZonesMoveTheNextFire) {
  PutCron("0 12 * * *", {{"timezone", "Europe/Paris"}});
  ASSERT_EQ(Next(), "2026-12-01T11:00");
  // As if it had been computed with rules that hold no longer.
  Must([&](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"a", At("2026-12-01T10:00:00Z"), std::nullopt, ""}));
    return tx.PutSchedulerMarks({std::nullopt, "1999z"});
  });
  Begin();
  EXPECT_EQ(Next(), "2026-12-01T11:00");
  const auto marks = Read([](const StoreReader& reader) { return reader.GetSchedulerMarks(); });
  EXPECT_NE(marks.tzdata, "1999z");
}

}  // namespace
}  // namespace bizond
