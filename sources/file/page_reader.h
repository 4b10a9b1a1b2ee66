// FilePages: cuts the content of one file into pages of records.
//
// A page depends on nothing but the content, its end and the place where the page begins, so that a
// page that is read again holds the same records. Lines are counted as an editor counts them,
// from 1.
//
// Threads: one thread at a time.
#ifndef BIZOND_SOURCES_FILE_PAGE_READER_H_
#define BIZOND_SOURCES_FILE_PAGE_READER_H_

#include <cstdint>
#include <memory>
#include <stop_token>

#include "base/error.h"
#include "sources/file/byte_source.h"
#include "sources/file/file_config.h"
#include "sources/file/record_sink.h"

namespace bizond {

struct LinePlace {
  uint64_t offset = 0;
  uint64_t line = 1;
};

struct FilePage {
  LinePlace next;
  bool at_end = false;  // No complete record follows.
  uint64_t unread = 0;  // At the end: bytes of a record that has no line end yet.
};

// What to do with a last line that has no line end.
enum class LastLine {
  kTake,   // It is a record like any other.
  kLeave,  // It is still being written: it is not read.
};

class FilePages {
 public:
  virtual ~FilePages() = default;
  virtual Result<FilePage> Read(ByteSource* bytes, LinePlace from, LastLine last_line,
                                RecordSink* sink, std::stop_token stop) = 0;
};

std::unique_ptr<FilePages> NewNdjsonPages(const FileConfig& config);
// `name` decides on the delimiter where the job does not.
std::unique_ptr<FilePages> NewCsvPages(const FileConfig& config, std::string_view name);

// The text that UTF-8 files of some programs begin with.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_PAGE_READER_H_
