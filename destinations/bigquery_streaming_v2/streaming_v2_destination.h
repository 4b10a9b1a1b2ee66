// The destination `bigquery_streaming_v2`: rows through BigQuery's Storage Write API, exactly once.
//
// Rows are staged in write streams that nobody sees. Each Flush seals the stream it wrote to, so
// that what lies beyond a mark is in streams that no mark names: they are never published, and a
// run that comes back needs nothing of what it wrote there.
//
//   append: PENDING streams of the main table, committed together at the end.
//   replace: PENDING streams of `<table>_temp`, committed, and a query job that overwrites the main
//       table and keeps its partitioning and clustering.
//   direct: one BUFFERED stream of the main table. Its rows are shown as far as a mark that is
//   known
//       to be stored.
//
// BigQuery keeps an uncommitted stream for 24 hours: a run that takes longer begins anew.
//
// Error codes: schema_mismatch, row_too_large, row_refused, too_many_write_streams,
// write_stream_lost, staging_lost, target_diverged, fenced, bad_mark, delete_unsupported, those of
// bigquery_api.h.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_STREAMING_V2_DESTINATION_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_STREAMING_V2_DESTINATION_H_

#include <memory>
#include <optional>
#include <string>

#include "base/fs.h"
#include "destinations/bigquery_streaming_v2/append_stream.h"
#include "destinations/bigquery_streaming_v2/row_encoder.h"
#include "destinations/bigquery_streaming_v2/stream_state.h"
#include "destinations/bigquery_streaming_v2/write_api.h"
#include "destinations/google/bigquery_api.h"
#include "destinations/google/bigquery_config.h"
#include "sync/connector.h"

namespace bizond {

Result<std::unique_ptr<Destination>> OpenBigQueryStreamingV2(const ConnectorArgs& args);

struct StreamingV2Options {
  BigQueryConfig config;
  BigQueryEndpoints endpoints;
  std::shared_ptr<GoogleTokenSource> token;  // nullptr: an emulator, which asks for none.
  std::optional<Root> state_dir;             // Of the lock.
};

class StreamingV2Destination final : public Destination {
 public:
  StreamingV2Destination(StreamingV2Options options, Clock& clock);

  Status CheckConnection(std::stop_token stop) override;
  bool ExactlyOnce() const override { return true; }
  std::string CanonicalTarget() const override;
  Status Open(const OpenRequest& request, std::stop_token stop) override;
  Status WriteRecords(const RecordBatch& batch) override;
  Result<std::string> Flush() override;
  Status MarkStored() override;
  Result<std::string> Prepare() override;
  using Destination::Finalize;
  Result<std::string> Finalize(std::string_view intent) override;
  Status Cleanup() override;
  Status Discard() override;
  Result<DestinationPlan> Plan(PublishMode mode, std::stop_token stop) override;
  Result<std::vector<AccessCheck>> CheckAccess(PublishMode mode, std::stop_token stop) override;
  uint64_t BytesWritten() const override { return bytes_written_; }

 private:
  // ---- opening (open_streaming_v2.cc) ----
  Result<std::optional<BigQueryTable>> FindTarget(std::stop_token stop);
  Status Resume(const OpenRequest& request);
  Status CheckTarget(const OpenRequest& request, const std::optional<BigQueryTable>& table);
  std::string WhatDiverged(const std::optional<BigQueryTable>& table) const;
  // ---- writing ----
  BigQueryTableName Staging() const { return target_.WithTable(target_.table + "_temp"); }
  BigQueryTableName Written() const;
  Status EnsureStream();
  Status EnsureTable();
  Status MatchSchema(const BigQueryTable& table, const BigQuerySchema& wanted);
  nlohmann::json TableResource(const BigQuerySchema& schema, bool staging) const;
  Result<BigQueryTable> TableOrNew(const BigQueryTableName& name, const BigQuerySchema& schema);
  Status WriteRow(const Record& record, uint64_t iteration);
  Status SendRequest();
  void NoteSchemaUpdate();
  void LeaveChangedTable();
  // ---- publishing (publication.cc) ----
  Status Seal();
  Status Commit(const StreamState& intent);
  Status Overwrite(const StreamState& intent, const BigQueryTable& target);
  nlohmann::json OverwriteQuery(const nlohmann::json& target) const;
  std::string Receipt(const std::string& publication, int64_t target_ms) const;
  Status Stopped() const;

  const StreamingV2Options options_;
  Clock& clock_;
  BigQueryApi api_;
  WriteChannel channel_;
  WriteApi write_api_;

  BigQueryTableName target_;
  PublishMode mode_ = PublishMode::kReplace;
  Publisher publisher_;
  BizonIdMaker ids_;
  RunLog* log_ = nullptr;
  RejectSink* rejects_ = nullptr;
  std::stop_token stop_;
  std::optional<FileLock> lock_;

  StreamState last_;    // What this store published last.
  StreamState mark_;    // What is durable; its kind is "mark".
  int64_t shown_ = 0;   // In stream mode: rows of the mark's stream that are known to be shown.
  bool fresh_ = false;  // The table was made or changed by this attempt.
  std::unique_ptr<RowEncoder> encoder_;  // Once the table is there and has the columns.
  std::string writer_schema_;            // The rows' descriptor.
  bool writer_defaults_ = false;
  std::unique_ptr<AppendStream> stream_;
  int64_t stream_opened_ms_ = 0;
  bool table_changed_ = false;  // Since the encoder was made, as the service told.
  bool unsealed_ = false;       // There were records since the last mark.
  AppendRequest request_;
  std::string row_;  // Scratch.
  uint64_t bytes_written_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_STREAMING_V2_DESTINATION_H_
