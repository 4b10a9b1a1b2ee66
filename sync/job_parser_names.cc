// NearestNames: what somebody may have meant.
#include <algorithm>
#include <cctype>
#include <numeric>

#include "sync/job_parser.h"

namespace bizond {
namespace {

constexpr size_t kNamesMost = 3;
constexpr size_t kLongest = 64;  // Longer words are not typed wrongly, they are something else.

std::string Folded(std::string_view text) {
  std::string folded;
  for (char c : text) {
    if (c == '-' || c == ' ') c = '_';
    folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

// Damerau-Levenshtein (adjacent letters swapped count once).
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::iota(above.begin(), above.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before = std::exchange(above, std::move(row));
  }
  return above.back();
}

}  // namespace

std::vector<std::string> NearestNames(std::string_view wrong,
                                      const std::vector<std::string>& names) {
  if (wrong.empty() || wrong.size() > kLongest) return {};
  std::string folded = Folded(wrong);
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& name : names) {
    if (name.size() > kLongest) continue;
    std::string other = Folded(name);
    size_t distance = Distance(folded, other);
    // "interval" for "interval_seconds" is no typing error, but as near.
    bool prefix = folded.size() >= 3 && (other.starts_with(folded) || folded.starts_with(other)) &&
                  other.size() >= 3;
    size_t allowed = std::max<size_t>(1, std::max(folded.size(), other.size()) / 3);
    if (distance <= allowed || prefix) ranked.emplace_back(distance, name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (auto& [distance, name] : ranked) {
    if (nearest.size() < kNamesMost) nearest.push_back(std::move(name));
  }
  return nearest;
}

}  // namespace bizond
