#include "destinations/google/decimal.h"

#include <algorithm>

#include "base/text.h"

namespace bizond {
namespace {

// 2^255 - 1, the last of a BIGNUMERIC in units of 10^-38; the first is one further.
constexpr std::string_view kLastBigNumeric =
    "57896044618658097711785492504343953926634992332820282019728792003956564819967";
constexpr int kBigNumericScale = 38;
constexpr int kBigNumericWhole = 39;
constexpr int kNumericScale = 9;
constexpr int kNumericWhole = 29;
// An exponent beyond it is one of no type.
constexpr int kExponentMax = 100'000;

// Reads "e-12" to the end; false: it is no exponent.
bool ReadExponent(std::string_view text, int* exponent) {
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return false;
  int value = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    value = std::min(value * 10 + (c - '0'), kExponentMax);
  }
  *exponent = negative ? -value : value;
  return true;
}

}  // namespace

std::optional<Decimal> Decimal::Parse(std::string_view text) {
  Decimal out;
  if (text.starts_with('-') || text.starts_with('+')) {
    out.negative_ = text[0] == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  bool any = false;
  int zeros = 0;      // Since the last other digit: written when one follows.
  int64_t whole = 0;  // The place of the point, from the first digit that counts.
  for (; !text.empty() && (IsDigit(text[0]) || (text[0] == '.' && !point)); text.remove_prefix(1)) {
    if (text[0] == '.') {
      point = true;
      continue;
    }
    any = true;
    if (!point && (out.size_ > 0 || text[0] != '0')) ++whole;
    if (text[0] == '0') {
      if (out.size_ > 0) {
        ++zeros;
      } else if (point) {
        --whole;
      }
      continue;
    }
    if (out.size_ + zeros >= kDigitsMax) return std::nullopt;
    for (; zeros > 0; --zeros) out.digits_[static_cast<size_t>(out.size_++)] = '0';
    out.digits_[static_cast<size_t>(out.size_++)] = text[0];
  }
  int exponent = 0;
  if (!any || !ReadExponent(text, &exponent)) return std::nullopt;
  if (out.size_ == 0) {
    out.negative_ = false;
    return out;
  }
  out.point_ = static_cast<int>(
      std::clamp<int64_t>(whole + exponent, -int64_t{kExponentMax}, int64_t{kExponentMax}));
  return out;
}

bool Decimal::FitsNumeric() const {
  return scale() <= kNumericScale && whole_digits() <= kNumericWhole;
}

bool Decimal::FitsBigNumeric() const {
  if (scale() > kBigNumericScale || whole_digits() > kBigNumericWhole) return false;
  if (whole_digits() < kBigNumericWhole) return true;
  // As many digits as the last one has: they compare as text.
  for (size_t i = 0; i < kLastBigNumeric.size(); ++i) {
    const char digit = i < static_cast<size_t>(size_) ? digits_[i] : '0';
    const bool last = i + 1 == kLastBigNumeric.size();
    const char bound = static_cast<char>(kLastBigNumeric[i] + (last && negative_ ? 1 : 0));
    if (digit != bound) return digit < bound;
  }
  return true;
}

int64_t Decimal::Scaled(int digits) const {
  int64_t value = 0;
  for (int i = 0; i < point_ + digits; ++i) {
    value = value * 10 + (i < size_ ? digits_[static_cast<size_t>(i)] - '0' : 0);
  }
  return negative_ ? -value : value;
}

}  // namespace bizond
