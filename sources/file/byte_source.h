// ByteSource: the content of one file, decompressed, up to a fixed end.
//
// Plain files are read where they are asked for. A compressed one is decoded from its start: going
// forward is streaming in constant memory, going back means decoding again, but for the bytes that
// were given back with Unread.
//
// Error codes: file_truncated (shorter than the snapshot says), corrupt_compression (with the
// offset in the compressed file).
//
// Threads: one thread at a time.
#ifndef BIZOND_SOURCES_FILE_BYTE_SOURCE_H_
#define BIZOND_SOURCES_FILE_BYTE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>

#include "base/error.h"
#include "base/fs.h"
#include "sources/file/file_config.h"

namespace bizond {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Up to `size` bytes of the content from `offset`; fewer only at its end.
  virtual Result<size_t> ReadAt(char* buffer, size_t size, uint64_t offset,
                                std::stop_token stop) = 0;
  // The last bytes that were read, which start at `offset` and will be asked for again.
  virtual void Unread(std::string_view bytes, uint64_t offset) { (void)bytes, (void)offset; }
};

// gzip or zstd by the file's first bytes, else kNone.
Result<Compression> DetectCompression(const File& file);

// `file` must outlive what is returned; nothing at or past `end` of the file itself is read.
std::unique_ptr<ByteSource> OpenPlainBytes(const File& file, uint64_t end);
std::unique_ptr<ByteSource> OpenCompressedBytes(const File& file, Compression compression,
                                                uint64_t end);

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_BYTE_SOURCE_H_
