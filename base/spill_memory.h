// SpillMemory: zeroed bytes that do not have to stay in memory.
//
// Few bytes are ordinary memory. Many are a mapped file without a name, whose pages the kernel
// writes out and drops when it needs the room; its blocks are taken beforehand, so that a full disk
// is an error here and not a signal later. The file goes with the object, or with the process.
//
// Error codes: those of base/fs.h for writing (disk_full, file_unwritable, io_error).
// Threads: one thread at a time.
#ifndef BIZOND_BASE_SPILL_MEMORY_H_
#define BIZOND_BASE_SPILL_MEMORY_H_

#include <cstddef>
#include <filesystem>
#include <memory>

#include "base/error.h"

namespace bizond {

class SpillMemory {
 public:
  SpillMemory() = default;
  // Up to `most_in_memory` bytes are memory, more are a file in `directory`.
  static Result<SpillMemory> Create(size_t bytes, size_t most_in_memory,
                                    const std::filesystem::path& directory);

  // Aligned for any type; nullptr when there are no bytes.
  void* data() const { return bytes_.get(); }
  bool is_file() const { return bytes_.get_deleter().mapped > 0; }

 private:
  struct Release {
    size_t mapped;  // 0: from the heap.
    void operator()(void* bytes) const;
  };
  std::unique_ptr<void, Release> bytes_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_SPILL_MEMORY_H_
