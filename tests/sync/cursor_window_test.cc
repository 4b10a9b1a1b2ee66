// What lies in a window, against an oracle that knows nothing of cursors: it draws the values
// themselves, and only then writes them down in one of their many ways.
#include "sync/cursor_window.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "base/time.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A value as the oracle has it, and as a source may write it.
struct Written {
  int64_t value;
  std::string token;
};

class Chance {
 public:
  explicit Chance(uint32_t seed) : random_(seed) {}
  int64_t Between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random_() % static_cast<uint64_t>(most - least + 1));
  }

  // Thousandths, few enough for ties: -2.500 as -2.5, -2500e-3, -0.25E+1.
  Written Number() {
    const int64_t value = Between(-6, 6) * 250;
    const std::string sign = value < 0 ? "-" : "";
    const int64_t size = std::abs(value);
    std::string token;
    switch (Between(0, 3)) {
      case 0:
        token = fmt::format("{}{}.{:03}", sign, size / 1000, size % 1000);
        break;
      case 1:
        token = fmt::format("{}{}e-3", sign, size);
        break;
      case 2:
        token = fmt::format("{}{}.{:04}E+1", sign, size / 10000, size % 10000);
        break;
      default:
        token = size % 1000 == 0 ? fmt::format("{}{}", sign, size / 1000)
                                 : fmt::format("{}{}.{:03}00", sign, size / 1000, size % 1000);
    }
    return {value, token};
  }
  // Quarters of an hour around a change of the year, with an offset.
  Written Instant() {
    const int64_t quarter = Between(-8, 8);
    const int64_t offset = Between(-5, 5);
    const UtcTime instant =
        ParseUtc("2027-01-01T00:00:00Z").value() + std::chrono::minutes(15 * quarter);
    const std::string local = FormatUtc(instant + std::chrono::hours(offset));
    const std::string fraction = Between(0, 1) == 0 ? "" : ".000000";
    const std::string zone =
        offset == 0 && Between(0, 1) == 0
            ? "Z"
            : fmt::format("{}{:02}:00", offset < 0 ? '-' : '+', std::abs(offset));
    const char between = Between(0, 1) == 0 ? 'T' : ' ';
    return {quarter, fmt::format("\"{}{}{}{}{}\"", local.substr(0, 10), between,
                                 local.substr(11, 8), fraction, zone)};
  }
  // "a" to "m", some with an escape that means the same.
  Written Text() {
    const int64_t letter = Between(0, 12);
    const int code = 'a' + static_cast<int>(letter);
    return {letter, Between(0, 2) == 0 ? fmt::format("\"\\u00{:02x}\"", code)
                                       : fmt::format("\"{}\"", static_cast<char>(code))};
  }
  Written Of(CursorType type) {
    if (type == CursorType::kNumber) return Number();
    return type == CursorType::kTimestamp ? Instant() : Text();
  }

 private:
  std::mt19937 random_;
};

// Which of `values` the window leaves in a batch, by their place.
std::vector<size_t> Kept(const CursorWindow& window, const std::vector<Written>& values) {
  RecordBatch batch;
  for (size_t i = 0; i < values.size(); ++i) {
    Record record;
    record.data = "{}";
    record.cursor = values[i].token;
    record.position = static_cast<uint32_t>(i);
    batch.records().push_back(record);
  }
  const Result<uint64_t> left_out = window.Apply("at", OnNullCursor::kFail, &batch);
  EXPECT_TRUE(left_out) << Describe(left_out.error());
  EXPECT_EQ(*left_out + batch.records().size(), values.size());
  std::vector<size_t> kept;
  for (const Record& record : batch.records()) kept.push_back(record.position);
  return kept;
}

std::string Code(const Result<CursorWindow>& window) { return window ? "" : window.error().code; }

std::vector<std::string> Tokens(const std::vector<CursorWindow>& slices) {
  std::vector<std::string> tokens;
  tokens.reserve(slices.size());
  for (const CursorWindow& slice : slices) {
    tokens.push_back(slice.from_token() + " " + slice.to_token());
  }
  return tokens;
}

TEST(CursorWindow, KeepsWhatTheOracleSaysLiesInIt) {
  for (const CursorType type : {CursorType::kNumber, CursorType::kTimestamp, CursorType::kText}) {
    for (uint32_t seed = 1; seed <= 300; ++seed) {
      Chance chance(seed);
      const Written from = chance.Of(type);
      const Written to = chance.Of(type);
      const CursorType wanted = seed % 2 == 0 ? type : CursorType::kNone;
      const Result<CursorWindow> made = CursorWindow::Make(from.token, to.token, wanted);
      ASSERT_EQ(made.has_value(), from.value < to.value) << from.token << " " << to.token;
      if (!made) continue;
      EXPECT_EQ(made->type(), type);
      const CursorWindow window = CursorWindow::Decode(made->Encode()).value();
      std::vector<Written> values;
      std::vector<size_t> wanted_places;
      for (size_t i = 0; i < 40; ++i) {
        values.push_back(chance.Of(type));
        const int64_t value = values.back().value;
        if (from.value <= value && value < to.value) wanted_places.push_back(i);
      }
      EXPECT_EQ(Kept(window, values), wanted_places) << "seed " << seed << " " << made->Encode();
    }
  }
}

