#include "destinations/google/civil_time.h"

#include "base/text.h"
#include "destinations/google/decimal.h"

namespace bizond {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr UtcTime kFirst = sys_days(std::chrono::year(1) / 1 / 1);
constexpr UtcTime kPast = sys_days(std::chrono::year(10000) / 1 / 1);

// Reads a text from its front.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }
  char Peek() const { return text_.empty() ? '\0' : text_[0]; }
  std::string_view rest() const { return text_; }

  bool Take(char c) {
    if (Peek() != c || text_.empty()) return false;
    text_.remove_prefix(1);
    return true;
  }
  // `least` to `most` digits; false when there are fewer.
  bool Number(size_t least, size_t most, int* out) {
    size_t digits = 0;
    *out = 0;
    while (digits < most && digits < text_.size() && IsDigit(text_[digits])) {
      *out = *out * 10 + (text_[digits++] - '0');
    }
    text_.remove_prefix(digits);
    return digits >= least;
  }
  // The digits of a fraction as microseconds.
  bool Fraction(int64_t* micros) {
    size_t digits = 0;
    int64_t unit = kMicrosPerSecond / 10;
    for (*micros = 0; digits < text_.size() && IsDigit(text_[digits]); ++digits) {
      if (unit == 0 && text_[digits] != '0') return false;
      *micros += unit * (text_[digits] - '0');
      unit /= 10;
    }
    text_.remove_prefix(digits);
    return digits > 0;
  }

 private:
  std::string_view text_;
};

std::optional<sys_days> TakeDate(Cursor* at) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!at->Number(4, 4, &year) || !at->Take('-') || !at->Number(1, 2, &month) || !at->Take('-') ||
      !at->Number(1, 2, &day) || year < 1) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

std::optional<int64_t> TakeTime(Cursor* at) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t micros = 0;
  if (!at->Number(1, 2, &hour) || !at->Take(':') || !at->Number(1, 2, &minute) || !at->Take(':') ||
      !at->Number(1, 2, &second) || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  if (at->Take('.') && !at->Fraction(&micros)) return std::nullopt;
  return (int64_t{hour} * 3600 + minute * 60 + second) * kMicrosPerSecond + micros;
}

std::optional<UtcTime> TakeDatetime(Cursor* at) {
  const auto date = TakeDate(at);
  if (!date) return std::nullopt;
  const UtcTime midnight = *date;
  if (at->Peek() != 'T' && at->Peek() != 't' &&
      !(at->Peek() == ' ' && at->rest().size() > 1 && IsDigit(at->rest()[1]))) {
    return midnight;
  }
  at->Take(at->Peek());
  const auto time = TakeTime(at);
  if (!time) return std::nullopt;
  return midnight + std::chrono::microseconds(*time);
}

// The offset behind a timestamp, in minutes.
std::optional<int> TakeOffset(Cursor* at) {
  const bool negative = at->Peek() == '-';
  if (!at->Take('+') && !at->Take('-')) return std::nullopt;
  int hours = 0;
  int minutes = 0;
  if (!at->Number(1, 2, &hours)) return std::nullopt;
  if (at->Take(':')) {
    if (!at->Number(1, 2, &minutes)) return std::nullopt;
  } else if (!at->AtEnd() && !at->Number(2, 2, &minutes)) {
    return std::nullopt;
  }
  if (hours > 14 || minutes > 59) return std::nullopt;
  return (negative ? -1 : 1) * (hours * 60 + minutes);
}

std::optional<UtcTime> InRange(UtcTime time) {
  if (time < kFirst || time >= kPast) return std::nullopt;
  return time;
}

}  // namespace

std::optional<sys_days> ParseCivilDate(std::string_view text) {
  Cursor at(text);
  const auto date = TakeDate(&at);
  return at.AtEnd() ? date : std::nullopt;
}

std::optional<int64_t> ParseCivilTime(std::string_view text) {
  Cursor at(text);
  const auto time = TakeTime(&at);
  return at.AtEnd() ? time : std::nullopt;
}

std::optional<UtcTime> ParseCivilDatetime(std::string_view text) {
  Cursor at(text);
  const auto time = TakeDatetime(&at);
  return at.AtEnd() ? time : std::nullopt;
}

std::optional<UtcTime> ParseCivilTimestamp(std::string_view text) {
  Cursor at(text);
  const auto time = TakeDatetime(&at);
  if (!time) return std::nullopt;
  if (at.AtEnd()) return time;
  at.Take(' ');
  if (at.rest() == "Z" || at.rest() == "z" || at.rest() == "UTC") return time;
  const auto minutes = TakeOffset(&at);
  if (!minutes || !at.AtEnd()) return std::nullopt;
  return InRange(*time - std::chrono::minutes(*minutes));
}

std::optional<UtcTime> ParseEpochSeconds(std::string_view number) {
  const auto decimal = Decimal::Parse(number);
  constexpr int kSecondsDigits = 12;  // The year 9999 ends at 253402300799.
  if (!decimal || decimal->scale() > 6 || decimal->whole_digits() > kSecondsDigits) {
    return std::nullopt;
  }
  return InRange(UtcTime(std::chrono::microseconds(decimal->Scaled(6))));
}

}  // namespace bizond
