#include "destinations/google/plain_json.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace bizond {
namespace {

#if defined(__x86_64__)
constexpr size_t kBlock = 64;
constexpr size_t kLevelsMax = 500;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A bit for each of 64 bytes.
struct Marks {
  uint64_t backslashes = 0;
  uint64_t exponents = 0;  // e and E
  uint64_t digits = 0;     // And the point; / is taken for one, too, as it stands between them.
};

// What a block's bytes are, a bit for each.
template <typename Is>
uint64_t Mark(const char* block, Is is) {
  uint64_t marks = 0;
  for (int part = 0; part < 4; ++part) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + part);
    marks |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(is(bytes))))
             << (16 * part);
  }
  return marks;
}

__m128i Lower(__m128i bytes) { return _mm_or_si128(bytes, _mm_set1_epi8(0x20)); }

Marks MarksOf(const char* block) {
  return {
      .backslashes =
          Mark(block, [](__m128i bytes) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')); }),
      .exponents = Mark(
          block, [](__m128i bytes) { return _mm_cmpeq_epi8(Lower(bytes), _mm_set1_epi8('e')); }),
      // Without a sign no other byte is 11 at most above the point.
      .digits = Mark(block, [](__m128i bytes) {
        const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8('.'));
        return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8('9' - '.')), above);
      })};
}

// { and [
size_t OpeningsOf(const char* block) {
  return static_cast<size_t>(std::popcount(
      Mark(block, [](__m128i bytes) { return _mm_cmpeq_epi8(Lower(bytes), _mm_set1_epi8('{')); })));
}

// At `at` is an e behind a digit: whether an exponent of three digits or more may begin there. What
// goes on with letters behind the digits is no number but a text of hexadecimal digits.
bool IsLongExponent(std::string_view json, size_t at) {
  size_t i = at + 1;
  if (i < json.size() && (json[i] == '+' || json[i] == '-')) ++i;
  const size_t begin = i;
  while (i < json.size() && IsDigit(json[i])) ++i;
  const bool ends = i == json.size() || std::strchr(",]} \t\r\n", json[i]) != nullptr;
  return i - begin > 2 && ends;
}

bool HasLongExponent(std::string_view json, size_t begin, uint64_t candidates) {
  for (; candidates != 0; candidates &= candidates - 1) {
    if (IsLongExponent(json, begin + static_cast<size_t>(std::countr_zero(candidates))))
      return true;
  }
  return false;
}

bool HasUnicodeEscape(std::string_view json, size_t begin, uint64_t backslashes) {
  for (; backslashes != 0; backslashes &= backslashes - 1) {
    const size_t next = begin + static_cast<size_t>(std::countr_zero(backslashes)) + 1;
    if (next < json.size() && json[next] == 'u') return true;
  }
  return false;
}
#endif

}  // namespace

bool IsPlainJson(std::string_view json) {
#if defined(__x86_64__)
  const bool may_be_deep = json.size() > kLevelsMax;
  size_t openings = 0;
  uint64_t digit_before = 0;
  char rest[kBlock];
  for (size_t begin = 0; begin < json.size(); begin += kBlock) {
    const char* block = json.data() + begin;
    if (json.size() - begin < kBlock) {
      std::memset(rest, ' ', kBlock);
      std::memcpy(rest, block, json.size() - begin);
      block = rest;
    }
    const Marks marks = MarksOf(block);
    if (may_be_deep) openings += OpeningsOf(block);
    const uint64_t candidates = marks.exponents & (marks.digits << 1 | digit_before);
    digit_before = marks.digits >> 63;
    // Without such a block a number has fewer than 127 digits, and with an exponent of two it is
    // far from the bounds of a double.
    if (openings > kLevelsMax || marks.digits == ~uint64_t{0} ||
        HasLongExponent(json, begin, candidates) ||
        HasUnicodeEscape(json, begin, marks.backslashes)) {
      return false;
    }
  }
  return true;
#else
  (void)json;
  return false;
#endif
}

}  // namespace bizond
