// AppendCall: one AppendRows call, as events.
//
// A request and an answer may be on their way at once; Next waits for whichever comes first.
// Nothing blocks but Next, and that ends with the stop token, which cancels the call.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_CALL_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_CALL_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "destinations/bigquery_streaming_v2/append_request.h"
#include "destinations/bigquery_streaming_v2/write_channel.h"

namespace bizond {

struct RefusedRow {
  size_t index = 0;  // Of the request.
  std::string message;
};

// What the service said to one request.
struct AppendAnswer {
  int code = 0;                   // 0: the rows are in the stream.
  std::optional<int64_t> offset;  // Where they begin.
  int storage_code = 0;           // StorageError of the details; 0: none.
  std::string message;
  std::vector<RefusedRow> refused;
  bool schema_updated = false;
};

struct AppendHead {
  std::string stream;
  int64_t offset = 0;
  std::string writer_schema;  // Empty: as in the request before.
  bool defaults = false;      // A column that a row leaves out takes its default value.
};

class AppendCall {
 public:
  enum class Event { kProgress, kAnswer, kEnded, kSilent, kStopped };

  static Result<std::unique_ptr<AppendCall>> Start(WriteChannel* channel, const std::string& stream,
                                                   std::stop_token stop);
  // Cancels what is left of the call.
  ~AppendCall();
  AppendCall(const AppendCall&) = delete;
  AppendCall& operator=(const AppendCall&) = delete;

  // One request may be on its way out at a time, and none before the call has begun.
  bool CanSend() const { return started_ && !writing_ && !broken_; }
  // `rows`: the fields of ProtoRows.
  void Send(const AppendHead& head, std::shared_ptr<RowBytes> rows);
  // kAnswer: `answer` is set. kEnded: the call is over, see status(). kSilent: nothing came for two
  // minutes, or, without `wait`, nothing is there.
  Event Next(bool wait, AppendAnswer* answer);
  const grpc::Status& status() const { return status_; }

 private:
  AppendCall() = default;
  Event OnEvent(intptr_t tag, bool ok, AppendAnswer* answer);
  void Finish();

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  std::stop_token stop_;
  std::optional<std::stop_callback<std::function<void()>>> cancel_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  bool started_ = false;
  bool writing_ = false;
  bool reading_ = false;
  bool finishing_ = false;
  bool broken_ = false;  // Nothing more can be sent.
  bool ended_ = false;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_CALL_H_
