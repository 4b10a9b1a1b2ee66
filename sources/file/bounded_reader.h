// BoundedReader: a run with an end, over the files and sizes that its first iteration saw.
//
// Full refresh and incremental by cursor read every file whole; incremental by position goes on
// where the watermark says and leaves a last line without its end to the next run. A page belongs
// to one file.
//
// Threads: one thread at a time.
#ifndef BIZOND_SOURCES_FILE_BOUNDED_READER_H_
#define BIZOND_SOURCES_FILE_BOUNDED_READER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fs.h"
#include "sources/file/file_config.h"
#include "sources/file/file_list.h"
#include "sources/file/file_position.h"
#include "sources/file/opened_file.h"
#include "sync/source.h"

namespace bizond {

class BoundedReader {
 public:
  BoundedReader(FileConfig config, Roots roots, OnError on_error, bool has_cursor)
      : config_(std::move(config)),
        roots_(std::move(roots)),
        on_error_(on_error),
        has_cursor_(has_cursor) {}

  Result<Iteration> Read(const ReadRequest& request, std::string_view pagination,
                         RecordBatch* batch, std::stop_token stop);

 private:
  // How the files before the current one ended.
  struct DoneFile {
    uint64_t line = 1;
    uint64_t unread = 0;
  };

  Status Plan(const ReadRequest& request, const std::stop_token& stop);
  // For the plan of a run that an older version began.
  Status FindMarksByInode(const ReadRequest& request);
  Status RestoreMarks(const ReadRequest& request);
  Status Seek(std::string_view pagination);
  Status Open(size_t index);
  void SetMark(size_t index, std::string mark);
  // To the first file from `index` on that has something to read.
  void GoTo(size_t index);
  Result<std::string> MarkOf(size_t index, LinePlace place, bool at_end, uint64_t unread);
  std::string Pagination() const;

  // Constant.
  const FileConfig config_;
  const Roots roots_;
  const OnError on_error_;
  const bool has_cursor_;

  // Of the run.
  bool by_position_ = false;
  Root root_;
  std::string plan_text_;
  std::vector<PlannedFile> plan_;
  std::vector<std::string> marks_;  // By position: of each file, encoded; empty: none yet.
  std::vector<FileMark> gone_;
  std::vector<size_t> gone_index_;  // Of each: its place in the watermark, as in KnownFile.

  // Where the next page begins; `pagination_` is its text.
  std::string pagination_;
  size_t index_ = 0;
  LinePlace place_;
  std::vector<DoneFile> done_;  // By position only.
  std::unique_ptr<OpenedFile> opened_;
  size_t opened_index_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_BOUNDED_READER_H_
