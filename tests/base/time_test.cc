#include "base/time.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>
#include <random>

namespace bizond {
namespace {

int64_t Micros(std::string_view text) {
  const auto time = ParseUtc(text);
  EXPECT_TRUE(time.has_value()) << text;
  return time ? ToUnixMicros(*time) : -1;
}

TEST(TimeTest, ReadsRfc3339) {
  EXPECT_EQ(Micros("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(Micros("1970-01-01"), 0);
  EXPECT_EQ(Micros("1970-01-01 00:00:01"), 1'000'000);
  EXPECT_EQ(Micros("1970-01-01t00:00:01z"), 1'000'000);
  EXPECT_EQ(Micros("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(Micros("1969-12-31T18:30:00-05:30"), 0);
  EXPECT_EQ(Micros("1970-01-01T00:00:00-00:00"), 0);
  EXPECT_EQ(Micros("2000-02-29T12:00:00Z"), 951'825'600'000'000);
  EXPECT_EQ(Micros("1969-12-31T23:59:59.999999Z"), -1);
  EXPECT_EQ(Micros("2016-12-31T23:59:60Z"), Micros("2017-01-01T00:00:00Z"));
  EXPECT_EQ(Micros("2017-01-01T00:59:60+01:00"), Micros("2017-01-01T00:00:00Z"));
}

TEST(TimeTest, DropsDigitsAfterTheMicrosecond) {
  EXPECT_EQ(Micros("1970-01-01T00:00:00.1Z"), 100'000);
  EXPECT_EQ(Micros("1970-01-01T00:00:00.000001999Z"), 1);
  EXPECT_EQ(Micros("1970-01-01T00:00:00.999999999Z"), 999'999);
  EXPECT_EQ(Micros("1969-12-31T23:59:59.000000999Z"), -1'000'000);
}

TEST(TimeTest, RefusesWhatIsNotRfc3339) {
  for (const char* text : {"",
                           " ",
                           "2026",
                           "2026-13-01",
                           "2026-02-29",
                           "2026-00-10",
                           "2026-01-00",
                           "2026-1-1",
                           "2026-01-01T",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T10:60:00Z",
                           "2026-01-01T10:00:61Z",
                           "2026-01-01T10:00:60Z",
                           "2026-01-01T10:00Z",
                           "2026-01-01T10:00:00.Z",
                           "2026-01-01T10:00:00.1234567890Z",
                           "2026-01-01T10:00:00+0100",
                           "2026-01-01T10:00:00+24:00",
                           "2026-01-01T10:00:00+01:60",
                           "2026-01-01T10:00:00ZZ",
                           "2026-01-01T10:00:00 Z",
                           "+2026-01-01",
                           "-026-01-01",
                           "2026-01-01T10:00:-1Z",
                           "12026-01-01",
                           "2026/01/01",
                           "2026-01-01T10:00:00+01",
                           "2026-01-01\n"}) {
    const auto time = ParseUtc(text);
    ASSERT_FALSE(time.has_value()) << text;
    EXPECT_EQ(time.error().code, "invalid_time");
    EXPECT_EQ(time.error().kind, ErrorKind::kConfig);
  }
}

TEST(TimeTest, FormatsDownwards) {
  EXPECT_EQ(FormatUtc(FromUnixMicros(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatUtc(FromUnixMicros(1'999)), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(FormatUtc(FromUnixMicros(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatUtcMicros(FromUnixMicros(-1)), "1969-12-31T23:59:59.999999Z");
}

TEST(TimeTest, ClampsYears) {
  const auto huge = FromUnixMicros(std::numeric_limits<int64_t>::max());
  const auto tiny = FromUnixMicros(std::numeric_limits<int64_t>::min());
  EXPECT_EQ(FormatUtcMicros(huge), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatUtcMicros(tiny), "0000-01-01T00:00:00.000000Z");
}

// The C library's calendar is the independent oracle.
TEST(TimeTest, AgreesWithGmtime) {
  std::mt19937_64 random(20261201);
  std::uniform_int_distribution<int64_t> seconds(-62'167'219'200, 253'402'300'799);
  for (int i = 0; i < 20'000; ++i) {
    const std::time_t second = seconds(random);
    std::tm fields{};
    ASSERT_NE(gmtime_r(&second, &fields), nullptr);
    char text[64];
    std::snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.000Z", fields.tm_year + 1900,
                  fields.tm_mon + 1, fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec);
    EXPECT_EQ(FormatUtc(FromUnixMicros(second * 1'000'000)), text);
    EXPECT_EQ(Micros(text), second * 1'000'000);
  }
}

TEST(DurationTest, Reads) {
  const auto micros = [](std::string_view text) { return ParseDuration(text).value().count(); };
  EXPECT_EQ(micros("90s"), 90'000'000);
  EXPECT_EQ(micros("90"), 90'000'000);
  EXPECT_EQ(micros("10m"), 600'000'000);
  EXPECT_EQ(micros("1h30m"), 5'400'000'000);
  EXPECT_EQ(micros("1w"), 604'800'000'000);
  EXPECT_EQ(micros("2d"), 172'800'000'000);
  EXPECT_EQ(micros("250ms"), 250'000);
  EXPECT_EQ(micros("1s5us"), 1'000'005);
  EXPECT_EQ(micros("0"), 0);
  EXPECT_EQ(micros("365250d"), 31'557'600'000'000'000);
}

TEST(DurationTest, Refuses) {
  for (const char* text :
       {"", "-1s", "s", "1x", "1h30", "30m1h", "1h1h", "1.5h", " 1s", "1s ", "1 s", "365251d",
        "99999999999999999999999999", "9223372036854775807w", "+5s", "1H", "inf", "1e3"}) {
    const auto duration = ParseDuration(text);
    ASSERT_FALSE(duration.has_value()) << text;
    EXPECT_EQ(duration.error().code, "invalid_duration");
  }
}

TEST(DurationTest, FormatsFromTheLargestUnit) {
  EXPECT_EQ(FormatDuration(Duration(0)), "0s");
  EXPECT_EQ(FormatDuration(std::chrono::minutes(90)), "1h30m");
  EXPECT_EQ(FormatDuration(std::chrono::seconds(90)), "1m30s");
  EXPECT_EQ(FormatDuration(std::chrono::days(8)), "1w1d");
  EXPECT_EQ(FormatDuration(Duration(-1)), "-1us");
  EXPECT_EQ(FormatDuration(Duration(std::numeric_limits<int64_t>::min())).front(), '-');
}

TEST(DurationTest, RoundTrips) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const Duration duration(static_cast<int64_t>(random() >> (random() % 40 + 10)) %
                            31'557'600'000'000'000);
    EXPECT_EQ(ParseDuration(FormatDuration(duration)).value(), duration);
  }
}

}  // namespace
}  // namespace bizond
