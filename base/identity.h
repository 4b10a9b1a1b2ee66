// Identifiers and content hashes.
//
// Ids are UUIDv7 (RFC 9562 section 5.7): sorted by the time they were made. Content hashes are
// XXH3-128 (xxHash): not cryptographic, used to recognise records, never to keep somebody out.
// Tokens and their stored form use SHA-256.
//
// Threads: every function may be called from any thread.
#ifndef BIZOND_BASE_IDENTITY_H_
#define BIZOND_BASE_IDENTITY_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace bizond {

// "018f3e0a-...": a UUIDv7 of `now`; ids made by one process at one instant still increase, also
// when `now` is up to a second behind the id before. After a larger step back the ids follow the
// clock.
std::string NewUuid(UtcTime now);

// 256 random bits as 64 hex digits: a token to hand out once. What is stored is its Sha256Hex.
std::string NewToken();
// Whether two secrets are equal, in a time that tells nothing about where they differ.
bool EqualSecrets(std::string_view a, std::string_view b);

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

// The hash that `xxh128sum` prints; a seed of 0 is the hash without one.
Hash128 HashBytes(std::string_view bytes);
Hash128 HashBytes(std::string_view bytes, uint64_t seed);
// 32 lower-case hex digits.
std::string HexOf(const Hash128& hash);
void WriteHex(const Hash128& hash, char* out32);  // No terminating zero.
// False, and `hash` untouched, unless the text is 32 hex digits of either case.
bool ParseHex(std::string_view text, Hash128* hash);

std::string Sha256Hex(std::string_view bytes);

// A hash of bytes that come in pieces; equals HashBytes of their concatenation.
class StreamingHash {
 public:
  StreamingHash();
  ~StreamingHash();
  StreamingHash(const StreamingHash&) = delete;
  StreamingHash& operator=(const StreamingHash&) = delete;
  void Update(std::string_view bytes);
  Hash128 Digest() const;

 private:
  void* state_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_IDENTITY_H_
