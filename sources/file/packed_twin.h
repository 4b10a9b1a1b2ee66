// PackedTwin: whether a compressed file is a plain one that was compressed since it was read.
//
// What is compared is the decompressed content, in one pass and in constant memory.
//
// Error codes: corrupt_compression, and those of base/fs.h.
//
// Threads: pure functions.
#ifndef BIZOND_SOURCES_FILE_PACKED_TWIN_H_
#define BIZOND_SOURCES_FILE_PACKED_TWIN_H_

#include <cstdint>
#include <stop_token>
#include <vector>

#include "base/error.h"
#include "base/fs.h"
#include "sources/file/file_config.h"
#include "sources/file/file_position.h"

namespace bizond {

struct Likeness {
  std::vector<const FileMark*> same;  // It holds all that was read of these.
  // It begins like these, and then is another or ends too early.
  std::vector<const FileMark*> begins_alike;
};

// Compares `packed` (of `size` bytes) with marks of plain files. Nothing behind the first bytes is
// decompressed when they rule out every mark.
Result<Likeness> CompareWithMarks(const File& packed, Compression compression, uint64_t size,
                                  const std::vector<const FileMark*>& marks, std::stop_token stop);

// Whether `plain` begins with all that `packed` holds; also when that ends in the middle, because
// the compressor is still at work.
Result<bool> IsCopy(const File& plain, const File& packed, Compression compression, uint64_t size,
                    std::stop_token stop);

// Whether the content ends at `offset`.
Result<bool> EndsAt(const File& packed, Compression compression, uint64_t size, uint64_t offset,
                    std::stop_token stop);

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_PACKED_TWIN_H_
