#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "base/beneath.h"
#include "base/file_error.h"
#include "base/fs.h"
#include "base/identity.h"
#include "base/text.h"

namespace bizond {
namespace {

// Beside the target, so that the rename stays in its file system; short, so that a name of the
// greatest length works; the same every time, so that a crash leaves at most one behind, which the
// next replacement removes.
std::string TemporaryName(std::string_view path) {
  const size_t slash = path.rfind('/');
  const std::string directory(slash == std::string_view::npos ? "" : path.substr(0, slash + 1));
  return fmt::format("{}.bizond-{}.tmp", directory, HexOf(HashBytes(path)).substr(0, 16));
}

Status WriteTemporary(const Root& root, const std::string& temporary, std::string_view path,
                      std::string_view bytes) {
  BIZOND_ASSIGN_OR_RETURN(File file, root.OpenFile(temporary, OpenMode::kExclusive));
  // Who may read the old file may read the new one, and nobody else.
  if (Result<File> old = root.OpenFile(path, OpenMode::kRead)) {
    struct stat raw;
    if (fstat(old->fd(), &raw) == 0) (void)fchmod(file.fd(), raw.st_mode & 07777);
  }
  BIZOND_RETURN_IF_ERROR(file.WriteAll(bytes));
  return file.Sync();
}

// The holder's pid, 0 when the file does not tell.
long HolderOf(const File& file) {
  char text[32] = {};
  const Result<size_t> size = file.ReadAt(text, sizeof text, 0);
  long pid = 0;
  if (size) std::from_chars(text, text + *size, pid);
  return pid;
}

Failure Locked(const File& file) {
  const long pid = HolderOf(file);
  const std::string holder = pid > 0 ? fmt::format("process {}", pid) : "another process";
  return Fail(ErrorKind::kTransient, "target_locked",
              fmt::format("{} is held by {}", file.path(), holder),
              pid > 0 ? fmt::format("wait until it ends, or look at it: ps -fp {}", pid)
                      : fmt::format("wait until it ends, or look for it: fuser -v {}",
                                    ShellQuote(file.path())));
}

}  // namespace

Status ReplaceFileDurably(const Root& root, std::string_view path, std::string_view bytes) {
  const std::string temporary = TemporaryName(path);
  BIZOND_RETURN_IF_ERROR(root.Remove(temporary));
  Status done = WriteTemporary(root, temporary, path, bytes);
  if (done) done = root.Rename(temporary, path);
  if (!done) {
    (void)root.Remove(temporary);
    return done;
  }
  return root.SyncDirectoryOf(path);
}

Result<FileLock> FileLock::TryAcquire(const Root& root, std::string_view path) {
  // Somebody may have removed or replaced the file between the opening and the lock: the lock is
  // then on a file that nobody else will find, so the new one is tried.
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    BIZOND_ASSIGN_OR_RETURN(File file, root.OpenFile(path, OpenMode::kWrite));
    if (Uninterrupted([&] { return flock(file.fd(), LOCK_EX | LOCK_NB); }) < 0) {
      if (errno == EWOULDBLOCK) return Locked(file);
      return Failure(FileError(errno, FileAccess::kWrite, "lock", file.path()));
    }
    BIZOND_ASSIGN_OR_RETURN(const FileInfo locked, file.Info());
    BIZOND_ASSIGN_OR_RETURN(const std::optional<FileInfo> found, root.Stat(path));
    if (!found || found->inode != locked.inode || found->device != locked.device) continue;
    BIZOND_RETURN_IF_ERROR(file.Truncate(0));
    BIZOND_RETURN_IF_ERROR(file.WriteAllAt(fmt::format("{}\n", getpid()), 0));
    return FileLock(std::move(file));
  }
  return Fail(ErrorKind::kTransient, "target_locked",
              fmt::format("{} is replaced again and again", (root.path() / path).string()),
              "find out what removes this lock file");
}

}  // namespace bizond
