// LargeRows: rows that insertAll does not take, brought into the table by NDJSON load jobs.
//
// A job's id is derived from the run and its rows, so that an attempt that sends the same rows
// again finds the job of the one before. When a job refuses its data, its rows are loaded one by
// one: the bad ones go to the rejects.
//
// Error codes: those of google_error.h.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_LARGE_ROWS_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_LARGE_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"
#include "destinations/bigquery_streaming/row_buffer.h"
#include "destinations/google/bigquery_api.h"
#include "sync/destination.h"

namespace bizond {

class LargeRows {
 public:
  LargeRows(BigQueryApi* api, BigQueryTableName table, std::string run, RejectSink* rejects,
            std::stop_token stop);

  // The row's text, without a line end; at most kLargeRowBytesMax of it. Loads what was there
  // before when it becomes too much.
  Status Add(std::string_view row, std::string_view insert_id, const Record& record,
             uint64_t iteration);
  // When it returns without an error, each row is in the table or was rejected.
  Status Load();
  uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  // Rows `begin` to `end`. What the job's data was refused for; empty: they are in the table.
  Result<std::string> LoadRange(size_t begin, size_t end);

  BigQueryApi* const api_;
  const BigQueryTableName table_;
  const std::string run_;
  RejectSink* const rejects_;
  const std::stop_token stop_;
  RowBuffer rows_;
  std::string data_;
  uint64_t bytes_sent_ = 0;
};

// BigQuery takes lines of 100 MB.
inline constexpr size_t kLargeRowBytesMax = 100'000'000;

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_LARGE_ROWS_H_
