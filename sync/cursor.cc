#include "sync/cursor.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace bizond {
namespace {

struct TypeName {
  CursorType type;
  std::string_view name;
};
constexpr TypeName kTypeNames[] = {{CursorType::kNone, ""},
                                   {CursorType::kNumber, "number"},
                                   {CursorType::kTimestamp, "timestamp"},
                                   {CursorType::kText, "text"}};

// Exponents beyond this are clamped: no such number fits in a record, and sums must not overflow.
constexpr int64_t kMaxExponent = int64_t{1} << 60;

// Reads exactly `count` digits at `at`; -1 when they are not there.
int ReadDigits(std::string_view text, size_t at, size_t count) {
  if (text.size() < at + count) return -1;
  int value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (!IsDigit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

struct Instant {
  int64_t seconds = 0;
  uint32_t nanos = 0;
};

// "Z", "+hh:mm", "-hh:mm" or nothing, from `at` to the end; nullopt: something else.
std::optional<int64_t> ParseOffsetSeconds(std::string_view text, size_t at) {
  if (at == text.size()) return 0;
  if ((text[at] == 'Z' || text[at] == 'z') && at + 1 == text.size()) return 0;
  if (text[at] != '+' && text[at] != '-') return std::nullopt;
  const int hours = ReadDigits(text, at + 1, 2);
  const bool colon = text.size() > at + 3 && text[at + 3] == ':';
  const size_t minutes_at = at + 3 + (colon ? 1 : 0);
  const int minutes = minutes_at == text.size() ? 0 : ReadDigits(text, minutes_at, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  if (minutes_at != text.size() && minutes_at + 2 != text.size()) return std::nullopt;
  const int64_t offset = int64_t{hours} * 3600 + minutes * 60;
  return text[at] == '-' ? -offset : offset;
}

// The instants that sources write: a date, or a date and a time with `T` or a space, a fraction of
// any length (cut to nanoseconds) and an offset. Strict, so that text which merely starts like a
// date stays text.
std::optional<Instant> ParseInstant(std::string_view text) {
  using std::chrono::day, std::chrono::month, std::chrono::year;
  const int y = ReadDigits(text, 0, 4);
  const int m = ReadDigits(text, 5, 2);
  const int d = ReadDigits(text, 8, 2);
  if (y < 0 || m < 0 || d < 0 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::chrono::year_month_day date{year(y), month(static_cast<unsigned>(m)),
                                         day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  Instant instant;
  instant.seconds = std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86400};
  if (text.size() == 10) return instant;
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return std::nullopt;
  const int hour = ReadDigits(text, 11, 2);
  const int minute = ReadDigits(text, 14, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || text[13] != ':') return std::nullopt;
  size_t at = 16;
  int second = 0;
  if (at < text.size() && text[at] == ':') {
    second = ReadDigits(text, 17, 2);
    if (second < 0 || second > 60) return std::nullopt;
    at = 19;
    if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
      uint32_t scale = 100'000'000;
      for (++at; at < text.size() && IsDigit(text[at]); ++at, scale /= 10) {
        instant.nanos += static_cast<uint32_t>(text[at] - '0') * scale;
      }
    }
  }
  const std::optional<int64_t> offset = ParseOffsetSeconds(text, at);
  if (!offset) return std::nullopt;
  instant.seconds += int64_t{hour} * 3600 + minute * 60 + second - *offset;
  return instant;
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (code >> 6)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (code >> 12)));
    out->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | (code >> 18)));
    out->push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

// Four hex digits at `at`; the parser has checked them.
uint32_t HexAt(std::string_view text, size_t at) {
  uint32_t code = 0;
  if (at + 4 <= text.size()) std::from_chars(text.data() + at, text.data() + at + 4, code, 16);
  return code;
}

void AppendBigEndian(uint64_t value, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

uint64_t Ordered(int64_t value) { return static_cast<uint64_t>(value) ^ (uint64_t{1} << 63); }

// The number behind a number's `e`, bounded.
int64_t WrittenExponent(const char* digits, const char* end) {
  if (digits < end && *digits == '+') ++digits;
  int64_t written = 0;
  const auto [rest, error] = std::from_chars(digits, end, written);
  if (error == std::errc::result_out_of_range) {
    written = *digits == '-' ? -kMaxExponent : kMaxExponent;
  }
  return std::clamp(written, -kMaxExponent, kMaxExponent);
}

}  // namespace

std::string_view CursorTypeName(CursorType type) {
  for (const TypeName& row : kTypeNames) {
    if (row.type == type) return row.name;
  }
  return "";
}

CursorType ParseCursorType(std::string_view name) {
  for (const TypeName& row : kTypeNames) {
    if (row.name == name) return row.type;
  }
  return CursorType::kNone;
}

std::string UnescapeJsonString(std::string_view token) {
  if (token.size() >= 2) token = token.substr(1, token.size() - 2);
  std::string out;
  out.reserve(token.size());
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '\\' || i + 1 >= token.size()) {
      out.push_back(token[i]);
      continue;
    }
    const char escape = token[++i];
    constexpr std::string_view kFrom = "bfnrt";
    constexpr std::string_view kTo = "\b\f\n\r\t";
    if (escape == 'u') {
      uint32_t code = HexAt(token, i + 1);
      i += 4;
      const bool high = code >= 0xD800 && code < 0xDC00;
      if (high && i + 6 < token.size() && token[i + 1] == '\\' && token[i + 2] == 'u') {
        const uint32_t low = HexAt(token, i + 3);
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          i += 6;
        }
      }
      AppendUtf8(code, &out);
    } else if (const size_t found = kFrom.find(escape); found != std::string_view::npos) {
      out.push_back(kTo[found]);
    } else {
      out.push_back(escape);
    }
  }
  return out;
}

