#include "destinations/file/file_publication.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/failpoint.h"
#include "base/file_error.h"
#include "destinations/divergence.h"
#include "destinations/file/block_writer.h"

namespace bizond {
namespace {

constexpr uint64_t kCopyBytes = 8 << 20;

// Whether target[offset, offset + size) is what was staged, as far as it got there. A crash of the
// machine may leave a hole, which reads as zeros; no line of JSON has a zero byte.
bool IsStagedOrHole(std::string_view found, std::string_view staged) {
  if (found == staged) return true;
  return std::equal(found.begin(), found.end(), staged.begin(),
                    [](char a, char b) { return a == b || a == '\0'; });
}

Failure Diverged(const FilePlace& place, std::string_view what) {
  return Failure(TargetDiverged(place.Display(), what));
}

// Of target[before.length, end): must be the beginning of the staging.
Status CheckAppended(const FilePlace& place, const FileIntent& intent, const File& target,
                     const File& staging, uint64_t size) {
  std::vector<char> found(BlockChain::kBlockBytes);
  std::vector<char> staged(BlockChain::kBlockBytes);
  for (uint64_t at = 0; at < size;) {
    const size_t wanted = std::min<uint64_t>(size - at, found.size());
    BIZOND_ASSIGN_OR_RETURN(const size_t got,
                            target.ReadAt(found.data(), wanted, intent.before.length + at));
    BIZOND_ASSIGN_OR_RETURN(const size_t expected, staging.ReadAt(staged.data(), wanted, at));
    if (got != wanted || expected != wanted ||
        !IsStagedOrHole({found.data(), got}, {staged.data(), expected})) {
      return Diverged(place, fmt::format("behind byte {} stands something that this run did not "
                                         "write",
                                         intent.before.length + at));
    }
    at += wanted;
  }
  return {};
}

// In the kernel where that works, through a buffer elsewhere.
Status CopyRange(const File& staging, uint64_t from, uint64_t size, File* target, uint64_t to) {
  auto in = static_cast<off64_t>(from);
  auto out = static_cast<off64_t>(to);
  uint64_t left = size;
  while (left > 0) {
    const ssize_t moved = copy_file_range(staging.fd(), &in, target->fd(), &out, left, 0);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
      return Failure(FileError(errno, FileAccess::kWrite, "append to", target->path()));
    }
    if (moved <= 0) break;
    left -= static_cast<uint64_t>(moved);
  }
  std::vector<char> buffer(left > 0 ? BlockChain::kBlockBytes : 0);
  while (left > 0) {
    const size_t wanted = std::min<uint64_t>(left, buffer.size());
    BIZOND_ASSIGN_OR_RETURN(const size_t got,
                            staging.ReadAt(buffer.data(), wanted, from + size - left));
    if (got < wanted) return Failure(StagingLost(staging.path(), "it is shorter than it was"));
    BIZOND_RETURN_IF_ERROR(target->WriteAllAt({buffer.data(), got}, to + size - left));
    left -= got;
  }
  return {};
}

Status Append(const FileIntent& intent, const File& staging, File* target, std::stop_token stop) {
  Failpoint("file.append_begin");
  // A full disk is met here, before a byte of the target has changed. File systems that cannot tell
  // meet it below.
  if (fallocate(target->fd(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(intent.before.length),
                static_cast<off_t>(intent.bytes)) < 0 &&
      (errno == ENOSPC || errno == EDQUOT)) {
    return Failure(FileError(errno, FileAccess::kWrite, "append to", target->path()));
  }
  const uint64_t half = (intent.bytes + 1) / 2;
  bool passed_half = false;
  for (uint64_t at = 0; at < intent.bytes;) {
    if (stop.stop_requested()) return Failure(StoppedError("appending to " + target->path()));
    const uint64_t limit = passed_half ? intent.bytes : half;
    const uint64_t size = std::min(limit - at, kCopyBytes);
    const uint64_t to = intent.before.length + at;
    BIZOND_RETURN_IF_ERROR(CopyRange(staging, at, size, target, to));
    target->StartWriteback(to, size);
    at += size;
    if (at == half && !passed_half) {
      passed_half = true;
      Failpoint("file.append_half");
    }
  }
  BIZOND_RETURN_IF_ERROR(target->Sync());
  Failpoint("file.append_synced");
  return {};
}

// The staging is gone: fine, if the target holds what it held.
Status CheckPublished(const FilePlace& place, const FileIntent& intent, const File& target,
                      uint64_t length) {
  if (length >= intent.after.length) {
    BIZOND_ASSIGN_OR_RETURN(const Hash128 found,
                            DigestOf(target, intent.before.length, intent.bytes));
    if (HexOf(found) == intent.digest) return {};
  }
  return Failure(StagingLost((place.root().path() / intent.staging).string(),
                             "it is gone before it was published"));
}

Status PublishByAppend(const FilePlace& place, const FileIntent& intent, bool sealed,
                       std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const auto present, place.StatTarget());
  if (!present || present->inode != intent.before.inode ||
      present->size_bytes < intent.before.length) {
    return Diverged(place, "it was removed, replaced or cut after the run had begun to publish");
  }
  BIZOND_ASSIGN_OR_RETURN(File target, place.root().OpenFile(place.target(), OpenMode::kWrite));
  BIZOND_ASSIGN_OR_RETURN(const FileFingerprint before,
                          FingerprintOf(target, intent.before.length));
  if (before != intent.before) return Diverged(place, "its last lines have changed");
  BIZOND_ASSIGN_OR_RETURN(const auto staged, place.root().Stat(intent.staging));
  if (!staged) return CheckPublished(place, intent, target, present->size_bytes);
  BIZOND_ASSIGN_OR_RETURN(const File staging,
                          place.root().OpenFile(intent.staging, OpenMode::kRead));
  if (!sealed) {
    BIZOND_ASSIGN_OR_RETURN(const Hash128 found, DigestOf(staging, 0, intent.bytes));
    if (HexOf(found) != intent.digest) {
      return Failure(StagingLost(staging.path(), "it has changed since it was sealed"));
    }
  }
  const uint64_t appended = std::min(present->size_bytes, intent.after.length) - before.length;
  BIZOND_RETURN_IF_ERROR(CheckAppended(place, intent, target, staging, appended));
  return Append(intent, staging, &target, stop);
}

Status PublishByRename(const FilePlace& place, const FileIntent& intent) {
  const Root& root = place.root();
  BIZOND_ASSIGN_OR_RETURN(const auto staged, root.Stat(intent.staging));
  if (staged && staged->inode == intent.after.inode) {
    BIZOND_ASSIGN_OR_RETURN(const File staging, root.OpenFile(intent.staging, OpenMode::kRead));
    BIZOND_ASSIGN_OR_RETURN(const FileFingerprint found, FingerprintOf(staging));
    if (found != intent.after) {
      return Failure(StagingLost(staging.path(), "it has changed since it was sealed"));
    }
    BIZOND_RETURN_IF_ERROR(place.StatTarget());
    Failpoint("file.before_rename");
    BIZOND_RETURN_IF_ERROR(root.Rename(intent.staging, place.target()));
    Failpoint("file.after_rename");
    return root.SyncDirectoryOf(place.target());
  }
  BIZOND_ASSIGN_OR_RETURN(const auto present, place.StatTarget());
  if (present && present->inode == intent.after.inode) return root.SyncDirectoryOf(place.target());
  return Failure(
      StagingLost((root.path() / intent.staging).string(), "it is gone, and the target is not it"));
}

}  // namespace

