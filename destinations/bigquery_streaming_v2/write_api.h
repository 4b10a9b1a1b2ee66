// WriteApi: the calls of BigQuery's Storage Write API that make, seal and publish write streams.
//
// Rows of a PENDING stream become visible with all others of its BatchCommit, at once; rows of a
// BUFFERED stream as far as FlushRows says. What is in neither is never seen, and goes away by
// itself. Each call is tried again where that may help (ABORTED, INTERNAL, RESOURCE_EXHAUSTED,
// UNAVAILABLE, timeouts), with backoff, and can be stopped.
//
// Reference: https://cloud.google.com/bigquery/docs/write-api.
//
// Error codes: those of write_channel.h.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_WRITE_API_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_WRITE_API_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "destinations/bigquery_streaming_v2/write_channel.h"

namespace bizond {

enum class WriteStreamType { kPending, kBuffered };

struct WriteStream {
  std::string name;  // "projects/p/datasets/d/tables/t/streams/s"
  bool committed = false;
};

struct CommitAnswer {
  bool committed = false;           // The service named a commit time.
  std::vector<std::string> faults;  // Else: what it said of the streams.
  bool already_committed = false;   // Each of the faults is STREAM_ALREADY_COMMITTED.
};

class WriteApi {
 public:
  explicit WriteApi(WriteChannel* channel) : channel_(*channel) {}

  // `table`: its path. A table that was just made may be unknown to the service for some minutes:
  // with `fresh` NOT_FOUND is waited for as well.
  Result<std::string> CreateStream(const std::string& table, WriteStreamType type, bool fresh,
                                   std::stop_token stop);
  // nullopt: there is no such stream, or not any more.
  Result<std::optional<WriteStream>> GetStream(const std::string& name, std::stop_token stop);
  // No row can be added from now on; how many there are. May be repeated.
  Result<int64_t> FinalizeStream(const std::string& name, std::stop_token stop);
  Result<CommitAnswer> BatchCommit(const std::string& table,
                                   const std::vector<std::string>& streams, std::stop_token stop);
  // The first `rows` rows of a BUFFERED stream are visible from now on. May be repeated.
  Status FlushRows(const std::string& stream, int64_t rows, std::stop_token stop);

 private:
  WriteChannel& channel_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_WRITE_API_H_
