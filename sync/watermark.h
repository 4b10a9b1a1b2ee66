// Watermark: a stream's incremental state after its last published run.
//
// Cursor and position are independent: a stream with a cursor_field has a cursor (and the boundary
// set that tells tied rows apart), a stream that goes by position (an append-only file) has a
// position.
//
// Threads: values.
#ifndef BIZOND_SYNC_WATERMARK_H_
#define BIZOND_SYNC_WATERMARK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace bizond {

struct Watermark {
  static constexpr int kFormat = 1;

  int format = kFormat;
  // The greatest cursor published, as the JSON token that the source wrote; empty: none yet.
  std::string cursor;
  // "number", "timestamp" or "text": fixed by the first run. Empty with an empty cursor.
  std::string cursor_type;
  // The source's own state, JSON text; empty: none.
  std::string position;
  // BoundarySet::Encode(); empty: none.
  std::string boundary;
  // How far below the cursor the boundary set is whole: a lookback that was widened since reaches
  // no further in the next run. nullopt: as far as any lookback.
  std::optional<Duration> window;
  // Set when max_iterations ended a run that could not move the cursor (the source does not read in
  // its order, or saw only ties of it): the checkpoint that the next run goes on from
  // (EncodeCheckpoint), with the cursor left where it was. Empty: none.
  std::string resume;
  // The chunks of large boundary sets that `boundary` and `resume` name: the store keeps them.
  std::vector<int64_t> chunks;

  friend bool operator==(const Watermark&, const Watermark&) = default;
};

// JSON text, the boundary in base64. Code bad_watermark for what does not read.
std::string EncodeWatermark(const Watermark& watermark);
Result<Watermark> DecodeWatermark(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_SYNC_WATERMARK_H_
