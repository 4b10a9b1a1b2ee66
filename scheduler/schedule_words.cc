#include "scheduler/schedule_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace bizond {
namespace {

constexpr size_t kLongestWord = 64;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Levenshtein, by two rows.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (Lower(a[i]) == Lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string_view> NearestNames(std::string_view word,
                                           std::span<const std::string_view> names, size_t count) {
  if (word.empty() || word.size() > kLongestWord) return {};
  // A third of the letters may be wrong, rounded up, at most three: two swapped letters count as
  // two.
  const size_t allowed = std::clamp<size_t>((word.size() + 2) / 3, 1, 3);
  std::vector<std::pair<size_t, std::string_view>> near;
  for (const std::string_view name : names) {
    const size_t slash = name.rfind('/');
    size_t distance = Distance(word, name);
    if (slash != std::string_view::npos) {
      distance = std::min(distance, Distance(word, name.substr(slash + 1)));
    }
    if (distance <= allowed) near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string_view> result;
  for (const auto& [distance, name] : near) {
    if (result.size() < count) result.push_back(name);
  }
  return result;
}

std::string DidYouMean(const std::vector<std::string_view>& names) {
  if (names.empty()) return "";
  return fmt::format("Did you mean {}?", fmt::join(names, " or "));
}

std::string Printable(std::string_view text) {
  constexpr size_t kShown = 80;
  std::string shown(text.substr(0, kShown));
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (text.size() > kShown) shown += "...";
  return shown;
}

}  // namespace bizond
