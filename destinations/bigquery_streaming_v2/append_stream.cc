#include "destinations/bigquery_streaming_v2/append_stream.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "destinations/bigquery_streaming_v2/append_call.h"

namespace bizond {
namespace {

constexpr int kGapsMax = 3;
// Requests whose memory is kept: as many as are full at a time where the service keeps up.
constexpr size_t kSpareMax = 4;
constexpr size_t kSpareBytesMax = size_t{4} << 20;  // One with a row of 8 MiB is none of them.

// StorageError.StorageErrorCode, in the details of a refusal.
constexpr int kStorageExtraFields = write_proto::StorageError::SCHEMA_MISMATCH_EXTRA_FIELDS;
constexpr int kStorageFinalized = write_proto::StorageError::STREAM_FINALIZED;
constexpr int kStorageStreamNotFound = write_proto::StorageError::STREAM_NOT_FOUND;

}  // namespace

AppendStream::AppendStream(AppendStreamOptions options, WriteChannel* channel, RejectSink* rejects,
                           std::stop_token stop)
    : options_(std::move(options)),
      channel_(*channel),
      rejects_(*rejects),
      stop_(std::move(stop)),
      backoff_(&channel->clock()),
      fresh_(options_.fresh) {}

AppendStream::~AppendStream() = default;

Error AppendStream::Lost(std::string_view what) const {
  return {.kind = ErrorKind::kTransient,
          .code = "write_stream_lost",
          .message = fmt::format("the write stream {} cannot be gone on with: {}", options_.name,
                                 what.substr(0, 500)),
          .remedy =
              "the run goes on from its last checkpoint with another stream; nothing of this "
              "one beyond it is ever published"};
}

AppendRequest AppendStream::TakeSpare() {
  AppendRequest request;
  if (!spare_.empty()) {
    request = std::move(spare_.back());
    spare_.pop_back();
    request.Clear();
  }
  return request;
}

Status AppendStream::Append(AppendRequest request) {
  if (request.empty()) return {};
  pending_bytes_ += request.MemoryBytes();
  pending_.push_back({std::move(request)});
  while (true) {
    BIZOND_ASSIGN_OR_RETURN(const bool more, Work(pending_bytes_ > options_.in_flight_bytes_max));
    if (!more) return {};
  }
}

Status AppendStream::Drain() {
  while (!pending_.empty()) BIZOND_RETURN_IF_ERROR(Work(true));
  return {};
}

bool AppendStream::TakeSchemaUpdate() { return std::exchange(schema_updated_, false); }

Status AppendStream::Connect() {
  sent_ = 0;
  sent_rows_ = 0;
  unanswered_ = 0;
  rewinding_ = false;
  rows_removed_ = false;
  schema_sent_ = false;
  BIZOND_ASSIGN_OR_RETURN(call_, AppendCall::Start(&channel_, options_.name, stop_));
  return {};
}

Status AppendStream::SendNext() {
  Pending& next = pending_[sent_];
  call_->Send({.stream = options_.name,
               .offset = acknowledged_ + sent_rows_,
               .writer_schema = schema_sent_ ? std::string() : options_.writer_schema,
               .defaults = options_.defaults},
              next.request.shared_bytes());
  schema_sent_ = true;
  ++next.sends;
  ++sent_;
  ++unanswered_;
  sent_rows_ += static_cast<int64_t>(next.request.rows());
  return {};
}

Result<bool> AppendStream::Work(bool wait) {
  if (stop_.stop_requested()) return Failure(StoppedError("appending to " + options_.name));
  if (pending_.empty()) return false;
  if (call_ == nullptr) BIZOND_RETURN_IF_ERROR(Connect());
  if (!rewinding_ && sent_ < pending_.size() && call_->CanSend()) {
    BIZOND_RETURN_IF_ERROR(SendNext());
  }
  AppendAnswer answer;
  switch (call_->Next(wait, &answer)) {
    case AppendCall::Event::kProgress:
      return true;
    case AppendCall::Event::kAnswer:
      channel_.TokenTaken();
      BIZOND_RETURN_IF_ERROR(OnAnswer(answer));
      return true;
    case AppendCall::Event::kEnded: {
      const grpc::Status status = call_->status();  // OnCut drops the call.
      BIZOND_RETURN_IF_ERROR(OnCut(status));
      return true;
    }
    case AppendCall::Event::kStopped:
      return Failure(StoppedError("appending to " + options_.name));
    case AppendCall::Event::kSilent:
      break;
  }
  if (!wait) return false;
  BIZOND_RETURN_IF_ERROR(
      OnCut(grpc::Status(grpc::DEADLINE_EXCEEDED, "the service did not answer for two minutes")));
  return true;
}

void AppendStream::Acknowledge() {
  Pending& first = pending_.front();
  const auto rows = static_cast<int64_t>(first.request.rows());
  acknowledged_ += rows;
  sent_rows_ -= rows;
  const size_t bytes = first.request.MemoryBytes();
  pending_bytes_ -= bytes;
  if (spare_.size() < kSpareMax && bytes <= kSpareBytesMax) {
    spare_.push_back(std::move(first.request));
  }
  pending_.pop_front();
  --sent_;
  backoff_.Reset();
  gaps_ = 0;
  fresh_ = false;
  Failpoint("bigquery_streaming_v2.after_append");
}

Status AppendStream::OnAnswer(const AppendAnswer& answer) {
  if (answer.schema_updated) {
    schema_updated_ = true;
    schema_sent_ = false;  // What we write is said anew, against the table as it is now.
    backoff_.Reset();
  }
  if (unanswered_ == 0) return Failure(Lost("an answer came that no request had asked for"));
  --unanswered_;
  if (rewinding_) {
    // Behind a gap nothing can have been taken. If it was, the rows are not where we think.
    if (answer.code == 0 && rows_removed_) return Failure(Lost("rows were taken behind a gap"));
    return unanswered_ == 0 ? SendAgain() : Status{};
  }
  const bool there = answer.code == kAlreadyExists && pending_.front().sends > 1;
  if (answer.code != 0 && !there) return OnRefused(answer);
  if (answer.code == 0 && answer.offset && *answer.offset != acknowledged_) {
    return Failure(Lost(
        fmt::format("rows were taken at offset {} instead of {}", *answer.offset, acknowledged_)));
  }
  Acknowledge();
  return {};
}

Status AppendStream::OnRefused(const AppendAnswer& answer) {
  const int code = answer.code;
  const std::string what = "appending to " + options_.name;
  if (!answer.refused.empty() && code == kInvalidArgument) {
    BIZOND_RETURN_IF_ERROR(RejectRows(answer));
    return Rewind(std::nullopt);
  }
  if (answer.storage_code == kStorageExtraFields) {
    Error mismatch = {.kind = ErrorKind::kPermanent,
                      .code = "schema_mismatch",
                      .message = fmt::format("the table does not have the columns of the job: {}",
                                             answer.message.substr(0, 500)),
                      .remedy = "add the columns to the table, or take them out of record_schemas"};
    // A change of the table reaches the service within minutes.
    return fresh_ ? Rewind(std::move(mismatch)) : Failure(std::move(mismatch));
  }
  if (code == kNotFound && fresh_) return Rewind(WriteApiError(code, answer.message, what));
  if (code == kOutOfRange && ++gaps_ <= kGapsMax) {
    return Rewind(WriteApiError(kAborted, answer.message, what));
  }
  if (code == kNotFound || code == kFailedPrecondition || code == kOutOfRange ||
      code == kAlreadyExists || answer.storage_code == kStorageFinalized ||
      answer.storage_code == kStorageStreamNotFound) {
    return Failure(Lost(answer.message));
  }
  Error error = WriteApiError(code, answer.message, what);
  return MayBeRetried(code) ? Rewind(std::move(error)) : Failure(std::move(error));
}

// One bad row refuses its whole request: nothing of it is in the stream.
Status AppendStream::RejectRows(const AppendAnswer& answer) {
  Pending& first = pending_.front();
  std::vector<size_t> indexes;
  for (const RefusedRow& row : answer.refused) {
    if (row.index >= first.request.rows()) continue;
    if (std::find(indexes.begin(), indexes.end(), row.index) != indexes.end()) continue;
    indexes.push_back(row.index);
    BIZOND_RETURN_IF_ERROR(rejects_.Reject(
        first.request.IterationOf(row.index),
        first.request.RejectOf(row.index, "row_refused", "BigQuery refuses it: " + row.message)));
  }
  if (indexes.empty()) {
    return Failure(WriteApiError(answer.code, answer.message, "appending to " + options_.name));
  }
  std::sort(indexes.begin(), indexes.end());
  pending_bytes_ -= first.request.MemoryBytes();
  first.request.Remove(indexes);
  pending_bytes_ += first.request.MemoryBytes();
  // Other bytes, and other offsets for all that follows: none of it was sent before.
  for (Pending& pending : pending_) pending.sends = 0;
  rows_removed_ = true;
  return {};
}

Status AppendStream::Rewind(std::optional<Error> why) {
  reason_ = std::move(why);
  rewinding_ = true;
  return unanswered_ == 0 ? SendAgain() : Status{};
}

Status AppendStream::SendAgain() {
  rewinding_ = false;
  rows_removed_ = false;
  // The request that was refused may have been the one that said it.
  schema_sent_ = false;
  sent_ = 0;
  sent_rows_ = 0;
  if (!pending_.empty() && pending_.front().request.empty()) pending_.pop_front();
  const std::optional<Error> why = std::exchange(reason_, std::nullopt);
  if (!why) return {};
  BIZOND_ASSIGN_OR_RETURN(const bool again, backoff_.Wait(stop_));
  if (!again) return Failure(*why);
  return {};
}

Status AppendStream::OnCut(const grpc::Status& status) {
  call_.reset();
  if (rewinding_ && rows_removed_ && unanswered_ > 0) {
    // What follows has moved up; a request that still waits somewhere at its old offset might find
    // its place there later.
    return Failure(Lost("the connection was cut while refused rows were taken out"));
  }
  if (!pending_.empty() && pending_.front().request.empty()) pending_.pop_front();
  // An idle connection is closed by the service; the next request opens another.
  if (pending_.empty()) return {};
  const int code = status.ok() ? kUnavailable : static_cast<int>(status.error_code());
  const std::string message =
      status.ok() ? "the service ended the connection" : status.error_message();
  if (code == kUnauthenticated && channel_.TokenRefused()) return {};
  const bool gap = (code == kOutOfRange || code == kAlreadyExists) && ++gaps_ <= kGapsMax;
  if (CertificateRefused(code, message)) {
    return Failure(WriteApiError(code, message, "appending to " + options_.name));
  }
  if (!MayBeRetried(code) && !gap && !(code == kNotFound && fresh_)) {
    if (code == kNotFound || code == kOutOfRange || code == kAlreadyExists ||
        code == kFailedPrecondition) {
      return Failure(Lost(message));
    }
    return Failure(WriteApiError(code, message, "appending to " + options_.name));
  }
  BIZOND_ASSIGN_OR_RETURN(const bool again, backoff_.Wait(stop_));
  if (!again) return Failure(WriteApiError(code, message, "appending to " + options_.name));
  return {};
}

}  // namespace bizond
