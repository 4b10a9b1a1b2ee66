#include "sync/record_batch.h"

#include <algorithm>
#include <cstring>

namespace bizond {
namespace {

constexpr size_t kArenaBlockBytes = 256 << 10;
// A batch that once held a giant record does not keep its memory for ever.
constexpr size_t kKeptBytes = 8 << 20;

}  // namespace

void RecordBatch::Reset() {
  records_.clear();
  rejects_.clear();
  arena_block_ = 0;
  arena_used_ = 0;
  size_t kept = 0;
  for (size_t i = 0; i < arena_.size(); ++i) {
    kept += arena_[i].size;
    if (kept > kKeptBytes) {
      arena_.resize(i);
      break;
    }
  }
  if (page_size_ > kKeptBytes) {
    page_.reset();
    page_size_ = 0;
  }
}

char* RecordBatch::PageBuffer(size_t bytes) {
  if (page_size_ < bytes) {
    // Grows by at least a half: a page that grows line by line must not copy each time.
    const size_t size = std::max(bytes, page_size_ + page_size_ / 2);
    // Not value-initialised: the source overwrites it.
    std::unique_ptr<char[]> page(new char[size + kPadding]);
    if (page_size_ > 0) std::memcpy(page.get(), page_.get(), page_size_);
    std::memset(page.get() + size, 0, kPadding);
    page_ = std::move(page);
    page_size_ = size;
  }
  return page_.get();
}

std::string_view RecordBatch::Store(std::string_view bytes) {
  const size_t needed = bytes.size() + kPadding;
  while (arena_block_ < arena_.size() && arena_[arena_block_].size - arena_used_ < needed) {
    ++arena_block_;
    arena_used_ = 0;
  }
  if (arena_block_ == arena_.size()) {
    const size_t size = std::max(needed, kArenaBlockBytes);
    arena_.push_back(Block{std::unique_ptr<char[]>(new char[size]), size});
    arena_used_ = 0;
  }
  char* const place = arena_[arena_block_].bytes.get() + arena_used_;
  if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
  // Readable padding, but shared with the next record: only the bytes themselves are used up.
  std::memset(place + bytes.size(), 0, kPadding);
  arena_used_ += bytes.size();
  return {place, bytes.size()};
}

size_t RecordBatch::MemoryBytes() const {
  size_t total = page_size_ + records_.capacity() * sizeof(Record);
  for (const Block& block : arena_) total += block.size;
  for (const RejectedRecord& reject : rejects_) total += sizeof(reject) + reject.data.size();
  return total;
}

size_t RecordBatch::DataBytes() const {
  size_t total = 0;
  for (const Record& record : records_) total += record.data.size();
  return total;
}

}  // namespace bizond
