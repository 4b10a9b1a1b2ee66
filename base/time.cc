#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace bizond {
namespace {

namespace chrono = std::chrono;

constexpr UtcTime kMinPrinted = chrono::sys_days(chrono::year(0) / 1 / 1);
constexpr UtcTime kMaxPrinted =
    UtcTime(chrono::sys_days(chrono::year(10'000) / 1 / 1)) - Duration(1);

struct Fields {
  int year;
  unsigned month, day;
  int64_t hour, minute, second, micros;
};

Fields Split(UtcTime time) {
  time = std::clamp(time, kMinPrinted, kMaxPrinted);
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(time - day);
  return Fields{static_cast<int>(date.year()),     static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), clock.hours().count(),
                clock.minutes().count(),           clock.seconds().count(),
                clock.subseconds().count()};
}

// Reads a text from left to right; every Take leaves the text alone when it answers no.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool Done() const { return rest_.empty(); }
  bool Take(char c) { return TakeAny(std::string_view(&c, 1)) != '\0'; }
  char TakeAny(std::string_view any) {
    if (rest_.empty() || any.find(rest_.front()) == std::string_view::npos) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  // Exactly `digits` decimal digits.
  std::optional<int> TakeNumber(size_t digits) {
    if (CountDigits() < digits) return std::nullopt;
    int value = 0;
    for (size_t i = 0; i < digits; ++i) value = value * 10 + (rest_[i] - '0');
    rest_.remove_prefix(digits);
    return value;
  }
  size_t CountDigits() const {
    return std::min(rest_.find_first_not_of("0123456789"), rest_.size());
  }

 private:
  std::string_view rest_;
};

bool TakeDate(Reader& in, chrono::sys_days& day) {
  const auto year = in.TakeNumber(4);
  if (!year || !in.Take('-')) return false;
  const auto month = in.TakeNumber(2);
  if (!month || !in.Take('-')) return false;
  const auto mday = in.TakeNumber(2);
  if (!mday) return false;
  const auto date = chrono::year(*year) / *month / *mday;
  if (!date.ok()) return false;
  day = date;
  return true;
}

// Digits after the sixth are dropped: an instant never moves to the next microsecond.
bool TakeFraction(Reader& in, Duration& fraction) {
  if (!in.TakeAny(".")) return true;
  const size_t digits = in.CountDigits();
  if (digits == 0 || digits > 9) return false;
  int64_t nanos = *in.TakeNumber(digits);
  for (size_t i = digits; i < 9; ++i) nanos *= 10;
  fraction = Duration(nanos / 1000);
  return true;
}

bool TakeOffset(Reader& in, chrono::minutes& offset) {
  if (in.Done() || in.TakeAny("Zz")) return true;
  const char sign = in.TakeAny("+-");
  if (sign == '\0') return false;
  const auto hours = in.TakeNumber(2);
  if (!hours || *hours > 23 || !in.Take(':')) return false;
  const auto minutes = in.TakeNumber(2);
  if (!minutes || *minutes > 59) return false;
  offset = chrono::minutes((*hours * 60 + *minutes) * (sign == '-' ? -1 : 1));
  return true;
}

std::optional<UtcTime> ReadTime(std::string_view text) {
  Reader in(text);
  chrono::sys_days day;
  if (!TakeDate(in, day)) return std::nullopt;
  if (in.Done()) return day;
  if (!in.TakeAny("Tt ")) return std::nullopt;
  const auto hour = in.TakeNumber(2);
  if (!hour || *hour > 23 || !in.Take(':')) return std::nullopt;
  const auto minute = in.TakeNumber(2);
  if (!minute || *minute > 59 || !in.Take(':')) return std::nullopt;
  const auto second = in.TakeNumber(2);
  Duration fraction{0};
  chrono::minutes offset{0};
  if (!second || *second > 60 || !TakeFraction(in, fraction)) return std::nullopt;
  if (!TakeOffset(in, offset) || !in.Done()) return std::nullopt;
  const UtcTime start_of_minute =
      UtcTime(day) + chrono::hours(*hour) + chrono::minutes(*minute) - offset;
  // A leap second ends a UTC day; Unix time has no room for it, so it is the second after.
  const auto into_day = start_of_minute - chrono::floor<chrono::days>(start_of_minute);
  if (*second == 60 && into_day != chrono::minutes(24 * 60 - 1)) return std::nullopt;
  return start_of_minute + chrono::seconds(*second) + fraction;
}

struct Unit {
  std::string_view name;
  int64_t micros;
};

// From the largest to the smallest: the order in which a duration names them.
constexpr std::array kUnits = {
    Unit{"w", 7 * 86'400'000'000},
    Unit{"d", 86'400'000'000},
    Unit{"h", 3'600'000'000},
    Unit{"m", 60'000'000},
    Unit{"s", 1'000'000},
    Unit{"ms", 1'000},
    Unit{"us", 1},
};
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMaxDuration = 1000 * int64_t{31'557'600} * kSecond;  // Julian years

struct DurationProblem {
  std::string_view text;
};

// Micros, or why not.
tl::expected<int64_t, DurationProblem> ReadDuration(std::string_view text) {
  const auto problem = [](std::string_view why) {
    return tl::make_unexpected(DurationProblem{why});
  };
  if (text.empty()) return problem("is empty");
  if (text.front() == '-') return problem("is negative");
  int64_t total = 0;
  size_t first_unit = 0;  // Units must get smaller, so each stands once.
  for (bool alone = true; !text.empty(); alone = false) {
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return problem("has something else where a number should stand");
    int64_t value = 0;
    for (const char c : text.substr(0, digits)) {
      value = value * 10 + (c - '0');
      if (value > kMaxDuration) return problem("is longer than 1,000 years");
    }
    text.remove_prefix(digits);
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    text.remove_prefix(name.size());
    int64_t micros = kSecond;
    if (!(name.empty() && alone)) {
      const auto unit =
          std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
      if (unit == kUnits.end()) return problem("has an unknown or missing unit");
      const size_t index = static_cast<size_t>(unit - kUnits.begin());
      if (index < first_unit) return problem("has its units out of order");
      first_unit = index + 1;
      micros = unit->micros;
    }
    if (value > (kMaxDuration - total) / micros) return problem("is longer than 1,000 years");
    total += value * micros;
  }
  return total;
}

// What a message repeats of a hostile text.
std::string_view Shown(std::string_view text) { return text.substr(0, 64); }

}  // namespace

std::string FormatUtc(UtcTime time) {
  const Fields f = Split(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", f.year, f.month, f.day, f.hour,
                     f.minute, f.second, f.micros / 1000);
}

std::string FormatUtcMicros(UtcTime time) {
  const Fields f = Split(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", f.year, f.month, f.day, f.hour,
                     f.minute, f.second, f.micros);
}

Result<UtcTime> ParseUtc(std::string_view text) {
  if (const auto time = ReadTime(text)) return *time;
  return Fail(ErrorKind::kConfig, "invalid_time",
              fmt::format("'{}' is not an instant of RFC 3339", Shown(text)),
              "Write it like 2026-12-01T00:00:00Z, 2026-12-01T01:00:00+01:00 or 2026-12-01");
}

Result<Duration> ParseDuration(std::string_view text) {
  const auto micros = ReadDuration(text);
  if (micros) return Duration(*micros);
  return Fail(ErrorKind::kConfig, "invalid_duration",
              fmt::format("the duration '{}' {}", Shown(text), micros.error().text),
              "Write it like 90s, 10m, 1h30m or 250ms, with the units w, d, h, m, s, ms, us");
}

std::string FormatDuration(Duration duration) {
  if (duration == Duration(0)) return "0s";
  std::string text = duration < Duration(0) ? "-" : "";
  // Unsigned, because the most negative duration has no positive counterpart.
  uint64_t rest = static_cast<uint64_t>(duration.count());
  if (duration < Duration(0)) rest = -rest;
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<uint64_t>(unit.micros);
    if (rest >= size) fmt::format_to(std::back_inserter(text), "{}{}", rest / size, unit.name);
    rest %= size;
  }
  return text;
}

}  // namespace bizond
