// A table of what each type of BigQuery takes and how it is written in JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/destinations/google_rows_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// The JSON of one value, or "!" and the reason.
std::string Value(BigQueryType type, const std::string& token, RowForm form = RowForm::kLoad) {
  const Written written = Write({Column("v", type)}, R"({"v":)" + token + "}", form);
  if (!written.fault.empty()) return "!" + written.fault;
  return written.text.substr(5, written.text.size() - 6);
}

struct ValueCase {
  BigQueryType type;
  const char* token;
  const char* written;  // "!": a fault.
};

void ExpectValues(const std::vector<ValueCase>& cases) {
  for (const ValueCase& each : cases) {
    for (const RowForm form : {RowForm::kLoad, RowForm::kInsertAll}) {
      const std::string got = Value(each.type, each.token, form);
      if (std::string_view(each.written) == "!") {
        EXPECT_EQ(got.substr(0, 3), "!v:") << BigQueryTypeName(each.type) << " " << each.token;
        EXPECT_THAT(got, HasSubstr("takes")) << each.token;
      } else {
        EXPECT_EQ(got, each.written) << BigQueryTypeName(each.type) << " " << each.token;
      }
    }
  }
}

TEST(JsonRowsValues, Integers) {
  using enum BigQueryType;
  ExpectValues({{kInteger, "0", "0"},
                {kInteger, "-0", "0"},
                {kInteger, "9007199254740992", "9007199254740992"},
                {kInteger, "9007199254740993", R"("9007199254740993")"},
                {kInteger, "9223372036854775807", R"("9223372036854775807")"},
                {kInteger, "-9223372036854775808", R"("-9223372036854775808")"},
                {kInteger, "9223372036854775808", "!"},
                {kInteger, "-9223372036854775809", "!"},
                {kInteger, "18446744073709551616", "!"},
                {kInteger, "12.0", "12"},
                {kInteger, "12.5", "!"},
                {kInteger, "1e3", "!"},
                {kInteger, R"("42")", "42"},
                {kInteger, R"("+42")", "42"},
                {kInteger, R"("007")", "7"},
                {kInteger, R"("9223372036854775807")", R"("9223372036854775807")"},
                {kInteger, R"("")", "!"},
                {kInteger, R"(" 42")", "!"},
                {kInteger, R"("0x2a")", "!"},
                {kInteger, R"("+-4")", "!"},
                {kInteger, R"(".0")", "!"},
                {kInteger, R"("4.")", "!"},
                {kInteger, "true", "!"},
                {kInteger, "{}", "!"},
                {kInteger, "[1]", "!"},
                {kInteger, "null", "null"}});
}

TEST(JsonRowsValues, Floats) {
  using enum BigQueryType;
  ExpectValues(
      {{kFloat, "1.50", "1.50"},
       {kFloat, "-0", "-0"},
       {kFloat, "1.7976931348623157e308", "1.7976931348623157e308"},
       {kFloat, "1e309", "!"},
       {kFloat, "-1e400", "!"},
       {kFloat, "1e-400", "!"},
       {kFloat, "0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"},
       {kFloat, R"("NaN")", R"("NaN")"},
       {kFloat, R"("nan")", R"("NaN")"},
       {kFloat, R"("inf")", R"("Infinity")"},
       {kFloat, R"("+Infinity")", R"("Infinity")"},
       {kFloat, R"("-INF")", R"("-Infinity")"},
       {kFloat, R"("1.5e3")", R"("1.5e3")"},
       {kFloat, R"("+1.5")", R"("1.5")"},
       {kFloat, R"J("nan(1)")J", "!"},
       {kFloat, R"("--1")", "!"},
       {kFloat, R"("")", "!"},
       {kFloat, R"("-")", "!"},
       {kFloat, R"("1.5 ")", "!"},
       {kFloat, R"("1e999")", "!"},
       {kFloat, "true", "!"},
       {kFloat, "{}", "!"}});
}

