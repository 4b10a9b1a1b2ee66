#include "sync/boundary_set.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace bizond {
namespace {

constexpr char kEncodingVersion = 1;

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
  bool AtEnd() const { return bytes_.empty(); }

  bool ok = true;

 private:
  std::string_view bytes_;
};

CursorValue ValueOf(std::string_view token, CursorType type) {
  return CursorValue::Parse(token, type).value_or(CursorValue());
}

}  // namespace

Status BoundarySet::Add(const Hash128& hash, std::string_view cursor, uint32_t count) {
  if (entries_.size() >= kMaxEntries && !entries_.contains(hash)) {
    return Fail(ErrorKind::kPermanent, "boundary_too_large",
                "more than " + std::to_string(kMaxEntries) +
                    " different records share the edge of the watermark (the last cursor was " +
                    std::string(cursor) + ")",
                "choose a cursor_field that tells records apart, or a shorter cursor.lookback");
  }
  Entry& entry = entries_[hash];
  entry.cursor = cursor;
  entry.count += count;
  return {};
}

uint32_t BoundarySet::CountOf(const Hash128& hash) const {
  const auto found = entries_.find(hash);
  return found == entries_.end() ? 0 : found->second.count;
}

void BoundarySet::DropBelow(const CursorValue& floor, CursorType type) {
  std::erase_if(entries_, [&](const auto& item) {
    const std::string& cursor = item.second.cursor;
    return !cursor.empty() && CursorValue::Compare(ValueOf(cursor, type), floor) < 0;
  });
}

Status BoundarySet::AddAll(const BoundarySet& other) {
  for (const auto& [hash, entry] : other.entries_) {
    BIZOND_RETURN_IF_ERROR(Add(hash, entry.cursor, entry.count));
  }
  return {};
}

std::optional<CursorValue> BoundarySet::LeastAbove(const CursorValue& top, CursorType type) const {
  std::optional<CursorValue> least;
  for (const auto& [hash, entry] : entries_) {
    if (entry.cursor.empty()) continue;
    const CursorValue value = ValueOf(entry.cursor, type);
    if (CursorValue::Compare(value, top) <= 0) continue;
    if (!least || CursorValue::Compare(value, *least) < 0) least = value;
  }
  return least;
}

// version, count of cursors, each cursor once, count of entries, then entries that name their
// cursor by number: in most sets all entries share one.
std::string BoundarySet::Encode() const {
  std::vector<std::pair<Hash128, const Entry*>> sorted;
  std::vector<std::string_view> cursors;
  sorted.reserve(entries_.size());
  for (const auto& [hash, entry] : entries_) {
    sorted.emplace_back(hash, &entry);
    cursors.push_back(entry.cursor);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::sort(cursors.begin(), cursors.end());
  cursors.erase(std::unique(cursors.begin(), cursors.end()), cursors.end());

  std::string out(1, kEncodingVersion);
  AppendUint(cursors.size(), 4, &out);
  for (const std::string_view cursor : cursors) {
    AppendUint(cursor.size(), 4, &out);
    out.append(cursor);
  }
  AppendUint(sorted.size(), 4, &out);
  for (const auto& [hash, entry] : sorted) {
    AppendUint(hash.high, 8, &out);
    AppendUint(hash.low, 8, &out);
    AppendUint(entry->count, 4, &out);
    const auto place = std::lower_bound(cursors.begin(), cursors.end(), entry->cursor);
    AppendUint(static_cast<uint64_t>(place - cursors.begin()), 4, &out);
  }
  return out;
}

Result<BoundarySet> BoundarySet::Decode(std::string_view bytes) {
  BoundarySet set;
  if (bytes.empty()) return set;
  const auto bad = [](std::string_view what) {
    return Fail(ErrorKind::kPermanent, "bad_watermark", "the boundary set " + std::string(what),
                "it was written by a newer bizond, or was damaged: restore a backup, or reset");
  };
  if (bytes[0] != kEncodingVersion) return bad("has a format that this version does not know");
  Reader reader(bytes.substr(1));
  std::vector<std::string_view> cursors;
  for (uint64_t left = reader.Uint(4); left > 0 && reader.ok; --left) {
    cursors.push_back(reader.Text(reader.Uint(4)));
  }
  for (uint64_t left = reader.Uint(4); left > 0 && reader.ok; --left) {
    Hash128 hash;
    hash.high = reader.Uint(8);
    hash.low = reader.Uint(8);
    const auto count = static_cast<uint32_t>(reader.Uint(4));
    const uint64_t cursor = reader.Uint(4);
    if (!reader.ok || cursor >= cursors.size()) return bad("is cut short");
    BIZOND_RETURN_IF_ERROR(set.Add(hash, cursors[cursor], count));
  }
  if (!reader.ok || !reader.AtEnd()) return bad("is cut short");
  return set;
}

}  // namespace bizond
