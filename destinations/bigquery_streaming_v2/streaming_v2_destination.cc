#include "destinations/bigquery_streaming_v2/streaming_v2_destination.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/failpoint.h"
#include "destinations/bigquery_streaming_v2/row_descriptor.h"
#include "destinations/divergence.h"
#include "destinations/google/table_labels.h"
#include "destinations/google/target_table.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

// A request is sent when it has grown so far: large enough for throughput, small enough that some
// are on their way at once.
constexpr size_t kRequestBytes = size_t{2} << 20;
// Room for the head of a request: names and the writer's schema.
constexpr size_t kHeadBytes = size_t{256} << 10;
// As many as one commit takes.
constexpr size_t kStreamsMax = 10'000;

int64_t MillisOf(UtcTime time) { return ToUnixMicros(time) / 1000; }

bool HasDefaults(const BigQuerySchema& schema) {
  for (const BigQueryColumn& column : schema) {
    if (!column.default_value_expression.empty() || HasDefaults(column.fields)) return true;
  }
  return false;
}

// `wanted` with the modes and the default values that the table has.
BigQuerySchema AsTheTableHasIt(BigQuerySchema wanted, const BigQuerySchema& table) {
  for (BigQueryColumn& column : wanted) {
    for (const BigQueryColumn& there : table) {
      if (FoldColumnName(there.name) != FoldColumnName(column.name)) continue;
      column.mode = there.mode;
      column.default_value_expression = there.default_value_expression;
      if (column.type == BigQueryType::kRecord) {
        column.fields = AsTheTableHasIt(std::move(column.fields), there.fields);
      }
    }
  }
  return wanted;
}

}  // namespace

StreamingV2Destination::StreamingV2Destination(StreamingV2Options options, Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      api_(options_.config.target.project, options_.config.location, options_.endpoints,
           options_.token, &clock),
      channel_(options_.endpoints, options_.token, &clock),
      write_api_(&channel_),
      target_(options_.config.target) {}

std::string StreamingV2Destination::CanonicalTarget() const {
  return "bigquery:" + options_.config.target.Dotted();
}

Status StreamingV2Destination::Stopped() const {
  if (!stop_.stop_requested()) return {};
  return Failure(StoppedError("writing to " + target_.Dotted()));
}

BigQueryTableName StreamingV2Destination::Written() const {
  return mode_ == PublishMode::kReplace ? Staging() : target_;
}

nlohmann::json StreamingV2Destination::TableResource(const BigQuerySchema& schema,
                                                     bool staging) const {
  nlohmann::json resource = {{"schema", SchemaToRest(schema)}};
  if (staging) {
    // Nobody may come back for it: it goes away by itself, later than its streams do.
    constexpr int64_t kStagingMillis = 3 * 24 * 3600 * int64_t{1000};
    resource["expirationTime"] = std::to_string(MillisOf(clock_.Now()) + kStagingMillis);
  } else {
    resource = NewTableResource(options_.config);
    resource["schema"] = SchemaToRest(schema);
  }
  resource["labels"] = PublisherLabels(publisher_, "");
  return resource;
}

// The table, made when it is not there.
Result<BigQueryTable> StreamingV2Destination::TableOrNew(const BigQueryTableName& name,
                                                         const BigQuerySchema& schema) {
  BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryTable> table, api_.GetTable(name, stop_));
  if (table) return std::move(*table);
  if (options_.config.create_dataset) {
    BIZOND_ASSIGN_OR_RETURN(const bool there, api_.DatasetExists(name, stop_));
    if (!there) BIZOND_RETURN_IF_ERROR(api_.CreateDataset(name, stop_));
  }
  BIZOND_RETURN_IF_ERROR(api_.CreateTable(name, TableResource(schema, name == Staging()), stop_));
  Failpoint("bigquery_streaming_v2.after_table_made");
  fresh_ = true;
  BIZOND_ASSIGN_OR_RETURN(table, api_.GetTable(name, stop_));
  if (table) return std::move(*table);
  return Fail(ErrorKind::kTransient, "bigquery_not_found",
              fmt::format("the table {} was made and is not there yet", name.Dotted()),
              "it is tried again");
}

