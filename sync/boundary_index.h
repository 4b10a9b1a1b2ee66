// BoundaryIndex: how often each record of a boundary set may still come back.
//
// An open-addressed table of hashes and counts, made for a number of hashes that is known
// beforehand; a large one lies in a file that the kernel may write out (base/spill_memory.h).
//
// Threads: one thread at a time.
#ifndef BIZOND_SYNC_BOUNDARY_INDEX_H_
#define BIZOND_SYNC_BOUNDARY_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/error.h"
#include "base/identity.h"
#include "base/spill_memory.h"

namespace bizond {

class BoundaryIndex {
 public:
  BoundaryIndex() = default;  // Of an empty set.
  // For up to `entries` hashes. Codes of SpillMemory; bad_watermark for a number that no disk
  // holds.
  static Result<BoundaryIndex> Create(uint64_t entries, size_t most_in_memory,
                                      const std::filesystem::path& directory);

  bool empty() const { return used_ == 0; }
  // Throws std::logic_error for more hashes than it was made for.
  void Add(const Hash128& hash, uint32_t count);
  // Takes up to `count` off; true when at least one was there.
  bool Take(const Hash128& hash, uint32_t count = 1);

 private:
  struct Slot {
    Hash128 hash;
    uint32_t left = 0;
    uint32_t used = 0;
  };

  // The hash's slot, or the free one where it belongs.
  Slot* Find(const Hash128& hash) const;

  SpillMemory memory_;
  uint64_t slots_ = 0;
  uint64_t used_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_BOUNDARY_INDEX_H_
