// Decimal: a decimal number as text, and whether BigQuery's NUMERIC and BIGNUMERIC hold every digit
// of it.
//
// Threads: values.
#ifndef BIZOND_DESTINATIONS_GOOGLE_DECIMAL_H_
#define BIZOND_DESTINATIONS_GOOGLE_DECIMAL_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bizond {

class Decimal {
 public:
  // "12", "-0.50", "+1.5e3", ".5". nullopt: it is no number, or has more digits than any type of
  // BigQuery.
  static std::optional<Decimal> Parse(std::string_view text);

  // Digits behind the point and before it, without zeros that say nothing.
  int scale() const { return size_ > point_ ? size_ - point_ : 0; }
  int whole_digits() const { return size_ > 0 && point_ > 0 ? point_ : 0; }

  bool FitsNumeric() const;     // 29 digits before the point, 9 behind it.
  bool FitsBigNumeric() const;  // Between -2^255 and 2^255 - 1 of 10^-38.
  // The number times 10^digits, for a number of that scale and at most 18 digits in all.
  int64_t Scaled(int digits) const;

 private:
  static constexpr int kDigitsMax = 77;

  bool negative_ = false;
  // value = 0.DIGITS * 10^point; the digits neither begin nor end with a zero.
  std::array<char, kDigitsMax> digits_{};
  int size_ = 0;
  int point_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_DECIMAL_H_
