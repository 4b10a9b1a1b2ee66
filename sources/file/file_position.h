// FilePosition: how far each append-only file was read, and how to know it again.
//
// A file is known by its inode, a hash of its first bytes and a hash of the last bytes before the
// place that was read. file_recognizer.h finds files again by it.
//
// Threads: values.
#ifndef BIZOND_SOURCES_FILE_FILE_POSITION_H_
#define BIZOND_SOURCES_FILE_FILE_POSITION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fs.h"

namespace bizond {

struct FileMark {
  std::string name;
  uint64_t inode = 0;
  uint64_t offset = 0;  // Read up to here; of a compressed file: its size.
  uint64_t line = 1;
  uint64_t unread = 0;  // Bytes behind it that had no line end yet.
  bool compressed = false;
  uint64_t decoded = 0;  // Compressed and not read to its end: how far, decompressed.
  uint64_t prefix_bytes = 0;
  std::string prefix_hash;
  std::string tail_hash;
};

struct FilePosition {
  std::vector<FileMark> files;  // In the order of the run that wrote them.
  std::vector<FileMark> gone;   // Of a glob: no longer there, the latest last.
  std::string after;            // Stream mode: the file that the last page came from.
};

std::string EncodeMark(const FileMark& mark);
// The same for marks that are encoded already.
std::string EncodePosition(const std::vector<std::string>& files, const std::vector<FileMark>& gone,
                           std::string_view after);
// Empty text: no position. Code bad_watermark.
Result<FilePosition> DecodePosition(std::string_view text);

// The mark with the hashes of what stands before its offset in the file now.
Result<FileMark> MarkFile(const File& file, FileMark mark);
// Whether the file's bytes before the mark are those that were read.
Result<bool> BytesMatch(const File& file, const FileMark& mark);
// Files that went away are remembered, in case they come back; the oldest are forgotten first.
inline constexpr size_t kGoneMax = 1000;
// What a mark's hashes are made of: at most this many of the first bytes, and of the last.
inline constexpr uint64_t kHashedBytes = 4096;

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_FILE_POSITION_H_
