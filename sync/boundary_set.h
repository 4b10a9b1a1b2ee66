// BoundarySet: which records at the edge of a watermark were published already.
//
// The next run asks for "cursor >= watermark"; the records that come back at the edge are
// recognised by a hash of their content and a count, so that identical records without a key are
// counted and not merged, and an update that carries the same cursor comes through. With a lookback
// the set holds the records of the whole window.
//
// A small set lives in memory and is encoded whole. What is more than BoundarySpill::entries is
// handed to the store in chunks, which are never changed again: a checkpoint names them and writes
// only what came since. A hash may stand in several chunks and in memory: its counts add up.
//
// The hash (format 1) is over a canonical form: members in any order, numbers and escapes as
// written, white space between tokens ignored.
//
// Code bad_watermark for what does not read. Threads: one thread at a time.
#ifndef BIZOND_SYNC_BOUNDARY_SET_H_
#define BIZOND_SYNC_BOUNDARY_SET_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/identity.h"
#include "sync/cursor.h"

namespace bizond {

// Of a record's JSON text, which RecordParser took and which has RecordBatch::kPadding readable
// bytes behind it.
Hash128 CanonicalHash(std::string_view json);

// Where a set goes that does not fit in memory.
struct BoundarySpill {
  // Durable when it returns; the chunk lives as long as a checkpoint or a watermark names it.
  std::function<Result<int64_t>(std::string_view chunk)> put;
  std::function<Result<std::string>(int64_t id)> get;
  // For the unnamed file of an index that does not fit in memory.
  std::filesystem::path directory;
  size_t entries = 32'768;       // That a set keeps in memory; some 100 bytes each.
  size_t index_bytes = 8 << 20;  // That an index keeps in memory.
};

class BoundarySet {
 public:
  struct Entry {
    // The record's cursor, as written; empty: it had none (on_null: include) and never leaves the
    // set.
    std::string cursor;
    uint32_t count = 0;

    friend bool operator==(const Entry&, const Entry&) = default;
  };
  struct Chunk {
    int64_t id = 0;
    uint64_t entries = 0;
    std::string newest;  // The greatest cursor in it; empty: of entries that never leave the set.

    friend bool operator==(const Chunk&, const Chunk&) = default;
  };

  bool empty() const { return entries_.empty() && chunks_.empty(); }
  // In memory.
  size_t size() const { return entries_.size(); }
  // Of memory and chunks; a hash that stands in several counts as often.
  uint64_t TotalEntries() const;
  std::vector<int64_t> ChunkIds() const;

  void Add(const Hash128& hash, std::string_view cursor, uint32_t count = 1);
  // Forgets what has a cursor below `floor`; a chunk goes when all of it does.
  void DropBelow(const CursorValue& floor, CursorType type);
  // Counts of a hash that both have are added up.
  void AddAll(const BoundarySet& other);
  // Moves entries to the store when memory holds too many: those without a cursor, those above
  // `top` (nullptr: there is none) and the others in chunks of their own, as they leave the set at
  // different times.
  Status MaybeSpill(const CursorValue* top, CursorType type, const BoundarySpill& spill);
  // Every entry, chunk by chunk; a hash comes as often as it stands there.
  using Visitor = std::function<void(const Hash128&, std::string_view cursor, uint32_t count)>;
  Status ForEach(const BoundarySpill& spill, const Visitor& visit) const;

  // Binary, with a version byte; stored with watermark and checkpoint. Without chunks it is the
  // format of versions that had none.
  std::string Encode() const;
  static Result<BoundarySet> Decode(std::string_view bytes);

  friend bool operator==(const BoundarySet&, const BoundarySet&) = default;

 private:
  struct Hasher {
    size_t operator()(const Hash128& hash) const { return static_cast<size_t>(hash.low); }
  };
  using Entries = std::unordered_map<Hash128, Entry, Hasher>;
  using Group = std::vector<std::pair<Hash128, const Entry*>>;  // Sorted by hash.

  static std::string EncodeGroup(const Group& group);
  Status SpillGroup(const Group& group, CursorType type, bool droppable,
                    const BoundarySpill& spill);

  Entries entries_;
  std::vector<Chunk> chunks_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_BOUNDARY_SET_H_
