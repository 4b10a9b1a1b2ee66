#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/beneath.h"
#include "base/file_error.h"
#include "base/fs.h"

namespace bizond {
namespace {

// O_NONBLOCK and O_NOCTTY do nothing to a regular file; they keep what is none from holding the
// thread in the moment before it is recognised.
constexpr int kSafe = O_NONBLOCK | O_NOCTTY;

struct ModeRow {
  int flags;
  FileAccess access;
  std::string_view action;
};

ModeRow RowOf(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return {O_RDONLY, FileAccess::kRead, "open"};
    // O_TRUNC comes later, when it is known what the file is.
    case OpenMode::kWrite:
    case OpenMode::kTruncate:
      return {O_RDWR | O_CREAT, FileAccess::kWrite, "open for writing"};
    case OpenMode::kAppend:
      return {O_WRONLY | O_CREAT | O_APPEND, FileAccess::kWrite, "open for appending"};
    case OpenMode::kExclusive:
      return {O_RDWR | O_CREAT | O_EXCL, FileAccess::kWrite, "create"};
  }
  throw std::logic_error("unknown OpenMode");
}

Failure Failed(FileAccess access, std::string_view action, std::string_view path) {
  return Failure(FileError(errno, access, action, path));
}

// The directory entry that mkdir makes is durable once the parent is synced.
Status SyncDirectory(int directory, const std::string& path, const std::string& shown,
                     uint64_t resolve) {
  const Fd fd = OpenBeneath(directory, path, O_RDONLY | O_DIRECTORY, resolve);
  if (!fd.valid()) return Failed(FileAccess::kWrite, "open the directory of", shown);
  if (Uninterrupted([&] { return fsync(fd.get()); }) < 0) {
    return Failed(FileAccess::kWrite, "sync the directory of", shown);
  }
  return {};
}

}  // namespace

