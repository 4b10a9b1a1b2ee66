#include "destinations/google/json_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/text.h"
#include "destinations/bizon_columns.h"
#include "destinations/google/civil_time.h"
#include "destinations/google/decimal.h"
#include "destinations/google/plain_json.h"
#include "destinations/json_string.h"
#include "sync/cursor.h"

namespace bizond {
namespace {

using Reason = std::optional<std::string_view>;

constexpr std::string_view kLoneSurrogate =
    "takes Unicode text, and an escape that is half of a surrogate pair is none";
constexpr int kJsonDepthMax = 500;
// Beyond it a reader that takes JSON's numbers for doubles would change an integer.
constexpr int64_t kExactMax = int64_t{1} << 53;

// The four digits of an escape, which RecordParser has checked; 0 where they are cut.
unsigned HexAt(std::string_view text, size_t at) {
  unsigned value = 0;
  if (at + 4 <= text.size()) std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  return value;
}

bool HasLoneSurrogate(std::string_view text) {
  for (size_t i = text.find('\\'); i < text.size(); i = text.find('\\', i)) {
    if (i + 1 >= text.size() || text[i + 1] != 'u') {
      i += 2;
      continue;
    }
    const unsigned code = HexAt(text, i + 2);
    i += 6;
    if (code < 0xd800 || code > 0xdfff) continue;
    const bool pair = code < 0xdc00 && text.substr(std::min(i, text.size())).starts_with("\\u");
    const unsigned low = pair ? HexAt(text, i + 2) : 0;
    if (low < 0xdc00 || low > 0xdfff) return true;
    i += 6;
  }
  return false;
}

// Whether a JSON number is one of the range of a double, and none that would turn to zero.
bool IsDouble(std::string_view number) {
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  return read.ec == std::errc() && read.ptr == number.data() + number.size();
}

bool IsNumberStart(char c) { return c == '-' || IsDigit(c); }

void AppendText(std::string_view plain, std::string* out) {
  *out += '"';
  *out += plain;
  *out += '"';
}

// The inside of a string token, unescaped where it has to be.
class Inside {
 public:
  explicit Inside(std::string_view token) : text_(token.substr(1, token.size() - 2)) {
    if (text_.find('\\') == text_.npos) return;
    unescaped_ = UnescapeJsonString(token);
    text_ = unescaped_;
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  std::string_view text() const { return text_; }

 private:
  std::string unescaped_;
  std::string_view text_;
};

bool IsString(std::string_view token) { return token.size() >= 2 && token[0] == '"'; }

bool SameWord(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

// ---- the types ----

Reason AppendString(std::string_view token, std::string* out) {
  if (HasLoneSurrogate(token)) return kLoneSurrogate;
  if (IsString(token)) {
    *out += token;
  } else {
    AppendJsonString(token, out);
  }
  return std::nullopt;
}

Reason AppendInteger(std::string_view text, bool quoted, std::string* out) {
  constexpr std::string_view kTakes = "takes integers of 64 bits";
  if (quoted && text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  // 12.0 is an integer; 12.5 and 1e3 are not written as one.
  if (const size_t point = text.find('.'); point != text.npos) {
    const std::string_view zeros = text.substr(point + 1);
    if (zeros.empty() || zeros.find_first_not_of('0') != zeros.npos) return kTakes;
    text = text.substr(0, point);
  }
  int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return kTakes;
  }
  std::array<char, 24> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  const std::string_view plain(digits.data(), static_cast<size_t>(written.ptr - digits.data()));
  if (value > kExactMax || value < -kExactMax) {
    AppendText(plain, out);
  } else {
    *out += plain;
  }
  return std::nullopt;
}

Reason AppendFloat(std::string_view text, bool quoted, std::string* out) {
  constexpr std::string_view kTakes = "takes numbers in the range of a double, NaN and Infinity";
  if (!quoted) {
    if (!IsNumberStart(text[0]) || !IsDouble(text)) return kTakes;
    *out += text;
    return std::nullopt;
  }
  const bool negative = text.starts_with('-');
  std::string_view magnitude = text;
  if (negative || text.starts_with('+')) magnitude.remove_prefix(1);
  if (SameWord(magnitude, "nan")) {
    *out += "\"NaN\"";
  } else if (SameWord(magnitude, "inf") || SameWord(magnitude, "infinity")) {
    *out += negative ? "\"-Infinity\"" : "\"Infinity\"";
  } else if (!magnitude.empty() && (IsDigit(magnitude[0]) || magnitude[0] == '.') &&
             IsDouble(magnitude)) {
    AppendText(text.starts_with('+') ? magnitude : text, out);
  } else {
    return kTakes;
  }
  return std::nullopt;
}

Reason AppendDecimal(std::string_view text, bool big, std::string* out) {
  const auto decimal = Decimal::Parse(text);
  if (big) {
    if (!decimal || !decimal->FitsBigNumeric()) {
      return "takes numbers with up to 38 digits before the point and 38 behind it";
    }
  } else if (!decimal || !decimal->FitsNumeric()) {
    return "takes numbers with up to 29 digits before the point and 9 behind it";
  }
  AppendText(text, out);
  return std::nullopt;
}

Reason AppendBoolean(std::string_view token, std::string* out) {
  const bool yes = token == "true" || (IsString(token) && SameWord(token, "\"true\""));
  if (!yes && token != "false" && !(IsString(token) && SameWord(token, "\"false\""))) {
    return "takes true and false";
  }
  *out += yes ? "true" : "false";
  return std::nullopt;
}

// RFC 4648 section 4, with its padding.
bool IsBase64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int pad = 0; pad < 2 && text.ends_with('='); ++pad) text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/';
  });
}

