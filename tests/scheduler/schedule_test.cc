#include "scheduler/schedule.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/scheduler/instants.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Result<ScheduleSpec> Parse(std::string_view text) {
  return ParseSchedule(json::parse(text), "job");
}

Schedule Compiled(std::string_view text) {
  return Schedule::Compile(Parse(text).value(), "job").value();
}

TEST(ScheduleParseTest, DefaultsAreTheDocumentedOnes) {
  const ScheduleSpec spec = Parse(R"({"cron": "*/5 * * * *"})").value();
  EXPECT_EQ(spec.kind, ScheduleKind::kCron);
  EXPECT_EQ(spec.timezone, "UTC");
  EXPECT_EQ(spec.on_gap, GapPolicy::kNext);
  EXPECT_EQ(spec.on_fold, FoldPolicy::kFirst);
  EXPECT_EQ(spec.overlap, OverlapPolicy::kSkip);
  EXPECT_EQ(spec.catch_up, CatchUpMode::kLast);
  EXPECT_EQ(spec.jitter, Duration(0));
}

TEST(ScheduleParseTest, ReadsEveryKey) {
  const ScheduleSpec spec = Parse(R"({"cron": "0 2 * * *", "timezone": "Europe/Paris",
      "overlap": "buffer_one", "catch_up": {"within": "6h"}, "on_gap": "skip", "on_fold": "both",
      "jitter": "30s"})")
                                .value();
  EXPECT_EQ(spec.timezone, "Europe/Paris");
  EXPECT_EQ(spec.overlap, OverlapPolicy::kBufferOne);
  EXPECT_EQ(spec.catch_up, CatchUpMode::kWithin);
  EXPECT_EQ(spec.catch_up_within, hours(6));
  EXPECT_EQ(spec.on_gap, GapPolicy::kSkip);
  EXPECT_EQ(spec.on_fold, FoldPolicy::kBoth);
  EXPECT_EQ(spec.jitter, seconds(30));
  EXPECT_EQ(Parse(R"({"every": 90})").value().every, seconds(90));
  EXPECT_EQ(Parse(R"({"every": "1h30m", "catch_up": "none"})").value().catch_up,
            CatchUpMode::kNone);
  EXPECT_EQ(Parse(R"({"after": "other job"})").value().after, "other job");
}

TEST(ScheduleParseTest, PolicyNamesReadBack) {
  for (const char* name : {"skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"}) {
    const json block = {{"every", "1h"}, {"overlap", name}};
    EXPECT_EQ(OverlapPolicyName(ParseSchedule(block, "job").value().overlap), name);
  }
  for (const char* name : {"none", "last", "all"}) {
    const json block = {{"every", "1h"}, {"catch_up", name}};
    EXPECT_EQ(CatchUpModeName(ParseSchedule(block, "job").value().catch_up), name);
  }
  EXPECT_EQ(CatchUpModeName(CatchUpMode::kWithin), "within");
}

struct RefusedSchedule {
  const char* text;
  const char* code;
  const char* message;
  const char* remedy;
};

class ScheduleRefusedTest : public testing::TestWithParam<RefusedSchedule> {};

TEST_P(ScheduleRefusedTest, NamesThePlaceAndTheRemedy) {
  const auto spec = Parse(GetParam().text);
  ASSERT_FALSE(spec.has_value()) << GetParam().text;
  EXPECT_EQ(spec.error().code, GetParam().code);
  EXPECT_EQ(spec.error().kind, ErrorKind::kConfig);
  EXPECT_EQ(spec.error().message.find(GetParam().message), 0U) << spec.error().message;
  EXPECT_NE(spec.error().remedy.find(GetParam().remedy), std::string::npos) << spec.error().remedy;
  EXPECT_FALSE(spec.error().remedy.empty());
}

constexpr char kBad[] = "invalid_schedule";

