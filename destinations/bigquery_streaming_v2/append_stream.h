// AppendStream: rows into one write stream, over one long-lived AppendRows call.
//
// Appends are pipelined: the next is sent before the last is answered, as far as the bound of the
// bytes in flight lets it. Each carries its offset, so that a repeated one is told apart: after a
// cut, a refusal or a transient error everything that was not answered is sent again in its order,
// at its offset, and ALREADY_EXISTS means that it had arrived. A request that is refused for the
// sake of some rows goes out again without them; what follows moves up.
//
// Only rows that this object sent are in the stream: an unknown one at an offset of ours is
// write_stream_lost, and the attempt begins anew from its mark with another stream.
//
// Error codes: write_stream_lost (transient), schema_mismatch, those of write_channel.h.
//
// Threads: one thread at a time. Every wait ends with the stop token.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_STREAM_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_STREAM_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "destinations/bigquery_streaming_v2/append_request.h"
#include "destinations/bigquery_streaming_v2/write_channel.h"
#include "sync/destination.h"

namespace bizond {

class AppendCall;
struct AppendAnswer;

struct AppendStreamOptions {
  std::string name;           // Of the write stream, which is new and empty.
  std::string writer_schema;  // A DescriptorProto in wire format.
  bool defaults = false;      // Some column of it has a default value.
  size_t in_flight_bytes_max = size_t{24} << 20;
  // The table was made or changed just now: the service may not know it for some minutes.
  bool fresh = false;
};

class AppendStream {
 public:
  AppendStream(AppendStreamOptions options, WriteChannel* channel, RejectSink* rejects,
               std::stop_token stop);
  ~AppendStream();
  AppendStream(const AppendStream&) = delete;
  AppendStream& operator=(const AppendStream&) = delete;

  const std::string& name() const { return options_.name; }
  // An empty request, with the memory of one that has arrived where there is one.
  AppendRequest TakeSpare();
  // Takes the request; waits while too much is in flight.
  Status Append(AppendRequest request);
  // Everything taken so far is in the stream, or was rejected.
  Status Drain();
  // Rows in the stream, once it is drained.
  int64_t rows() const { return acknowledged_; }
  // The service has told of a changed table since the last call.
  bool TakeSchemaUpdate();

 private:
  struct Pending {
    AppendRequest request;
    int sends = 0;
  };

  // Sends what can be sent and takes one event; false: there was none, and none was waited for.
  Result<bool> Work(bool wait);
  Status Connect();
  Status SendNext();
  Status OnAnswer(const AppendAnswer& answer);
  Status OnRefused(const AppendAnswer& answer);
  Status RejectRows(const AppendAnswer& answer);
  Status OnCut(const grpc::Status& status);
  // Everything in flight goes out again once the answers that are still owed came in; `why`: and
  // after a wait.
  Status Rewind(std::optional<Error> why);
  Status SendAgain();
  void Acknowledge();
  Error Lost(std::string_view what) const;

  const AppendStreamOptions options_;
  WriteChannel& channel_;
  RejectSink& rejects_;
  const std::stop_token stop_;
  WriteBackoff backoff_;
  std::unique_ptr<AppendCall> call_;
  std::deque<Pending> pending_;
  size_t pending_bytes_ = 0;
  std::vector<AppendRequest> spare_;
  size_t sent_ = 0;           // Of pending_, on this call, counted from the front,
  int64_t sent_rows_ = 0;     // and their rows.
  int64_t acknowledged_ = 0;  // Rows in the stream: the offset of pending_'s first.
  // A request was refused: the answers to those behind it mean nothing, and when they all came in
  // sending begins again.
  bool rewinding_ = false;
  bool rows_removed_ = false;
  size_t unanswered_ = 0;        // Sent on this call.
  std::optional<Error> reason_;  // Of the rewinding; nullopt: without a wait.
  int gaps_ = 0;                 // OUT_OF_RANGE for the first in line, in a row.
  bool fresh_;
  bool schema_sent_ = false;
  bool schema_updated_ = false;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_STREAM_H_