Result<Root> Root::Open(const std::filesystem::path& directory) {
  const std::string shown = directory.string();
  std::error_code problem;
  Root root;
  root.spelled_ = std::filesystem::absolute(directory, problem).lexically_normal();
  if (!problem) root.path_ = std::filesystem::canonical(directory, problem);
  if (problem) {
    return Failure(FileError(problem.value(), FileAccess::kRead, "open the directory", shown));
  }
  Fd fd(
      Uninterrupted([&] { return open(root.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid()) return Failed(FileAccess::kRead, "open the directory", shown);
  // Says at once, and not at the first file, that the kernel lacks openat2.
  if (!OpenBeneath(fd.get(), ".", O_PATH | O_DIRECTORY, kResolveBeneath).valid()) {
    return Failed(FileAccess::kRead, "look inside the directory", shown);
  }
  root.directory_ = std::make_shared<Fd>(std::move(fd));
  root.resolve_ = kResolveBeneath;
  return root;
}

Result<Root> Root::Create(const std::filesystem::path& directory) {
  std::error_code problem;
  const auto absolute = std::filesystem::absolute(directory, problem);
  std::filesystem::path made;
  for (const auto& part : absolute) {
    made /= part;
    if (mkdir(made.c_str(), 0700) == 0 || errno == EEXIST) continue;
    // A parent on a read-only file system or of another user may exist without being writable.
    if (std::filesystem::is_directory(made, problem)) continue;
    if (const int cause = mkdir(made.c_str(), 0700) < 0 ? errno : 0;
        cause != 0 && cause != EEXIST) {
      return Failure(FileError(cause, FileAccess::kWrite, "create the directory", made.string()));
    }
  }
  return Open(directory);
}

Result<File> Root::OpenFile(std::string_view path, OpenMode mode) const {
  BIZOND_ASSIGN_OR_RETURN(const std::string checked, CheckedPath(path, path_));
  const ModeRow row = RowOf(mode);
  const std::string shown = (path_ / checked).string();
  // Opening alone has effects on what is no regular file: it lets a FIFO's writer go on and rewinds
  // a tape. So it is looked at first, through a descriptor that opens nothing.
  if (const Fd seen = OpenBeneath(directory_->get(), checked, O_PATH, resolve_); seen.valid()) {
    struct stat raw;
    if (fstat(seen.get(), &raw) == 0 && !S_ISREG(raw.st_mode)) {
      return Failure(NotAFileError(shown, KindOfFile(raw.st_mode)));
    }
  }
  Fd fd = OpenBeneath(directory_->get(), checked, row.flags | kSafe, resolve_);
  if (!fd.valid()) return Failed(row.access, row.action, shown);
  File file(std::move(fd), shown);
  BIZOND_RETURN_IF_ERROR(RequireRegular(file));
  if (mode == OpenMode::kTruncate) BIZOND_RETURN_IF_ERROR(file.Truncate(0));
  return file;
}

Result<std::optional<FileInfo>> Root::Stat(std::string_view path) const {
  BIZOND_ASSIGN_OR_RETURN(const std::string checked, CheckedPath(path, path_));
  const std::string shown = (path_ / checked).string();
  const Fd fd = OpenBeneath(directory_->get(), checked, O_PATH, resolve_);
  if (!fd.valid() && (errno == ENOENT || errno == ENOTDIR)) return std::optional<FileInfo>();
  if (!fd.valid()) return Failed(FileAccess::kRead, "stat", shown);
  struct stat raw;
  if (fstat(fd.get(), &raw) < 0) return Failed(FileAccess::kRead, "stat", shown);
  return std::optional<FileInfo>(InfoOf(raw));
}

Status Root::MakeDirectories(std::string_view path) const {
  BIZOND_ASSIGN_OR_RETURN(const std::string checked, CheckedPath(path, path_));
  const std::string shown = (path_ / checked).string();
  std::string done = checked.starts_with('/') ? "/" : ".";
  for (const auto& part : std::filesystem::path(checked).relative_path()) {
    if (part.empty() || part == ".") continue;
    const Fd parent = OpenBeneath(directory_->get(), done, O_PATH | O_DIRECTORY, resolve_);
    if (!parent.valid()) return Failed(FileAccess::kWrite, "create the directory", shown);
    const std::string above = done;
    done += "/" + part.string();
    if (part == "..") continue;
    if (mkdirat(parent.get(), part.c_str(), 0777) == 0) {
      BIZOND_RETURN_IF_ERROR(SyncDirectory(directory_->get(), above, shown, resolve_));
    } else if (errno != EEXIST && errno != EROFS && errno != EACCES) {
      return Failed(FileAccess::kWrite, "create the directory", shown);
    }
    // Whether it exists, is a directory, and lies inside, the next opening tells; for the last one:
    const int cause = errno;
    const Fd made = OpenBeneath(directory_->get(), done, O_PATH | O_DIRECTORY, resolve_);
    if (made.valid()) continue;
    if (errno == ENOENT) errno = cause;
    return Failed(FileAccess::kWrite, "create the directory", shown);
  }
  return {};
}

Status Root::Rename(std::string_view from, std::string_view to) const {
  BIZOND_ASSIGN_OR_RETURN(const SplitPath source, Split(from, path_));
  BIZOND_ASSIGN_OR_RETURN(const SplitPath target, Split(to, path_));
  const std::string action = fmt::format("rename {} to", (path_ / from).string());
  const std::string shown = (path_ / to).string();
  const int flags = O_PATH | O_DIRECTORY;
  const Fd source_dir = OpenBeneath(directory_->get(), source.directory, flags, resolve_);
  if (!source_dir.valid()) return Failed(FileAccess::kWrite, action, shown);
  const Fd target_dir = OpenBeneath(directory_->get(), target.directory, flags, resolve_);
  if (!target_dir.valid()) return Failed(FileAccess::kWrite, action, shown);
  if (renameat(source_dir.get(), source.name.c_str(), target_dir.get(), target.name.c_str()) == 0) {
    return {};
  }
  if (errno == EXDEV) {
    // Not a way out of the root here, but two file systems inside it.
    return Fail(ErrorKind::kPermanent, "io_error",
                fmt::format("cannot {} {}: they lie on different file systems", action, shown),
                "keep both in one file system: findmnt");
  }
  return Failed(FileAccess::kWrite, action, shown);
}

Status Root::Remove(std::string_view path) const {
  BIZOND_ASSIGN_OR_RETURN(const SplitPath split, Split(path, path_));
  const std::string shown = (path_ / path).string();
  const Fd parent = OpenBeneath(directory_->get(), split.directory, O_PATH | O_DIRECTORY, resolve_);
  if (!parent.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return Failed(FileAccess::kWrite, "remove", shown);
  }
  if (unlinkat(parent.get(), split.name.c_str(), 0) < 0 && errno != ENOENT) {
    return Failed(FileAccess::kWrite, "remove", shown);
  }
  return {};
}

Status Root::SyncDirectoryOf(std::string_view path) const {
  BIZOND_ASSIGN_OR_RETURN(const SplitPath split, Split(path, path_));
  return SyncDirectory(directory_->get(), split.directory, (path_ / path).string(), resolve_);
}

}  // namespace bizond
