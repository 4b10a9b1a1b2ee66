#include "destinations/bigquery_streaming/streaming_destination.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/identity.h"
#include "destinations/divergence.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

// bizon's own: BigQuery takes 10 MB of either, and is at its best far below.
constexpr size_t kRowBytesMax = 943'718;  // 0.9 MiB
constexpr size_t kRequestBytesMax = size_t{5} << 20;
constexpr size_t kIdBytes = 32;
constexpr size_t kContentHashBytes = 16;

}  // namespace

struct BigQueryStreamingDestination::Session {
  Session(BigQueryApi* api, const BigQueryTableName& table, const BigQuerySchema& schema,
          bool unnest, const OpenRequest& request, const std::stop_token& asked)
      : stop(asked),
        rejects(request.rejects),
        rows(schema, unnest, RowForm::kInsertAll, request.ids),
        large_rows(schema, unnest, RowForm::kLoad, request.ids),
        inserter(api, table, request.rejects, asked),
        large(api, table, request.publisher.run_id, request.rejects, asked) {}

  // "<bizon_id>-<hash of the record>", which BigQuery drops a row by that it has just seen. Valid
  // until the next call.
  std::string_view InsertId(const Record& record) {
    std::array<char, kIdBytes> hash;
    WriteHex(HashBytes(record.data), hash.data());
    rows.WriteId(record, id.data());
    id[kIdBytes] = '-';
    std::copy_n(hash.begin(), kContentHashBytes, id.begin() + kIdBytes + 1);
    return {id.data(), id.size()};
  }

  const std::stop_token stop;
  RejectSink* const rejects;
  JsonRows rows;
  JsonRows large_rows;
  RowBuffer pending;
  RowInserter inserter;
  LargeRows large;
  std::string row;  // The one that is being made.
  std::array<char, kIdBytes + 1 + kContentHashBytes> id{};
};

BigQueryStreamingDestination::BigQueryStreamingDestination(StreamingOptions options, Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      api_(options_.config.target.project, options_.config.location, options_.endpoints,
           options_.token, &clock),
      table_(options_.config.target),
      schema_(options_.config.schema) {}

BigQueryStreamingDestination::~BigQueryStreamingDestination() = default;

std::string BigQueryStreamingDestination::CanonicalTarget() const {
  return "bigquery:" + options_.config.target.Dotted();
}

Status BigQueryStreamingDestination::CheckConnection(std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const bool there, api_.DatasetExists(table_, stop));
  if (!there) return {};  // A run makes it.
  BIZOND_ASSIGN_OR_RETURN(const auto table, FindTable(std::move(stop)));
  if (table) BIZOND_RETURN_IF_ERROR(MergeSchemas(table->schema, schema_));
  return {};
}

Status BigQueryStreamingDestination::Open(const OpenRequest& request, std::stop_token stop) {
  session_.reset();
  log_ = request.log;
  if (request.mode == PublishMode::kReplace) {
    if (!options_.full_refresh) {
      return Fail(ErrorKind::kConfig, "replace_unsupported",
                  "bigquery_streaming adds rows and replaces none: a reset would double them",
                  "use the destination bigquery or bigquery_streaming_v2, or empty the table and "
                  "give the job another name");
    }
    log_->Warn({"full_refresh_adds",
                fmt::format("a full refresh by bigquery_streaming adds its rows to those that the "
                            "runs before left in {}",
                            table_.Dotted()),
                "bigquery and bigquery_streaming_v2 replace them"});
  }
  BIZOND_RETURN_IF_ERROR(EnsureTable(stop));
  session_ =
      std::make_unique<Session>(&api_, table_, schema_, options_.config.unnest, request, stop);
  return {};
}

// ---- rows ----

Status BigQueryStreamingDestination::WriteRecords(const RecordBatch& batch) {
  if (session_->stop.stop_requested()) {
    return Failure(StoppedError(fmt::format("writing to {}", table_.Dotted())));
  }
  const UtcTime now = clock_.Now();
  session_->rows.Begin(batch, now);
  session_->large_rows.Begin(batch, now);
  for (const Record& record : batch.records()) {
    if (record.operation == Operation::kDelete) {
      return Failure(DeleteUnsupported("bigquery_streaming"));
    }
    BIZOND_RETURN_IF_ERROR(WriteRecord(record, batch.iteration));
  }
  return {};
}

Status BigQueryStreamingDestination::WriteRecord(const Record& record, uint64_t iteration) {
  // A row is about as large as its record: this one need not be made twice.
  if (record.data.size() > kRowBytesMax) return AddLargeRow(record, iteration);
  session_->row.clear();
  if (const auto fault = session_->rows.Append(record, &session_->row)) {
    return Reject(record, iteration, "schema_mismatch", Describe(*fault));
  }
  if (session_->row.size() > kRowBytesMax) return AddLargeRow(record, iteration);
  return AddRow(record, iteration);
}

Status BigQueryStreamingDestination::AddRow(const Record& record, uint64_t iteration) {
  RowBuffer& pending = session_->pending;
  const size_t frames = (pending.size() + 1) * kRowFrameBytes;
  const bool full = pending.size() >= options_.config.max_rows_per_request ||
                    pending.bytes() + session_->row.size() + frames > kRequestBytesMax;
  if (full && !pending.empty()) BIZOND_RETURN_IF_ERROR(SendRows());
  pending.Add(session_->row, session_->InsertId(record), record, iteration);
  return {};
}

Status BigQueryStreamingDestination::AddLargeRow(const Record& record, uint64_t iteration) {
  session_->row.clear();
  if (const auto fault = session_->large_rows.Append(record, &session_->row)) {
    return Reject(record, iteration, "schema_mismatch", Describe(*fault));
  }
  if (session_->row.size() > kLargeRowBytesMax) {
    return Reject(record, iteration, "row_too_large",
                  fmt::format("as a row it has {} bytes, and BigQuery takes {}",
                              session_->row.size(), kLargeRowBytesMax));
  }
  return session_->large.Add(session_->row, session_->InsertId(record), record, iteration);
}

Status BigQueryStreamingDestination::Reject(const Record& record, uint64_t iteration,
                                            std::string_view code, std::string reason) {
  return session_->rejects->Reject(iteration,
                                   {.origin = "",
                                    .code = std::string(code),
                                    .reason = std::move(reason),
                                    .data = std::string(record.data.substr(0, kRejectBytesMax)),
                                    .position = record.position});
}

Status BigQueryStreamingDestination::SendRows() {
  BIZOND_RETURN_IF_ERROR(session_->inserter.Insert(session_->pending));
  session_->pending.Clear();
  return {};
}

Result<std::string> BigQueryStreamingDestination::Flush() {
  if (session_ == nullptr) return std::string();
  if (!session_->pending.empty()) BIZOND_RETURN_IF_ERROR(SendRows());
  BIZOND_RETURN_IF_ERROR(session_->large.Load());
  return std::string();
}

uint64_t BigQueryStreamingDestination::BytesWritten() const {
  if (session_ == nullptr) return 0;
  return session_->inserter.bytes_sent() + session_->large.bytes_sent();
}

}  // namespace bizond
