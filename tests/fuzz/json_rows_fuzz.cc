// Fuzz body of BigQuery's rows: whatever a record holds, a row is valid JSON that BigQuery's own
// reader would take, or the record is a fault and nothing is written; and the times and decimals
// never fall over a text. BIZOND_LIBFUZZER builds it for libFuzzer; otherwise it is a test over
// seeds and their mutations.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/google/civil_time.h"
#include "destinations/google/decimal.h"
#include "destinations/google/json_rows.h"
#include "sync/record_parser.h"

namespace bizond {
namespace {

void Require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

// A column of each type ("c0") and a list of it ("c0s"), plain, in a RECORD and in a list of them.
BigQuerySchema AllTypes() {
  constexpr size_t kScalars = 13;
  BigQuerySchema fields;
  for (size_t i = 0; i < kScalars; ++i) {
    const auto type = static_cast<BigQueryType>(i);
    const std::string name = "c" + std::to_string(i);
    fields.push_back({.name = name, .type = type});
    fields.push_back({.name = name + "s", .type = type, .mode = ColumnMode::kRepeated});
  }
  BigQuerySchema all = fields;
  all.push_back({.name = "r", .type = BigQueryType::kRecord, .fields = fields});
  all.push_back({.name = "rs",
                 .type = BigQueryType::kRecord,
                 .mode = ColumnMode::kRepeated,
                 .fields = std::move(fields)});
  return all;
}

void WriteRow(const Record& record, const RecordBatch& batch, bool unnest, RowForm form) {
  static const BigQuerySchema unnested = AllTypes();
  JsonRows rows(unnest ? unnested : BizonSchema(true), unnest, form, BizonIdMaker("r", "s"));
  rows.Begin(batch, UtcTime());
  std::string out = "kept";
  if (const auto fault = rows.Append(record, &out)) {
    Require(out == "kept", "a fault leaves the output alone");
    Require(!fault->reason.empty(), "a fault has a reason");
    return;
  }
  Require(out.starts_with("kept{"), "a row is appended");
  Require(out.find('\n') == out.npos, "a row is one line");
  // A number beyond a double is valid JSON, but this reader takes none: there are none.
  Require(nlohmann::json::accept(out.substr(4)), "a row is valid JSON");
}

}  // namespace

void FuzzJsonRows(std::string_view input) {
  (void)ParseCivilDate(input);
  (void)ParseCivilTime(input);
  (void)ParseCivilDatetime(input);
  (void)ParseCivilTimestamp(input);
  (void)ParseEpochSeconds(input);
  if (const auto decimal = Decimal::Parse(input)) {
    Require(!decimal->FitsNumeric() || decimal->FitsBigNumeric(), "the larger one holds more");
  }
  RecordBatch batch;
  RecordParser parser("", {"c0"});
  if (!parser.Add(batch.Store(input), 0, &batch)) return;
  for (const RowForm form : {RowForm::kLoad, RowForm::kInsertAll}) {
    WriteRow(batch.records()[0], batch, true, form);
    WriteRow(batch.records()[0], batch, false, form);
  }
}

}  // namespace bizond

#ifdef BIZOND_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bizond::FuzzJsonRows({reinterpret_cast<const char*>(data), size});
  return 0;
}
#else
#include <gtest/gtest.h>

namespace bizond {
namespace {

TEST(JsonRowsFuzz, SeedsAndTheirMutations) {
  const std::string_view seeds[] = {
      R"({"c0":"a\u00e9\ud83d\ude00","c1":"aGk=","c2":1,"c3":1.5,"c4":"0.1","c5":1e3,"c6":true})",
      R"({"c7":"2026-12-01T00:00:00Z","c8":"2026-12-01 1:2:3","c9":"2026-12-01","c10":"1:2:3.5"})",
      R"J({"c11":"POINT(1 2)","c12":{"a":[1,{"b":null}]},"c0s":["a"],"c2s":[1],"c12s":[[],{}]})J",
      R"({"r":{"c0":"x","c2s":[1]},"rs":[{"c3":1},{},{"c9s":["2026-01-01"]}],"c7":1764547200.5})",
      "2026-12-01T23:59:59.999999+01:30",
      "-578960446186580977117854925043439539266.3499e-12"};
  std::mt19937 random(1);
  constexpr std::string_view kBytes = "\"\\{}[],:.-+eE0195nutd8 Z\xc3\xa9\x01";
  for (const std::string_view seed : seeds) {
    EXPECT_NO_THROW(FuzzJsonRows(seed)) << seed;
    for (int i = 0; i < 3000; ++i) {
      std::string text(seed);
      for (unsigned change = 0; change < 1 + random() % 4; ++change) {
        const size_t at = random() % text.size();
        const char byte = kBytes[random() % kBytes.size()];
        switch (random() % 3) {
          case 0:
            text[at] = byte;
            break;
          case 1:
            text.insert(text.begin() + static_cast<std::ptrdiff_t>(at), byte);
            break;
          default:
            text.erase(at, 1 + random() % 3);
        }
        if (text.empty()) text = "{";
      }
      EXPECT_NO_THROW(FuzzJsonRows(text)) << ::testing::PrintToString(text);
    }
  }
}

}  // namespace
}  // namespace bizond
#endif