std::string EncodeIntent(const FileIntent& intent) {
  return nlohmann::json{{"v", 1},
                        {"kind", static_cast<int>(intent.kind)},
                        {"staging", intent.staging},
                        {"bytes", intent.bytes},
                        {"digest", intent.digest},
                        {"before", intent.before},
                        {"after", intent.after}}
      .dump();
}

Result<FileIntent> DecodeIntent(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    const int kind = json.at("kind").get<int>();
    if (json.at("v") != 1 || kind < 0 || kind > static_cast<int>(FileIntent::Kind::kAppend)) {
      return Failure(BadMark("intent", text));
    }
    return FileIntent{.kind = static_cast<FileIntent::Kind>(kind),
                      .staging = json.at("staging"),
                      .bytes = json.at("bytes"),
                      .digest = json.at("digest"),
                      .before = json.at("before"),
                      .after = json.at("after")};
  } catch (const nlohmann::json::exception&) {
    return Failure(BadMark("intent", text));
  }
}

Status PublishFile(const FilePlace& place, const FileIntent& intent, bool sealed,
                   std::stop_token stop) {
  switch (intent.kind) {
    case FileIntent::Kind::kNone:
      return {};
    case FileIntent::Kind::kRename:
      return PublishByRename(place, intent);
    case FileIntent::Kind::kAppend:
      return PublishByAppend(place, intent, sealed, stop);
  }
  return {};
}

}  // namespace bizond
