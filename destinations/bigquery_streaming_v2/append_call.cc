#include "destinations/bigquery_streaming_v2/append_call.h"

#include <grpc/support/time.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <functional>

namespace bizond {
namespace {

constexpr int kSilentSeconds = 120;
constexpr intptr_t kStart = 1, kWrite = 2, kRead = 3, kFinish = 4;

// A tag is a place of this array.
char tags[5];
void* Tag(intptr_t tag) { return &tags[tag]; }

void AppendField(char tag, std::string_view bytes, std::string* out) {
  out->push_back(tag);
  AppendVarint(bytes.size(), out);
  *out += bytes;
}

size_t VarintBytes(uint64_t value) {
  size_t bytes = 1;
  for (; value >= 0x80; value >>= 7) ++bytes;
  return bytes;
}

// An AppendRowsRequest as far as its rows: write_stream = 1, offset = 2 {value = 1},
// default_missing_value_interpretation = 8, proto_rows = 4 {writer_schema = 1 {proto_descriptor =
// 1}, rows = 2 {...}}.
std::string HeadBytes(const AppendHead& head, size_t rows_bytes) {
  std::string out;
  AppendField(0x0a, head.stream, &out);
  std::string offset(1, 0x08);
  AppendVarint(static_cast<uint64_t>(head.offset), &offset);
  AppendField(0x12, offset, &out);
  if (head.defaults) out += "\x40\x02";  // DEFAULT_VALUE
  std::string schema;
  if (!head.writer_schema.empty()) {
    std::string descriptor;
    AppendField(0x0a, head.writer_schema, &descriptor);
    AppendField(0x0a, descriptor, &schema);
  }
  out.push_back(0x22);
  AppendVarint(schema.size() + 1 + VarintBytes(rows_bytes) + rows_bytes, &out);
  out += schema;
  out.push_back(0x12);
  AppendVarint(rows_bytes, &out);
  return out;
}

// The slice keeps the rows alive for as long as gRPC wants them.
grpc::Slice SharedSlice(std::shared_ptr<RowBytes> rows) {
  rows->senders.fetch_add(1, std::memory_order_relaxed);
  auto* keeper = new std::shared_ptr<RowBytes>(std::move(rows));
  return {(*keeper)->text.data(), (*keeper)->text.size(),
          [](void* kept) {
            auto* const sent = static_cast<std::shared_ptr<RowBytes>*>(kept);
            (*sent)->senders.fetch_sub(1, std::memory_order_release);
            delete sent;
          },
          keeper};
}

bool ReadAnswer(grpc::ByteBuffer* buffer, AppendAnswer* answer) {
  write_proto::AppendRowsResponse response;
  if (!grpc::SerializationTraits<write_proto::AppendRowsResponse>::Deserialize(buffer, &response)
           .ok()) {
    return false;
  }
  *answer = {};
  answer->schema_updated = response.has_updated_schema();
  answer->code = response.error().code();
  answer->message = response.error().message();
  if (response.append_result().has_offset()) {
    answer->offset = response.append_result().offset().value();
  }
  for (const write_proto::RpcAny& detail : response.error().details()) {
    write_proto::StorageError storage;
    if (detail.type_url().ends_with("v1.StorageError") && storage.ParseFromString(detail.value())) {
      answer->storage_code = storage.code();
    }
  }
  for (const write_proto::RowError& row : response.row_errors()) {
    if (row.index() < 0) continue;
    answer->refused.push_back({static_cast<size_t>(row.index()), row.message()});
  }
  // Row errors without an error of the request are one all the same.
  if (answer->code == 0 && !answer->refused.empty()) answer->code = kInvalidArgument;
  return true;
}

}  // namespace

Result<std::unique_ptr<AppendCall>> AppendCall::Start(WriteChannel* channel,
                                                      const std::string& stream,
                                                      std::stop_token stop) {
  std::unique_ptr<AppendCall> call(new AppendCall());
  call->stop_ = stop;
  BIZOND_RETURN_IF_ERROR(channel->Prepare(&call->context_, "write_stream", stream, stop));
  call->stream_ = channel->generic().PrepareCall(
      &call->context_, "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows", &call->queue_);
  call->stream_->StartCall(Tag(kStart));
  call->cancel_.emplace(std::move(stop), [raw = call.get()] { raw->context_.TryCancel(); });
  return call;
}

AppendCall::~AppendCall() {
  cancel_.reset();
  if (stream_ == nullptr) return;
  context_.TryCancel();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
    // What was under way ends with the call; its buffers are ours until then.
  }
}

void AppendCall::Finish() {
  finishing_ = true;
  stream_->Finish(&status_, Tag(kFinish));
}

void AppendCall::Send(const AppendHead& head, std::shared_ptr<RowBytes> rows) {
  const size_t rows_bytes = rows->text.size();
  const grpc::Slice slices[] = {grpc::Slice(HeadBytes(head, rows_bytes)),
                                SharedSlice(std::move(rows))};
  const grpc::ByteBuffer request(slices, 2);
  writing_ = true;
  stream_->Write(request, Tag(kWrite));
}

AppendCall::Event AppendCall::Next(bool wait, AppendAnswer* answer) {
  const gpr_timespec deadline =
      wait ? gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                          gpr_time_from_seconds(kSilentSeconds, GPR_TIMESPAN))
           : gpr_now(GPR_CLOCK_MONOTONIC);
  while (true) {
    if (ended_) return Event::kEnded;
    void* tag = nullptr;
    bool ok = false;
    const auto found = queue_.AsyncNext(&tag, &ok, deadline);
    if (stop_.stop_requested()) return Event::kStopped;
    if (found != grpc::CompletionQueue::GOT_EVENT) return Event::kSilent;
    const Event event = OnEvent(static_cast<char*>(tag) - tags, ok, answer);
    if (event != Event::kSilent) return event;
  }
}

// kSilent: nothing that anybody waits for.
AppendCall::Event AppendCall::OnEvent(intptr_t tag, bool ok, AppendAnswer* answer) {
  switch (tag) {
    case kStart:
      started_ = true;
      if (!ok) break;
      reading_ = true;
      stream_->Read(&incoming_, Tag(kRead));
      return Event::kProgress;
    case kWrite:
      writing_ = false;
      if (!ok) break;
      return Event::kProgress;
    case kRead:
      reading_ = false;
      if (!ok) break;
      if (!ReadAnswer(&incoming_, answer)) {
        context_.TryCancel();  // The service would go on.
        break;
      }
      reading_ = true;
      stream_->Read(&incoming_, Tag(kRead));
      return Event::kAnswer;
    default:
      ended_ = true;
      return Event::kEnded;
  }
  // Broken: the answers that came before the end are read first. It is over already: to cancel it
  // now could take the place of the status that the service gave.
  broken_ = true;
  if (!reading_ && !finishing_) Finish();
  return Event::kSilent;
}

}  // namespace bizond
