// Fs: files whose durability is stated, under roots that cannot be left.
//
// A Root is an open directory; every path given to it is relative to it and resolved by openat2(2)
// with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, so that neither `..` nor a symbolic link leads
// outside. A link is followed when it is relative and stays inside; an absolute one is refused
// wherever it leads. Roots takes the paths that people write, absolute ones too, and picks the
// root. Opening for reading refuses directories, FIFOs, sockets and devices (codes `not_a_file`),
// and never blocks.
//
// Error codes: file_missing, file_unreadable, file_unwritable, outside_roots, not_a_file,
// disk_full, io_error, target_locked. After an error of Sync() the file's state on disk is unknown
// (an fsync that is tried again may lie): the run fails.
//
// Threads: Root and Roots are immutable and may be shared; a File belongs to one thread at a time.
#ifndef BIZOND_BASE_FS_H_
#define BIZOND_BASE_FS_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace bizond {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release();

 private:
  int fd_ = -1;
};

struct FileInfo {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size_bytes = 0;
  UtcTime modified_at{};
  bool is_regular = true;
  bool is_directory = false;
};

class File {
 public:
  File() = default;
  File(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  // As it is shown to people.
  const std::string& path() const { return path_; }

  Result<FileInfo> Info() const;
  // Reads up to `size` bytes at the file's position; fewer only at the end; EINTR is retried.
  Result<size_t> Read(char* buffer, size_t size);
  Result<size_t> ReadAt(char* buffer, size_t size, uint64_t offset) const;
  // All or an error (disk_full for ENOSPC and EDQUOT); after an error some of it may be written.
  Status WriteAll(std::string_view bytes);
  // Not on a file opened with kAppend: Linux appends there, whatever the offset.
  Status WriteAllAt(std::string_view bytes, uint64_t offset);
  Status Truncate(uint64_t size);
  Status SeekTo(uint64_t offset);
  // fdatasync(2): the bytes and the size are durable.
  Status Sync();
  // Starts the write-back of a range without waiting (sync_file_range(2)); a hint, never fails.
  void StartWriteback(uint64_t offset, uint64_t size);
  void Close() { fd_ = Fd(); }

 private:
  Fd fd_;
  std::string path_;
};

enum class OpenMode {
  kRead,       // must exist
  kWrite,      // created if absent, kept if present, position 0, also readable
  kTruncate,   // created or emptied, also readable
  kAppend,     // created if absent, O_APPEND, not readable
  kExclusive,  // must not exist
};

// One directory that paths may lie in.
class Root {
 public:
  static Result<Root> Open(const std::filesystem::path& directory);
  // Creates the directory (and its parents, 0700) first.
  static Result<Root> Create(const std::filesystem::path& directory);

  // The canonical path of the directory.
  const std::filesystem::path& path() const { return path_; }

  // All paths below are relative to the root (a leading "./" is fine).
  Result<File> OpenFile(std::string_view path, OpenMode mode) const;
  Result<std::optional<FileInfo>> Stat(std::string_view path) const;  // nullopt: does not exist
  // Creates `path` and its parents where they are missing (0777 less the umask), durably.
  Status MakeDirectories(std::string_view path) const;
  // Replaces `to`; where that is a symbolic link, the link.
  Status Rename(std::string_view from, std::string_view to) const;
  // A file or a link; no error when it is absent.
  Status Remove(std::string_view path) const;
  // fsync of the directory that holds `path`: a rename, create or remove in it is durable.
  Status SyncDirectoryOf(std::string_view path) const;
  // Regular files that match a pattern of *, ?, [..] (base/glob.h) and ** (any number of
  // directories, hidden and linked ones left out), as paths sorted bytewise. A directory that
  // cannot be listed and a link that leads outside are errors: what a job reads is never silently
  // less.
  Result<std::vector<std::string>> Glob(std::string_view pattern) const;

 private:
  friend class Roots;  // Makes those that can be left.

  std::shared_ptr<Fd> directory_;
  std::filesystem::path path_;
  std::filesystem::path spelled_;  // Absolute, as it was given: what a job's author may write.
  uint64_t resolve_ = 0;           // openat2(2), open_how.resolve
};

// A place: a root and a path relative to it.
struct Location {
  Root root;
  std::string path;
  std::string Display() const { return (root.path() / path).string(); }
};

// The directories that jobs may touch. `base` is where relative paths start.
class Roots {
 public:
  // Every directory but `base` must exist; `base` is created.
  static Result<Roots> Open(const std::filesystem::path& base,
                            const std::vector<std::filesystem::path>& others);
  // For `bizond run`: relative paths from the working directory, absolute ones anywhere.
  static Result<Roots> Unrestricted(const std::filesystem::path& base);
  // Which root a job's path lies in. Code outside_roots, whose message names the roots.
  Result<Location> Resolve(std::string_view path) const;

 private:
  std::vector<Root> roots_;  // [0] is base; in an unrestricted one [1] is "/".
  bool unrestricted_ = false;
};

// temp + fsync + rename + fsync of the directory: afterwards `path` holds exactly `bytes`, with the
// permissions it had; on an error, and after a crash, either the old or the new content. One caller
// at a time for a path.
Status ReplaceFileDurably(const Root& root, std::string_view path, std::string_view bytes);
// Whole file into memory, refused past `max_bytes` (file_too_large). For the operator's own files:
// the path is not held under any root.
Result<std::string> ReadWholeFile(const std::filesystem::path& path, uint64_t max_bytes);
// What is left for an ordinary user on the file system of `path`, which must exist.
Result<uint64_t> FreeBytes(const std::filesystem::path& path);

// An exclusive advisory lock (flock) on a file that holds the owner's pid. Held until destruction,
// and gone with the process; the file stays. A second lock within one process is refused as well.
class FileLock {
 public:
  // Code target_locked with the holder's pid when somebody else has it.
  static Result<FileLock> TryAcquire(const Root& root, std::string_view path);

 private:
  explicit FileLock(File file) : file_(std::move(file)) {}
  File file_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_FS_H_
