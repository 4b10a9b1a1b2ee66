// BoundarySet: which records at the edge of a watermark were published already.
//
// The next run asks for "cursor >= watermark"; the records that come back at the edge are
// recognised by a hash of their content and a count, so that identical records without a key are
// counted and not merged, and an update that carries the same cursor comes through. With a lookback
// the set holds the records of the whole window.
//
// The hash (format 1) is over a canonical form: members in any order, numbers and escapes as
// written, white space between tokens ignored.
//
// Threads: one thread at a time.
#ifndef BIZOND_SYNC_BOUNDARY_SET_H_
#define BIZOND_SYNC_BOUNDARY_SET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/identity.h"
#include "sync/cursor.h"

namespace bizond {

// Of a record's JSON text, which RecordParser took and which has RecordBatch::kPadding readable
// bytes behind it.
Hash128 CanonicalHash(std::string_view json);

class BoundarySet {
 public:
  // Past this many different records a run fails with boundary_too_large rather than forget any:
  // the cursor does not tell records apart, or the lookback is too wide. 32 bytes and its map node
  // each.
  static constexpr size_t kMaxEntries = 1'000'000;

  struct Entry {
    // The record's cursor, as written; empty: it had none (on_null: include) and never leaves the
    // set.
    std::string cursor;
    uint32_t count = 0;

    friend bool operator==(const Entry&, const Entry&) = default;
  };

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

  // Code boundary_too_large.
  Status Add(const Hash128& hash, std::string_view cursor, uint32_t count = 1);
  // Count of a hash; 0: not there.
  uint32_t CountOf(const Hash128& hash) const;
  // Forgets what has a cursor below `floor`.
  void DropBelow(const CursorValue& floor, CursorType type);
  // Counts of a hash that both have are added up.
  Status AddAll(const BoundarySet& other);
  // The least cursor of its entries that is greater than `top`; nullopt: there is none.
  std::optional<CursorValue> LeastAbove(const CursorValue& top, CursorType type) const;

  // Binary, with a version byte; stored with watermark and checkpoint.
  std::string Encode() const;
  static Result<BoundarySet> Decode(std::string_view bytes);

  friend bool operator==(const BoundarySet&, const BoundarySet&) = default;

 private:
  struct Hasher {
    size_t operator()(const Hash128& hash) const { return static_cast<size_t>(hash.low); }
  };
  std::unordered_map<Hash128, Entry, Hasher> entries_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_BOUNDARY_SET_H_
