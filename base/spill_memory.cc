#include "base/spill_memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <string>

#include "base/file_error.h"
#include "base/fs.h"

namespace bizond {
namespace {

Failure CannotWrite(int errno_value, std::string_view action, const std::string& directory) {
  return Failure(
      FileError(errno_value, FileAccess::kWrite, action, directory + "/(temporary file)"));
}

Result<Fd> OpenUnnamed(const std::string& directory) {
  Fd fd(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.valid()) return fd;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return CannotWrite(errno, "create", directory);
  }
  // A file system that knows no unnamed files.
  std::string name = directory + "/.spill-XXXXXX";
  fd = Fd(mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) return CannotWrite(errno, "create", directory);
  if (unlink(name.c_str()) != 0) return CannotWrite(errno, "remove", directory);
  return fd;
}

}  // namespace

void SpillMemory::Release::operator()(void* bytes) const {
  if (mapped == 0) {
    free(bytes);
  } else {
    munmap(bytes, mapped);
  }
}

Result<SpillMemory> SpillMemory::Create(size_t bytes, size_t most_in_memory,
                                        const std::filesystem::path& directory) {
  SpillMemory memory;
  if (bytes == 0) return memory;
  if (bytes <= most_in_memory) {
    memory.bytes_ = {calloc(1, bytes), Release{0}};
    if (memory.data() == nullptr) throw std::bad_alloc();
    return memory;
  }
  BIZOND_ASSIGN_OR_RETURN(const Fd fd, OpenUnnamed(directory.string()));
  int failed = EINTR;
  while (failed == EINTR) failed = posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));
  if (failed != 0) return CannotWrite(failed, "make room in", directory.string());
  void* const mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) return CannotWrite(errno, "map", directory.string());
  madvise(mapped, bytes, MADV_RANDOM);  // A hint.
  memory.bytes_ = {mapped, Release{bytes}};
  return memory;
}

}  // namespace bizond