TEST(CursorWindow, EachRecordLiesInOneSlice) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    Chance chance(seed);
    const Written from = chance.Instant();
    const Written to = chance.Instant();
    if (from.value >= to.value) continue;
    const int64_t width = chance.Between(1, 9);
    const CursorWindow window = CursorWindow::Make(from.token, to.token).value();
    const auto slices = window.Split(fmt::format("{}m", 15 * width), 100).value();
    ASSERT_EQ(std::ssize(slices), (to.value - from.value + width - 1) / width);
    EXPECT_EQ(slices.front().from_token(), from.token);
    EXPECT_EQ(slices.back().to_token(), to.token);
    std::vector<Written> values(40);
    for (Written& value : values) value = chance.Instant();
    for (size_t i = 0; i < values.size(); ++i) {
      int holders = 0;
      for (size_t k = 0; k < slices.size(); ++k) {
        if (Kept(slices[k], {values[i]}).empty()) continue;
        ++holders;
        EXPECT_EQ(static_cast<int64_t>(k), (values[i].value - from.value) / width);
      }
      EXPECT_EQ(holders, from.value <= values[i].value && values[i].value < to.value ? 1 : 0);
    }
  }
}

TEST(CursorWindow, SlicesOfNumbersAndOfFinestInstants) {
  const CursorWindow numbers = CursorWindow::Make("-5", "17").value();
  EXPECT_THAT(Tokens(numbers.Split("10", 3).value()), ElementsAre("-5 5", "5 15", "15 17"));
  EXPECT_EQ(numbers.Split("10", 2).error().code, "invalid_backfill");
  EXPECT_THAT(numbers.Split("10", 2).error().message, HasSubstr("3 slices"));
  const CursorWindow all =
      CursorWindow::Make("-9223372036854775808", "9223372036854775807").value();
  EXPECT_EQ(all.Split("9223372036854775807", 10).value().size(), 3U);
  EXPECT_FALSE(all.Split("1", 1000));
  const CursorWindow nanos =
      CursorWindow::Make("\"2027-01-01T00:00:00.000000100Z\"", "\"2027-01-01T00:00:00.000000900Z\"")
          .value();
  EXPECT_THAT(Tokens(nanos.Split("1us", 10).value()),
              ElementsAre("\"2027-01-01T00:00:00.000000100Z\" \"2027-01-01T00:00:00.000000900Z\""));
  for (const char* const wrong : {"", "0", "-1d", "soon", "1000000y"}) {
    EXPECT_EQ(nanos.Split(wrong, 10).error().code, "invalid_backfill") << wrong;
    EXPECT_EQ(numbers.Split(wrong, 10).error().code, "invalid_backfill") << wrong;
  }
  EXPECT_EQ(CursorWindow::Make("0.5", "3").value().Split("1", 10).error().code, "invalid_backfill");
  EXPECT_EQ(CursorWindow::Make("\"a\"", "\"b\"").value().Split("1d", 10).error().code,
            "invalid_backfill");
}

TEST(CursorWindow, EndsAreOfTheTypeThatTheStreamHas) {
  EXPECT_EQ(CursorWindow::Make("\"5\"", "\"12\"", CursorType::kNumber).value().to_token(), "12");
  EXPECT_EQ(CursorWindow::Make("12", "5", CursorType::kText).value().from_token(), "\"12\"");
  EXPECT_EQ(CursorWindow::Make("\"2027-01-01\"", "\"2027-02-01\"", CursorType::kText)->type(),
            CursorType::kText);
  EXPECT_EQ(Code(CursorWindow::Make("\"x\"", "\"y\"", CursorType::kTimestamp)), "invalid_backfill");
  EXPECT_EQ(Code(CursorWindow::Make("1", "2", CursorType::kTimestamp)), "invalid_backfill");
  EXPECT_EQ(Code(CursorWindow::Make("1", "\"2027-01-01\"")), "invalid_backfill");
  EXPECT_EQ(Code(CursorWindow::Make("null", "1")), "invalid_backfill");
  EXPECT_EQ(Code(CursorWindow::Make("null", "1", CursorType::kText)), "invalid_backfill");
  EXPECT_EQ(Code(CursorWindow::Make("true", "false")), "invalid_backfill");
  EXPECT_EQ(Code(CursorWindow::Make("1.0", "1")), "invalid_backfill") << "nothing lies between";
  for (const char* const damaged :
       {"", "{}", "[]", R"({"from": "1"})", R"({"from": 1, "to": 2})"}) {
    EXPECT_EQ(Code(CursorWindow::Decode(damaged)), "bad_window") << damaged;
  }
}

TEST(CursorWindow, ARecordWithoutACursorLiesInNone) {
  const CursorWindow window = CursorWindow::Make("1", "9").value();
  const auto apply = [&](OnNullCursor on_null, RecordBatch* batch) {
    for (const char* const token : {"null", "5", ""}) {
      Record record;
      record.data = "{}";
      record.cursor = token;
      batch->records().push_back(record);
    }
    return window.Apply("at", on_null, batch);
  };
  RecordBatch failing;
  EXPECT_EQ(apply(OnNullCursor::kFail, &failing).error().code, "null_cursor");
  RecordBatch rejecting;
  EXPECT_EQ(apply(OnNullCursor::kReject, &rejecting).value(), 0U);
  EXPECT_EQ(rejecting.rejects().size(), 2U);
  RecordBatch including;
  EXPECT_EQ(apply(OnNullCursor::kInclude, &including).value(), 2U);
  EXPECT_EQ(including.records().size(), 1U);
  RecordBatch other;
  Record record;
  record.cursor = "\"2027-01-01\"";
  other.records().push_back(record);
  EXPECT_EQ(window.Apply("at", OnNullCursor::kFail, &other).error().code, "cursor_type_changed");
}

}  // namespace
}  // namespace bizond