INSTANTIATE_TEST_SUITE_P(
    Table, ScheduleRefusedTest,
    testing::Values(
        RefusedSchedule{"null", kBad, "schedule: an object", "every"},
        RefusedSchedule{"[]", kBad, "schedule: an object", ""},
        RefusedSchedule{"{}", kBad, "schedule: nothing says when", "exactly one"},
        RefusedSchedule{R"({"cron": "@daily", "every": "1h"})", kBad, "schedule: cron and every",
                        "one of"},
        RefusedSchedule{R"({"corn": "@daily"})", kBad, "schedule: 'corn'", "Did you mean cron?"},
        RefusedSchedule{R"({"cron": 5})", kBad, "schedule.cron: a text is expected, not number",
                        ""},
        RefusedSchedule{R"({"cron": ""})", kBad, "schedule.cron:", ""},
        RefusedSchedule{R"({"cron": "0 24 * * *"})", "invalid_cron", "schedule.cron: ", "midnight"},
        RefusedSchedule{R"({"cron": "@every"})", "invalid_cron", "schedule.cron: ", "@every 90s"},
        RefusedSchedule{R"({"cron": "@every 5x"})", "invalid_cron", "schedule.cron: ", "90s"},
        RefusedSchedule{R"({"cron": "@every 0s"})", kBad, "schedule.cron: ", "90s"},
        RefusedSchedule{R"({"cron": "@daily", "timezone": "Europe/Pariss"})", "unknown_timezone",
                        "schedule.timezone: ", "Europe/Paris"},
        RefusedSchedule{R"({"every": "0s"})", kBad, "schedule.every: ", "90s"},
        RefusedSchedule{R"({"every": -5})", "invalid_duration", "schedule.every: ", ""},
        RefusedSchedule{R"({"every": 90.5})", kBad, "schedule.every: ", "90s"},
        RefusedSchedule{R"({"every": "500ms"})", kBad, "schedule.every: ", ""},
        RefusedSchedule{R"({"every": "900w"})", kBad, "schedule.every: ", ""},
        RefusedSchedule{R"({"every": "1h", "jitter": "2h"})", kBad, "schedule.jitter: 2h is longer",
                        "1h"},
        RefusedSchedule{R"({"cron": "0,1 8 * * *", "jitter": "2m"})", kBad,
                        "schedule.jitter: ", "1m"},
        RefusedSchedule{R"({"cron": "0 0 1,31 * *", "jitter": "25h"})", kBad,
                        "schedule.jitter: 1d1h is longer than the 1d", "1d"},
        // Where the clocks go back 02:00 comes twice, an hour apart, and 00:00 is an hour from
        // 02:00 where they go forward.
        RefusedSchedule{R"({"cron": "0 2 * * *", "timezone": "Europe/Paris", "on_fold": "both",
                            "jitter": "2h"})",
                        kBad, "schedule.jitter: ", "1h"},
        RefusedSchedule{R"({"cron": "0 */2 * * *", "timezone": "Europe/Paris", "jitter": "90m"})",
                        kBad, "schedule.jitter: ", "1h"},
        RefusedSchedule{R"({"cron": "30 2,3 * * *", "timezone": "Europe/Paris", "jitter": "45m"})",
                        kBad, "schedule.jitter: ", "30m"},
        RefusedSchedule{R"({"cron": "@every 1h", "jitter": "61m"})", kBad,
                        "schedule.jitter: ", "1h"},
        RefusedSchedule{R"({"every": "1h", "jitter": "-5s"})", "invalid_duration",
                        "schedule.jitter: ", ""},
        RefusedSchedule{R"({"cron": "30 2 * 3 7L", "timezone": "Europe/Paris", "on_gap": "skip"})",
                        kBad, "schedule.on_gap: skip leaves out", "next"},
        RefusedSchedule{R"({"catch_up": {"within": "6h"}})", kBad, "schedule: nothing says when",
                        "exactly one"},
        RefusedSchedule{R"({"timezone": "Europe/Paris", "jitter": "5s"})", kBad,
                        "schedule: nothing says when", "exactly one"},
        RefusedSchedule{R"({"cron": "@daily", "overlap": "skipp"})", kBad,
                        "schedule.overlap: ", "skip?"},
        RefusedSchedule{R"({"cron": "@daily", "catch_up": {"within": "0s"}})", kBad,
                        "schedule.catch_up.within: ", ""},
        RefusedSchedule{R"({"cron": "@daily", "catch_up": {"wthin": "1h"}})", kBad,
                        "schedule.catch_up: ", "within"},
        RefusedSchedule{R"({"cron": "@daily", "catch_up": true})", kBad, "schedule.catch_up: ", ""},
        RefusedSchedule{R"({"after": "x", "catch_up": {"within": "6h"}})", kBad,
                        "schedule.catch_up: ", ""},
        RefusedSchedule{R"({"after": "x", "jitter": "6s"})", kBad, "schedule.jitter: ", ""},
        RefusedSchedule{R"({"after": "job"})", kBad, "schedule.after: a job cannot", ""},
        RefusedSchedule{R"({"every": "1h", "on_gap": "skip"})", kBad, "schedule.on_gap: ", "cron"},
        RefusedSchedule{R"({"at": "tomorrow"})", "invalid_time", "schedule.at: ", ""},
        RefusedSchedule{R"({"at": 5})", kBad, "schedule.at: ", ""}));

