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

TEST_P(PlanTest, ALongDowntimeIsHandledInPortionsAndWhatIsLostInOneRow) {
  // 2,400 hours. What the policy runs has a row each, the rest one; every instant is in one of
  // them.
  UtcTime first = At("2026-12-01T01:00:00Z");
  const UtcTime begin = first;
  const UtcTime now = first + hours(2399) + seconds(1);
  const json block = {{"cron", "0 * * * *"}, {"catch_up", GetParam().catch_up}};
  const ScheduleSpec spec = ParseSchedule(block, "a").value();
  const Schedule schedule = Schedule::Compile(spec, "a").value();
  std::vector<UtcTime> covered;
  size_t rows = 0;
  size_t runs = 0;
  for (int portion = 0; first <= now; ++portion) {
    const FirePlan plan = PlanFires(schedule, spec, first, now);
    ASSERT_LE(plan.fires.size(), kFiresMax);
    ASSERT_EQ(plan.fires.front().nominal, first);
    for (const PlannedFire& fire : plan.fires) {
      ++rows;
      runs += fire.run ? 1 : 0;
      ASSERT_FALSE(fire.run && fire.until);
      for (UtcTime at = fire.nominal; at <= fire.until.value_or(fire.nominal); at += hours(1)) {
        covered.push_back(at);
      }
    }
    ASSERT_TRUE(plan.next);
    first = *plan.next;
    ASSERT_LT(portion, 4);
  }
  ASSERT_EQ(covered.size(), 2400u);
  for (size_t i = 0; i < covered.size(); ++i) ASSERT_EQ(covered[i], begin + i * hours(1));
  const std::string name = GetParam().name;
  EXPECT_EQ(runs, name == "all" ? 2400u : name == "within" ? 3u : 1u);
  EXPECT_EQ(rows, name == "all" ? 2400u : runs + 1);
}

TEST(LatestFire, IsTheOneThatGoingThroughAllFinds) {
  const UtcTime first = At("2026-01-01T00:00:00Z");
  for (const char* const cron : {"* * * * * *", "*/7 * * * *", "0 3 * * *", "0 0 29 2 *", "@yearly",
                                 "0 0 8-14 * MON#2", "5 4 * 2,11 *"}) {
    const Schedule schedule =
        Schedule::Compile(ParseSchedule({{"cron", cron}}, "a").value(), "a").value();
    const UtcTime begin = schedule.Next(first)->at;
    for (const Duration span : {Duration(0), Duration(seconds(59)), Duration(hours(5)),
                                Duration(hours(24 * 40)), Duration(hours(24 * 3000))}) {
      const UtcTime until = begin + span;
      if (span > hours(24) && std::string_view(cron) == "* * * * * *") continue;  // Too many.
      UtcTime latest = begin;
      for (auto next = schedule.Next(begin); next && next->at <= until;
           next = schedule.Next(next->at)) {
        latest = next->at;
      }
      EXPECT_EQ(LatestFire(schedule, begin, until), latest) << cron << " " << span.count();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, PlanTest, testing::ValuesIn(kDowntimes),
                         [](const auto& param) { return std::string(param.param.name); });

using CatchUpTest = JobFixture;

TEST_F(CatchUpTest, EveryInstantOfADowntimeHasAnOccurrence) {
  MustPut(DummyJob("a", {{"schedule", {{"cron", "0 * * * *"}}}}));
  clock_.Advance(hours(5));
  Open();
  EXPECT_EQ(Fire().size(), 1u);
  std::vector<std::string> states;
  for (const OccurrenceRow& row : Occurrences("a")) states.push_back(row.state + row.reason);
  EXPECT_EQ(states, (std::vector<std::string>{"misseddowntime", "misseddowntime", "misseddowntime",
                                              "misseddowntime", "queued"}));
  EXPECT_TRUE(Fire().empty());
}

// With `skip` the first of them is an overlap of the others: all of them need a buffer.
TEST_F(CatchUpTest, AllMeansAllWithABuffer) {
  MustPut(DummyJob(
      "a",
      {{"schedule", {{"cron", "0 * * * *"}, {"catch_up", "all"}, {"overlap", "buffer_all"}}}}));
  clock_.Advance(hours(5));
  const auto runs = Fire();
  ASSERT_EQ(runs.size(), 5u);
  std::set<std::string> ids;
  for (const RunRow& run : runs) {
    ids.insert(run.id);
    EXPECT_EQ(run.not_before, clock_.Now());
  }
  EXPECT_EQ(ids.size(), 5u);
}

TEST_F(CatchUpTest, DowntimeOfAPausedJobMakesNoRun) {
  MustPut(DummyJob(
      "a",
      {{"schedule", {{"cron", "0 * * * *"}, {"catch_up", "all"}, {"overlap", "buffer_all"}}}}));
  ASSERT_TRUE(service_->Pause("a"));
  clock_.Advance(hours(3));
  EXPECT_TRUE(Fire().empty());
  for (const OccurrenceRow& row : Occurrences("a")) EXPECT_EQ(row.reason, "paused");
}

TEST_F(CatchUpTest, AnAtOfTheDowntimeIsCaughtUpWithOnce) {
  MustPut(DummyJob("a", {{"schedule", {{"at", "2026-12-01T01:00:00Z"}}}}));
  clock_.Advance(hours(50));
  Open();
  EXPECT_EQ(Fire().size(), 1u);
  Open();
  EXPECT_TRUE(Fire().empty());
  EXPECT_EQ(Runs("a").size(), 1u);
}

}  // namespace
}  // namespace bizond
