#include "scheduler/zone.h"

#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "scheduler/zone_file.h"
#include "tests/scheduler/instants.h"

namespace bizond {
namespace {

namespace chrono = std::chrono;

TEST(ZoneTest, ShowsLocalTime) {
  const auto text = [](std::string_view zone, std::string_view at) {
    return ZoneOf(zone).LocalText(ParseUtc(at).value());
  };
  EXPECT_EQ(text("UTC", "2026-01-01T00:00:00.9Z"), "2026-01-01T00:00:00+00:00");
  EXPECT_EQ(text("Europe/Paris", "2026-03-29T00:59:59Z"), "2026-03-29T01:59:59+01:00");
  EXPECT_EQ(text("Europe/Paris", "2026-03-29T01:00:00Z"), "2026-03-29T03:00:00+02:00");
  EXPECT_EQ(text("America/St_Johns", "2026-01-01T00:00:00Z"), "2025-12-31T20:30:00-03:30");
  EXPECT_EQ(text("Europe/Paris", "1900-01-01T00:00:00Z"), "1900-01-01T00:09:21+00:09:21");
}

TEST(ZoneTest, PeriodsAreWithoutHolesAndChangeTheOffset) {
  for (const char* name : {"Europe/Paris", "Africa/Casablanca", "Pacific/Apia", "UTC"}) {
    const auto& periods = ZoneOf(name).periods();
    for (size_t i = 0; i < periods.size(); ++i) {
      EXPECT_LT(periods[i].begin, periods[i].end);
      EXPECT_EQ(ZoneOf(name).PeriodAt(periods[i].begin), i);
      EXPECT_EQ(ZoneOf(name).PeriodAt(periods[i].end - chrono::seconds(1)), i);
      if (i == 0) continue;
      EXPECT_EQ(periods[i - 1].end, periods[i].begin);
      EXPECT_NE(periods[i - 1].offset, periods[i].offset);
    }
  }
  EXPECT_EQ(ZoneOf("UTC").PeriodAt(Zone::UtcSeconds::min()), 0U);
}

// The C library reads the footer by itself; it is the oracle for the years after the tables.
TEST(ZoneTest, AgreesWithTheCLibraryThrough2137) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int64_t> second_of(0, 5'301'000'000);  // 1970 to the end of 2137
  const char* before = std::getenv("TZ");
  const std::string saved = before == nullptr ? "" : before;
  for (const char* name :
       {"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Jerusalem", "Africa/Cairo",
        "America/Nuuk", "Europe/Dublin", "America/Santiago", "Pacific/Chatham", "Asia/Tokyo"}) {
    ASSERT_EQ(setenv("TZ", name, 1), 0);
    tzset();
    for (int i = 0; i < 4'000; ++i) {
      const std::time_t at = second_of(random);
      std::tm fields{};
      ASSERT_NE(localtime_r(&at, &fields), nullptr);
      const Zone& zone = ZoneOf(name);
      const auto offset =
          zone.periods()[zone.PeriodAt(Zone::UtcSeconds(chrono::seconds(at)))].offset.count();
      ASSERT_EQ(offset, fields.tm_gmtoff) << name << " at " << at;
    }
  }
  before == nullptr ? unsetenv("TZ") : setenv("TZ", saved.c_str(), 1);
  tzset();
}

TEST(ZoneTest, AnUnknownZoneGetsTheNearestNames) {
  const auto remedy = [](std::string_view name) {
    const auto zone = Zone::Find(name);
    EXPECT_FALSE(zone.has_value()) << name;
    EXPECT_EQ(zone.error().code, "unknown_timezone");
    EXPECT_EQ(zone.error().kind, ErrorKind::kConfig);
    return zone.error().remedy;
  };
  EXPECT_NE(remedy("Europe/Pariss").find("Europe/Paris"), std::string::npos);
  EXPECT_NE(remedy("europe/paris").find("Europe/Paris"), std::string::npos);
  EXPECT_NE(remedy("Paris").find("Europe/Paris"), std::string::npos);
  for (const char* name :
       {"", "../../etc/passwd", "/etc/localtime", "Europe", "posixrules", "\xff"}) {
    EXPECT_FALSE(remedy(name).empty());
  }
  EXPECT_FALSE(Zone::Find(std::string(100'000, 'a')).has_value());
}

TEST(ZoneTest, FindFromManyThreadsGivesOneZone) {
  std::vector<const Zone*> found(8);
  {
    std::vector<std::jthread> threads;
    threads.reserve(found.size());
    for (auto& zone : found) {
      threads.emplace_back([&zone] {
        zone = Zone::Find("America/Halifax").value();
        EXPECT_FALSE(Zone::Find("Nowhere/At_all").has_value());
      });
    }
  }
  for (const Zone* zone : found) EXPECT_EQ(zone, found[0]);
}

TEST(ZoneTest, KnowsTheVersionOfTheRules) {
  const std::string version = TzdataVersion();
  ASSERT_TRUE(std::ifstream("/usr/share/zoneinfo/tzdata.zi")) << "scripts/setup installs tzdata";
  EXPECT_EQ(version.substr(0, 2), "20");
  EXPECT_GE(version.size(), 5U);
}

TEST(ZoneFooterTest, Reads) {
  using chrono::hours;
  const auto paris = ParseZoneFooter("CET-1CEST,M3.5.0,M10.5.0/3");
  ASSERT_TRUE(paris.has_value());
  EXPECT_EQ(paris->standard, hours(1));
  EXPECT_EQ(paris->daylight, hours(2));
  EXPECT_EQ(paris->daylight_end.time, hours(3));
  const auto nuuk = ParseZoneFooter("<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
  ASSERT_TRUE(nuuk.has_value());
  EXPECT_EQ(nuuk->standard, hours(-2));
  EXPECT_EQ(nuuk->daylight_begin.time, hours(-1));
  const auto howe = ParseZoneFooter("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
  ASSERT_TRUE(howe.has_value());
  EXPECT_EQ(howe->standard, chrono::minutes(630));
  const auto changes = howe->ChangesOf(chrono::year(2050));
  EXPECT_LT(changes[0].at, changes[1].at);
  EXPECT_EQ(changes[0].offset, chrono::minutes(630));
}

TEST(ZoneFooterTest, RefusesWhatIsNotARule) {
  for (const char* text :
       {"", "JST-9", "<+01>-1", "CET", "CET-1CEST", "CET-1CEST,J60,J300", "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M0.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0,", "CET-1CEST,M3.5.0/200,M10.5.0",
        "<CET", "CET-1CEST,M99999999999999999999.5.0,M10.5.0"}) {
    EXPECT_FALSE(ParseZoneFooter(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace bizond
