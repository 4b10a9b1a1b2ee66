#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace bizond {
namespace {

struct KindName {
  ErrorKind kind;
  std::string_view name;
};

constexpr std::array kKindNames = {
    KindName{ErrorKind::kTransient, "transient"},
    KindName{ErrorKind::kPermanent, "permanent"},
    KindName{ErrorKind::kConfig, "config"},
    KindName{ErrorKind::kStopped, "stopped"},
};

struct ErrnoRow {
  int number;
  ErrorKind kind;
  std::string_view code;
  std::string_view remedy;  // Used when the caller has none of its own.
};

// Space and descriptors come back without anybody's help often enough that a few more attempts are
// worth it. EIO is permanent on purpose: after a failed write-back the kernel may have dropped the
// dirty pages, so that a repeated call which succeeds proves nothing.
constexpr std::array kErrnoRows = {
    ErrnoRow{ENOSPC, ErrorKind::kTransient, "disk_full", "Free some space on that file system"},
    ErrnoRow{EDQUOT, ErrorKind::kTransient, "quota_exceeded", "Free some space or raise the quota"},
    ErrnoRow{EMFILE, ErrorKind::kTransient, "too_many_open_files",
             "Raise the limit of open files (ulimit -n, or LimitNOFILE= of the unit)"},
    ErrnoRow{ENFILE, ErrorKind::kTransient, "too_many_open_files", "Raise fs.file-max by sysctl"},
    ErrnoRow{ENOMEM, ErrorKind::kTransient, "out_of_memory", "Free some memory"},
    ErrnoRow{ENOBUFS, ErrorKind::kTransient, "out_of_memory", "Free some memory"},
    ErrnoRow{EAGAIN, ErrorKind::kTransient, "temporarily_unavailable", ""},
    ErrnoRow{EINTR, ErrorKind::kTransient, "interrupted", ""},
    ErrnoRow{EBUSY, ErrorKind::kTransient, "busy", ""},
    ErrnoRow{ESTALE, ErrorKind::kTransient, "stale_file_handle", ""},
    ErrnoRow{ETIMEDOUT, ErrorKind::kTransient, "timed_out", ""},
    ErrnoRow{ECONNREFUSED, ErrorKind::kTransient, "connection_refused",
             "Check that the peer is running and listens there"},
    ErrnoRow{ECONNRESET, ErrorKind::kTransient, "connection_lost", ""},
    ErrnoRow{ECONNABORTED, ErrorKind::kTransient, "connection_lost", ""},
    ErrnoRow{EPIPE, ErrorKind::kTransient, "connection_lost", ""},
    ErrnoRow{ENETDOWN, ErrorKind::kTransient, "network_unreachable", "Check the network"},
    ErrnoRow{ENETUNREACH, ErrorKind::kTransient, "network_unreachable", "Check the network"},
    ErrnoRow{EHOSTUNREACH, ErrorKind::kTransient, "network_unreachable", "Check the network"},
    ErrnoRow{EIO, ErrorKind::kPermanent, "io_error", "Check the disk: see `dmesg`"},
    ErrnoRow{ENOENT, ErrorKind::kPermanent, "not_found", "Check the path"},
    ErrnoRow{EACCES, ErrorKind::kPermanent, "permission_denied",
             "Give this user access: see `ls -ld` of the path and of its folders"},
    ErrnoRow{EPERM, ErrorKind::kPermanent, "permission_denied", ""},
    ErrnoRow{EROFS, ErrorKind::kPermanent, "read_only_file_system", "Choose another folder"},
    ErrnoRow{EEXIST, ErrorKind::kPermanent, "already_exists", ""},
    ErrnoRow{EISDIR, ErrorKind::kPermanent, "is_a_directory", "Name a file in it"},
    ErrnoRow{ENOTDIR, ErrorKind::kPermanent, "not_a_directory", "Check the path"},
    ErrnoRow{ELOOP, ErrorKind::kPermanent, "too_many_links", "Check the symbolic links"},
    ErrnoRow{ENAMETOOLONG, ErrorKind::kPermanent, "name_too_long", "Choose a shorter name"},
    ErrnoRow{EFBIG, ErrorKind::kPermanent, "file_too_large", ""},
    ErrnoRow{EXDEV, ErrorKind::kPermanent, "crosses_file_systems",
             "Keep both paths on one file system"},
    ErrnoRow{EADDRINUSE, ErrorKind::kPermanent, "address_in_use", "Choose another port"},
    ErrnoRow{ECANCELED, ErrorKind::kStopped, "stopped", ""},
};

}  // namespace

std::string_view ErrorKindName(ErrorKind kind) {
  for (const KindName& row : kKindNames) {
    if (row.kind == kind) return row.name;
  }
  return "permanent";
}

std::optional<ErrorKind> ParseErrorKind(std::string_view name) {
  for (const KindName& row : kKindNames) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

Failure Fail(ErrorKind kind, std::string_view code, std::string message, std::string remedy) {
  return Failure(Error{kind, std::string(code), std::move(message), std::move(remedy)});
}

Error ErrnoError(int errno_value, std::string what, std::string remedy) {
  const auto row = std::find_if(kErrnoRows.begin(), kErrnoRows.end(),
                                [&](const ErrnoRow& r) { return r.number == errno_value; });
  const bool known = row != kErrnoRows.end();
  if (remedy.empty() && known) remedy = row->remedy;
  what += ": ";
  what += std::generic_category().message(errno_value);  // strerror without its shared buffer
  return Error{known ? row->kind : ErrorKind::kPermanent,
               std::string(known ? row->code : "system_error"), std::move(what), std::move(remedy)};
}

Error StoppedError(std::string_view what) {
  return Error{ErrorKind::kStopped, "stopped", fmt::format("{} was stopped", what), ""};
}

std::string Describe(const Error& error) {
  if (error.remedy.empty()) return fmt::format("{} ({})", error.message, error.code);
  return fmt::format("{} ({}). {}", error.message, error.code, error.remedy);
}

}  // namespace bizond