TEST(JsonRowsValues, Decimals) {
  using enum BigQueryType;
  ExpectValues(
      {{kNumeric, "0.10", R"("0.10")"},
       {kNumeric, "99999999999999999999999999999.999999999",
        R"("99999999999999999999999999999.999999999")"},
       {kNumeric, "100000000000000000000000000000", "!"},
       {kNumeric, "0.1234567890", R"("0.1234567890")"},
       {kNumeric, "0.1234567891", "!"},
       {kNumeric, "1e28", R"("1e28")"},
       {kNumeric, "1e29", "!"},
       {kNumeric, "1e-9", R"("1e-9")"},
       {kNumeric, "1e-10", "!"},
       {kNumeric, "0e999999999", R"("0e999999999")"},
       {kNumeric, R"("-12.5")", R"("-12.5")"},
       {kNumeric, R"("12,5")", "!"},
       {kNumeric, R"("")", "!"},
       {kNumeric, R"("NaN")", "!"},
       {kNumeric, "false", "!"},
       {kBigNumeric,
        "578960446186580977117854925043439539266.34992332820282019728792003956564819967",
        R"("578960446186580977117854925043439539266.34992332820282019728792003956564819967")"},
       {kBigNumeric,
        "578960446186580977117854925043439539266.34992332820282019728792003956564819968", "!"},
       {kBigNumeric,
        "-578960446186580977117854925043439539266.34992332820282019728792003956564819968",
        R"("-578960446186580977117854925043439539266.34992332820282019728792003956564819968")"},
       {kBigNumeric,
        "-578960446186580977117854925043439539266.34992332820282019728792003956564819969", "!"},
       {kBigNumeric, "578960446186580977117854925043439539267", "!"},
       {kBigNumeric, "578960446186580977117854925043439539266",
        R"("578960446186580977117854925043439539266")"},
       {kBigNumeric, "1e-38", R"("1e-38")"},
       {kBigNumeric, "1e-39", "!"},
       {kBigNumeric, "1e39", "!"}});
}