TEST(ScheduleTest, EveryIsAnchoredToTheEpochAndTheName) {
  const Schedule schedule = Compiled(R"({"every": "1h"})");
  const UtcTime first = schedule.Next(At("2026-01-01"))->at;
  EXPECT_LE(first - At("2026-01-01"), hours(1));
  for (int minute = 0; minute < 600; ++minute) {
    const UtcTime after = At("2026-01-01") + minutes(minute);
    const UtcTime next = schedule.Next(after)->at;
    EXPECT_GT(next, after);
    EXPECT_LE(next - after, hours(1));
    EXPECT_EQ((next - first) % hours(1), Duration(0));
  }
  EXPECT_EQ(schedule.Next(first)->at - first, hours(1));
  EXPECT_EQ(schedule.Next(first - Duration(1))->at, first);
  // Before the epoch the grid goes on; at the ends of time nothing overflows.
  EXPECT_GT(schedule.Next(At("1969-01-01"))->at, At("1969-01-01"));
  EXPECT_TRUE(schedule.Next(UtcTime::min()).has_value());
  EXPECT_EQ(schedule.Next(UtcTime::max()), std::nullopt);
  std::set<UtcTime> phases;
  for (int i = 0; i < 100; ++i) {
    phases.insert(Schedule::Compile(Parse(R"({"every": "1h"})").value(), std::to_string(i))
                      ->Next(At("2026-01-01"))
                      ->at);
  }
  EXPECT_GT(phases.size(), 90U);
}

TEST(ScheduleTest, EveryMacroIsTheSameAsEvery) {
  const UtcTime at = At("2026-01-01");
  EXPECT_EQ(Compiled(R"({"cron": " @Every 90s "})").Next(at),
            Compiled(R"({"every": "90s"})").Next(at));
  EXPECT_EQ(Compiled(R"({"cron": "@every 90s"})").kind(), ScheduleKind::kEvery);
}

TEST(ScheduleTest, AtFiresOnce) {
  const Schedule schedule = Compiled(R"({"at": "2026-12-01T00:00:00Z"})");
  EXPECT_EQ(schedule.Next(At("2026-01-01"))->at, At("2026-12-01"));
  EXPECT_EQ(schedule.Next(At("2026-12-01")), std::nullopt);
  EXPECT_EQ(Compiled(R"({"after": "x"})").Next(At("2026-01-01")), std::nullopt);
}

TEST(ScheduleTest, AtWithoutAnOffsetIsCivil) {
  const auto at = [](const char* text) {
    return FormatUtc(ParseSchedule({{"at", text}, {"timezone", "Europe/Paris"}}, "job").value().at);
  };
  EXPECT_EQ(at("2026-12-01T00:00:00"), "2026-11-30T23:00:00.000Z");
  EXPECT_EQ(at("2026-07-01 12:00:00.25"), "2026-07-01T10:00:00.250Z");
  EXPECT_EQ(at("2026-07-01"), "2026-06-30T22:00:00.000Z");
  EXPECT_EQ(at("2026-03-29T02:30:00"), "2026-03-29T01:00:00.000Z");  // In the gap: right after it.
  EXPECT_EQ(at("2026-10-25T02:30:00"), "2026-10-25T00:30:00.000Z");  // In the fold: the first.
  EXPECT_EQ(at("2026-12-01T00:00:00Z"), "2026-12-01T00:00:00.000Z");
  EXPECT_EQ(at("2026-12-01T00:00:00-05:00"), "2026-12-01T05:00:00.000Z");
}

TEST(ScheduleTest, AnAtInThePastIsRefusedWhenAsked) {
  const ScheduleSpec spec = Parse(R"({"at": "2026-12-01T00:00:00Z"})").value();
  EXPECT_TRUE(CheckNotPast(spec, At("2026-11-30")).has_value());
  EXPECT_FALSE(CheckNotPast(spec, At("2026-12-01")).has_value());
  EXPECT_TRUE(CheckNotPast(Parse(R"({"every": "1h"})").value(), At("2026-12-01")).has_value());
}

