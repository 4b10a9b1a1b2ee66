// FileFollower: stream mode, which reads files as they grow and never ends.
//
// The pagination is the position itself, so a restart goes on where it was. When nothing is new it
// looks again after the poll interval, once, and returns an empty page. A file that is renamed
// within the glob is followed under its new name; one that is replaced, cut or rewritten is an
// error.
//
// Threads: one thread at a time.
#ifndef BIZOND_SOURCES_FILE_FILE_FOLLOWER_H_
#define BIZOND_SOURCES_FILE_FILE_FOLLOWER_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/fs.h"
#include "sources/file/file_config.h"
#include "sources/file/file_position.h"
#include "sources/file/file_recognizer.h"
#include "sources/file/opened_file.h"
#include "sync/source.h"

namespace bizond {

class FileFollower {
 public:
  FileFollower(FileConfig config, Roots roots, OnError on_error, Clock& clock)
      : config_(std::move(config)), roots_(std::move(roots)), on_error_(on_error), clock_(clock) {}

  Result<Iteration> Read(const ReadRequest& request, std::string_view pagination,
                         RecordBatch* batch, std::stop_token stop);

 private:
  // One look at all files; true when a page was read.
  Result<bool> Look(const ReadRequest& request, RecordBatch* batch, const std::stop_token& stop,
                    Iteration* iteration);
  Status Open(const Root& root, const KnownFile& known);
  // Whether a file that was compressed since it was read holds nothing more.
  Result<bool> IsWhole(const Root& root, const KnownFile& known, const std::stop_token& stop) const;

  // Constant.
  const FileConfig config_;
  const Roots roots_;
  const OnError on_error_;
  Clock& clock_;

  std::string pagination_;  // What `position_` was made from, or made.
  FilePosition position_;
  bool loaded_ = false;
  std::unique_ptr<OpenedFile> opened_;  // The file of the last page.
};

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_FILE_FOLLOWER_H_
