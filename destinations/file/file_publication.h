// FilePublication: how a sealed staging becomes the target, so that doing it again does no harm.
//
// kRename: the staging takes the target's place; it has happened if the target's inode is the
// staged one. kAppend: the staging's bytes are written behind the target's; after a crash the same
// bytes are written at the same offset, nothing is ever cut off, and anything else that is found
// there is target_diverged. kNone: there is nothing to do. The intent also holds what the target
// will look like afterwards, so that the receipt is the same whenever it is asked for.
//
// Threads: values and pure functions.
#ifndef BIZOND_DESTINATIONS_FILE_FILE_PUBLICATION_H_
#define BIZOND_DESTINATIONS_FILE_FILE_PUBLICATION_H_

#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/identity.h"
#include "destinations/file/file_place.h"
#include "destinations/file/fingerprint.h"

namespace bizond {

struct FileIntent {
  enum class Kind { kNone, kRename, kAppend };
  Kind kind = Kind::kNone;
  std::string staging;     // Path relative to the root.
  uint64_t bytes = 0;      // Length of the staging,
  std::string digest;      // and the hash of its blocks (kAppend).
  FileFingerprint before;  // The target that is appended to (kAppend).
  FileFingerprint after;   // The target once it is published.
};

std::string EncodeIntent(const FileIntent& intent);
Result<FileIntent> DecodeIntent(std::string_view text);  // Code bad_mark.

// `sealed`: the staging was sealed by this process and need not be read again to be believed.
Status PublishFile(const FilePlace& place, const FileIntent& intent, bool sealed,
                   std::stop_token stop);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_FILE_FILE_PUBLICATION_H_
