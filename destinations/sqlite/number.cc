#include "destinations/sqlite/number.h"

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace bizond {
namespace {

// Every decimal of up to 15 significant digits comes back from a double as it was.
constexpr int kExactDigits = 15;

// Significant digits before the exponent, without zeros in front of the first one.
int SignificantDigits(std::string_view token) {
  int digits = 0;
  for (const char c : token) {
    if (c == 'e' || c == 'E') break;
    if (IsDigit(c) && (digits > 0 || c != '0')) ++digits;
  }
  return digits;
}

}  // namespace

SqliteNumber ReadNumber(std::string_view token) {
  const char* const begin = token.data();
  const char* const end = begin + token.size();
  int64_t integer = 0;
  if (const auto read = std::from_chars(begin, end, integer);
      read.ec == std::errc() && read.ptr == end && token != "-0") {
    return integer;
  }
  double real = 0;
  if (const auto read = std::from_chars(begin, end, real);
      read.ec != std::errc() || read.ptr != end || !std::isnormal(real)) {
    if (read.ptr == end && read.ec == std::errc() && SignificantDigits(token) == 0) return real;
    return token;  // Too large, or too near to zero to keep all its digits.
  }
  if (SignificantDigits(token) > kExactDigits) return token;
  return real;
}

bool IsOversizedNumber(std::string_view text) {
  // The grammar of RFC 8259 section 6.
  size_t at = 0;
  const auto digits = [&] {
    const size_t start = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return at - start;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool zero = at < text.size() && text[at] == '0';
  const size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size() && std::holds_alternative<std::string_view>(ReadNumber(text));
}

}  // namespace bizond