Result<CursorValue> CursorValue::Parse(std::string_view json_token, CursorType wanted) {
  CursorValue value;
  if (json_token.empty() || json_token == "null") return value;
  if (json_token[0] == '"') {
    if (wanted != CursorType::kText) {
      const std::string_view inside = json_token.substr(1, json_token.size() - 2);
      // Some writers escape the plus sign of an offset.
      const bool escaped = inside.find('\\') != std::string_view::npos;
      const std::optional<Instant> instant =
          escaped ? ParseInstant(UnescapeJsonString(json_token)) : ParseInstant(inside);
      if (instant) {
        value.type_ = CursorType::kTimestamp;
        value.integer_ = instant->seconds;
        value.nanos_ = instant->nanos;
        return value;
      }
    }
    value.type_ = CursorType::kText;
    value.digits_ = UnescapeJsonString(json_token);
    return value;
  }
  if (json_token[0] != '-' && !IsDigit(json_token[0])) {
    return Fail(
        ErrorKind::kPermanent, "bad_cursor",
        "the cursor field holds " + std::string(json_token.substr(0, 40)) + ", which has no order",
        "choose a cursor_field that holds numbers, instants or text");
  }
  value.type_ = CursorType::kNumber;
  const char* const begin = json_token.data();
  const char* const end = begin + json_token.size();
  if (const auto [rest, error] = std::from_chars(begin, end, value.integer_);
      error == std::errc() && rest == end) {
    value.exact_ = true;
    return value;
  }
  // 0.DIGITS * 10^exponent, without leading or trailing zeros.
  value.negative_ = json_token[0] == '-';
  int64_t exponent = 0;
  bool fraction = false;
  const char* at = begin + (value.negative_ ? 1 : 0);
  for (; at < end && *at != 'e' && *at != 'E'; ++at) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    if (!fraction) ++exponent;
    if (value.digits_.empty() && *at == '0') {
      --exponent;
      continue;
    }
    value.digits_.push_back(*at);
  }
  if (at < end) exponent += WrittenExponent(at + 1, end);
  while (!value.digits_.empty() && value.digits_.back() == '0') value.digits_.pop_back();
  value.exponent_ = value.digits_.empty() ? 0 : exponent;
  if (value.digits_.empty()) {
    value.negative_ = false;
    value.exact_ = true;
    value.integer_ = 0;
  }
  return value;
}

CursorValue CursorValue::Minus(Duration duration) const {
  CursorValue result = *this;
  const int64_t micros = duration.count();
  result.integer_ -= micros / 1'000'000;
  int64_t nanos = int64_t{nanos_} - (micros % 1'000'000) * 1'000;
  if (nanos < 0) {
    nanos += 1'000'000'000;
    --result.integer_;
  }
  result.nanos_ = static_cast<uint32_t>(nanos);
  return result;
}

Duration CursorValue::Since(const CursorValue& earlier) const {
  const int64_t nanos = int64_t{nanos_} - int64_t{earlier.nanos_};
  return Duration((integer_ - earlier.integer_) * 1'000'000 +
                  (nanos - (nanos < 0 ? 999 : 0)) / 1000);
}

int CursorValue::Compare(const CursorValue& a, const CursorValue& b) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (a.type_ == CursorType::kText) return a.digits_.compare(b.digits_);
  if (a.type_ == CursorType::kTimestamp || (a.exact_ && b.exact_)) {
    const int order = sign(a.integer_, b.integer_);
    return order != 0 ? order : sign(a.nanos_, b.nanos_);
  }
  std::string left;
  std::string right;
  a.AppendSortKey(&left);
  b.AppendSortKey(&right);
  return left.compare(right);
}

void CursorValue::AppendSortKey(std::string* out) const {
  switch (type_) {
    case CursorType::kNone:
      return;
    case CursorType::kText:
      out->append(digits_);
      return;
    case CursorType::kTimestamp:
      AppendBigEndian(Ordered(integer_), out);
      AppendBigEndian(nanos_, out);
      return;
    case CursorType::kNumber:
      break;
  }
  // Sign, exponent, digits; everything after the sign is inverted for a negative number, and closed
  // by a byte that sorts a shorter run of digits first (last when inverted).
  bool negative = negative_;
  int64_t exponent = exponent_;
  std::string digits = digits_;
  if (exact_) {
    negative = integer_ < 0;
    digits = std::to_string(integer_).substr(negative ? 1 : 0);
    exponent = static_cast<int64_t>(digits.size());
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
  }
  if (digits.empty()) {
    out->push_back('\x01');
    return;
  }
  std::string body;
  AppendBigEndian(Ordered(exponent), &body);
  body += digits;
  body.push_back('\0');
  if (negative) {
    for (char& c : body) c = static_cast<char>(~c);
  }
  out->push_back(negative ? '\0' : '\x02');
  out->append(body);
}

}  // namespace bizond