// The cells of each row of the table below the heading, but for its first two lines.
std::vector<std::vector<std::string>> DocumentedRows(const std::string& heading) {
  std::ifstream page(std::string(BIZOND_SOURCE_DIR) + "/docs/scheduling.md");
  std::string line;
  while (std::getline(page, line) && line != heading) {
  }
  while (std::getline(page, line) && !line.starts_with("| --- |")) {
  }
  std::vector<std::vector<std::string>> rows;
  while (std::getline(page, line) && line.starts_with("|")) {
    std::vector<std::string>& cells = rows.emplace_back();
    for (size_t begin = 2, end = 0; begin < line.size(); begin = end + 3) {
      end = line.find(" |", begin);
      cells.push_back(line.substr(begin, end - begin));
    }
  }
  return rows;
}

TEST(ScheduleTest, TheDocumentedTableOfGapsAndFoldsIsTrue) {
  const auto rows = DocumentedRows("## Clocks that change");
  ASSERT_GE(rows.size(), 10U);
  std::set<std::string> shown;
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 6U) << row[0];
    json block = {{"cron", row[2].substr(1, row[2].size() - 2)}, {"timezone", row[3]}};
    for (const auto& [key, value] : {std::pair("on_gap", "next"), std::pair("on_gap", "skip"),
                                     std::pair("on_fold", "first"), std::pair("on_fold", "both")}) {
      const std::string policy = std::string(key) + ": " + value;
      if (row[1].find(policy) == std::string::npos) continue;
      block[key] = value;
      shown.insert(policy);
    }
    const Schedule schedule = Schedule::Compile(ParseSchedule(block, "job").value(), "job").value();
    const auto first = schedule.Next(At(row[4].substr(0, 16) + ":00Z"));
    ASSERT_TRUE(first.has_value());
    const auto second = schedule.Next(first->at);
    EXPECT_EQ(schedule.LocalText(first->at) + ", " + schedule.LocalText(second->at), row[5])
        << row[2] << " in " << row[3];
  }
  EXPECT_EQ(shown.size(), 4U) << "each policy has an example";
}

TEST(ScheduleTest, CronFollowsThePoliciesOfItsZone) {
  const Schedule schedule = Compiled(R"({"cron": "30 2 * * *", "timezone": "Europe/Paris"})");
  const auto fire = schedule.Next(At("2026-03-28T12:00:00Z"));
  ASSERT_TRUE(fire.has_value());
  EXPECT_TRUE(fire->gap);
  EXPECT_EQ(schedule.LocalText(fire->at), "2026-03-29T03:00:00+02:00");
  const Schedule both =
      Compiled(R"({"cron": "30 2 * * *", "timezone": "Europe/Paris", "on_fold": "both"})");
  const auto first = both.Next(At("2026-10-24T12:00:00Z"));
  const auto second = both.Next(first->at);
  EXPECT_EQ(second->at - first->at, hours(1));
}

TEST(JitterTest, IsBoundedRepeatableAndSpread) {
  std::set<Duration> drawn;
  for (int i = 0; i < 1000; ++i) {
    const UtcTime nominal = At("2026-01-01") + minutes(i);
    const Duration jitter = JitterFor("schedule", nominal, seconds(30));
    EXPECT_GE(jitter, Duration(0));
    EXPECT_LT(jitter, seconds(30));
    EXPECT_EQ(jitter, JitterFor("schedule", nominal, seconds(30)));
    drawn.insert(jitter);
  }
  EXPECT_GT(drawn.size(), 900U);
  EXPECT_EQ(JitterFor("schedule", At("2026-01-01"), Duration(0)), Duration(0));
  EXPECT_EQ(JitterFor("schedule", At("2026-01-01"), Duration(-1)), Duration(0));
  EXPECT_NE(JitterFor("a", At("2026-01-01"), hours(1)), JitterFor("b", At("2026-01-01"), hours(1)));
  // The value itself is a promise: a restart under another version must not move a fire.
  EXPECT_EQ(JitterFor("schedule", At("2026-01-01"), hours(1)).count() % 1000, 0);
}

}  // namespace
}  // namespace bizond
