#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "sources/file/byte_source.h"
#include "sources/file/file_change.h"

namespace bizond {
namespace {

constexpr size_t kInputBytes = 256 << 10;

// The compressed side: bytes of the file in order, up to the end that the snapshot fixed.
class Input {
 public:
  Input(const File& file, uint64_t end) : file_(file), end_(end), buffer_(kInputBytes) {}

  void Restart() { offset_ = used_ = filled_ = 0; }
  const char* data() const { return buffer_.data() + used_; }
  size_t size() const { return filled_ - used_; }
  void Consume(size_t bytes) { used_ += bytes; }
  // Of the next byte, in the compressed file.
  uint64_t offset() const { return offset_ - size(); }
  const std::string& path() const { return file_.path(); }

  // False at the end. Called when nothing is left.
  Result<bool> Refill() {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(buffer_.size(), end_ - offset_));
    used_ = filled_ = 0;
    BIZOND_ASSIGN_OR_RETURN(const size_t got, file_.ReadAt(buffer_.data(), wanted, offset_));
    if (got < wanted) return FileTruncated(path(), offset_ + got, end_);
    offset_ += got;
    filled_ = got;
    return got > 0;
  }

  Failure Corrupt(std::string_view what) const {
    return Fail(
        ErrorKind::kPermanent, "corrupt_compression",
        fmt::format("{} cannot be decompressed at byte {}: {}", path(), offset(), what),
        "copy the file again from where it was made; `gzip -t` or `zstd -t` tests it. While "
        "it is still being written, give it another name");
  }

 private:
  const File& file_;
  const uint64_t end_;
  std::vector<char> buffer_;
  uint64_t offset_ = 0;
  size_t used_ = 0;
  size_t filled_ = 0;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual void Restart() = 0;
  // At least one byte, zero at the end.
  virtual Result<size_t> Decode(Input* input, char* out, size_t size) = 0;
};

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() {
    // 16: a gzip wrapper, nothing else.
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }

  void Restart() override {
    inflateReset(&stream_);
    inside_ = true;
    padded_ = false;
  }

  Result<size_t> Decode(Input* input, char* out, size_t size) override {
    for (;;) {
      if (input->size() == 0) {
        BIZOND_ASSIGN_OR_RETURN(const bool more, input->Refill());
        if (!more && inside_) return input->Corrupt("the compressed data ends too early");
        if (!more) return size_t{0};
      }
      if (!inside_ && !StartMember(input)) {
        if (input->size() == 0) continue;
        return input->Corrupt("bytes follow that are not gzip");
      }
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input->data()));
      stream_.avail_in = static_cast<uInt>(input->size());
      stream_.next_out = reinterpret_cast<Bytef*>(out);
      stream_.avail_out = static_cast<uInt>(std::min<size_t>(size, 1 << 30));
      const uInt room = stream_.avail_out;
      const int outcome = inflate(&stream_, Z_NO_FLUSH);
      input->Consume(input->size() - stream_.avail_in);
      if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) {
        return input->Corrupt(stream_.msg != nullptr ? stream_.msg : "not valid gzip");
      }
      if (outcome == Z_STREAM_END) inside_ = false;
      if (room != stream_.avail_out) return size_t{room - stream_.avail_out};
    }
  }

 private:
  // A file may hold several members, and zero bytes after the last one (tapes pad with them).
  bool StartMember(Input* input) {
    if (padded_ || *input->data() == '\0') {
      padded_ = true;
      while (input->size() > 0 && *input->data() == '\0') input->Consume(1);
      return false;
    }
    inflateReset(&stream_);
    inside_ = true;
    return true;
  }

  z_stream stream_ = {};
  bool inside_ = true;
  bool padded_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdDecoder() override { ZSTD_freeDStream(stream_); }

  void Restart() override {
    ZSTD_DCtx_reset(stream_, ZSTD_reset_session_only);
    pending_ = 1;
    flushing_ = false;
  }

  Result<size_t> Decode(Input* input, char* out, size_t size) override {
    for (;;) {
      if (input->size() == 0 && !flushing_) {
        BIZOND_ASSIGN_OR_RETURN(const bool more, input->Refill());
        if (!more && pending_ != 0) return input->Corrupt("the compressed data ends too early");
        if (!more) return size_t{0};
      }
      ZSTD_inBuffer in = {input->data(), input->size(), 0};
      ZSTD_outBuffer target = {out, size, 0};
      pending_ = ZSTD_decompressStream(stream_, &target, &in);
      input->Consume(in.pos);
      if (ZSTD_isError(pending_)) return input->Corrupt(ZSTD_getErrorName(pending_));
      // A full output buffer may leave bytes inside the decoder that need no further input.
      flushing_ = pending_ != 0 && target.pos == target.size;
      if (target.pos > 0) return target.pos;
    }
  }

 private:
  ZSTD_DStream* stream_;
  size_t pending_ = 1;  // Zero exactly at the end of a frame.
  bool flushing_ = false;
};

class CompressedBytes final : public ByteSource {
 public:
  CompressedBytes(const File& file, std::unique_ptr<Decoder> decoder, uint64_t end)
      : input_(file, end), decoder_(std::move(decoder)) {}

  Result<size_t> ReadAt(char* buffer, size_t size, uint64_t offset, std::stop_token stop) override {
    if (offset + kept_.size() < offset_) Restart();
    size_t done = 0;
    if (offset < offset_) {
      const size_t skip = kept_.size() - static_cast<size_t>(offset_ - offset);
      done = std::min(size, kept_.size() - skip);
      std::memcpy(buffer, kept_.data() + skip, done);
    }
    while (offset_ < offset) {
      scratch_.resize(kInputBytes);
      const size_t step = static_cast<size_t>(std::min<uint64_t>(kInputBytes, offset - offset_));
      BIZOND_ASSIGN_OR_RETURN(const size_t got, Decode(scratch_.data(), step, stop));
      if (got == 0) return size_t{0};
    }
    while (done < size) {
      BIZOND_ASSIGN_OR_RETURN(const size_t got, Decode(buffer + done, size - done, stop));
      if (got == 0) break;
      done += got;
    }
    return done;
  }

  void Unread(std::string_view bytes, uint64_t offset) override {
    if (offset + bytes.size() == offset_) kept_.assign(bytes);
  }

 private:
  void Restart() {
    input_.Restart();
    decoder_->Restart();
    offset_ = 0;
    kept_.clear();
  }

  Result<size_t> Decode(char* out, size_t size, const std::stop_token& stop) {
    if (stop.stop_requested()) return tl::make_unexpected(StoppedError("reading " + input_.path()));
    BIZOND_ASSIGN_OR_RETURN(const size_t got, decoder_->Decode(&input_, out, size));
    if (got > 0) kept_.clear();
    offset_ += got;
    return got;
  }

  Input input_;
  std::unique_ptr<Decoder> decoder_;
  uint64_t offset_ = 0;        // Of the next decoded byte.
  std::string kept_;           // The bytes right before it that were given back.
  std::vector<char> scratch_;  // What is decoded only to be passed over.
};

}  // namespace

std::unique_ptr<ByteSource> OpenCompressedBytes(const File& file, Compression compression,
                                                uint64_t end) {
  std::unique_ptr<Decoder> decoder;
  if (compression == Compression::kGzip) {
    decoder = std::make_unique<GzipDecoder>();
  } else {
    decoder = std::make_unique<ZstdDecoder>();
  }
  return std::make_unique<CompressedBytes>(file, std::move(decoder), end);
}

}  // namespace bizond
