// RecordSink: where the pages of one file put what they found, good or bad.
//
// A bad record fails the run with file:line, or becomes a RejectedRecord, as the job's on_error
// says. It also bounds a page by count, so that a page of tiny lines stays small in memory.
//
// Threads: one thread at a time.
#ifndef BIZOND_SOURCES_FILE_RECORD_SINK_H_
#define BIZOND_SOURCES_FILE_RECORD_SINK_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sync/job_spec.h"
#include "sync/record_batch.h"
#include "sync/record_parser.h"

namespace bizond {

class RecordSink {
 public:
  // `path` must outlive the sink.
  RecordSink(std::string_view path, OnError on_error, RecordParser* parser, RecordBatch* batch)
      : path_(path), on_error_(on_error), parser_(parser), batch_(batch) {}

  RecordBatch* batch() { return batch_; }
  std::string_view path() const { return path_; }
  uint32_t rows_read() const { return rows_read_; }
  // A bad record fails the run.
  bool fails() const { return on_error_ == OnError::kFail; }
  // The page takes no further record.
  bool full() const {
    return batch_->records().size() >= kRecordsMax || batch_->rejects().size() >= kRejectsMax;
  }

  // `json` lies in the batch; `raw` is how the file has it, for the rejects.
  Status Add(std::string_view json, std::string_view raw, uint64_t line);
  Status Bad(std::string_view code, std::string_view reason, std::string_view raw, uint64_t line);
  // For what no policy can help: the end of the record is not known.
  Failure Fatal(std::string_view code, std::string_view reason, uint64_t line) const;

 private:
  static constexpr size_t kRecordsMax = 16'384;
  static constexpr size_t kRejectsMax = 256;

  const std::string_view path_;
  const OnError on_error_;
  RecordParser* const parser_;
  RecordBatch* const batch_;
  uint32_t rows_read_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_RECORD_SINK_H_
