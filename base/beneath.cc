#include "base/beneath.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file_error.h"

namespace bizond {

const uint64_t kResolveBeneath = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

Fd OpenBeneath(int directory, const std::string& path, int flags, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? 0666 : 0;
  how.resolve = resolve;
  // EAGAIN: a rename raced with a "..", and the kernel could not tell that it stayed inside.
  constexpr int kRaces = 100;
  long fd = -1;
  for (int i = 0; i < kRaces; ++i) {
    fd = Uninterrupted(
        [&] { return syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how); });
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return Fd(static_cast<int>(fd));
}

FileInfo InfoOf(const struct stat& raw) {
  return {
      .device = raw.st_dev,
      .inode = raw.st_ino,
      .size_bytes = static_cast<uint64_t>(raw.st_size),
      .modified_at = FromUnixMicros(raw.st_mtim.tv_sec * 1'000'000 + raw.st_mtim.tv_nsec / 1000),
      .is_regular = S_ISREG(raw.st_mode),
      .is_directory = S_ISDIR(raw.st_mode)};
}

std::string_view KindOfFile(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFLNK:
      return "a symbolic link";
    default:
      return "a device";
  }
}

Status RequireRegular(const File& file) {
  struct stat raw;
  if (fstat(file.fd(), &raw) < 0) {
    return Failure(FileError(errno, FileAccess::kRead, "stat", file.path()));
  }
  if (!S_ISREG(raw.st_mode)) return Failure(NotAFileError(file.path(), KindOfFile(raw.st_mode)));
  return {};
}

Result<std::string> CheckedPath(std::string_view path, const std::filesystem::path& root) {
  while (path.starts_with("./")) {
    path.remove_prefix(2);
    while (path.starts_with('/')) path.remove_prefix(1);
    if (path.empty()) path = ".";
  }
  if (path.empty() || path.find('\0') != std::string_view::npos) {
    return Fail(ErrorKind::kPermanent, "file_missing",
                fmt::format("a path under {} {}", root.string(),
                            path.empty() ? "is empty" : "holds a zero byte"),
                "name a file");
  }
  return std::string(path);
}

Result<SplitPath> Split(std::string_view path, const std::filesystem::path& root) {
  BIZOND_ASSIGN_OR_RETURN(const std::string checked, CheckedPath(path, root));
  const size_t slash = checked.rfind('/');
  SplitPath split;
  if (slash == std::string::npos) {
    split = {".", checked};
  } else {
    split = {checked.substr(0, slash == 0 ? 1 : slash), checked.substr(slash + 1)};
  }
  if (split.name.empty() || split.name == "." || split.name == "..") {
    return Failure(NotAFileError((root / checked).string(), "a directory by its name"));
  }
  return split;
}

}  // namespace bizond
