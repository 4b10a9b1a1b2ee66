// The errors of a file that is no longer what it was: each says which file, what was seen, and the
// ways out.
//
// Threads: pure functions.
#ifndef BIZOND_SOURCES_FILE_FILE_CHANGE_H_
#define BIZOND_SOURCES_FILE_FILE_CHANGE_H_

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace bizond {

// Another file stands under the name (file_rotated).
Failure FileRotated(std::string_view path, uint64_t inode_before, uint64_t inode_now);
// The same, within a run: between its first look at the files and this one (file_rotated).
Failure FileReplacedDuringRun(std::string_view path, uint64_t inode_before, uint64_t inode_now);
// It ends before the place that was read, or that the run's snapshot counted on (file_truncated).
Failure FileTruncated(std::string_view path, uint64_t size, uint64_t expected);
// The bytes before the place that was read are others than then (file_rewritten).
Failure FileRewritten(std::string_view path, uint64_t offset);
// A compressed file, which is taken whole and once, was changed (file_rewritten).
Failure CompressedFileChanged(std::string_view path);
// A compressed file begins like a plain one that is gone, of which `offset` bytes were read, and
// goes on otherwise (file_rewritten).
Failure CompressedFileDiffers(std::string_view path, std::string_view plain, uint64_t offset);
// A glob's file went away before its last line was complete (file_gone).
Failure FileGone(std::string_view path, uint64_t unread);

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_FILE_CHANGE_H_
