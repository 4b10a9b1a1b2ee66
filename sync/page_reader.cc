#include "sync/page_reader.h"

#include <exception>

namespace bizond {
namespace {

// More than are ever in flight at once would only keep memory.
constexpr size_t kFreeBatches = 8;

}  // namespace

PageReader::PageReader(Source* source, Clock* clock, ReadRequest request, size_t queue_bytes)
    : source_(source), clock_(clock), request_(std::move(request)), queue_(queue_bytes) {}

PageReader::~PageReader() {
  stopping_.request_stop();
  queue_.Close();
  if (thread_.joinable()) thread_.join();
}

void PageReader::Run(Start start, std::stop_token stop) {
  thread_ = std::thread([this, start = std::move(start), stop] { Loop(start, stop); });
}

Result<std::optional<SourcePage>> PageReader::Next(std::stop_token stop) {
  std::optional<Result<SourcePage>> next = queue_.Pop(stop);
  if (!next) {
    if (stop.stop_requested()) return tl::make_unexpected(StoppedError("reading"));
    return std::optional<SourcePage>();
  }
  if (!*next) return tl::make_unexpected(std::move(*next).error());
  return std::optional<SourcePage>(std::move(**next));
}

void PageReader::Recycle(std::unique_ptr<RecordBatch> batch) {
  batch->Reset();
  std::lock_guard lock(mutex_);
  if (free_.size() < kFreeBatches) free_.push_back(std::move(batch));
}

std::unique_ptr<RecordBatch> PageReader::TakeBatch() {
  std::lock_guard lock(mutex_);
  if (free_.empty()) return std::make_unique<RecordBatch>();
  std::unique_ptr<RecordBatch> batch = std::move(free_.back());
  free_.pop_back();
  return batch;
}

void PageReader::Loop(Start start, std::stop_token stop) {
  // Either the run's stop or the destructor ends a source's wait.
  std::stop_callback forward(stop, [this] { stopping_.request_stop(); });
  try {
    while (ReadOne(&start, stopping_.get_token())) {
    }
  } catch (const std::exception& error) {
    queue_.Push(Fail(ErrorKind::kPermanent, "internal_error",
                     std::string("the source broke a promise of its own: ") + error.what(),
                     "report it with the run's log; published data is what it was"),
                0, stopping_.get_token());
  }
  queue_.Close();
}

bool PageReader::ReadOne(Start* at, std::stop_token stop) {
  if (stop.stop_requested()) return false;
  if (at->max_iterations && at->iteration >= *at->max_iterations) return false;
  SourcePage page;
  page.batch = TakeBatch();
  page.batch->iteration = at->iteration;
  page.batch->extracted_at = clock_->Now();
  Result<Iteration> read = source_->Read(request_, at->pagination, page.batch.get(), stop);
  if (!read) {
    queue_.Push(tl::make_unexpected(std::move(read).error()), 0, stop);
    return false;
  }
  page.iteration = std::move(*read);
  if (page.iteration.upper_bound) request_.upper_bound = *page.iteration.upper_bound;
  at->pagination = page.iteration.next_pagination;
  ++at->iteration;
  const bool last = at->max_iterations && at->iteration >= *at->max_iterations;
  const bool exhausted = page.iteration.exhausted;
  page.cut_short = last && !exhausted;
  // An empty page counts as well: a source may send them without an end.
  const size_t bytes = page.batch->MemoryBytes() + sizeof(SourcePage) + sizeof(RecordBatch);
  return queue_.Push(std::move(page), bytes, stop) && !exhausted && !last;
}

}  // namespace bizond
