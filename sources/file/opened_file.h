// OpenedFile: one source file with the readers that its name and first bytes ask for.
//
// Threads: one thread at a time.
#ifndef BIZOND_SOURCES_FILE_OPENED_FILE_H_
#define BIZOND_SOURCES_FILE_OPENED_FILE_H_

#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/fs.h"
#include "sources/file/byte_source.h"
#include "sources/file/file_config.h"
#include "sources/file/page_reader.h"

namespace bizond {

struct OpenedFile {
  File file;
  uint64_t inode = 0;
  bool compressed = false;
  std::unique_ptr<ByteSource> bytes;
  std::unique_ptr<FilePages> pages;
};

// Reads up to `end` of the file. Code file_rotated when another inode stands there, file_truncated
// when it is shorter than `end`.
Result<std::unique_ptr<OpenedFile>> OpenSourceFile(const Root& root, std::string_view name,
                                                   const FileConfig& config, uint64_t inode,
                                                   uint64_t end);

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_OPENED_FILE_H_
