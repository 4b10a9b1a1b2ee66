#include "sync/boundary_index.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace bizond {
namespace {

// 24 TB of them: more is no set, but damage.
constexpr uint64_t kMostEntries = uint64_t{1} << 40;

}  // namespace

Result<BoundaryIndex> BoundaryIndex::Create(uint64_t entries, size_t most_in_memory,
                                            const std::filesystem::path& directory) {
  BoundaryIndex index;
  if (entries == 0) return index;
  if (entries > kMostEntries) {
    return Fail(ErrorKind::kPermanent, "bad_watermark",
                "the boundary set claims " + std::to_string(entries) + " records",
                "it was damaged: restore a backup, or reset");
  }
  index.slots_ = entries + entries / 2 + 1;  // A third stays free.
  BIZOND_ASSIGN_OR_RETURN(
      index.memory_, SpillMemory::Create(index.slots_ * sizeof(Slot), most_in_memory, directory));
  return index;
}

void BoundaryIndex::Add(const Hash128& hash, uint32_t count) {
  if (slots_ == 0) throw std::logic_error("a boundary index without room");
  Slot* const slot = Find(hash);
  if (slot->used == 0) {
    if (used_ + 1 >= slots_) throw std::logic_error("a boundary index that is full");
    ++used_;
    slot->used = 1;
    slot->hash = hash;
  }
  slot->left += std::min(count, std::numeric_limits<uint32_t>::max() - slot->left);
}

bool BoundaryIndex::Take(const Hash128& hash, uint32_t count) {
  if (used_ == 0) return false;
  Slot* const slot = Find(hash);
  if (slot->used == 0 || slot->left == 0) return false;
  slot->left -= std::min(slot->left, count);
  return true;
}

BoundaryIndex::Slot* BoundaryIndex::Find(const Hash128& hash) const {
  Slot* const slots = static_cast<Slot*>(memory_.data());
  __extension__ using Wide = unsigned __int128;
  auto at = static_cast<uint64_t>((Wide{hash.low} * slots_) >> 64);
  while (slots[at].used != 0 && slots[at].hash != hash) at = at + 1 == slots_ ? 0 : at + 1;
  return slots + at;
}

}  // namespace bizond
