#include "sync/destination.h"

#include <iterator>

namespace bizond {

namespace {
constexpr std::string_view kModeNames[] = {"replace", "append", "merge", "direct"};
}  // namespace

std::string_view PublishModeName(PublishMode mode) { return kModeNames[static_cast<size_t>(mode)]; }

std::optional<PublishMode> ParsePublishMode(std::string_view name) {
  for (size_t i = 0; i < std::size(kModeNames); ++i) {
    if (kModeNames[i] == name) return static_cast<PublishMode>(i);
  }
  return std::nullopt;
}

}  // namespace bizond