TEST(JsonRowsValues, TextsBooleansAndBytes) {
  using enum BigQueryType;
  ExpectValues({{kString, R"("a \" \u00e9 \ud83d\ude00")", R"("a \" \u00e9 \ud83d\ude00")"},
                {kString, R"("\ud800")", "!"},
                {kString, R"("\udc00\ud800")", "!"},
                {kString, R"("\\ud800")", R"("\\ud800")"},
                {kString, R"("\ud800\ud800\udc00")", "!"},
                {kString, "1.50", R"("1.50")"},
                {kString, "1e400", R"("1e400")"},
                {kString, "true", R"("true")"},
                {kString, R"({"a": [1, "x"]})", R"("{\"a\": [1, \"x\"]}")"},
                {kString, R"(["\ud800"])", "!"},
                {kBoolean, "true", "true"},
                {kBoolean, "false", "false"},
                {kBoolean, R"("TRUE")", "true"},
                {kBoolean, R"("False")", "false"},
                {kBoolean, R"("yes")", "!"},
                {kBoolean, "1", "!"},
                {kBytes, R"("aGVsbG8=")", R"("aGVsbG8=")"},
                {kBytes, R"("")", R"("")"},
                {kBytes, R"("\/w==")", R"("/w==")"},
                {kBytes, R"("aGVsbG8")", "!"},
                {kBytes, R"("a===")", "!"},
                {kBytes, R"("aG=sbG8=")", "!"},
                {kBytes, R"("a-_=")", "!"},
                {kBytes, "12", "!"}});
}

TEST(JsonRowsValues, DatesAndTimes) {
  using enum BigQueryType;
  ExpectValues({{kDate, R"("2026-12-01")", R"("2026-12-01")"},
                {kDate, R"("2024-2-29")", R"("2024-02-29")"},
                {kDate, R"("2026-02-29")", "!"},
                {kDate, R"("2026-13-01")", "!"},
                {kDate, R"("0000-01-01")", "!"},
                {kDate, R"("0001-01-01")", R"("0001-01-01")"},
                {kDate, R"("9999-12-31")", R"("9999-12-31")"},
                {kDate, R"("10000-01-01")", "!"},
                {kDate, R"("2026-12-01T00:00:00")", "!"},
                {kDate, R"("")", "!"},
                {kDate, "20261201", "!"},
                {kTime, R"("1:2:3")", R"("01:02:03.000000")"},
                {kTime, R"("23:59:59.999999")", R"("23:59:59.999999")"},
                {kTime, R"("23:59:59.1234560")", R"("23:59:59.123456")"},
                {kTime, R"("23:59:59.1234567")", "!"},
                {kTime, R"("24:00:00")", "!"},
                {kTime, R"("12:00")", "!"},
                {kTime, R"("12:00:00Z")", "!"},
                {kTime, R"("12:00:00.")", "!"},
                {kDatetime, R"("2026-12-01 01:02:03.5")", R"("2026-12-01T01:02:03.500000")"},
                {kDatetime, R"("2026-12-01t01:02:03")", R"("2026-12-01T01:02:03.000000")"},
                {kDatetime, R"("2026-12-01")", R"("2026-12-01T00:00:00.000000")"},
                {kDatetime, R"("2026-12-01T01:02:03Z")", "!"},
                {kDatetime, R"("2026-12-01T")", "!"},
                {kDatetime, "1764547200", "!"}});
}

TEST(JsonRowsValues, Timestamps) {
  using enum BigQueryType;
  ExpectValues(
      {{kTimestamp, R"("2026-12-01T01:02:03.000001Z")", R"("2026-12-01T01:02:03.000001Z")"},
       {kTimestamp, R"("2026-12-01 01:02:03 UTC")", R"("2026-12-01T01:02:03.000000Z")"},
       {kTimestamp, R"("2026-12-01 01:02:03")", R"("2026-12-01T01:02:03.000000Z")"},
       {kTimestamp, R"("2026-12-01T01:02:03+02:00")", R"("2026-11-30T23:02:03.000000Z")"},
       {kTimestamp, R"("2026-12-01T01:02:03-0230")", R"("2026-12-01T03:32:03.000000Z")"},
       {kTimestamp, R"("2026-12-01T01:02:03 +1")", R"("2026-12-01T00:02:03.000000Z")"},
       {kTimestamp, R"("2026-12-01")", R"("2026-12-01T00:00:00.000000Z")"},
       {kTimestamp, R"("2026-12-01T01:02:03.123456789Z")", "!"},
       {kTimestamp, R"("2026-12-01T01:02:03.123456000Z")", R"("2026-12-01T01:02:03.123456Z")"},
       {kTimestamp, R"("2026-12-01T01:02:60Z")", "!"},
       {kTimestamp, R"("0001-01-01T00:00:00+01:00")", "!"},
       {kTimestamp, R"("9999-12-31T23:59:59-01:00")", "!"},
       {kTimestamp, R"("2026-12-01T01:02:03+15:00")", "!"},
       {kTimestamp, R"("2026-12-01T01:02:03Europe/Paris")", "!"},
       {kTimestamp, R"("2026-12-01T01:02:03ZZ")", "!"},
       {kTimestamp, R"("1764547200")", "!"},
       {kTimestamp, "1764547200", R"("2025-12-01T00:00:00.000000Z")"},
       {kTimestamp, "1764547200.000001", R"("2025-12-01T00:00:00.000001Z")"},
       {kTimestamp, "1.7645472e9", R"("2025-12-01T00:00:00.000000Z")"},
       {kTimestamp, "-0.5", R"("1969-12-31T23:59:59.500000Z")"},
       {kTimestamp, "1764547200.0000001", "!"},
       {kTimestamp, "1764547200000", "!"},
       {kTimestamp, "253402300800", "!"},
       {kTimestamp, "true", "!"}});
}

TEST(JsonRowsValues, Geographies) {
  using enum BigQueryType;
  ExpectValues({{kGeography, R"J("POINT(1 2)")J", R"J("POINT(1 2)")J"},
                {kGeography, R"(" multipolygon empty")", R"(" multipolygon empty")"},
                {kGeography, R"({"type":"Point","coordinates":[1,2]})",
                 R"("{\"type\":\"Point\",\"coordinates\":[1,2]}")"},
                {kGeography, R"("{\"type\":\"Point\"}")", R"("{\"type\":\"Point\"}")"},
                {kGeography, R"J("POINTS(1 2)")J", "!"},
                {kGeography, R"("")", "!"},
                {kGeography, "1", "!"},
                {kGeography, "[1,2]", "!"}});
}

TEST(JsonRowsValues, JsonIsItselfInALoadAndTextInInsertAll) {
  const auto type = BigQueryType::kJson;
  for (const char* token : {R"({"a":[1,2.50,"x\n"]})", "1.50", "true", R"("text")", "[]"}) {
    EXPECT_EQ(Value(type, token), token);
    EXPECT_EQ(Value(type, token, RowForm::kInsertAll), json(token).dump());
  }
  EXPECT_EQ(Value(type, "null", RowForm::kInsertAll), "null");
  EXPECT_EQ(Value(type, R"({"a":"\ud83d\ude00"})"), R"({"a":"\ud83d\ude00"})");
  ExpectValues({{type, R"({"a":"\ud800"})", "!"},
                {type, R"({"\udc00":1})", "!"},
                {type, R"({"a":[1e400]})", "!"},
                {type, R"([-1E+999])", "!"}});
  const auto nested = [](size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_EQ(Value(type, nested(500)), nested(500));
  EXPECT_THAT(Value(type, nested(501)), HasSubstr("500 levels"));
}

}  // namespace
}  // namespace bizond
