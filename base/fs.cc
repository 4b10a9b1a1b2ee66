#include "base/fs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/beneath.h"
#include "base/file_error.h"
#include "base/text.h"

namespace bizond {
namespace {

Failure ReadFailure(std::string_view action, std::string_view path) {
  return Failure(FileError(errno, FileAccess::kRead, action, path));
}

Failure WriteFailure(std::string_view action, std::string_view path) {
  return Failure(FileError(errno, FileAccess::kWrite, action, path));
}

// Offsets come from checkpoints, which a damaged store may have garbled.
bool IsOffset(uint64_t offset) { return offset <= uint64_t{INT64_MAX}; }

// `next(data, size, done)` is one read or write call; stops at zero (the end), or when all is done.
template <typename Next>
ssize_t Repeat(size_t size, Next next) {
  size_t done = 0;
  while (done < size) {
    const ssize_t moved = Uninterrupted([&] { return next(done); });
    if (moved < 0) return -1;
    if (moved == 0) break;
    done += static_cast<size_t>(moved);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.Release();
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

int Fd::Release() { return std::exchange(fd_, -1); }

Result<FileInfo> File::Info() const {
  struct stat raw;
  if (fstat(fd(), &raw) < 0) return ReadFailure("stat", path_);
  return InfoOf(raw);
}

Result<size_t> File::Read(char* buffer, size_t size) {
  const ssize_t got =
      Repeat(size, [&](size_t done) { return read(fd(), buffer + done, size - done); });
  if (got < 0) return ReadFailure("read", path_);
  return static_cast<size_t>(got);
}

Result<size_t> File::ReadAt(char* buffer, size_t size, uint64_t offset) const {
  if (!IsOffset(offset)) return size_t{0};
  const ssize_t got = Repeat(size, [&](size_t done) {
    return pread(fd(), buffer + done, size - done, static_cast<off_t>(offset + done));
  });
  if (got < 0) return ReadFailure("read", path_);
  return static_cast<size_t>(got);
}

Status File::WriteAll(std::string_view bytes) {
  const ssize_t put = Repeat(bytes.size(), [&](size_t done) {
    return write(fd(), bytes.data() + done, bytes.size() - done);
  });
  if (put < 0) return WriteFailure("write to", path_);
  return {};
}

Status File::WriteAllAt(std::string_view bytes, uint64_t offset) {
  if (!IsOffset(offset)) {
    errno = EFBIG;
    return WriteFailure("write to", path_);
  }
  const ssize_t put = Repeat(bytes.size(), [&](size_t done) {
    return pwrite(fd(), bytes.data() + done, bytes.size() - done,
                  static_cast<off_t>(offset + done));
  });
  if (put < 0) return WriteFailure("write to", path_);
  return {};
}

Status File::Truncate(uint64_t size) {
  if (!IsOffset(size)) errno = EFBIG;
  if (!IsOffset(size) ||
      Uninterrupted([&] { return ftruncate(fd(), static_cast<off_t>(size)); }) < 0) {
    return WriteFailure("truncate", path_);
  }
  return {};
}

Status File::SeekTo(uint64_t offset) {
  if (!IsOffset(offset)) errno = EFBIG;
  if (!IsOffset(offset) || lseek(fd(), static_cast<off_t>(offset), SEEK_SET) < 0) {
    return ReadFailure("seek in", path_);
  }
  return {};
}

Status File::Sync() {
  if (Uninterrupted([&] { return fdatasync(fd()); }) < 0) return WriteFailure("sync", path_);
  return {};
}

void File::StartWriteback(uint64_t offset, uint64_t size) {
  if (!IsOffset(offset) || !IsOffset(size)) return;
  (void)sync_file_range(fd(), static_cast<off_t>(offset), static_cast<off_t>(size),
                        SYNC_FILE_RANGE_WRITE);
}

Result<std::string> ReadWholeFile(const std::filesystem::path& path, uint64_t max_bytes) {
  const std::string shown = path.string();
  Fd fd(Uninterrupted(
      [&] { return open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }));
  if (!fd.valid()) return ReadFailure("open", shown);
  File file(std::move(fd), shown);
  BIZOND_RETURN_IF_ERROR(RequireRegular(file));
  std::string bytes;
  // The size is not believed: files under /proc say 0, and a growing file is longer by now.
  constexpr size_t kStep = 64 << 10;
  while (bytes.size() <= max_bytes) {
    const size_t before = bytes.size();
    bytes.resize(before + kStep);
    BIZOND_ASSIGN_OR_RETURN(const size_t got, file.Read(bytes.data() + before, kStep));
    bytes.resize(before + got);
    if (got < kStep && bytes.size() <= max_bytes) return bytes;
  }
  return Fail(
      ErrorKind::kPermanent, "file_too_large",
      fmt::format("{} is larger than the {} bytes that are read of such a file", shown, max_bytes),
      fmt::format("check that this is the file you mean: ls -l {}", ShellQuote(shown)));
}

Result<uint64_t> FreeBytes(const std::filesystem::path& path) {
  struct statvfs raw;
  if (Uninterrupted([&] { return statvfs(path.c_str(), &raw); }) < 0) {
    return ReadFailure("ask for the free space of", path.string());
  }
  return uint64_t{raw.f_bavail} * raw.f_frsize;
}

}  // namespace bizond
