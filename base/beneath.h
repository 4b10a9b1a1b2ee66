// The system calls under Root: openat2(2), which glibc does not wrap, and what is built on it. Only
// for the sources of base/; everybody else uses Root.
//
// Threads: pure functions.
#ifndef BIZOND_BASE_BENEATH_H_
#define BIZOND_BASE_BENEATH_H_

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fs.h"

namespace bizond {

// Calls until a signal does not interrupt it.
template <typename Call>
auto Uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// The `how.resolve` of a root that cannot be left; 0 is a root that can.
extern const uint64_t kResolveBeneath;

// openat2 with O_CLOEXEC; the mode of a new file is 0666 less the umask. Invalid with errno set.
Fd OpenBeneath(int directory, const std::string& path, int flags, uint64_t resolve);

FileInfo InfoOf(const struct stat& raw);
// not_a_file unless the open file is a regular one.
Status RequireRegular(const File& file);

// "a directory", "a FIFO", ...
std::string_view KindOfFile(mode_t mode);

// A path split before its last component, which is a plain name: not empty, "." or "..".
struct SplitPath {
  std::string directory;  // "." for a bare name.
  std::string name;
};
Result<SplitPath> Split(std::string_view path, const std::filesystem::path& root);

// Without leading "./"; refuses an empty path and one that holds a NUL byte, after which the kernel
// would not read on.
Result<std::string> CheckedPath(std::string_view path, const std::filesystem::path& root);

}  // namespace bizond

#endif  // BIZOND_BASE_BENEATH_H_
