// StreamState: what the marks, intents and receipts of bigquery_streaming_v2 say.
//
//   {"v":1,"kind":"mark","publication":"..","target_ms":..,"opened_ms":..,"rows":..,"streams":[..]}
//
// Staged, the streams are sealed PENDING ones, whose rows are published together. In stream mode it
// is one BUFFERED stream, of which the first `rows` rows are published.
//
// Threads: values.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_STREAM_STATE_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_STREAM_STATE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bizond {

struct StreamState {
  static constexpr int kFormat = 1;

  std::string kind;         // "mark", "intent" or "receipt".
  std::string publication;  // The run that publishes, or published last; empty: none has.
  int64_t target_ms = 0;    // When the target was created; 0: it is not there, or not known.
  int64_t opened_ms = 0;    // When the oldest stream was made; 0: there is none.
  int64_t rows = 0;         // In the streams.
  std::vector<std::string> streams;  // Full names.

  std::string Encode() const;
  // Of one of these kinds, separated by spaces. Code bad_mark.
  static Result<StreamState> Decode(std::string_view kinds, std::string_view text);
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_STREAM_STATE_H_
