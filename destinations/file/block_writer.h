// BlockWriter: a file written in large blocks, straight from where its lines are encoded.
//
// Lines are made in the writer's buffer (Room, Advance) and leave it in blocks of 256 KiB, each
// hashed while it is still in the cache. The hash is a chain over whole blocks, so that a writer
// that goes on from a mark reads back less than one block, however long the file is.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_FILE_BLOCK_WRITER_H_
#define BIZOND_DESTINATIONS_FILE_BLOCK_WRITER_H_

#include <cstdint>
#include <memory>

#include "base/error.h"
#include "base/fs.h"
#include "base/identity.h"

namespace bizond {

// The chain of hashes over the blocks of a file, and the file's bytes behind the last whole one.
class BlockChain {
 public:
  static constexpr size_t kBlockBytes = 256 << 10;

  BlockChain() = default;
  explicit BlockChain(const Hash128& state) : state_(state) {}
  const Hash128& state() const { return state_; }
  void Add(std::string_view block);
  // The hash of a file of these blocks, of `rest` behind them and of `length` bytes in all.
  Hash128 Digest(std::string_view rest, uint64_t length) const;

 private:
  Hash128 state_;
};

// The digest of file[offset, offset + length); code staging_lost when the file is shorter.
Result<Hash128> DigestOf(const File& file, uint64_t offset, uint64_t length);

class BlockWriter {
 public:
  // Goes on behind the first `length` bytes of a file. With `hashed`, `chain` holds the whole
  // blocks of those, and the rest is read back.
  Status Begin(File file, uint64_t length, bool hashed, const BlockChain& chain = {});
  void End();

  bool open() const { return file_.valid(); }
  const File& file() const { return file_; }
  // Bytes of the file, the buffered ones included.
  uint64_t length() const { return base_ + used_; }
  const BlockChain& chain() const { return chain_; }
  Hash128 Digest() const { return chain_.Digest({buffer_.get(), used_}, length()); }
  uint64_t bytes_written() const { return bytes_written_; }

  // Where the next `bytes` bytes go; valid until Advance.
  char* Room(size_t bytes);
  // The line ends at `end`. Writes what has become whole blocks.
  Status Advance(char* end);
  // Everything is written and durable when this returns.
  Status Flush();

 private:
  Status WriteTo(size_t end);
  Status DrainBlocks();

  File file_;
  bool hashed_ = false;
  bool dirty_ = false;
  BlockChain chain_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  uint64_t base_ = 0;     // Offset in the file of buffer_[0].
  size_t used_ = 0;       // Bytes in the buffer,
  size_t written_ = 0;    // and how many of them are in the file already.
  uint64_t started_ = 0;  // Write-back was started up to this offset.
  uint64_t bytes_written_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_FILE_BLOCK_WRITER_H_
