// RowInserter: brings rows into a table by insertAll, whatever the service says of single ones.
//
// One bad row has the service refuse a whole request: the bad ones go to the rejects, the innocent
// ones (`stopped`) are sent again, with the same insertIds. What passes by itself (a table or a
// column that is not known everywhere yet, a backend's error for single rows) is waited for. A
// request that is too large is halved.
//
// Error codes: those of google_error.h; bigquery_request_too_large, bigquery_row_refused (of
// rejects), bigquery_unavailable.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_ROW_INSERTER_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_ROW_INSERTER_H_

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "destinations/bigquery_streaming/row_buffer.h"
#include "destinations/google/bigquery_api.h"
#include "sync/destination.h"

namespace bizond {

class RowInserter {
 public:
  RowInserter(BigQueryApi* api, BigQueryTableName table, RejectSink* rejects, std::stop_token stop);

  // When it returns without an error, each row is in the table or was rejected.
  Status Insert(const RowBuffer& rows);
  uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  using Places = std::vector<size_t>;

  // The rows that have to be sent again.
  Result<Places> InsertOnce(const RowBuffer& rows, const Places& places);
  Result<Places> Settle(const RowBuffer& rows, const Places& places,
                        const std::vector<InsertFault>& faults);
  // `error` ends the run, or is one of a table that is there and not known everywhere yet.
  Status MayWait(const Error& error);

  BigQueryApi* const api_;
  const BigQueryTableName table_;
  RejectSink* const rejects_;
  const std::stop_token stop_;
  std::string body_;
  std::string last_fault_;  // Of a row that is waited for.
  bool rejected_ = false;   // By the last request.
  uint64_t bytes_sent_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_ROW_INSERTER_H_
