#include "destinations/file/block_writer.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "destinations/divergence.h"

namespace bizond {
namespace {

// The disk begins this early, so that the fsync at the end finds little left to do.
constexpr uint64_t kWritebackBytes = 8 << 20;

Hash128 Join(const Hash128& chain, const Hash128& next) {
  const uint64_t words[] = {chain.high, chain.low, next.high, next.low};
  return HashBytes({reinterpret_cast<const char*>(words), sizeof words});
}

}  // namespace

void BlockChain::Add(std::string_view block) { state_ = Join(state_, HashBytes(block)); }

Hash128 BlockChain::Digest(std::string_view rest, uint64_t length) const {
  return Join(Join(state_, HashBytes(rest)), Hash128{.high = 0, .low = length});
}

Result<Hash128> DigestOf(const File& file, uint64_t offset, uint64_t length) {
  std::vector<char> block(BlockChain::kBlockBytes);
  BlockChain chain;
  uint64_t left = length;
  while (true) {
    const size_t wanted = std::min<uint64_t>(left, block.size());
    BIZOND_ASSIGN_OR_RETURN(const size_t got,
                            file.ReadAt(block.data(), wanted, offset + length - left));
    if (got < wanted) return Failure(StagingLost(file.path(), "it is shorter than it was"));
    if (wanted < block.size()) return chain.Digest({block.data(), wanted}, length);
    chain.Add({block.data(), wanted});
    left -= wanted;
  }
}

Status BlockWriter::Begin(File file, uint64_t length, bool hashed, const BlockChain& chain) {
  file_ = std::move(file);
  hashed_ = hashed;
  dirty_ = false;
  chain_ = chain;
  const size_t rest = hashed ? length % BlockChain::kBlockBytes : 0;
  used_ = 0;
  base_ = length - rest;
  started_ = base_;
  Room(rest);  // With nothing used: there may be no buffer yet.
  used_ = written_ = rest;
  if (rest == 0) return {};
  BIZOND_ASSIGN_OR_RETURN(const size_t got, file_.ReadAt(buffer_.get(), used_, base_));
  if (got == used_) return {};
  return Failure(StagingLost(file_.path(), "it is shorter than it was"));
}

void BlockWriter::End() {
  file_.Close();
  used_ = written_ = 0;
}

char* BlockWriter::Room(size_t bytes) {
  const size_t needed = std::max(used_ + bytes, 2 * BlockChain::kBlockBytes);
  if (needed > capacity_) {
    // An ordinary page's lines fit at once; a line of many MiB makes room for others like it.
    auto larger = std::make_unique_for_overwrite<char[]>(needed + needed / 4);
    if (used_ > 0) std::memcpy(larger.get(), buffer_.get(), used_);
    buffer_ = std::move(larger);
    capacity_ = needed + needed / 4;
  }
  return buffer_.get() + used_;
}

Status BlockWriter::Advance(char* end) {
  used_ = static_cast<size_t>(end - buffer_.get());
  dirty_ = true;
  return used_ < BlockChain::kBlockBytes ? Status{} : DrainBlocks();
}

Status BlockWriter::WriteTo(size_t end) {
  if (end <= written_) return {};
  BIZOND_RETURN_IF_ERROR(
      file_.WriteAllAt({buffer_.get() + written_, end - written_}, base_ + written_));
  bytes_written_ += end - written_;
  written_ = end;
  if (base_ + written_ - started_ >= kWritebackBytes) {
    file_.StartWriteback(started_, base_ + written_ - started_);
    started_ = base_ + written_;
  }
  return {};
}

Status BlockWriter::DrainBlocks() {
  const size_t whole = used_ - used_ % BlockChain::kBlockBytes;
  BIZOND_RETURN_IF_ERROR(WriteTo(whole));
  if (hashed_) {
    for (size_t at = 0; at < whole; at += BlockChain::kBlockBytes) {
      chain_.Add({buffer_.get() + at, BlockChain::kBlockBytes});
    }
  }
  std::memmove(buffer_.get(), buffer_.get() + whole, used_ - whole);
  base_ += whole;
  used_ -= whole;
  written_ -= whole;
  return {};
}

Status BlockWriter::Flush() {
  BIZOND_RETURN_IF_ERROR(WriteTo(used_));
  if (!dirty_) return {};
  BIZOND_RETURN_IF_ERROR(file_.Sync());
  dirty_ = false;
  return {};
}

}  // namespace bizond
