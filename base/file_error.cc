#include "base/file_error.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "base/text.h"

namespace bizond {
namespace {

struct Row {
  int number;
  ErrorKind kind;
  std::string_view read_code;
  std::string_view write_code;
  std::string_view remedy;  // {} is the path, quoted for a shell.
};

constexpr ErrorKind kTransient = ErrorKind::kTransient;
constexpr ErrorKind kPermanent = ErrorKind::kPermanent;

constexpr std::string_view kCheckPath = "check the path: ls -ld {}";
constexpr std::string_view kCheckPermission =
    "give the user that bizond runs as access to it: ls -ld {}; id";
constexpr std::string_view kFreeSpace = "free space or raise the quota: df -h {}";
constexpr std::string_view kRaiseLimit =
    "raise the limit of open files (ulimit -n, LimitNOFILE=), or run fewer jobs at once";
constexpr std::string_view kCheckDisk = "look for disk errors: dmesg; findmnt -T {}";
constexpr std::string_view kStayInside =
    "use a path inside the data directory, or start bizond with --root for its directory; a "
    "symbolic "
    "link must be relative and stay inside: realpath {}";
constexpr std::string_view kRegularFile = "name a regular file: stat {}";

constexpr Row kRows[] = {
    {ENOENT, kPermanent, "file_missing", "file_missing", kCheckPath},
    {ENOTDIR, kPermanent, "file_missing", "file_missing", kCheckPath},
    {ENAMETOOLONG, kPermanent, "file_missing", "file_unwritable", kCheckPath},
    {EINVAL, kPermanent, "file_missing", "file_unwritable", kCheckPath},
    {EACCES, kPermanent, "file_unreadable", "file_unwritable", kCheckPermission},
    {EPERM, kPermanent, "file_unreadable", "file_unwritable", kCheckPermission},
    {ELOOP, kPermanent, "file_unreadable", "file_unwritable", kCheckPath},
    {EROFS, kPermanent, "file_unwritable", "file_unwritable",
     "mount it writable, or choose another place: findmnt -T {}"},
    {ETXTBSY, kPermanent, "file_unwritable", "file_unwritable", kCheckPath},
    {EFBIG, kPermanent, "file_unwritable", "file_unwritable",
     "the file system or `ulimit -f` allows no larger file: findmnt -T {}"},
    {EEXIST, kPermanent, "file_exists", "file_exists",
     "remove it, or choose another name: ls -l {}"},
    {ENOTEMPTY, kPermanent, "file_exists", "file_exists", kCheckPath},
    {EXDEV, kPermanent, "outside_roots", "outside_roots", kStayInside},
    {EISDIR, kPermanent, "not_a_file", "not_a_file", kRegularFile},
    {ENXIO, kPermanent, "not_a_file", "not_a_file", kRegularFile},
    {ENODEV, kPermanent, "not_a_file", "not_a_file", kRegularFile},
    {ENOSPC, kTransient, "disk_full", "disk_full", kFreeSpace},
    {EDQUOT, kTransient, "disk_full", "disk_full", kFreeSpace},
    {EMFILE, kTransient, "too_many_files", "too_many_files", kRaiseLimit},
    {ENFILE, kTransient, "too_many_files", "too_many_files", kRaiseLimit},
    {ENOSYS, kPermanent, "file_unreadable", "file_unwritable",
     "bizond needs openat2(2), Linux 5.6 or later: uname -r (a container's seccomp filter may hide "
     "it)"},
    {ENOMEM, kTransient, "io_error", "io_error", "free memory: free -h"},
    {EAGAIN, kTransient, "io_error", "io_error", "try again"},
    // What follows also stands for every number that is not listed.
    {EIO, kPermanent, "io_error", "io_error", kCheckDisk},
};

const Row& RowOf(int number) {
  for (const Row& row : kRows) {
    if (row.number == number) return row;
  }
  return kRows[std::size(kRows) - 1];
}

}  // namespace

Error FileError(int errno_value, FileAccess access, std::string_view action,
                std::string_view path) {
  const Row& row = RowOf(errno_value);
  return {.kind = row.kind,
          .code = std::string(access == FileAccess::kRead ? row.read_code : row.write_code),
          .message = fmt::format("cannot {} {}: {}", action, path,
                                 std::generic_category().message(errno_value)),
          .remedy = fmt::format(fmt::runtime(row.remedy), ShellQuote(path))};
}

Error NotAFileError(std::string_view path, std::string_view what) {
  return {.kind = kPermanent,
          .code = "not_a_file",
          .message = fmt::format("{} is {}, not a regular file", path, what),
          .remedy = fmt::format(fmt::runtime(kRegularFile), ShellQuote(path))};
}

}  // namespace bizond
