#include "scheduler/cron.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/time.h"

namespace bizond {
namespace {

namespace chrono = std::chrono;

CivilTime Civil(std::string_view text) {
  return CivilTime(chrono::floor<chrono::seconds>(ParseUtc(text).value()).time_since_epoch());
}

// The next civil times from the start of 2026 (a Thursday), as "01-31 08:00:00".
std::vector<std::string> Civils(std::string_view expression, size_t count) {
  std::vector<std::string> result;
  const auto cron = CronExpression::Parse(expression, "job");
  EXPECT_TRUE(cron.has_value()) << expression << ": " << cron.error().message;
  CivilTime at = Civil("2026-01-01");
  while (cron && result.size() < count) {
    const auto next = cron->NextCivil(at, Civil("2060-01-01"));
    if (!next) break;
    const UtcTime shown(next->time_since_epoch());
    const std::string text = FormatUtc(shown);
    result.push_back((text.starts_with("2026-") ? "" : text.substr(0, 5)) + text.substr(5, 5) +
                     " " + text.substr(11, 8));
    at = *next + chrono::seconds(1);
  }
  return result;
}

using Texts = std::vector<std::string>;

TEST(CronTest, ListsRangesAndSteps) {
  EXPECT_EQ(Civils("*/20 * * * *", 4),
            (Texts{"01-01 00:00:00", "01-01 00:20:00", "01-01 00:40:00", "01-01 01:00:00"}));
  EXPECT_EQ(Civils("5/25 8 * * *", 3),
            (Texts{"01-01 08:05:00", "01-01 08:30:00", "01-01 08:55:00"}));
  EXPECT_EQ(Civils("0 9-17/4,23 * * *", 4),
            (Texts{"01-01 09:00:00", "01-01 13:00:00", "01-01 17:00:00", "01-01 23:00:00"}));
  EXPECT_EQ(Civils("*/30 59 23 * * *", 3),
            (Texts{"01-01 23:59:00", "01-01 23:59:30", "01-02 23:59:00"}));
  EXPECT_EQ(Civils("  0\t0  1 * *  ", 1), (Texts{"01-01 00:00:00"}));
}

TEST(CronTest, RangesAroundTheEnd) {
  EXPECT_EQ(Civils("0 0 * * FRI-MON", 5),
            (Texts{"01-02 00:00:00", "01-03 00:00:00", "01-04 00:00:00", "01-05 00:00:00",
                   "01-09 00:00:00"}));
  EXPECT_EQ(Civils("0 22-4/2 * * *", 5),
            (Texts{"01-01 00:00:00", "01-01 02:00:00", "01-01 04:00:00", "01-01 22:00:00",
                   "01-02 00:00:00"}));
  EXPECT_EQ(Civils("0 0 1 nov-Feb *", 4),
            (Texts{"01-01 00:00:00", "02-01 00:00:00", "11-01 00:00:00", "12-01 00:00:00"}));
}

TEST(CronTest, SundayIsZeroAndSeven) {
  const Texts sundays = {"01-04 00:00:00", "01-11 00:00:00"};
  for (const char* day : {"0", "7", "SUN", "sun", "7-7", "0-0", "SUN-SUN"}) {
    EXPECT_EQ(Civils(std::string("0 0 * * ") + day, 2), sundays) << day;
  }
  EXPECT_EQ(Civils("0 0 * * 5-7", 3),
            (Texts{"01-02 00:00:00", "01-03 00:00:00", "01-04 00:00:00"}));
  EXPECT_EQ(Civils("0 0 * * 0-7", 2), (Texts{"01-01 00:00:00", "01-02 00:00:00"}));
  EXPECT_EQ(Civils("0 0 * * 7-2", 4),
            (Texts{"01-04 00:00:00", "01-05 00:00:00", "01-06 00:00:00", "01-11 00:00:00"}));
}

TEST(CronTest, DaysOfTheMonth) {
  EXPECT_EQ(Civils("0 0 L * *", 3), (Texts{"01-31 00:00:00", "02-28 00:00:00", "03-31 00:00:00"}));
  EXPECT_EQ(Civils("0 0 L-3 * *", 2), (Texts{"01-28 00:00:00", "02-25 00:00:00"}));
  // 31 January 2026 is a Saturday, as is 28 February.
  EXPECT_EQ(Civils("0 0 LW * ?", 3), (Texts{"01-30 00:00:00", "02-27 00:00:00", "03-31 00:00:00"}));
  EXPECT_EQ(Civils("0 0 15w * ?", 3),
            (Texts{"01-15 00:00:00", "02-16 00:00:00", "03-16 00:00:00"}));
  // 1 August is a Saturday, and the weekday stays in its month.
  EXPECT_EQ(Civils("0 0 1W 8 ?", 1), (Texts{"08-03 00:00:00"}));
  EXPECT_EQ(Civils("0 0 31W 5 ?", 1), (Texts{"05-29 00:00:00"}));
  EXPECT_EQ(Civils("0 0 31W 4-5 ?", 1), (Texts{"05-29 00:00:00"}));
  EXPECT_EQ(Civils("0 0 29 2 *", 2), (Texts{"2028-02-29 00:00:00", "2032-02-29 00:00:00"}));
}

TEST(CronTest, DaysOfTheWeek) {
  EXPECT_EQ(Civils("0 0 ? * MON#2", 2), (Texts{"01-12 00:00:00", "02-09 00:00:00"}));
  EXPECT_EQ(Civils("0 0 ? * 6#5", 2), (Texts{"01-31 00:00:00", "05-30 00:00:00"}));
  EXPECT_EQ(Civils("0 0 ? * 5L", 2), (Texts{"01-30 00:00:00", "02-27 00:00:00"}));
  EXPECT_EQ(Civils("0 0 ? * friL", 1), (Texts{"01-30 00:00:00"}));
  EXPECT_EQ(Civils("0 0 ? * 7L", 1), (Texts{"01-25 00:00:00"}));
}

TEST(CronTest, EitherDayFieldWhenBothAreRestricted) {
  EXPECT_EQ(Civils("0 0 3 * MON", 3),
            (Texts{"01-03 00:00:00", "01-05 00:00:00", "01-12 00:00:00"}));
  // As in Vixie cron a field that begins with a star does not restrict: then both must match.
  EXPECT_EQ(Civils("0 0 */2 * MON", 2), (Texts{"01-05 00:00:00", "01-19 00:00:00"}));
}

TEST(CronTest, BothDayFieldsWhenAsked) {
  EXPECT_EQ(Civils("0 0 13 * +FRI", 3),
            (Texts{"02-13 00:00:00", "03-13 00:00:00", "11-13 00:00:00"}));
  EXPECT_EQ(Civils("0 0 1-7 * +1,3#2", 1), (Texts{"01-05 00:00:00"}));
  EXPECT_EQ(Civils("0 0 29 2 +MON", 1), (Texts{"2044-02-29 00:00:00"}));
  EXPECT_EQ(Civils("0 0 L * +FRI", 1), (Texts{"07-31 00:00:00"}));
  EXPECT_EQ(Civils("0 0 * * +FRI", 1), (Texts{"01-02 00:00:00"}));
}

TEST(CronTest, ShortestPauseOfTheCalendar) {
  const auto pause = [](const char* text) {
    return CronExpression::Parse(text, "job").value().ShortestPause().count();
  };
  constexpr int64_t kDay = 86'400;
  EXPECT_EQ(pause("* * * * * *"), 1);
  EXPECT_EQ(pause("59,0 * * * * *"), 1);
  EXPECT_EQ(pause("*/7 * * * *"), 240);  // From :56 to :00.
  EXPECT_EQ(pause("0,1 8 * * *"), 60);
  EXPECT_EQ(pause("0 0,23 * * *"), 3600);
  EXPECT_EQ(pause("0 0,23 * * MON"), 23 * 3600);
  EXPECT_EQ(pause("30 12 * * MON"), 7 * kDay);
  EXPECT_EQ(pause("0 0 1,31 * *"), kDay);
  EXPECT_EQ(pause("0 0 28,29 2 *"), kDay);
  EXPECT_EQ(pause("0 0 1 * *"), 28 * kDay);
  EXPECT_EQ(pause("0 0 29 2 *"), 1461 * kDay);
  EXPECT_EQ(pause("0 0 L * 1#1"), kDay);  // A Monday that is the 1st.
}

TEST(CronTest, Macros) {
  EXPECT_EQ(Civils("@yearly", 2), (Texts{"01-01 00:00:00", "2027-01-01 00:00:00"}));
  EXPECT_EQ(Civils("@Annually", 1), (Texts{"01-01 00:00:00"}));
  EXPECT_EQ(Civils("@monthly", 2), (Texts{"01-01 00:00:00", "02-01 00:00:00"}));
  EXPECT_EQ(Civils("@weekly", 1), (Texts{"01-04 00:00:00"}));
  EXPECT_EQ(Civils("@daily", 2), (Texts{"01-01 00:00:00", "01-02 00:00:00"}));
  EXPECT_EQ(Civils(" @midnight ", 1), (Texts{"01-01 00:00:00"}));
  EXPECT_EQ(Civils("@HOURLY", 2), (Texts{"01-01 00:00:00", "01-01 01:00:00"}));
}

TEST(CronTest, HashedValuesStayWithinTheirRangeAndSpread) {
  std::set<std::string> fired_minutes;
  for (int i = 0; i < 200; ++i) {
    const std::string seed = "job" + std::to_string(i);
    const auto cron = CronExpression::Parse("H(10-19) H H * *", seed).value();
    const auto again = CronExpression::Parse("H(10-19) H H * *", seed).value();
    const CivilTime from = Civil("2026-02-01");
    const auto next = cron.NextCivil(from, Civil("2026-03-01"));  // A day of 1-28, in February too.
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(next, again.NextCivil(from, Civil("2026-03-01")));
    EXPECT_FALSE(cron.elapsed_hours());
    const std::string minute = FormatUtc(UtcTime(next->time_since_epoch())).substr(14, 2);
    EXPECT_GE(minute, "10");
    EXPECT_LE(minute, "19");
    fired_minutes.insert(minute);
  }
  EXPECT_EQ(fired_minutes.size(), 10U);
  for (int i = 0; i < 50; ++i) {  // Friday to Sunday, which is 7 here.
    const auto weekend = CronExpression::Parse("0 0 * * H(5-7)", std::to_string(i)).value();
    const auto day = *weekend.NextCivil(Civil("2026-01-02"), Civil("2026-01-09"));
    EXPECT_LT(day, Civil("2026-01-05"));
  }
  const auto cron = CronExpression::Parse("H/15 * * * *", "x").value();
  CivilTime at = *cron.NextCivil(Civil("2026-01-01"), Civil("2027-01-01"));
  EXPECT_LT(at, Civil("2026-01-01T00:15:00"));
  for (int i = 0; i < 8; ++i) {
    const CivilTime next = *cron.NextCivil(at + chrono::seconds(1), Civil("2027-01-01"));
    EXPECT_EQ(next - at, chrono::minutes(15));
    at = next;
  }
}

TEST(CronTest, AStarOrAStepInTheHourMeansElapsedTime) {
  for (const char* text :
       {"0 * * * *", "0 */2 * * *", "0 1-5/2 * * *", "0 3,*/6 * * *", "0 H/4 * * *", "@hourly"}) {
    EXPECT_TRUE(CronExpression::Parse(text, "job").value().elapsed_hours()) << text;
  }
  for (const char* text : {"*/5 2 * * *", "0 1-5 * * *", "0 H * * *", "0 1,2,3 * * *", "@daily"}) {
    EXPECT_FALSE(CronExpression::Parse(text, "job").value().elapsed_hours()) << text;
  }
}

struct RefusedCron {
  const char* text;
  const char* message;  // A part of it.
  const char* remedy;
};

class CronRefusedTest : public testing::TestWithParam<RefusedCron> {};

TEST_P(CronRefusedTest, NamesTheFieldTheCharacterAndACorrection) {
  const auto cron = CronExpression::Parse(GetParam().text, "job");
  ASSERT_FALSE(cron.has_value()) << GetParam().text;
  EXPECT_EQ(cron.error().code, "invalid_cron");
  EXPECT_EQ(cron.error().kind, ErrorKind::kConfig);
  EXPECT_NE(cron.error().message.find(GetParam().message), std::string::npos)
      << cron.error().message;
  EXPECT_NE(cron.error().remedy.find(GetParam().remedy), std::string::npos) << cron.error().remedy;
}

INSTANTIATE_TEST_SUITE_P(
    Table, CronRefusedTest,
    testing::Values(
        RefusedCron{"", "has 0 fields", "minute, hour"},
        RefusedCron{"* * * *", "has 4 fields", "minute"},
        RefusedCron{"0 0 0 1 1 ? 2026", "has 7 fields", "year out"},
        RefusedCron{"60 * * * *", "wrong minute at character 1: 60 is not within 0-59", "0 to 59"},
        RefusedCron{"0 24 * * *", "wrong hour at character 3", "midnight is 0"},
        RefusedCron{"0 0 32 * *", "wrong day of month at character 5", "1 to 31"},
        RefusedCron{"0 0 0 * *", "0 is not within 1-31", "1 to 31"},
        RefusedCron{"0 0 * 13 *", "wrong month at character 7", "1 to 12"},
        RefusedCron{"0 0 * * 8", "wrong day of week at character 9", "0 to 7"},
        RefusedCron{"0 0 * * MOM", "'MOM' is not a day of week", "Did you mean MON"},
        RefusedCron{"0 0 * JNA *", "'JNA' is not a month", "JAN"},
        RefusedCron{"0 x * * *", "wrong hour at character 3", "0 to 23"},
        RefusedCron{"*/0 * * * *", "at character 3: a step is", "every"},
        RefusedCron{"*/90 * * * *", "a step is a number from 1 to 60", "every: 90m"},
        RefusedCron{"*/ * * * *", "a step is", "*/5"},
        RefusedCron{"1, * * * *", "empty list item", "comma"},
        RefusedCron{",1 * * * *", "wrong minute at character 1", "comma"},
        RefusedCron{"1- * * * *", "a number is missing", "0 to 59"},
        RefusedCron{"-1 * * * *", "a number is missing before '-'", "0 to 59"},
        RefusedCron{"1-2-3 * * * *", "character 4: '-' does not belong here", "0 to 59"},
        RefusedCron{"? * * * *", "wrong minute", "0 to 59"},
        RefusedCron{"0 0 ?,1 * *", "'?' stands alone", ""},
        RefusedCron{"0 0 L-31 * *", "31 is not within 1-30", ""},
        RefusedCron{"0 0 32W * *", "32 is not within 1-31", ""},
        RefusedCron{"0 0 W * *", "wrong day of month at character 5", ""},
        RefusedCron{"0 0 * * L", "'L' needs a day", "5L"},
        RefusedCron{"0 0 * * MON#6", "6 is not within 1-5", ""},
        RefusedCron{"0 0 * * MON#", "a number is missing", ""},
        RefusedCron{"0 0 * * FRI-MONL", "'L' does not belong", ""},
        RefusedCron{"H(5) * * * *", "a range belongs", "H(0-29)"},
        RefusedCron{"H(9-5) * * * *", "runs backwards", "smaller"},
        RefusedCron{"H(1-5 * * * *", "')' of H(...) is missing", ""},
        RefusedCron{"0 0 30 2 *", "can never fire", "L"},
        RefusedCron{"0 0 30 2 +MON", "can never fire", ""},
        RefusedCron{"0 0 8-31 * +MON#1", "can never fire", ""},
        RefusedCron{"0 0 1 * +", "wrong day of week at character 10: a day is missing", "+FRI"},
        RefusedCron{"0 0 +1 * MON", "character 5", "1 to 31"},
        RefusedCron{"0 0 * * H(7-5)", "runs backwards", "smaller"},
        RefusedCron{"0 0 31 4,6,9,11 *", "can never fire", ""},
        RefusedCron{"0 0 31W 2 *", "can never fire", ""},
        RefusedCron{"@reboot", "start of the machine", "trigger"},
        RefusedCron{"@dayly", "not a known name", "@DAILY"},
        RefusedCron{"@", "not a known name", "@every"},
        RefusedCron{"99999999999999999999 * * * *", "is not within 0-59", ""},
        RefusedCron{"\xff\x01 * * * *", "'?? * * * *'", ""}));

TEST(CronTest, RefusesAnEndlessText) {
  std::string text = "0";
  for (int i = 0; i < 1000; ++i) text += ",0";
  const auto cron = CronExpression::Parse(text + " * * * *", "job");
  ASSERT_FALSE(cron.has_value());
  EXPECT_LT(cron.error().message.size(), 300U);
}

}  // namespace
}  // namespace bizond
