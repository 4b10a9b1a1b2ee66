// CursorValue: one value of a cursor field, compared as what it is.
//
// A JSON number is a number of any size (exact decimal comparison, never a double); a JSON string
// that is an RFC 3339 instant or date is a timestamp in UTC with up to 9 digits of a second; any
// other string is text, compared by its UTF-8 bytes. Values of two types do not compare: a stream's
// type is fixed by its first run.
//
// Threads: values.
#ifndef BIZOND_SYNC_CURSOR_H_
#define BIZOND_SYNC_CURSOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace bizond {

enum class CursorType { kNone, kNumber, kTimestamp, kText };
std::string_view CursorTypeName(CursorType type);  // "", "number", "timestamp", "text"
CursorType ParseCursorType(std::string_view name);

class CursorValue {
 public:
  // From a JSON token. kNone for null and for an empty view. Code bad_cursor for true, false, an
  // object or an array. `wanted` kText takes every string as text, also one that looks like an
  // instant.
  static Result<CursorValue> Parse(std::string_view json_token,
                                   CursorType wanted = CursorType::kNone);

  CursorType type() const { return type_; }

  // Only for values of one type. Negative, zero or positive.
  static int Compare(const CursorValue& a, const CursorValue& b);

  // Seconds since the epoch and nanoseconds of a kTimestamp.
  int64_t seconds() const { return integer_; }
  uint32_t nanos() const { return nanos_; }
  // This timestamp less a duration.
  CursorValue Minus(Duration duration) const;
  // From an earlier timestamp to this one, whole microseconds.
  Duration Since(const CursorValue& earlier) const;

  // Bytes whose memcmp order is Compare's order, for values of one type; appended to `out`. For
  // destinations that merge: their SQL compares blobs.
  void AppendSortKey(std::string* out) const;

 private:
  CursorType type_ = CursorType::kNone;
  // kTimestamp: seconds. kNumber: the value when `exact_` is true.
  int64_t integer_ = 0;
  uint32_t nanos_ = 0;
  bool exact_ = false;  // A number that is an int64.
  // kText: the bytes, unescaped. kNumber that is no int64: sign, decimal exponent and digits.
  bool negative_ = false;
  int64_t exponent_ = 0;  // value = 0.DIGITS * 10^exponent
  std::string digits_;
};

// A JSON string token without its quotes and escapes. Lone surrogates become their three-byte form,
// so that different texts stay different.
std::string UnescapeJsonString(std::string_view token);

}  // namespace bizond

#endif  // BIZOND_SYNC_CURSOR_H_
