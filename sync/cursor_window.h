// CursorWindow: the half-open part [from, to) of a cursor that a backfill reads.
//
// Both ends are JSON tokens and are compared as cursors are everywhere (sync/cursor.h): numbers
// exactly, instants with their offset, texts by bytes. A record at `from` lies in it, one at `to`
// does not, so that slices that meet neither lose nor double a record.
//
// Error code: invalid_backfill. Threads: values.
#ifndef BIZOND_SYNC_CURSOR_WINDOW_H_
#define BIZOND_SYNC_CURSOR_WINDOW_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sync/cursor.h"
#include "sync/job_spec.h"
#include "sync/record_batch.h"

namespace bizond {

class CursorWindow {
 public:
  // `wanted`: the type that the stream's cursor is known to have, as which both ends are read: "12"
  // is a number then, and 12 a text. kNone: they say themselves what they are.
  static Result<CursorWindow> Make(std::string_view from, std::string_view to,
                                   CursorType wanted = CursorType::kNone);

  // What a run's row keeps. Decode: code bad_window.
  std::string Encode() const;
  static Result<CursorWindow> Decode(std::string_view text);

  CursorType type() const { return from_.type(); }
  const std::string& from_token() const { return from_token_; }
  const std::string& to_token() const { return to_token_; }
  bool Contains(const CursorValue& value) const;
  // Whether a part of it lies above `value`, which is of its type.
  bool EndsAbove(const CursorValue& value) const;

  // Windows that meet, the first from from(), the last to to(). `width` is a duration ("1d") for
  // instants and a whole number for numbers; texts are not split. At most `most` of them.
  Result<std::vector<CursorWindow>> Split(std::string_view width, size_t most) const;

  // Takes out of `batch` what does not lie in it, and returns how many records that were. A record
  // without a cursor lies in no window: it fails the run or is rejected, as `on_null` says, and
  // kInclude leaves it out. Codes null_cursor, bad_cursor, cursor_type_changed.
  Result<uint64_t> Apply(const std::string& cursor_field, OnNullCursor on_null,
                         RecordBatch* batch) const;

 private:
  CursorWindow() = default;
  CursorWindow Part(std::string from, std::string to) const;
  Result<bool> Keeps(const Record& record, const std::string& cursor_field) const;
  Result<std::vector<CursorWindow>> SplitAt(int64_t first, int64_t last, int64_t width,
                                            size_t most) const;

  std::string from_token_;
  std::string to_token_;
  CursorValue from_;
  CursorValue to_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_CURSOR_WINDOW_H_
