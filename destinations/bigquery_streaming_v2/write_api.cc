#include "destinations/bigquery_streaming_v2/write_api.h"

#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_unary_call.h>

#include "base/failpoint.h"

namespace bizond {
namespace {

constexpr int kCallSeconds = 60;

using Stub = write_proto::BigQueryWrite::Stub;

// One unary call: the method of the stub, what it is about, and what may be said of it.
template <typename Request, typename Response>
struct Call {
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*method)(
      grpc::ClientContext*, const Request&, grpc::CompletionQueue*);
  std::string_view key;  // Of x-goog-request-params.
  const std::string& value;
  std::string_view what;  // "creating a write stream"
  bool retry_not_found = false;
};

template <typename Request, typename Response>
Result<grpc::Status> CallOnce(WriteChannel* channel, const Call<Request, Response>& call,
                              const Request& request, Response* response,
                              const std::stop_token& stop) {
  grpc::ClientContext context;
  context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                    gpr_time_from_seconds(kCallSeconds, GPR_TIMESPAN)));
  BIZOND_RETURN_IF_ERROR(channel->Prepare(&context, call.key, call.value, stop));
  grpc::CompletionQueue queue;
  grpc::Status status;
  {
    const auto reader = (channel->stub().*call.method)(&context, request, &queue);
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    reader->Finish(response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  }
  queue.Shutdown();
  return status;
}

// The status that counts: OK, or a code that no attempt makes better.
template <typename Request, typename Response>
Result<grpc::Status> CallUntilAnswered(WriteChannel* channel, const Call<Request, Response>& call,
                                       const Request& request, Response* response,
                                       const std::stop_token& stop) {
  WriteBackoff backoff(&channel->clock());
  while (true) {
    if (stop.stop_requested()) return Failure(StoppedError(call.what));
    response->Clear();
    BIZOND_ASSIGN_OR_RETURN(grpc::Status status, CallOnce(channel, call, request, response, stop));
    if (status.ok()) {
      channel->TokenTaken();
      return status;
    }
    if (stop.stop_requested()) return Failure(StoppedError(call.what));
    const int code = status.error_code();
    if (code == kUnauthenticated && channel->TokenRefused()) continue;
    if (CertificateRefused(code, status.error_message())) return status;
    if (!MayBeRetried(code) && !(code == kNotFound && call.retry_not_found)) return status;
    BIZOND_ASSIGN_OR_RETURN(const bool again, backoff.Wait(stop));
    if (!again) return status;
  }
}

template <typename Request, typename Response>
Status MustCall(WriteChannel* channel, const Call<Request, Response>& call, const Request& request,
                Response* response, const std::stop_token& stop) {
  BIZOND_ASSIGN_OR_RETURN(const grpc::Status status,
                          CallUntilAnswered(channel, call, request, response, stop));
  if (status.ok()) return {};
  return Failure(WriteApiError(status.error_code(), status.error_message(), call.what));
}

}  // namespace

Result<std::string> WriteApi::CreateStream(const std::string& table, WriteStreamType type,
                                           bool fresh, std::stop_token stop) {
  write_proto::CreateWriteStreamRequest request;
  request.set_parent(table);
  request.mutable_write_stream()->set_type(type == WriteStreamType::kPending
                                               ? write_proto::WriteStream::PENDING
                                               : write_proto::WriteStream::BUFFERED);
  write_proto::WriteStream made;
  BIZOND_RETURN_IF_ERROR(MustCall<write_proto::CreateWriteStreamRequest>(
      &channel_,
      {&Stub::AsyncCreateWriteStream, "parent", table,
       fmt::format("creating a write stream of {}", table), fresh},
      request, &made, stop));
  return made.name();
}

Result<std::optional<WriteStream>> WriteApi::GetStream(const std::string& name,
                                                       std::stop_token stop) {
  write_proto::GetWriteStreamRequest request;
  request.set_name(name);
  write_proto::WriteStream found;
  const std::string what = fmt::format("looking up the write stream {}", name);
  const Call<write_proto::GetWriteStreamRequest, write_proto::WriteStream> call = {
      &Stub::AsyncGetWriteStream, "name", name, what};
  BIZOND_ASSIGN_OR_RETURN(const grpc::Status status,
                          CallUntilAnswered(&channel_, call, request, &found, stop));
  if (status.error_code() == kNotFound) return std::nullopt;
  if (!status.ok()) {
    return Failure(WriteApiError(status.error_code(), status.error_message(), what));
  }
  return WriteStream{.name = found.name(), .committed = found.has_commit_time()};
}

Result<int64_t> WriteApi::FinalizeStream(const std::string& name, std::stop_token stop) {
  write_proto::FinalizeWriteStreamRequest request;
  request.set_name(name);
  write_proto::FinalizeWriteStreamResponse sealed;
  BIZOND_RETURN_IF_ERROR(MustCall<write_proto::FinalizeWriteStreamRequest>(
      &channel_,
      {&Stub::AsyncFinalizeWriteStream, "name", name,
       fmt::format("finalizing the write stream {}", name)},
      request, &sealed, stop));
  return sealed.row_count();
}

Result<CommitAnswer> WriteApi::BatchCommit(const std::string& table,
                                           const std::vector<std::string>& streams,
                                           std::stop_token stop) {
  write_proto::BatchCommitWriteStreamsRequest request;
  request.set_parent(table);
  for (const std::string& stream : streams) request.add_write_streams(stream);
  write_proto::BatchCommitWriteStreamsResponse answered;
  BIZOND_RETURN_IF_ERROR(MustCall<write_proto::BatchCommitWriteStreamsRequest>(
      &channel_,
      {&Stub::AsyncBatchCommitWriteStreams, "parent", table,
       fmt::format("committing {} write streams of {}", streams.size(), table)},
      request, &answered, stop));
  // Nothing was committed unless there is a time, whatever the call's own status says.
  CommitAnswer answer;
  answer.committed = answered.has_commit_time();
  answer.already_committed = answered.stream_errors_size() > 0;
  for (const write_proto::StorageError& fault : answered.stream_errors()) {
    answer.faults.push_back(
        fmt::format("{} ({}) {}", write_proto::StorageError::StorageErrorCode_Name(fault.code()),
                    fault.entity(), fault.error_message()));
    if (fault.code() != write_proto::StorageError::STREAM_ALREADY_COMMITTED) {
      answer.already_committed = false;
    }
  }
  return answer;
}

Status WriteApi::FlushRows(const std::string& stream, int64_t rows, std::stop_token stop) {
  if (rows <= 0) return {};
  write_proto::FlushRowsRequest request;
  request.set_write_stream(stream);
  request.mutable_offset()->set_value(rows - 1);  // The last row that is to be seen.
  write_proto::FlushRowsResponse flushed;
  const std::string what = fmt::format("flushing the write stream {}", stream);
  const Call<write_proto::FlushRowsRequest, write_proto::FlushRowsResponse> call = {
      &Stub::AsyncFlushRows, "write_stream", stream, what};
  Failpoint("bigquery_streaming_v2.before_flush");
  BIZOND_ASSIGN_OR_RETURN(const grpc::Status status,
                          CallUntilAnswered(&channel_, call, request, &flushed, stop));
  Failpoint("bigquery_streaming_v2.after_flush");
  if (status.ok() || status.error_code() == kAlreadyExists) return {};
  return Failure(WriteApiError(status.error_code(), status.error_message(), what));
}

}  // namespace bizond
