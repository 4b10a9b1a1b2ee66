#include "destinations/bigquery/gzip_buffer.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace bizond {
namespace {

// The upload costs more than the compression, and the first level saves most of it.
constexpr int kLevel = Z_BEST_SPEED;
constexpr int kGzipWindow = MAX_WBITS + 16;
constexpr int kMemoryLevel = 8;  // zlib's default.
constexpr size_t kPieceBytes = 1 << 20;

}  // namespace

struct GzipBuffer::Stream {
  z_stream z{};
  ~Stream() { deflateEnd(&z); }
};

GzipBuffer::GzipBuffer() : stream_(std::make_unique<Stream>()) {
  if (deflateInit2(&stream_->z, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

GzipBuffer::~GzipBuffer() = default;

void GzipBuffer::Deflate(std::string_view bytes, int flush) {
  z_stream& z = stream_->z;
  // zlib takes a pointer to bytes that it does not change.
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  int result = Z_OK;
  do {
    if (size_ == pieces_.size() * kPieceBytes) pieces_.emplace_back(kPieceBytes, '\0');
    const size_t used = size_ - (pieces_.size() - 1) * kPieceBytes;
    z.next_out = reinterpret_cast<Bytef*>(pieces_.back().data() + used);
    z.avail_out = static_cast<uInt>(kPieceBytes - used);
    result = deflate(&z, flush);
    size_ += kPieceBytes - used - z.avail_out;
    if (result == Z_STREAM_ERROR) throw std::logic_error("zlib: deflate");
  } while (flush == Z_FINISH ? result != Z_STREAM_END : z.avail_out == 0);
}

void GzipBuffer::Write(std::string_view bytes) {
  constexpr size_t kPiece = std::numeric_limits<uInt>::max();
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPiece);
    Deflate(piece, Z_NO_FLUSH);
    bytes.remove_prefix(piece.size());
  }
}

std::vector<std::string> GzipBuffer::Finish() {
  Deflate("", Z_FINISH);
  deflateReset(&stream_->z);
  pieces_.back().resize(size_ - (pieces_.size() - 1) * kPieceBytes);
  size_ = 0;
  return std::exchange(pieces_, {});
}

void GzipBuffer::Clear() {
  deflateReset(&stream_->z);
  pieces_.clear();
  size_ = 0;
}

}  // namespace bizond
