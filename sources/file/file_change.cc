#include "sources/file/file_change.h"

#include <fmt/format.h>

#include "sync/start_over.h"

namespace bizond {
namespace {

constexpr ErrorKind kPermanent = ErrorKind::kPermanent;

}  // namespace

Failure FileRotated(std::string_view path, uint64_t inode_before, uint64_t inode_now) {
  return Fail(
      kPermanent, "file_rotated",
      fmt::format("{} was replaced by another file (inode {} before, {} now): the end of the "
                  "old one may not have been read",
                  path, inode_before, inode_now),
      OrStartOver("name a glob that matches the rotated file too (path: 'app.log*')"));
}

Failure FileReplacedDuringRun(std::string_view path, uint64_t inode_before, uint64_t inode_now) {
  return Fail(
      kPermanent, "file_rotated",
      fmt::format("{} was replaced by another file (inode {} before, {} now) after this run "
                  "began to read",
                  path, inode_before, inode_now),
      "start the job again: a new run takes the files as they are then");
}

Failure FileTruncated(std::string_view path, uint64_t size, uint64_t expected) {
  return Fail(
      kPermanent, "file_truncated",
      fmt::format("{} ends at byte {}, but was at least {} bytes long before: it was cut", path,
                  size, expected),
      fmt::format("let the writer rename the file instead of emptying it, and {}", kStartOver));
}

Failure FileRewritten(std::string_view path, uint64_t offset) {
  return Fail(
      kPermanent, "file_rewritten",
      fmt::format("{} was rewritten: the bytes before offset {} are not those that were read", path,
                  offset),
      OrStartOver("only files that grow at their end are read by position: use cursor_field or "
                  "sync_mode: full_refresh"));
}

Failure CompressedFileChanged(std::string_view path) {
  return Fail(
      kPermanent, "file_rewritten",
      fmt::format("{} changed since it was read; a compressed file is read once, as a whole", path),
      OrStartOver("give new data a new name, use cursor_field or sync_mode: full_refresh"));
}

Failure CompressedFileDiffers(std::string_view path, std::string_view plain, uint64_t offset) {
  return Fail(
      kPermanent, "file_rewritten",
      fmt::format("{} begins like {}, which was read up to byte {} and is gone, but is not that "
                  "file, compressed: its content goes on otherwise, or ends before",
                  path, plain, offset),
      OrStartOver("put the plain file back, or take this one out of the glob if it is another"));
}

Failure FileGone(std::string_view path, uint64_t unread) {
  return Fail(
      kPermanent, "file_gone",
      fmt::format("{} is gone, and its last {} bytes, a line without its end, were never read",
                  path, unread),
      OrStartOver("put it back (or name a glob that matches its new name)"));
}

}  // namespace bizond
