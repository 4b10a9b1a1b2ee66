#include "destinations/json_string.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bizond {
namespace {

bool IsPlain(unsigned char c) { return c >= 0x20 && c != '"' && c != '\\'; }

char* EscapeByte(unsigned char c, char* out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kShort = "\b\t\n\f\r";
  constexpr std::string_view kLetters = "btnfr";
  *out++ = '\\';
  if (c >= 0x20) {
    *out++ = static_cast<char>(c);
    return out;
  }
  if (const size_t at = kShort.find(static_cast<char>(c)); at != std::string_view::npos) {
    *out++ = kLetters[at];
    return out;
  }
  *out++ = 'u';
  *out++ = '0';
  *out++ = '0';
  *out++ = kHex[c >> 4];
  *out++ = kHex[c & 15];
  return out;
}

char* EscapeSlowly(std::string_view text, char* out) {
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if (IsPlain(c)) {
      *out++ = byte;
    } else {
      out = EscapeByte(c, out);
    }
  }
  return out;
}

#if defined(__x86_64__)
// Row m spreads eight bytes so that the ones whose bit is set in m are preceded by a gap. A gap has
// its high bit set, which the shuffle turns into a zero.
constexpr std::array<std::array<uint8_t, 16>, 256> MakeSpread() {
  std::array<std::array<uint8_t, 16>, 256> table{};
  for (size_t mask = 0; mask < 256; ++mask) {
    size_t at = 0;
    for (size_t i = 0; i < 8; ++i) {
      if ((mask >> i & 1) != 0) table[mask][at++] = 0x80;
      table[mask][at++] = static_cast<uint8_t>(i);
    }
    while (at < 16) table[mask][at++] = 0x80;
  }
  return table;
}
alignas(64) constexpr auto kSpread = MakeSpread();

// Eight bytes in, 8 to 16 out; writes 16.
__attribute__((target("ssse3"), always_inline)) inline char* Spread(__m128i bytes, unsigned mask,
                                                                    char* out) {
  const __m128i row = _mm_load_si128(reinterpret_cast<const __m128i*>(kSpread[mask].data()));
  const __m128i gaps = _mm_and_si128(_mm_cmpgt_epi8(_mm_setzero_si128(), row), _mm_set1_epi8('\\'));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                   _mm_or_si128(_mm_shuffle_epi8(bytes, row), gaps));
  return out + 8 + std::popcount(mask);
}

__attribute__((target("ssse3,popcnt"))) char* EscapeBySpreading(std::string_view text, char* out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i controls = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control);
    if (_mm_movemask_epi8(controls) != 0) [[unlikely]] {
      out = EscapeSlowly({at, 16}, out);
      continue;
    }
    const __m128i special =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    out = Spread(bytes, mask & 0xff, out);
    out = Spread(_mm_srli_si128(bytes, 8), mask >> 8, out);
  }
  return EscapeSlowly({at, static_cast<size_t>(end - at)}, out);
}
#endif

using Escape = char* (*)(std::string_view, char*);

Escape ChooseEscape() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt")) return EscapeBySpreading;
#endif
  return EscapeSlowly;
}

}  // namespace

size_t EscapedBytesBound(std::string_view text) {
  constexpr size_t kSlack = 32;  // A shuffle writes 16 bytes wherever it begins.
  constexpr size_t kShortBytes = 64 << 10;
  if (text.size() <= kShortBytes) return text.size() * 6 + kSlack;
  size_t bytes = text.size() + kSlack;
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    bytes += c < 0x20 ? 5 : (IsPlain(c) ? 0 : 1);
  }
  return bytes;
}

char* EscapeJson(std::string_view text, char* out) {
  static const Escape escape = ChooseEscape();
  return escape(text, out);
}

void AppendJsonString(std::string_view text, std::string* out) {
  const size_t before = out->size();
  out->resize(before + 2 + EscapedBytesBound(text));
  char* at = out->data() + before;
  *at++ = '"';
  at = EscapeJson(text, at);
  *at++ = '"';
  out->resize(static_cast<size_t>(at - out->data()));
}

}  // namespace bizond
