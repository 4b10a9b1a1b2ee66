#include "sync/job_document_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"

namespace bizond {
namespace {

struct Word {
  std::string_view text;
  int value;  // 0: false, 1: true, -1: null
};
constexpr Word kWords[] = {
    {"yes", 1},   {"Yes", 1},   {"YES", 1},  {"no", 0},    {"No", 0},    {"NO", 0},
    {"true", 1},  {"True", 1},  {"TRUE", 1}, {"false", 0}, {"False", 0}, {"FALSE", 0},
    {"on", 1},    {"On", 1},    {"ON", 1},   {"off", 0},   {"Off", 0},   {"OFF", 0},
    {"null", -1}, {"Null", -1}, {"~", -1},   {"NULL", -1}, {"", -1},
};

struct Radix {
  std::string_view prefix;
  int base;
};
// In this order: a bare 0 is YAML 1.1's octal.
constexpr Radix kRadixes[] = {{"0x", 16}, {"0b", 2}, {"0o", 8}, {"0", 8}};

bool AllDigitsOf(std::string_view digits, int base) {
  return !digits.empty() && std::all_of(digits.begin(), digits.end(), [base](char c) {
    int value = IsDigit(c)             ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
    return value < base;
  });
}

std::string TooLarge() { return "this integer does not fit into 64 bits"; }

std::string StoreInteger(bool negative, std::string_view digits, int base, nlohmann::json* value) {
  uint64_t magnitude = 0;
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return TooLarge();
  if (!negative) {
    *value = magnitude;
    return "";
  }
  constexpr uint64_t kMost = uint64_t{1} << 63;
  if (magnitude > kMost) return TooLarge();
  *value = static_cast<int64_t>(~magnitude + 1);
  return "";
}

// Significant digits of a decimal number: no sign, point, exponent, leading or trailing zeros.
std::string SignificantDigits(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c == 'e' || c == 'E') break;
    if (IsDigit(c) && !(digits.empty() && c == '0')) digits += c;
  }
  while (!digits.empty() && digits.back() == '0') digits.pop_back();
  return digits;
}

std::string StoreDecimal(std::string_view text, nlohmann::json* value) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string digits = SignificantDigits(text);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return "this number is beyond what can be kept";
  }
  // Up to 15 digits always survive; the double says of 16 and 17 whether they did.
  bool kept = digits.size() <= 17;
  if (kept && digits.size() > 15) {
    std::string back = fmt::format("{:.{}e}", number, digits.size() - 1);
    kept = SignificantDigits(back) == digits;
  }
  if (!kept) return "this number has more digits than can be kept exactly";
  *value = number;
  return "";
}

// [+-]? digits with a point, an exponent or both, at least one digit before the exponent.
bool LooksDecimal(std::string_view text) {
  size_t i = 0;
  size_t digits = 0;
  bool point = false;
  bool exponent = false;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  for (; i < text.size() && (IsDigit(text[i]) || text[i] == '.'); ++i) {
    if (text[i] == '.' && point) return false;
    point |= text[i] == '.';
    digits += text[i] != '.';
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    exponent = true;
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (i == text.size()) return false;
    while (i < text.size() && IsDigit(text[i])) ++i;
  }
  return i == text.size() && digits > 0 && (point || exponent);
}

bool IsInfinityOrNan(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  constexpr std::string_view kNames[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
  return std::find(std::begin(kNames), std::end(kNames), text) != std::end(kNames);
}

// nullopt: not an integer.
std::optional<std::string> TryInteger(std::string_view text, nlohmann::json* value) {
  bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (text.empty() || !IsDigit(text[0])) return std::nullopt;
  for (const Radix& radix : kRadixes) {
    if (text.size() > radix.prefix.size() && text.starts_with(radix.prefix)) {
      std::string_view digits = text.substr(radix.prefix.size());
      if (AllDigitsOf(digits, radix.base)) {
        return StoreInteger(negative, digits, radix.base, value);
      }
      return std::nullopt;
    }
  }
  if (!AllDigitsOf(text, 10)) return std::nullopt;
  return StoreInteger(negative, text, 10, value);
}

}  // namespace

std::string ResolvePlainScalar(std::string_view text, nlohmann::json* value) {
  for (const Word& word : kWords) {
    if (word.text == text) {
      *value = word.value < 0 ? nlohmann::json() : nlohmann::json(word.value == 1);
      return "";
    }
  }
  *value = text;
  constexpr std::string_view kNumberStarts = "0123456789+-.";
  if (kNumberStarts.find(text[0]) == kNumberStarts.npos) return "";
  if (IsInfinityOrNan(text)) return "a job has no use for infinity or not-a-number";
  std::string digits(text);
  if (text[0] != '_') std::erase(digits, '_');
  if (std::optional<std::string> wrong = TryInteger(digits, value)) return *wrong;
  if (!LooksDecimal(digits)) return "";
  // from_chars knows neither a leading plus nor a bare point before an exponent.
  std::string_view decimal = digits;
  if (decimal[0] == '+') decimal.remove_prefix(1);
  return StoreDecimal(decimal, value);
}

std::string ResolveJsonNumber(std::string_view text, nlohmann::json* value) {
  if (text.find_first_of(".eE") == text.npos) return TooLarge();
  return StoreDecimal(text, value);
}

}  // namespace bizond
