// What the tests of BigQuery's rows share: columns, parsed records, and one row written.
//
// Threads: one test at a time.
#ifndef BIZOND_TESTS_DESTINATIONS_GOOGLE_ROWS_FIXTURE_H_
#define BIZOND_TESTS_DESTINATIONS_GOOGLE_ROWS_FIXTURE_H_

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "destinations/google/json_rows.h"
#include "sync/record_parser.h"

namespace bizond {

inline BigQueryColumn Column(std::string name, BigQueryType type,
                             ColumnMode mode = ColumnMode::kNullable) {
  return {.name = std::move(name), .type = type, .mode = mode};
}

inline BigQueryColumn RecordOf(std::string name, BigQuerySchema fields,
                               ColumnMode mode = ColumnMode::kNullable) {
  return {.name = std::move(name),
          .type = BigQueryType::kRecord,
          .mode = mode,
          .fields = std::move(fields)};
}

// A record as it comes from a source: parsed, in a batch.
struct Parsed {
  RecordBatch batch;
  explicit Parsed(const std::string& text, const std::vector<std::string>& key = {}) {
    RecordParser parser("", key);
    batch.extracted_at = FromUnixMicros(1'764'547'200'000'001);
    const Status added = parser.Add(batch.Store(text), 0, &batch);
    EXPECT_TRUE(added) << text;
  }
  const Record& record() const { return batch.records().at(0); }
};

struct Written {
  std::string text;   // Of the row.
  std::string fault;  // "column: reason"
};

inline Written Write(const BigQuerySchema& schema, const std::string& record,
                     RowForm form = RowForm::kLoad) {
  JsonRows rows(schema, /*unnest=*/true, form, BizonIdMaker("run", "stream"));
  const Parsed parsed(record);
  rows.Begin(parsed.batch, FromUnixMicros(0));
  Written written{.text = "before|", .fault = {}};
  if (const auto fault = rows.Append(parsed.record(), &written.text)) {
    EXPECT_EQ(written.text, "before|") << "a fault leaves the output as it was";
    return {.text = {}, .fault = fault->column + ": " + fault->reason};
  }
  written.text.erase(0, 7);
  EXPECT_TRUE(nlohmann::json::accept(written.text)) << written.text;
  return written;
}

}  // namespace bizond

#endif  // BIZOND_TESTS_DESTINATIONS_GOOGLE_ROWS_FIXTURE_H_
