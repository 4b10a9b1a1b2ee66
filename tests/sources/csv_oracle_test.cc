// The CSV parser against an oracle of another make: each random table is written by a quoting
// writer here, and must come back as it was; line numbers are counted from the text itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/sources/source_fixture.h"

namespace bizond {
namespace {

using Table = std::vector<std::vector<std::string>>;

std::string Field(const std::string& text, bool always) {
  if (!always && text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

TEST(CsvOracle, RandomTablesComeBackAsTheyWereWritten) {
  std::mt19937 random(7);
  const std::string pieces[] = {"a", "\"", ",", "\n", "\r\n", "\xc3\xa9", "\\", "\t", " ", "\x01"};
  for (int round = 0; round < 60; ++round) {
    const size_t columns = 1 + random() % 4;
    const std::string line_end = round % 2 == 0 ? "\n" : "\r\n";
    std::string text;
    for (size_t c = 0; c < columns; ++c) text += (c ? ",c" : "c") + std::to_string(c);
    Table table;
    const size_t rows = 1 + random() % 200;
    for (size_t r = 0; r < rows; ++r) {
      text += line_end;
      auto& row = table.emplace_back();
      for (size_t c = 0; c < columns; ++c) {
        std::string value;
        for (size_t n = random() % 5; n > 0; --n) value += pieces[random() % std::size(pieces)];
        // A lone empty or unquoted field would read as a blank line.
        text += (c ? "," : "") + Field(value, columns == 1 || random() % 3 == 0);
        row.push_back(value);
      }
    }
    if (round % 3 != 0) text += line_end;
    TestFolder folder;
    folder.Write("t.csv", text);
    RealClock clock;
    OpenedSource source(folder, {.config = R"({"path":"t.csv"})"}, clock);
    const ReadResult result = source.ReadAll();
    ASSERT_FALSE(result.error) << result.error->message;
    ASSERT_EQ(result.records.size(), table.size());
    for (size_t r = 0; r < table.size(); ++r) {
      const auto record = nlohmann::json::parse(result.records[r]);
      for (size_t c = 0; c < columns; ++c) {
        ASSERT_EQ(record.at("c" + std::to_string(c)).get<std::string>(), table[r][c]);
      }
    }
    const auto place = nlohmann::json::parse(result.paginations.back());
    EXPECT_TRUE(place.contains("file"));
  }
}

}  // namespace
}  // namespace bizond