Reason AppendBytes(std::string_view text, std::string* out) {
  if (!IsBase64(text)) return "takes bytes as text in base64 (RFC 4648, padded)";
  AppendText(text, out);
  return std::nullopt;
}

// `time` as "2026-12-01T00:00:00.000000Z", of which `begin` to `end` is wanted.
void AppendTime(UtcTime time, size_t begin, size_t end, std::string* out) {
  std::array<char, kTimestampBytes> text;
  WriteTimestamp(time, text.data());
  AppendText(std::string_view(text.data(), text.size()).substr(begin, end - begin), out);
}

constexpr size_t kDateBytes = 10;

Reason AppendDate(std::string_view text, std::string* out) {
  const auto date = ParseCivilDate(text);
  if (!date) return "takes dates as text, YYYY-MM-DD";
  AppendTime(*date, 0, kDateBytes, out);
  return std::nullopt;
}

Reason AppendTimeOfDay(std::string_view text, std::string* out) {
  const auto micros = ParseCivilTime(text);
  if (!micros) return "takes times of day as text, HH:MM:SS with up to six digits of a second";
  AppendTime(FromUnixMicros(*micros), kDateBytes + 1, kTimestampBytes - 1, out);
  return std::nullopt;
}

Reason AppendDatetime(std::string_view text, std::string* out) {
  const auto time = ParseCivilDatetime(text);
  if (!time) {
    return "takes dates with a time and without a zone as text, YYYY-MM-DDTHH:MM:SS with up to "
           "six digits of a second";
  }
  AppendTime(*time, 0, kTimestampBytes - 1, out);
  return std::nullopt;
}

Reason AppendTimestamp(std::string_view text, bool quoted, std::string* out) {
  const auto time = quoted ? ParseCivilTimestamp(text) : ParseEpochSeconds(text);
  if (!time) {
    return "takes instants of the years 1 to 9999 to the microsecond: as text, "
           "YYYY-MM-DDTHH:MM:SSZ, or as a number of seconds since 1970";
  }
  AppendTime(*time, 0, kTimestampBytes, out);
  return std::nullopt;
}

