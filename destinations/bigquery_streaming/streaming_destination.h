// The destination `bigquery_streaming`: rows into a table of BigQuery by insertAll, seen by queries
// within seconds. At least once.
//
// There is no staging: a row is in the table as soon as its request is done, so that a run that
// dies is run again and its rows are written again. BigQuery drops a row whose insertId it has seen
// in the last minute or so; it is made of the bizon_id and the record's bytes, so that a replayed
// row is dropped and a changed one is not. Rows that are too large for insertAll go by load jobs,
// whose ids are derived from the run. A full refresh adds its rows, as bizon's does; a reset is
// refused, for it would double what it is to replace.
//
// Error codes: replace_unsupported, delete_unsupported, schema_mismatch and row_too_large (of
// rejects); those of ReadBigQueryConfig, BigQueryApi and RowInserter.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_STREAMING_DESTINATION_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_STREAMING_DESTINATION_H_

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "destinations/bigquery_streaming/large_rows.h"
#include "destinations/bigquery_streaming/row_buffer.h"
#include "destinations/bigquery_streaming/row_inserter.h"
#include "destinations/google/bigquery_api.h"
#include "destinations/google/bigquery_config.h"
#include "destinations/google/json_rows.h"
#include "sync/connector.h"

namespace bizond {

Result<std::unique_ptr<Destination>> OpenBigQueryStreaming(const ConnectorArgs& args);

struct StreamingOptions {
  BigQueryConfig config;
  BigQueryEndpoints endpoints;
  std::shared_ptr<GoogleTokenSource> token;  // nullptr: an emulator.
  bool full_refresh = false;
};

class BigQueryStreamingDestination final : public Destination {
 public:
  BigQueryStreamingDestination(StreamingOptions options, Clock& clock);
  ~BigQueryStreamingDestination() override;

  Status CheckConnection(std::stop_token stop) override;
  std::string CanonicalTarget() const override;
  Status Open(const OpenRequest& request, std::stop_token stop) override;
  Status WriteRecords(const RecordBatch& batch) override;
  Result<std::string> Flush() override;
  Result<DestinationPlan> Plan(PublishMode mode, std::stop_token stop) override;
  Result<std::vector<AccessCheck>> CheckAccess(PublishMode mode, std::stop_token stop) override;
  uint64_t BytesWritten() const override;

 private:
  // What one Open has made; rows go through it.
  struct Session;

  Result<std::optional<BigQueryTable>> FindTable(std::stop_token stop);
  // The table is there, with the columns that are written.
  Status EnsureTable(std::stop_token stop);
  Status MakeTable(std::stop_token stop);
  Status WriteRecord(const Record& record, uint64_t iteration);
  Status AddRow(const Record& record, uint64_t iteration);
  Status AddLargeRow(const Record& record, uint64_t iteration);
  Status Reject(const Record& record, uint64_t iteration, std::string_view code,
                std::string reason);
  Status SendRows();

  const StreamingOptions options_;
  Clock& clock_;
  BigQueryApi api_;
  BigQueryTableName table_;
  BigQuerySchema schema_;  // Of the rows.
  RunLog* log_ = nullptr;
  std::unique_ptr<Session> session_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_STREAMING_DESTINATION_H_
