#include "sources/file/packed_twin.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/identity.h"
#include "sources/file/byte_source.h"

namespace bizond {
namespace {

constexpr uint64_t kStepBytes = 64 << 10;

std::string Hash(std::string_view bytes) { return HexOf(HashBytes(bytes)); }

}  // namespace

Result<Likeness> CompareWithMarks(const File& packed, Compression compression, uint64_t size,
                                  const std::vector<const FileMark*>& marks, std::stop_token stop) {
  Likeness likeness;
  const auto bytes = OpenCompressedBytes(packed, compression, size);
  std::string window(kHashedBytes, '\0');  // The last bytes before `at`.
  BIZOND_ASSIGN_OR_RETURN(uint64_t at, bytes->ReadAt(window.data(), window.size(), 0, stop));
  window.resize(static_cast<size_t>(at));
  const std::string head = window;
  std::vector<const FileMark*> alike;
  for (const FileMark* mark : marks) {
    if (mark->prefix_bytes == 0 || mark->prefix_bytes > head.size()) continue;
    const auto prefix = std::string_view(head).substr(0, static_cast<size_t>(mark->prefix_bytes));
    if (Hash(prefix) == mark->prefix_hash) alike.push_back(mark);
  }
  std::stable_sort(alike.begin(), alike.end(),
                   [](const FileMark* a, const FileMark* b) { return a->offset < b->offset; });
  std::string step;
  for (const FileMark* mark : alike) {
    bool at_end = false;
    while (at < mark->offset && !at_end) {
      step.resize(static_cast<size_t>(std::min(kStepBytes, mark->offset - at)));
      BIZOND_ASSIGN_OR_RETURN(const size_t got, bytes->ReadAt(step.data(), step.size(), at, stop));
      at_end = got < step.size();
      at += got;
      window.append(step, 0, got);
      if (window.size() > kHashedBytes) window.erase(0, window.size() - kHashedBytes);
    }
    // What was read of a short file lies within the head.
    const std::string_view tail =
        mark->offset <= head.size()
            ? std::string_view(head).substr(0, static_cast<size_t>(mark->offset))
            : std::string_view(window);
    const bool same = at >= mark->offset && Hash(tail) == mark->tail_hash;
    (same ? likeness.same : likeness.begins_alike).push_back(mark);
  }
  return likeness;
}

Result<bool> IsCopy(const File& plain, const File& packed, Compression compression, uint64_t size,
                    std::stop_token stop) {
  const auto bytes = OpenCompressedBytes(packed, compression, size);
  std::string left(kStepBytes, '\0');
  std::string right(kStepBytes, '\0');
  for (uint64_t at = 0;; at += kStepBytes) {
    auto got = bytes->ReadAt(left.data(), left.size(), at, stop);
    if (!got && got.error().code == "corrupt_compression") return true;
    if (!got) return tl::make_unexpected(std::move(got).error());
    BIZOND_ASSIGN_OR_RETURN(const size_t other, plain.ReadAt(right.data(), *got, at));
    if (other < *got) return false;
    if (std::string_view(left).substr(0, *got) != std::string_view(right).substr(0, *got)) {
      return false;
    }
    if (*got < left.size()) return true;
  }
}

Result<bool> EndsAt(const File& packed, Compression compression, uint64_t size, uint64_t offset,
                    std::stop_token stop) {
  char next = '\0';
  BIZOND_ASSIGN_OR_RETURN(
      const size_t got,
      OpenCompressedBytes(packed, compression, size)->ReadAt(&next, 1, offset, std::move(stop)));
  return got == 0;
}

}  // namespace bizond
