// What becomes of the fires that nobody was there for.
#include <set>

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

// Five hourly fires, from 01:00 on, are due at 05:00:10.
struct Downtime {
  const char* name;
  json catch_up;
  std::vector<int> run_hours;
};
void PrintTo(const Downtime& row, std::ostream* out) { *out << row.name; }

const Downtime kDowntimes[] = {
    {"none", "none", {5}},  // The newest is on time.
    {"last", "last", {5}},
    {"all", "all", {1, 2, 3, 4, 5}},
    {"within", {{"within", "2h30m"}}, {3, 4, 5}},
    {"within_less_than_a_minute", {{"within", "1s"}}, {5}},
};

class PlanTest : public testing::TestWithParam<Downtime> {
 protected:
  static FirePlan Plan(UtcTime now) {
    const json block = {{"cron", "0 * * * *"}, {"catch_up", GetParam().catch_up}};
    const ScheduleSpec spec = ParseSchedule(block, "a").value();
    return PlanFires(Schedule::Compile(spec, "a").value(), spec, At("2026-12-01T01:00:00Z"), now);
  }
  static std::vector<int> RunHours(const FirePlan& plan) {
    std::vector<int> run;
    for (const PlannedFire& fire : plan.fires) {
      if (!fire.run) continue;
      const auto since = fire.nominal - At("2026-12-01T00:00:00Z");
      run.push_back(static_cast<int>(std::chrono::duration_cast<hours>(since).count()));
    }
    return run;
  }
};

TEST_P(PlanTest, RunsWhatThePolicySays) {
  const FirePlan plan = Plan(At("2026-12-01T05:00:10Z"));
  EXPECT_EQ(plan.fires.size(), 5u);
  EXPECT_EQ(plan.next, At("2026-12-01T06:00:00Z"));
  EXPECT_EQ(RunHours(plan), GetParam().run_hours);
}

TEST_P(PlanTest, AFireHalfAnHourLateIsMissedOnlyWithNone) {
  const std::string name = GetParam().name;
  const FirePlan plan = Plan(At("2026-12-01T01:30:00Z"));
  ASSERT_EQ(plan.fires.size(), 1u);
  EXPECT_EQ(plan.fires[0].run, name != "none" && name != "within_less_than_a_minute");
}

TEST_P(PlanTest, ALongDowntimeIsHandledInPortionsWithOneNewest) {
  // 2,400 hours: three portions. Nothing is named the newest before the last one.
  UtcTime first = At("2026-12-01T01:00:00Z");
  const UtcTime now = first + hours(2399) + seconds(1);
  const json block = {{"cron", "0 * * * *"}, {"catch_up", GetParam().catch_up}};
  const ScheduleSpec spec = ParseSchedule(block, "a").value();
  const Schedule schedule = Schedule::Compile(spec, "a").value();
  size_t fires = 0;
  size_t runs = 0;
  for (int portion = 0; first <= now; ++portion) {
    const FirePlan plan = PlanFires(schedule, spec, first, now);
    ASSERT_LE(plan.fires.size(), kFiresMax);
    ASSERT_EQ(plan.fires.front().nominal, first);
    fires += plan.fires.size();
    for (const PlannedFire& fire : plan.fires) runs += fire.run ? 1 : 0;
    ASSERT_TRUE(plan.next);
    first = *plan.next;
    ASSERT_LT(portion, 4);
  }
  EXPECT_EQ(fires, 2400u);
  const std::string name = GetParam().name;
  EXPECT_EQ(runs, name == "all" ? 2400u : name == "within" ? 3u : 1u);
}

INSTANTIATE_TEST_SUITE_P(Policies, PlanTest, testing::ValuesIn(kDowntimes),
                         [](const auto& param) { return std::string(param.param.name); });

class CatchUpTest : public JobFixture {
 protected:
  std::vector<RunRow> FireAll() {
    std::vector<RunRow> made;
    Must([&](StoreTx& tx) -> Status {
      BIZOND_ASSIGN_OR_RETURN(const auto due, tx.DueSchedules(clock_.Now(), 100));
      for (const ScheduleRow& row : due) {
        BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, tx.GetJob(row.job));
        BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job->definition, TestCatalog()));
        BIZOND_ASSIGN_OR_RETURN(std::vector<RunRow> runs,
                                FireSchedule(tx, row, *job, spec, clock_.Now()));
        std::move(runs.begin(), runs.end(), std::back_inserter(made));
      }
      return {};
    });
    return made;
  }
};

TEST_F(CatchUpTest, EveryInstantOfADowntimeHasAnOccurrence) {
  MustPut(DummyJob("a", {{"schedule", {{"cron", "0 * * * *"}}}}));
  clock_.Advance(hours(5));
  Open();
  EXPECT_EQ(FireAll().size(), 1u);
  std::vector<std::string> states;
  for (const OccurrenceRow& row : Occurrences("a")) states.push_back(row.state + row.reason);
  EXPECT_EQ(states, (std::vector<std::string>{"misseddowntime", "misseddowntime", "misseddowntime",
                                              "misseddowntime", "queued"}));
  EXPECT_TRUE(FireAll().empty());
}

// With `skip` the first of them is an overlap of the others: all of them need a buffer.
TEST_F(CatchUpTest, AllMeansAllWithABuffer) {
  MustPut(DummyJob(
      "a",
      {{"schedule", {{"cron", "0 * * * *"}, {"catch_up", "all"}, {"overlap", "buffer_all"}}}}));
  clock_.Advance(hours(5));
  const auto runs = FireAll();
  ASSERT_EQ(runs.size(), 5u);
  std::set<std::string> ids;
  for (const RunRow& run : runs) {
    ids.insert(run.id);
    EXPECT_EQ(run.not_before, clock_.Now());
  }
  EXPECT_EQ(ids.size(), 5u);
}

TEST_F(CatchUpTest, DowntimeOfAPausedJobMakesNoRun) {
  MustPut(DummyJob("a", {{"schedule", {{"cron", "0 * * * *"}, {"catch_up", "all"}}}}));
  ASSERT_TRUE(service_->Pause("a"));
  clock_.Advance(hours(3));
  EXPECT_TRUE(FireAll().empty());
  for (const OccurrenceRow& row : Occurrences("a")) EXPECT_EQ(row.reason, "paused");
}

TEST_F(CatchUpTest, AnAtOfTheDowntimeIsCaughtUpWithOnce) {
  MustPut(DummyJob("a", {{"schedule", {{"at", "2026-12-01T01:00:00Z"}}}}));
  clock_.Advance(hours(50));
  Open();
  EXPECT_EQ(FireAll().size(), 1u);
  Open();
  EXPECT_TRUE(FireAll().empty());
  EXPECT_EQ(Runs("a").size(), 1u);
}

}  // namespace
}  // namespace bizond
