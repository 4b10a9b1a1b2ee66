#include "bench/minimal/columns.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace bizond::bench {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// 0: stands for itself; 'u': \u00xx; any other: the letter behind the backslash.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> table{};
  for (size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b';
  table['\t'] = 't';
  table['\n'] = 'n';
  table['\f'] = 'f';
  table['\r'] = 'r';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}
constexpr std::array<char, 256> kEscapes = MakeEscapes();

constexpr std::array<std::array<char, 2>, 256> MakeHexPairs() {
  std::array<std::array<char, 2>, 256> table{};
  for (size_t i = 0; i < 256; ++i) table[i] = {kHex[i >> 4], kHex[i & 15]};
  return table;
}
constexpr std::array<std::array<char, 2>, 256> kHexPairs = MakeHexPairs();

}  // namespace

void WriteId(uint64_t seed, uint64_t row, char* out) {
  const std::array<uint64_t, 2> place = {seed, row};
  const XXH128_hash_t hash = XXH3_128bits(place.data(), sizeof place);
  std::array<unsigned char, 16> bytes;
  std::memcpy(bytes.data(), &hash, sizeof hash);
  for (const unsigned char byte : bytes) {
    std::memcpy(out, kHexPairs[byte].data(), 2);
    out += 2;
  }
}

std::string Instant() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const std::time_t seconds = micros / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  (void)std::snprintf(text.data() + size, text.size() - size, ".%06dZ",
                      static_cast<int>(micros % 1'000'000));
  return text.data();
}

char* Escape(std::string_view text, char* out) {
  for (const char c : text) {
    const char escape = kEscapes[static_cast<unsigned char>(c)];
    if (escape == 'u') [[unlikely]] {
      out = std::copy_n("\\u00", 4, out);
      std::memcpy(out, kHexPairs[static_cast<unsigned char>(c)].data(), 2);
      out += 2;
      continue;
    }
    // Quotes are too frequent and too irregular in JSON to branch on: both bytes are written, and
    // the second one overwrites the backslash where there is none.
    const size_t escaped = escape != 0 ? 1 : 0;
    out[0] = '\\';
    out[escaped] = escaped != 0 ? escape : c;
    out += 1 + escaped;
  }
  return out;
}

}  // namespace bizond::bench
