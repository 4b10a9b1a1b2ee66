// RecognizeFiles: finds the files that are there now in the position of the last run.
//
// A file's name may change: a rotated file that the glob matches too goes on where it was. A plain
// file that comes back compressed (`logrotate compress`) goes on as well, by its decompressed
// content: a mark whose file is gone belongs to the compressed file that begins with all that was
// read of it. Where several could be paired, the mark that was read farthest chooses first (of
// equal ones the latest), and takes the file that is named after it, else the first by name. Such
// a file next to the plain one that it is made from is left out until that is gone.
//
// Any other compressed file is read once, as a whole. Everything else that a file can have become
// is an error: file_rotated, file_truncated, file_rewritten, file_gone.
//
// Threads: pure functions.
#ifndef BIZOND_SOURCES_FILE_FILE_RECOGNIZER_H_
#define BIZOND_SOURCES_FILE_FILE_RECOGNIZER_H_

#include <cstddef>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/error.h"
#include "sources/file/file_config.h"
#include "sources/file/file_list.h"
#include "sources/file/file_position.h"

namespace bizond {

struct KnownFile {
  ListedFile listed;
  FileMark mark;  // Where to go on, under today's name; offset 0: from the start.
  // Which mark that was: its place among those of `gone`, then of `files`, of the position.
  std::optional<size_t> index;
  bool was_plain = false;  // The mark is a plain file's, and this one is compressed.

  uint64_t start() const { return mark.compressed ? mark.decoded : mark.offset; }
  bool done() const { return mark.compressed && mark.decoded == 0; }
};

struct KnownFiles {
  std::vector<KnownFile> files;
  std::vector<FileMark> gone;
};

struct RecognizeOptions {
  Compression compression = Compression::kAuto;
  // For one who looks often: a file whose name, inode and size are as they were is not opened, and
  // no compressed file is left out.
  bool trust_sizes = false;
};

Result<KnownFiles> RecognizeFiles(const FileList& list, const FilePosition& position,
                                  const RecognizeOptions& options, std::stop_token stop);

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_FILE_RECOGNIZER_H_