Reason AppendGeography(std::string_view token, std::string* out) {
  constexpr std::string_view kTakes = "takes a geography as WKT or GeoJSON";
  constexpr std::string_view kWords[] = {
      "point",        "linestring",         "polygon",  "multipoint", "multilinestring",
      "multipolygon", "geometrycollection", "fullglobe"};
  if (HasLoneSurrogate(token)) return kLoneSurrogate;
  if (token[0] == '{') {
    AppendJsonString(token, out);
    return std::nullopt;
  }
  if (!IsString(token)) return kTakes;
  const Inside inside(token);
  const std::string_view text = inside.text();
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return kTakes;
  size_t end = begin;
  while (end < text.size() && ((text[end] | 0x20) >= 'a' && (text[end] | 0x20) <= 'z')) ++end;
  const std::string_view word = text.substr(begin, end - begin);
  if (text[begin] != '{' &&
      std::none_of(std::begin(kWords), std::end(kWords),
                   [&](std::string_view known) { return SameWord(word, known); })) {
    return kTakes;
  }
  *out += token;
  return std::nullopt;
}

Reason AppendJson(std::string_view token, RowForm form, std::string* out) {
  if (const Reason reason = WhyNoJson(token)) return reason;
  if (form == RowForm::kLoad) {
    *out += token;
  } else {
    AppendJsonString(token, out);
  }
  return std::nullopt;
}

// The types that are a text, or a number that stands for one.
Reason AppendScalar(std::string_view text, bool quoted, BigQueryType type, std::string* out) {
  const std::string_view plain = quoted ? text : std::string_view();  // A number is no such text.
  switch (type) {
    case BigQueryType::kInteger:
      return AppendInteger(text, quoted, out);
    case BigQueryType::kFloat:
      return AppendFloat(text, quoted, out);
    case BigQueryType::kNumeric:
      return AppendDecimal(text, false, out);
    case BigQueryType::kBigNumeric:
      return AppendDecimal(text, true, out);
    case BigQueryType::kBytes:
      return quoted ? AppendBytes(text, out) : AppendBytes("=", out);
    case BigQueryType::kTimestamp:
      return AppendTimestamp(text, quoted, out);
    case BigQueryType::kDatetime:
      return AppendDatetime(plain, out);
    case BigQueryType::kDate:
      return AppendDate(plain, out);
    default:
      return AppendTimeOfDay(plain, out);
  }
}

}  // namespace

std::optional<std::string_view> AppendJsonValue(std::string_view token, BigQueryType type,
                                                RowForm form, std::string* out) {
  switch (type) {
    case BigQueryType::kString:
      return AppendString(token, out);
    case BigQueryType::kBoolean:
      return AppendBoolean(token, out);
    case BigQueryType::kGeography:
      return AppendGeography(token, out);
    case BigQueryType::kJson:
      return AppendJson(token, form, out);
    default:
      break;
  }
  if (!IsString(token)) return AppendScalar(token, false, type, out);
  return AppendScalar(Inside(token).text(), true, type, out);
}

std::optional<std::string_view> WhyNoJson(std::string_view token) {
  if (IsPlainJson(token)) return std::nullopt;
  if (HasLoneSurrogate(token)) return kLoneSurrogate;
  int depth = 0;
  for (size_t i = 0; i < token.size(); ++i) {
    const char c = token[i];
    if (c == '"') {
      for (++i; i < token.size() && token[i] != '"'; ++i) {
        if (token[i] == '\\') ++i;
      }
    } else if (c == '{' || c == '[') {
      if (++depth > kJsonDepthMax) return "takes JSON of up to 500 levels";
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (IsNumberStart(c)) {
      const size_t begin = i;
      while (i + 1 < token.size() &&
             std::string_view(",]} \t").find(token[i + 1]) == std::string_view::npos) {
        ++i;
      }
      // Few numbers are long or have an exponent; all others are within the range.
      const std::string_view number = token.substr(begin, i + 1 - begin);
      if ((number.size() > 300 || number.find_first_of("eE") != number.npos) && !IsDouble(number)) {
        return "takes JSON whose numbers are in the range of a double";
      }
    }
  }
  return std::nullopt;
}

}  // namespace bizond
