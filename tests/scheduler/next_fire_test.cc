#include "scheduler/next_fire.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <random>

#include "tests/scheduler/cron_oracle.h"
#include "tests/scheduler/instants.h"

namespace bizond {
namespace {

namespace chrono = std::chrono;

CronExpression Cron(std::string_view text) { return CronExpression::Parse(text, "job").value(); }

// "2026-03-29T03:00:00+02:00 gap", one a fire.
std::vector<std::string> Fires(std::string_view cron, std::string_view zone, std::string_view after,
                               int count, GapPolicy gap = GapPolicy::kNext,
                               FoldPolicy fold = FoldPolicy::kFirst) {
  std::vector<std::string> result;
  UtcTime at = At(after);
  const CronExpression expression = Cron(cron);
  for (int i = 0; i < count; ++i) {
    const auto fire = NextFire(expression, ZoneOf(zone), gap, fold, at);
    if (!fire) break;
    result.push_back(ZoneOf(zone).LocalText(fire->at) + (fire->gap ? " gap" : "") +
                     (fire->fold ? " fold" : ""));
    at = fire->at;
  }
  return result;
}

using Texts = std::vector<std::string>;

TEST(NextFireTest, GapOfAFixedHour) {
  EXPECT_EQ(Fires("30 2 * * *", "Europe/Paris", "2026-03-28T00:00:00Z", 3),
            (Texts{"2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00 gap",
                   "2026-03-30T02:30:00+02:00"}));
  EXPECT_EQ(Fires("30 2 * * *", "Europe/Paris", "2026-03-28T00:00:00Z", 2, GapPolicy::kSkip),
            (Texts{"2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"}));
}

TEST(NextFireTest, ManySwallowedMatchesAreOneFire) {
  EXPECT_EQ(Fires("*/5 2 29 3 *", "Europe/Paris", "2026-03-01T00:00:00Z", 2),
            (Texts{"2026-03-29T03:00:00+02:00 gap", "2027-03-29T02:00:00+02:00"}));
}

TEST(NextFireTest, AFireRightAfterTheGapIsNotDoubled) {
  EXPECT_EQ(Fires("0,30 2,3 29 3 *", "Europe/Paris", "2026-03-01T00:00:00Z", 2),
            (Texts{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"}));
}

TEST(NextFireTest, FoldOfAFixedHour) {
  EXPECT_EQ(Fires("30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", 2),
            (Texts{"2026-10-25T02:30:00+02:00 fold", "2026-10-26T02:30:00+01:00"}));
  EXPECT_EQ(Fires("30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", 3, GapPolicy::kNext,
                  FoldPolicy::kBoth),
            (Texts{"2026-10-25T02:30:00+02:00 fold", "2026-10-25T02:30:00+01:00 fold",
                   "2026-10-26T02:30:00+01:00"}));
}

TEST(NextFireTest, ElapsedHoursRunInBothPassesAndSkipTheGap) {
  EXPECT_EQ(Fires("*/30 * * * *", "Europe/Paris", "2026-10-24T23:59:00Z", 5),
            (Texts{"2026-10-25T02:00:00+02:00 fold", "2026-10-25T02:30:00+02:00 fold",
                   "2026-10-25T02:00:00+01:00 fold", "2026-10-25T02:30:00+01:00 fold",
                   "2026-10-25T03:00:00+01:00"}));
  EXPECT_EQ(Fires("*/30 * * * *", "Europe/Paris", "2026-03-29T00:29:00Z", 2),
            (Texts{"2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"}));
  EXPECT_EQ(Fires("0 */2 * * *", "Europe/Paris", "2026-03-28T23:30:00Z", 2),
            (Texts{"2026-03-29T04:00:00+02:00", "2026-03-29T06:00:00+02:00"}));
}

TEST(NextFireTest, ADayThatNeverWas) {
  // Samoa went from 29 to 31 December 2011.
  EXPECT_EQ(Fires("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3),
            (Texts{"2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00 gap",
                   "2011-12-31T12:00:00+14:00"}));
  EXPECT_EQ(Fires("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", 2, GapPolicy::kSkip),
            (Texts{"2012-12-30T12:00:00+14:00", "2013-12-30T12:00:00+14:00"}));
}

TEST(NextFireTest, AShiftOfHalfAnHour) {
  EXPECT_EQ(Fires("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2),
            (Texts{"2026-04-05T01:45:00+11:00 fold", "2026-04-06T01:45:00+10:30"}));
  EXPECT_EQ(Fires("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2),
            (Texts{"2026-10-04T02:30:00+11:00 gap", "2026-10-05T02:15:00+11:00"}));
}

TEST(NextFireTest, BeyondTheCompiledTables) {
  EXPECT_EQ(Fires("30 2 * * *", "Europe/Paris", "2050-03-26T12:00:00Z", 1),
            (Texts{"2050-03-27T03:00:00+02:00 gap"}));
  EXPECT_EQ(Fires("0 12 1 7,12 *", "America/New_York", "2100-06-01T00:00:00Z", 2),
            (Texts{"2100-07-01T12:00:00-04:00", "2100-12-01T12:00:00-05:00"}));
}

TEST(NextFireTest, RareDatesAndTheEndOfTime) {
  EXPECT_EQ(Fires("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1),
            (Texts{"2104-02-29T00:00:00+00:00"}));
  // A Monday and a 29 February at once: both day fields begin with a star.
  EXPECT_EQ(Fires("0 0 */28 2 */7", "UTC", "2000-01-01T00:00:00Z", 1).size(), 1U);
  EXPECT_EQ(NextFire(Cron("* * * * *"), ZoneOf("UTC"), {}, {}, UtcTime::max()), std::nullopt);
  EXPECT_TRUE(
      NextFire(Cron("* * * * *"), ZoneOf("Asia/Tokyo"), {}, {}, UtcTime::min()).has_value());
}

TEST(NextFireTest, IsStrictlyAfterAndWhole) {
  const auto next = [](std::string_view after) {
    return FormatUtcMicros(
        NextFire(Cron("0 0 * * *"), ZoneOf("UTC"), {}, {}, At(after)).value().at);
  };
  EXPECT_EQ(next("2026-01-01T00:00:00Z"), "2026-01-02T00:00:00.000000Z");
  EXPECT_EQ(next("2025-12-31T23:59:59.999999Z"), "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(next("2026-01-01T00:00:00.000001Z"), "2026-01-02T00:00:00.000000Z");
}

TEST(NextFireTest, ShortestPauseCountsTheChangesOfTheClock) {
  const auto minutes = [](const char* cron, const char* zone, FoldPolicy fold = FoldPolicy::kFirst,
                          GapPolicy gap = GapPolicy::kNext) {
    return chrono::floor<chrono::minutes>(ShortestPause(Cron(cron), ZoneOf(zone), gap, fold))
        .count();
  };
  EXPECT_EQ(minutes("0 2 * * *", "UTC"), 24 * 60);
  EXPECT_EQ(minutes("0 12 * * *", "Europe/Paris"), 23 * 60);
  EXPECT_EQ(minutes("0 2 * * *", "Europe/Paris"), 23 * 60);
  EXPECT_EQ(minutes("0 2 * * *", "Europe/Paris", FoldPolicy::kBoth), 60);
  EXPECT_EQ(minutes("0 1 * * *", "Europe/Paris", FoldPolicy::kBoth), 23 * 60);
  EXPECT_EQ(minutes("0 */2 * * *", "Europe/Paris"), 60);
  EXPECT_EQ(minutes("30 2,3 * * *", "Europe/Paris"), 30);
  EXPECT_EQ(minutes("30 2,3 * * *", "Europe/Paris", FoldPolicy::kFirst, GapPolicy::kSkip), 60);
  EXPECT_EQ(minutes("45 1 * * *", "Australia/Lord_Howe", FoldPolicy::kBoth), 30);
  EXPECT_EQ(minutes("0 12 * * 0", "Europe/Paris"), (7 * 24 - 1) * 60);
}

uint64_t Seed() {
  const char* text = std::getenv("BIZOND_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

struct Place {
  const char* zone;
  int year;
};

// Half-hour shifts, skipped days, new rules, changes at midnight, two hours at once, 15 minutes.
const Place kPlaces[] = {
    {"Europe/Paris", 2026},
    {"America/New_York", 2026},
    {"Australia/Lord_Howe", 2026},
    {"Pacific/Apia", 2011},
    {"Pacific/Kwajalein", 1993},
    {"Asia/Kathmandu", 1986},
    {"America/Caracas", 2016},
    {"Africa/Cairo", 2014},
    {"Africa/Casablanca", 2026},
    {"America/Havana", 2026},
    {"America/Sao_Paulo", 2018},
    {"Asia/Tehran", 2022},
    {"Pacific/Chatham", 2026},
    {"Europe/London", 1941},
    {"Antarctica/Troll", 2026},
    {"Europe/Istanbul", 2016},
    {"UTC", 2024},
};

int64_t YearStart(int year) {
  return chrono::sys_seconds(chrono::sys_days(chrono::year(year) / 1 / 1))
      .time_since_epoch()
      .count();
}

// Walks [begin, end) fire by fire beside the brute force, then asks from random instants between.
void Compare(const cron_oracle::BruteForce& oracle, const cron_oracle::Expression& expression,
             std::string_view zone_name, int64_t begin, int64_t end, std::mt19937_64& random,
             std::optional<unsigned> policies = std::nullopt) {
  const auto chosen = policies.value_or(static_cast<unsigned>(random()));
  const GapPolicy gap = chosen % 2 == 0 ? GapPolicy::kNext : GapPolicy::kSkip;
  const FoldPolicy fold = chosen / 2 % 2 == 0 ? FoldPolicy::kFirst : FoldPolicy::kBoth;
  SCOPED_TRACE("'" + expression.text + "' in " + std::string(zone_name) +
               (gap == GapPolicy::kNext ? " next" : " skip") +
               (fold == FoldPolicy::kFirst ? " first" : " both"));
  const auto expected =
      oracle.Fires(expression, gap == GapPolicy::kNext, fold == FoldPolicy::kBoth);
  const auto cron = CronExpression::Parse(expression.text, "job");
  if (!cron) {
    ASSERT_NE(cron.error().message.find("can never fire"), std::string::npos)
        << cron.error().message;
    ASSERT_TRUE(expected.empty());
    return;
  }
  const Zone& zone = ZoneOf(zone_name);
  const auto next = [&](int64_t second, int64_t micros) {
    return NextFire(*cron, zone, gap, fold, FromUnixMicros(second * 1'000'000 + micros));
  };
  int64_t previous = begin - 1;
  for (const cron_oracle::Instant& want : expected) {
    const auto got = next(previous, 0);
    ASSERT_TRUE(got.has_value());
    ASSERT_EQ(FormatUtc(got->at), FormatUtc(FromUnixMicros(want.second * 1'000'000)));
    ASSERT_EQ(got->gap, want.gap) << FormatUtc(got->at);
    ASSERT_EQ(got->fold, want.fold) << FormatUtc(got->at);
    if (random() % 64 == 0) {
      for (int i = 0; i < 4; ++i) {
        std::uniform_int_distribution<int64_t> between(previous, want.second - 1);
        ASSERT_EQ(next(between(random), static_cast<int64_t>(random() % 1'000'000)), got);
      }
    }
    previous = want.second;
  }
  const auto beyond = next(previous, 0);
  ASSERT_TRUE(!beyond || beyond->at >= FromUnixMicros(end * 1'000'000)) << FormatUtc(beyond->at);
}

TEST(NextFireOracleTest, EveryMinuteOfAYear) {
  const uint64_t seed = Seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("BIZOND_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const Place& place : kPlaces) {
    const int64_t begin = YearStart(place.year);
    const int64_t end = YearStart(place.year + 1);
    const cron_oracle::BruteForce oracle(place.zone, begin, end, 60);
    for (int i = 0; i < 5; ++i) {
      const auto expression = cron_oracle::RandomExpression(random, false);
      Compare(oracle, expression, place.zone, begin, end, random);
      if (HasFatalFailure()) return;
    }
  }
}

// A sanitizer sees no more in the seventeenth zone than in the third.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kEveryNthPlace = 6;
#else
constexpr size_t kEveryNthPlace = 1;
#endif

// All four pairs of policies, with seconds, against every second of the year.
TEST(NextFireOracleTest, EverySecondOfAYear) {
  const uint64_t seed = Seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("BIZOND_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  constexpr size_t kFiresADay = 2'000;  // A million fires are enough of one expression.
  for (size_t i = 0; i < std::size(kPlaces); i += kEveryNthPlace) {
    const Place& place = kPlaces[i];
    const int64_t begin = YearStart(place.year);
    const int64_t end = YearStart(place.year + 1);
    const cron_oracle::BruteForce oracle(place.zone, begin, end, 1);
    for (unsigned policies = 0; policies < 4; ++policies) {
      auto expression = cron_oracle::RandomExpression(random, true);
      while (expression.seconds.size() * expression.minutes.size() * expression.hours.size() >
             kFiresADay) {
        expression = cron_oracle::RandomExpression(random, true);
      }
      Compare(oracle, expression, place.zone, begin, end, random, policies);
      if (HasFatalFailure()) return;
    }
  }
}

// Each second of a year asks for itself, and between two fires all of them get the same answer: the
// oracle's.
TEST(NextFireOracleTest, EverySecondOfAYearAsksForItself) {
  const uint64_t seed = Seed();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("BIZOND_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < std::size(kPlaces); i += kEveryNthPlace) {
    const Place& place = kPlaces[i];
    const auto expression = cron_oracle::RandomExpression(random, false);
    const auto cron = CronExpression::Parse(expression.text, "job");
    if (!cron) continue;
    const GapPolicy gap = random() % 2 == 0 ? GapPolicy::kNext : GapPolicy::kSkip;
    const FoldPolicy fold = random() % 2 == 0 ? FoldPolicy::kFirst : FoldPolicy::kBoth;
    SCOPED_TRACE("'" + expression.text + "' in " + place.zone);
    const int64_t begin = YearStart(place.year);
    const cron_oracle::BruteForce oracle(place.zone, begin, YearStart(place.year + 1), 60);
    const Zone& zone = ZoneOf(place.zone);
    int64_t second = begin - 1;
    for (const cron_oracle::Instant& want :
         oracle.Fires(expression, gap == GapPolicy::kNext, fold == FoldPolicy::kBoth)) {
      const Fire expected{FromUnixMicros(want.second * 1'000'000), want.gap, want.fold};
      for (; second < want.second; ++second) {
        const auto got = NextFire(*cron, zone, gap, fold, FromUnixMicros(second * 1'000'000));
        if (got != expected) FAIL() << "after " << FormatUtc(FromUnixMicros(second * 1'000'000));
      }
    }
  }
}

TEST(NextFireOracleTest, EverySecondAroundAChange) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("BIZOND_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const Place& place : kPlaces) {
    const cron_oracle::BruteForce year(place.zone, YearStart(place.year), YearStart(place.year + 1),
                                       900);
    for (const int64_t change : year.changes()) {
      const int64_t begin = change - 7 * 3600;
      const int64_t end = change + 5 * 3600;
      const cron_oracle::BruteForce oracle(place.zone, begin, end, 1);
      for (int i = 0; i < 12; ++i) {
        const auto expression = cron_oracle::RandomExpression(random, true);
        Compare(oracle, expression, place.zone, begin, end, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(NextFireOracleTest, NoPauseIsShorterThanTheShortest) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("BIZOND_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const Place& place : kPlaces) {
    if (place.year < 2020) continue;
    const Zone& zone = ZoneOf(place.zone);
    for (int i = 0; i < 10; ++i) {
      const auto expression = cron_oracle::RandomExpression(random, false);
      const auto cron = CronExpression::Parse(expression.text, "job");
      if (!cron) continue;
      const GapPolicy gap = random() % 2 == 0 ? GapPolicy::kNext : GapPolicy::kSkip;
      const FoldPolicy fold = random() % 2 == 0 ? FoldPolicy::kFirst : FoldPolicy::kBoth;
      const Duration shortest = ShortestPause(*cron, zone, gap, fold);
      auto fire = NextFire(*cron, zone, gap, fold, At("2026-01-01"));
      for (int steps = 0; fire && fire->at < At("2027-01-01") && steps < 100'000; ++steps) {
        const auto next = NextFire(*cron, zone, gap, fold, fire->at);
        if (!next) break;
        ASSERT_GE(next->at - fire->at, shortest) << expression.text << " in " << place.zone;
        fire = next;
      }
    }
  }
}

// Every second, each with its own question, over the night of each change.
TEST(NextFireOracleTest, BetweenTwoFiresEverySecondHasTheSameNext) {
  for (const char* text : {"30 2 * * *", "*/20 * * * *", "0 0,1,3 * * *", "15 */2 * * *"}) {
    for (const Place& place : kPlaces) {
      const Zone& zone = ZoneOf(place.zone);
      const CronExpression cron = Cron(text);
      const cron_oracle::BruteForce year(place.zone, YearStart(place.year),
                                         YearStart(place.year + 1), 900);
      for (const int64_t change : year.changes()) {
        std::optional<Fire> expected;
        for (int64_t s = change - 4 * 3600; s < change + 4 * 3600; s += 7) {
          const UtcTime at = FromUnixMicros(s * 1'000'000);
          const auto got = NextFire(cron, zone, {}, {}, at);
          ASSERT_TRUE(got && got->at > at);
          if (!expected || expected->at <= at) expected = got;
          ASSERT_EQ(got, expected) << text << " in " << place.zone << " after " << FormatUtc(at);
        }
      }
    }
  }
}

}  // namespace
}  // namespace bizond
