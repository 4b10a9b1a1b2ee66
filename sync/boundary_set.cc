#include "sync/boundary_set.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>

namespace bizond {
namespace {

constexpr char kWholeVersion = 1;
constexpr char kChunkedVersion = 2;  // Names chunks, then holds a whole set: what is in memory.

void AppendUint(uint64_t value, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

// Reads little-endian numbers and texts off the front; `ok` turns false at the end of the bytes.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  uint64_t Uint(size_t bytes) {
    const std::string_view text = Text(bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      value |= static_cast<uint64_t>(static_cast<unsigned char>(text[i])) << (8 * i);
    }
    return value;
  }
  std::string_view Text(size_t size) {
    if (size > bytes_.size()) {
      ok = false;
      bytes_ = {};
      return {};
    }
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  std::string_view rest() const { return bytes_; }

  bool ok = true;

 private:
  std::string_view bytes_;
};

CursorValue ValueOf(std::string_view token, CursorType type) {
  return CursorValue::Parse(token, type).value_or(CursorValue());
}

Failure Bad(std::string_view what) {
  return Fail(ErrorKind::kPermanent, "bad_watermark", "the boundary set " + std::string(what),
              "it was written by a newer bizond, or was damaged: restore a backup, or reset");
}

uint32_t Sum(uint32_t a, uint32_t b) {
  return a > std::numeric_limits<uint32_t>::max() - b ? std::numeric_limits<uint32_t>::max()
                                                      : a + b;
}

// Visits the entries of a whole set and returns how many there were.
Result<uint64_t> ReadWhole(std::string_view bytes, const BoundarySet::Visitor& visit) {
  Reader reader(bytes);
  if (reader.Uint(1) != kWholeVersion) {
    return Bad("has a format that this version does not know");
  }
  std::vector<std::string_view> cursors;
  for (uint64_t left = reader.Uint(4); left > 0 && reader.ok; --left) {
    cursors.push_back(reader.Text(reader.Uint(4)));
  }
  const uint64_t entries = reader.Uint(4);
  for (uint64_t left = entries; left > 0 && reader.ok; --left) {
    Hash128 hash;
    hash.high = reader.Uint(8);
    hash.low = reader.Uint(8);
    const auto count = static_cast<uint32_t>(reader.Uint(4));
    const uint64_t cursor = reader.Uint(4);
    if (!reader.ok || cursor >= cursors.size()) return Bad("is cut short");
    visit(hash, cursors[cursor], count);
  }
  if (!reader.ok || !reader.rest().empty()) return Bad("is cut short");
  return entries;
}

}  // namespace

uint64_t BoundarySet::TotalEntries() const {
  uint64_t total = entries_.size();
  for (const Chunk& chunk : chunks_) total += chunk.entries;
  return total;
}

std::vector<int64_t> BoundarySet::ChunkIds() const {
  std::vector<int64_t> ids;
  ids.reserve(chunks_.size());
  for (const Chunk& chunk : chunks_) ids.push_back(chunk.id);
  return ids;
}

void BoundarySet::Add(const Hash128& hash, std::string_view cursor, uint32_t count) {
  Entry& entry = entries_[hash];
  entry.cursor = cursor;
  entry.count = Sum(entry.count, count);
}

void BoundarySet::DropBelow(const CursorValue& floor, CursorType type) {
  const auto below = [&](const std::string& cursor) {
    return !cursor.empty() && CursorValue::Compare(ValueOf(cursor, type), floor) < 0;
  };
  std::erase_if(entries_, [&](const auto& item) { return below(item.second.cursor); });
  std::erase_if(chunks_, [&](const Chunk& chunk) { return below(chunk.newest); });
}

void BoundarySet::AddAll(const BoundarySet& other) {
  for (const auto& [hash, entry] : other.entries_) Add(hash, entry.cursor, entry.count);
  chunks_.insert(chunks_.end(), other.chunks_.begin(), other.chunks_.end());
}

Status BoundarySet::MaybeSpill(const CursorValue* top, CursorType type,
                               const BoundarySpill& spill) {
  enum Kind { kEdge, kAbove, kWithoutCursor, kKinds };
  while (entries_.size() > spill.entries) {
    std::array<Group, kKinds> groups;
    for (const auto& [hash, entry] : entries_) {
      Kind kind = kEdge;
      if (entry.cursor.empty()) {
        kind = kWithoutCursor;
      } else if (top != nullptr && CursorValue::Compare(ValueOf(entry.cursor, type), *top) > 0) {
        kind = kAbove;
      }
      groups[kind].emplace_back(hash, &entry);
    }
    const auto largest =
        std::max_element(groups.begin(), groups.end(),
                         [](const Group& a, const Group& b) { return a.size() < b.size(); });
    std::sort(largest->begin(), largest->end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    const bool droppable = largest != groups.begin() + kWithoutCursor;
    BIZOND_RETURN_IF_ERROR(SpillGroup(*largest, type, droppable, spill));
  }
  return {};
}

Status BoundarySet::SpillGroup(const Group& group, CursorType type, bool droppable,
                               const BoundarySpill& spill) {
  // A set of a version that had no chunks may be many times as large as one of them.
  const size_t most = std::max<size_t>(spill.entries, 1);
  for (size_t at = 0; at < group.size(); at += most) {
    const auto begin = group.begin() + static_cast<ptrdiff_t>(at);
    const auto end = group.begin() + static_cast<ptrdiff_t>(std::min(group.size(), at + most));
    const Group part(begin, end);
    Chunk chunk;
    chunk.entries = part.size();
    std::optional<CursorValue> newest;
    for (const auto& [hash, entry] : part) {
      if (!droppable) break;
      if (entry->cursor == chunk.newest) continue;
      CursorValue value = ValueOf(entry->cursor, type);
      if (newest && CursorValue::Compare(value, *newest) <= 0) continue;
      newest = std::move(value);
      chunk.newest = entry->cursor;
    }
    BIZOND_ASSIGN_OR_RETURN(chunk.id, spill.put(EncodeGroup(part)));
    chunks_.push_back(std::move(chunk));
    for (const auto& [hash, entry] : part) entries_.erase(Hash128(hash));
  }
  return {};
}

Status BoundarySet::ForEach(const BoundarySpill& spill, const Visitor& visit) const {
  for (const Chunk& chunk : chunks_) {
    BIZOND_ASSIGN_OR_RETURN(const std::string bytes, spill.get(chunk.id));
    BIZOND_ASSIGN_OR_RETURN(const uint64_t entries, ReadWhole(bytes, visit));
    if (entries != chunk.entries) return Bad("names a chunk that is another one");
  }
  for (const auto& [hash, entry] : entries_) visit(hash, entry.cursor, entry.count);
  return {};
}

// version, count of cursors, each cursor once, count of entries, then entries that name their
// cursor by number: in most sets all entries share one.
std::string BoundarySet::EncodeGroup(const Group& group) {
  std::vector<std::string_view> cursors;
  for (const auto& [hash, entry] : group) {
    if (cursors.empty() || cursors.back() != entry->cursor) cursors.push_back(entry->cursor);
  }
  std::sort(cursors.begin(), cursors.end());
  cursors.erase(std::unique(cursors.begin(), cursors.end()), cursors.end());

  std::string out(1, kWholeVersion);
  out.reserve(group.size() * 24 + 64);
  AppendUint(cursors.size(), 4, &out);
  for (const std::string_view cursor : cursors) {
    AppendUint(cursor.size(), 4, &out);
    out.append(cursor);
  }
  AppendUint(group.size(), 4, &out);
  for (const auto& [hash, entry] : group) {
    AppendUint(hash.high, 8, &out);
    AppendUint(hash.low, 8, &out);
    AppendUint(entry->count, 4, &out);
    const auto place = std::lower_bound(cursors.begin(), cursors.end(), entry->cursor);
    AppendUint(static_cast<uint64_t>(place - cursors.begin()), 4, &out);
  }
  return out;
}

std::string BoundarySet::Encode() const {
  Group sorted;
  sorted.reserve(entries_.size());
  for (const auto& [hash, entry] : entries_) sorted.emplace_back(hash, &entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string whole = EncodeGroup(sorted);
  if (chunks_.empty()) return whole;
  std::string out(1, kChunkedVersion);
  AppendUint(chunks_.size(), 4, &out);
  for (const Chunk& chunk : chunks_) {
    AppendUint(static_cast<uint64_t>(chunk.id), 8, &out);
    AppendUint(chunk.entries, 8, &out);
    AppendUint(chunk.newest.size(), 4, &out);
    out.append(chunk.newest);
  }
  return out + whole;
}

Result<BoundarySet> BoundarySet::Decode(std::string_view bytes) {
  BoundarySet set;
  if (bytes.empty()) return set;
  if (bytes[0] == kChunkedVersion) {
    Reader reader(bytes.substr(1));
    for (uint64_t left = reader.Uint(4); left > 0 && reader.ok; --left) {
      Chunk chunk;
      chunk.id = static_cast<int64_t>(reader.Uint(8));
      chunk.entries = reader.Uint(8);
      chunk.newest = reader.Text(reader.Uint(4));
      // No chunk holds more than its own format can say: sums of them do not overflow.
      if (chunk.entries > std::numeric_limits<uint32_t>::max()) return Bad("names no chunk");
      set.chunks_.push_back(std::move(chunk));
    }
    if (!reader.ok) return Bad("is cut short");
    bytes = reader.rest();
  }
  BIZOND_ASSIGN_OR_RETURN(const uint64_t entries,
                          ReadWhole(bytes, [&](const Hash128& hash, std::string_view cursor,
                                               uint32_t count) { set.Add(hash, cursor, count); }));
  (void)entries;
  return set;
}

}  // namespace bizond
