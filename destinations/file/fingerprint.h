// FileFingerprint: what a target looked like, so that a change by somebody else is noticed.
//
// The inode, the length and a hash of the last 4 KiB before it: cheap at any size, and enough to
// tell a file that was replaced, cut, restored or appended to.
//
// Threads: values.
#ifndef BIZOND_DESTINATIONS_FILE_FINGERPRINT_H_
#define BIZOND_DESTINATIONS_FILE_FINGERPRINT_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fs.h"

namespace bizond {

struct FileFingerprint {
  static constexpr uint64_t kTailBytes = 4096;

  uint64_t inode = 0;
  uint64_t length = 0;
  std::string tail;  // Hex of the hash of the last kTailBytes before `length`.

  friend bool operator==(const FileFingerprint&, const FileFingerprint&) = default;
};

// The first `length` bytes of a file; it may be longer.
Result<FileFingerprint> FingerprintOf(const File& file, uint64_t length);
// The whole file as it is now.
Result<FileFingerprint> FingerprintOf(const File& file);
// What `before` becomes when `bytes` bytes of `staging` are appended to it.
Result<FileFingerprint> FingerprintAfterAppend(const File& target, const FileFingerprint& before,
                                               const File& staging, uint64_t bytes);

void to_json(nlohmann::json& json, const FileFingerprint& fingerprint);
void from_json(const nlohmann::json& json, FileFingerprint& fingerprint);

// A receipt, or the mark of a stream: {"v":1,"inode":..,"length":..,"tail":".."}. Code bad_mark.
std::string EncodeFingerprint(const FileFingerprint& fingerprint);
Result<FileFingerprint> DecodeFingerprint(std::string_view what, std::string_view text);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_FILE_FINGERPRINT_H_
