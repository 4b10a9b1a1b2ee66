// Fuzz body of the CSV parser: every input is read to its end, each record's JSON is valid, and
// reading it in two pieces (as a page that was cut does) finds the same records. BIZOND_LIBFUZZER
// builds it for libFuzzer; otherwise it is a test over seeds and their mutations.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "sources/file/csv_parser.h"
#include "sources/file/csv_rows.h"

namespace bizond {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void Require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

Rows ReadAll(std::string_view input) {
  Rows rows;
  CsvParser parser(',', '"');
  while (!input.empty()) {
    const auto outcome = parser.Next(input, true);
    Require(outcome != CsvParser::Outcome::kIncomplete, "the last piece is never incomplete");
    if (outcome == CsvParser::Outcome::kUnterminated) break;
    Require(parser.size() > 0 && parser.size() <= input.size(), "a record has bytes");
    Require(parser.lines() > 0, "a record has lines");
    std::vector<std::string> row;
    for (const CsvField& field : parser.fields()) {
      std::string json(field.text.size() * 6 + 2, '"');
      char* const end = EscapeJson(field.text, field.doubled ? '"' : '\0', json.data() + 1);
      *end = '"';
      json.resize(static_cast<size_t>(end - json.data()) + 1);
      if (IsUtf8(field.text)) row.push_back(nlohmann::json::parse(json).get<std::string>());
    }
    rows.push_back(std::move(row));
    input.remove_prefix(parser.size());
  }
  return rows;
}

}  // namespace

void FuzzCsv(std::string_view input) {
  ReadAll(input);
  CsvParser whole(',', '"');
  CsvParser cut(',', '"');
  if (input.empty() || whole.Next(input, true) == CsvParser::Outcome::kUnterminated) return;
  // A shorter piece is incomplete, or ends exactly where the record does.
  for (size_t size = 1; size <= std::min<size_t>(input.size(), 64); ++size) {
    if (cut.Next(input.substr(0, size), false) == CsvParser::Outcome::kIncomplete) continue;
    Require(cut.size() == whole.size() || input.substr(0, size).ends_with('"'),
            "a piece ends where the whole record does");
  }
}

}  // namespace bizond

#ifdef BIZOND_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bizond::FuzzCsv({reinterpret_cast<const char*>(data), size});
  return 0;
}
#else
#include <gtest/gtest.h>

namespace bizond {
namespace {

TEST(CsvFuzz, SeedsAndTheirMutations) {
  const std::string_view seeds[] = {"a,b\n1,2\n", "\"a \"\"b\"\"\",\"c\r\nd\"\r\n", ",,\n\"\"\n",
                                    "\"open", "\"a\"b,c\n\n\xff,\xc3\xa9\n"};
  std::mt19937 random(1);
  constexpr std::string_view kBytes = "\",\n\ra\\\xff";
  for (const std::string_view seed : seeds) {
    EXPECT_NO_THROW(FuzzCsv(seed));
    for (int i = 0; i < 2000; ++i) {
      std::string text(seed);
      for (int change = 0; change < 4; ++change) {
        text.insert(text.begin() + static_cast<std::ptrdiff_t>(random() % (text.size() + 1)),
                    kBytes[random() % kBytes.size()]);
      }
      EXPECT_NO_THROW(FuzzCsv(text)) << ::testing::PrintToString(text);
    }
  }
}

}  // namespace
}  // namespace bizond
#endif
