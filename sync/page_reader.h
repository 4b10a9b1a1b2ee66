// PageReader: the reading half of the pump, on a thread of its own.
//
// Reads page after page of a source and hands them over in order, ahead of the writer by at most a
// number of bytes. Batches come back through Recycle and are used again, so that a steady flow
// allocates nothing.
//
// Threads: Start, Next and Recycle belong to the writer; the reading thread is the class's own, and
// is stopped and joined by the destructor.
#ifndef BIZOND_SYNC_PAGE_READER_H_
#define BIZOND_SYNC_PAGE_READER_H_

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_queue.h"
#include "base/clock.h"
#include "base/error.h"
#include "sync/record_batch.h"
#include "sync/source.h"

namespace bizond {

struct SourcePage {
  std::unique_ptr<RecordBatch> batch;
  Iteration iteration;
  // The run ends here although the source has more: max_iterations.
  bool cut_short = false;
};

class PageReader {
 public:
  struct Start {
    std::string pagination;
    uint64_t iteration = 0;
    std::optional<uint64_t> max_iterations;  // Counted over the whole run.
  };

  PageReader(Source* source, Clock* clock, ReadRequest request, size_t queue_bytes);
  ~PageReader();
  PageReader(const PageReader&) = delete;
  PageReader& operator=(const PageReader&) = delete;

  void Run(Start start, std::stop_token stop);
  // The next page; nullopt after the last one. An error of the source comes after all pages that
  // were read before it.
  Result<std::optional<SourcePage>> Next(std::stop_token stop);
  void Recycle(std::unique_ptr<RecordBatch> batch);

 private:
  void Loop(Start start, std::stop_token stop);
  // False when nothing follows.
  bool ReadOne(Start* at, std::stop_token stop);
  std::unique_ptr<RecordBatch> TakeBatch();

  Source* const source_;
  Clock* const clock_;
  ReadRequest request_;  // The reading thread's once it runs.
  ByteQueue<Result<SourcePage>> queue_;

  std::mutex mutex_;
  std::vector<std::unique_ptr<RecordBatch>> free_;  // Guarded by mutex_.

  std::stop_source stopping_;
  std::thread thread_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_PAGE_READER_H_
