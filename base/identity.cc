#include "base/identity.h"

#include <openssl/evp.h>
#include <sys/random.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <span>
#include <stdexcept>
#include <system_error>

namespace bizond {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
// Threads read the clock before they come here, so a slightly older instant than the last one is
// ordinary and keeps counting on from it. A larger step back is a clock that was set: it is
// followed, or one wrong minute in the far future would stamp every later id.
constexpr int64_t kBackwardsTolerance_ms = 1000;

void FillRandom(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    out = out.subspan(static_cast<size_t>(got));
  }
}

// Of the kernel, many at a time. Not for several threads at once.
class RandomWords {
 public:
  uint64_t Next() {
    if (left_ == 0) {
      FillRandom({reinterpret_cast<uint8_t*>(words_.data()), sizeof words_});
      left_ = words_.size();
    }
    return words_[--left_];
  }

 private:
  std::array<uint64_t, 64> words_{};
  size_t left_ = 0;
};

// The 74 bits behind the time of a UUIDv7, split as RFC 9562 does.
struct UuidTail {
  uint16_t rand_a = 0;  // 12 bits
  uint64_t rand_b = 0;  // 62 bits
};

constexpr uint64_t kRandBMask = (uint64_t{1} << 62) - 1;

// Ids of one millisecond: random at first, then increased by a random step (RFC 9562 section 6.2,
// method 2), so that they are ordered and still hard to guess.
class UuidSequence {
 public:
  std::string Next(UtcTime now) {
    int64_t now_ms = std::max<int64_t>(0, ToUnixMicros(now) / 1000);
    std::lock_guard lock(mutex_);
    if (now_ms <= last_ms_ && last_ms_ - now_ms < kBackwardsTolerance_ms) {
      const uint64_t next = tail_.rand_b + 1 + (random_.Next() >> 32);
      tail_.rand_b = next & kRandBMask;
      if (next > kRandBMask && ++tail_.rand_a > 0xfff) {
        tail_.rand_a = 0;
        ++last_ms_;
      }
    } else {
      last_ms_ = now_ms;
      // The highest bit starts at zero: room for the increments.
      tail_ = {static_cast<uint16_t>(random_.Next() & 0x7ff), random_.Next() & kRandBMask};
    }
    return Format(static_cast<uint64_t>(last_ms_), tail_);
  }

 private:
  static std::string Format(uint64_t ms, const UuidTail& tail) {
    const uint64_t high = ms << 16 | uint64_t{0x7000} | tail.rand_a;
    const uint64_t low = uint64_t{2} << 62 | tail.rand_b;
    char digits[32];
    WriteHex({high, low}, digits);
    std::string text;
    text.reserve(36);
    for (size_t i = 0; i < 32; ++i) {
      if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
      text += digits[i];
    }
    return text;
  }

  std::mutex mutex_;
  // Guarded by mutex_.
  int64_t last_ms_ = -kBackwardsTolerance_ms;
  UuidTail tail_;
  RandomWords random_;
};

std::string HexOfBytes(std::span<const uint8_t> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

void WriteHexWord(uint64_t word, char* out16) {
  for (int i = 15; i >= 0; --i, word >>= 4) out16[i] = kHexDigits[word & 15];
}

bool ParseHexWord(std::string_view digits, uint64_t* word) {
  uint64_t value = 0;
  for (const char digit : digits) {
    const char lower = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
    const size_t nibble = std::string_view(kHexDigits, 16).find(lower);
    if (nibble == std::string_view::npos) return false;
    value = value << 4 | nibble;
  }
  *word = value;
  return true;
}

Hash128 FromXxh(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

XXH3_state_t* AsXxh(void* state) { return static_cast<XXH3_state_t*>(state); }

}  // namespace

std::string NewUuid(UtcTime now) {
  static UuidSequence sequence;
  return sequence.Next(now);
}

std::string NewToken() {
  std::array<uint8_t, 32> bytes;
  FillRandom(bytes);
  return HexOfBytes(bytes);
}

bool EqualSecrets(std::string_view a, std::string_view b) {
  // Hashes of equal length: neither the length nor the first difference shows in the time.
  const std::string hash_a = Sha256Hex(a);
  const std::string hash_b = Sha256Hex(b);
  unsigned difference = 0;
  for (size_t i = 0; i < hash_a.size(); ++i) {
    difference |= static_cast<unsigned>(hash_a[i] ^ hash_b[i]);
  }
  return difference == 0;
}

Hash128 HashBytes(std::string_view bytes) {
  return FromXxh(XXH3_128bits(bytes.data(), bytes.size()));
}

Hash128 HashBytes(std::string_view bytes, uint64_t seed) {
  return FromXxh(XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
}

void WriteHex(const Hash128& hash, char* out32) {
  WriteHexWord(hash.high, out32);
  WriteHexWord(hash.low, out32 + 16);
}

std::string HexOf(const Hash128& hash) {
  std::string text(32, '0');
  WriteHex(hash, text.data());
  return text;
}

bool ParseHex(std::string_view text, Hash128* hash) {
  if (text.size() != 32) return false;
  Hash128 parsed;
  if (!ParseHexWord(text.substr(0, 16), &parsed.high) ||
      !ParseHexWord(text.substr(16), &parsed.low)) {
    return false;
  }
  *hash = parsed;
  return true;
}

std::string Sha256Hex(std::string_view bytes) {
  std::array<uint8_t, 32> digest;
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 ||
      size != digest.size()) {
    throw std::runtime_error("OpenSSL offers no SHA-256");
  }
  return HexOfBytes(digest);
}

StreamingHash::StreamingHash() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(AsXxh(state_));
}

StreamingHash::~StreamingHash() { XXH3_freeState(AsXxh(state_)); }

void StreamingHash::Update(std::string_view bytes) {
  XXH3_128bits_update(AsXxh(state_), bytes.data(), bytes.size());
}

Hash128 StreamingHash::Digest() const { return FromXxh(XXH3_128bits_digest(AsXxh(state_))); }

}  // namespace bizond