// Before a stream's first row: the table is there, is ours, and has the columns.
Status StreamingV2Destination::EnsureTable() {
  if (encoder_ != nullptr) return {};
  BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryTable> target, api_.GetTable(target_, stop_));
  const bool direct = mode_ == PublishMode::kDirect;
  if (!target && mode_ != PublishMode::kReplace) {
    BIZOND_ASSIGN_OR_RETURN(target, TableOrNew(target_, options_.config.schema));
  }
  const BigQuerySchema wanted = ColumnsFor(options_.config, target);
  if (target) {
    const auto publication =
        direct ? std::optional<std::string_view>(publisher_.run_id) : std::nullopt;
    BIZOND_ASSIGN_OR_RETURN(target,
                            ClaimTable(&api_, std::move(*target), publisher_, publication, stop_));
  }
  if (mode_ == PublishMode::kReplace) {
    BIZOND_ASSIGN_OR_RETURN(target, TableOrNew(Staging(), wanted));
  }
  if (direct) {
    mark_.publication = publisher_.run_id;
    mark_.target_ms = target->created_ms;
  }
  return MatchSchema(*target, wanted);
}

// The table has the columns of the rows to come, and they are encoded as it has them.
Status StreamingV2Destination::MatchSchema(const BigQueryTable& table,
                                           const BigQuerySchema& wanted) {
  BIZOND_ASSIGN_OR_RETURN(const SchemaChange change, MergeSchemas(table.schema, wanted));
  if (!change.empty()) {
    BIZOND_RETURN_IF_ERROR(
        api_.PatchTable(table.name, {{"schema", SchemaToRest(change.merged)}}, stop_));
    fresh_ = true;
    log_->Write(LogLevel::kInfo, "the table's columns were changed",
                {{"table", table.name.Dotted()},
                 {"added", fmt::format("{}", fmt::join(change.added, ", "))},
                 {"relaxed", fmt::format("{}", fmt::join(change.relaxed, ", "))}});
  }
  const BigQuerySchema written = AsTheTableHasIt(wanted, change.merged);
  writer_schema_ = RowDescriptor(written);
  // A column of the table that is none of the job's has its default as well, as by a load job.
  writer_defaults_ = HasDefaults(change.merged);
  encoder_ = std::make_unique<RowEncoder>(written, options_.config.unnest, ids_);
  return {};
}

Status StreamingV2Destination::EnsureStream() {
  if (stream_ != nullptr) return {};
  BIZOND_RETURN_IF_ERROR(EnsureTable());
  if (mark_.streams.size() >= kStreamsMax) {
    return Fail(ErrorKind::kPermanent, "too_many_write_streams",
                fmt::format("the run has {} write streams, as many as one commit of BigQuery's "
                            "takes",
                            mark_.streams.size()),
                "raise destination.config.buffer_size, so that each of them holds more");
  }
  const bool direct = mode_ == PublishMode::kDirect;
  BIZOND_ASSIGN_OR_RETURN(
      const std::string name,
      write_api_.CreateStream(Written().Path(),
                              direct ? WriteStreamType::kBuffered : WriteStreamType::kPending,
                              fresh_, stop_));
  Failpoint("bigquery_streaming_v2.after_create_stream");
  stream_opened_ms_ = MillisOf(clock_.Now());
  stream_ = std::make_unique<AppendStream>(AppendStreamOptions{.name = name,
                                                               .writer_schema = writer_schema_,
                                                               .defaults = writer_defaults_,
                                                               .fresh = fresh_},
                                           &channel_, rejects_, stop_);
  return {};
}

Status StreamingV2Destination::WriteRecords(const RecordBatch& batch) {
  if (batch.records().empty()) return {};
  BIZOND_RETURN_IF_ERROR(Stopped());
  LeaveChangedTable();
  BIZOND_RETURN_IF_ERROR(EnsureStream());
  unsealed_ = true;
  encoder_->Begin(batch, clock_.Now());
  for (const Record& record : batch.records()) {
    if (record.operation == Operation::kDelete) {
      return Failure(DeleteUnsupported("bigquery_streaming_v2"));
    }
    BIZOND_RETURN_IF_ERROR(WriteRow(record, batch.iteration));
  }
  return {};
}

