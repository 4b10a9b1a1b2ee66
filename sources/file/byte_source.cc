#include "sources/file/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "sources/file/file_change.h"

namespace bizond {
namespace {

class PlainBytes final : public ByteSource {
 public:
  PlainBytes(const File& file, uint64_t end) : file_(file), end_(end) {
    (void)posix_fadvise(file.fd(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }

  Result<size_t> ReadAt(char* buffer, size_t size, uint64_t offset, std::stop_token stop) override {
    if (stop.stop_requested()) return tl::make_unexpected(StoppedError("reading " + file_.path()));
    const size_t wanted =
        static_cast<size_t>(std::min<uint64_t>(size, offset < end_ ? end_ - offset : 0));
    BIZOND_ASSIGN_OR_RETURN(const size_t got, file_.ReadAt(buffer, wanted, offset));
    if (got < wanted) return FileTruncated(file_.path(), offset + got, end_);
    return got;
  }

 private:
  const File& file_;
  const uint64_t end_;
};

}  // namespace

Result<Compression> DetectCompression(const File& file) {
  char magic[4] = {};
  BIZOND_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(magic, sizeof magic, 0));
  const std::string_view head(magic, got);
  if (head.starts_with("\x1f\x8b")) return Compression::kGzip;
  if (head == "\x28\xb5\x2f\xfd") return Compression::kZstd;
  return Compression::kNone;
}

std::unique_ptr<ByteSource> OpenPlainBytes(const File& file, uint64_t end) {
  return std::make_unique<PlainBytes>(file, end);
}

}  // namespace bizond