Status StreamingV2Destination::WriteRow(const Record& record, uint64_t iteration) {
  const auto reject = [&](std::string_view code, std::string reason) {
    return rejects_->Reject(iteration, {.origin = "",
                                        .code = std::string(code),
                                        .reason = std::move(reason),
                                        .data = std::string(record.data.substr(0, 64 << 10)),
                                        .position = record.position});
  };
  row_.clear();
  if (const auto fault = encoder_->Append(record, &row_)) {
    return reject("schema_mismatch", Describe(*fault));
  }
  if (row_.size() > kRowBytesMax) {
    return reject("row_too_large",
                  fmt::format("as a row it has {} bytes, and BigQuery's Storage Write API takes {}",
                              row_.size(), kRowBytesMax));
  }
  if (!request_.empty() && request_.bytes() + row_.size() + kHeadBytes > kAppendBytesMax) {
    BIZOND_RETURN_IF_ERROR(SendRequest());
  }
  request_.Add(row_, encoder_->data_at(), record, iteration);
  const bool full =
      request_.bytes() >= kRequestBytes || request_.rows() >= options_.config.max_rows_per_request;
  return full ? SendRequest() : Status{};
}

Status StreamingV2Destination::SendRequest() {
  if (request_.empty()) return {};
  bytes_written_ += request_.bytes();
  BIZOND_RETURN_IF_ERROR(stream_->Append(std::exchange(request_, stream_->TakeSpare())));
  NoteSchemaUpdate();
  return {};
}

void StreamingV2Destination::NoteSchemaUpdate() {
  if (!stream_->TakeSchemaUpdate()) return;
  table_changed_ = true;
  log_->Write(LogLevel::kInfo,
              "somebody changed the table's columns; it is looked at again after the next "
              "checkpoint",
              {{"table", Written().Dotted()}});
}

// A stream that lasts (direct) gives way to one with the columns as they are now, as soon as all
// that is in it is shown; the others do at each checkpoint.
void StreamingV2Destination::LeaveChangedTable() {
  if (!table_changed_ || unsealed_ || shown_ != mark_.rows) return;
  table_changed_ = false;
  stream_.reset();
  encoder_.reset();
}

Result<std::string> StreamingV2Destination::Flush() {
  // A stream that is stopped while it waits for its source has nothing left to send.
  if (unsealed_) {
    BIZOND_RETURN_IF_ERROR(Stopped());
    BIZOND_RETURN_IF_ERROR(Seal());
  }
  return mark_.Encode();
}

// What was written is in the stream, and the mark names it.
Status StreamingV2Destination::Seal() {
  BIZOND_RETURN_IF_ERROR(SendRequest());
  BIZOND_RETURN_IF_ERROR(stream_->Drain());
  NoteSchemaUpdate();
  // Every row of it was rejected: it stays as it is, and is named when it has one.
  if (stream_->rows() == 0) {
    unsealed_ = false;
    return {};
  }
  if (mode_ == PublishMode::kDirect) {
    if (mark_.streams != std::vector<std::string>{stream_->name()}) {
      mark_.streams = {stream_->name()};
      mark_.opened_ms = stream_opened_ms_;
      shown_ = 0;
    }
    mark_.rows = stream_->rows();
    unsealed_ = false;
    return {};
  }
  Failpoint("bigquery_streaming_v2.before_finalize");
  BIZOND_ASSIGN_OR_RETURN(const int64_t rows, write_api_.FinalizeStream(stream_->name(), stop_));
  Failpoint("bigquery_streaming_v2.after_finalize");
  if (rows != stream_->rows()) {
    return Fail(ErrorKind::kTransient, "write_stream_lost",
                fmt::format("the write stream {} has {} rows, and {} were written", stream_->name(),
                            rows, stream_->rows()),
                "the run goes on from its last checkpoint with another stream");
  }
  mark_.streams.push_back(stream_->name());
  mark_.rows += rows;
  if (mark_.opened_ms == 0) mark_.opened_ms = stream_opened_ms_;
  stream_.reset();
  encoder_.reset();  // The next stream begins with a look at the table.
  table_changed_ = false;
  unsealed_ = false;
  return {};
}

}  // namespace bizond
