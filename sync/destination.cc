#include "sync/destination.h"

namespace bizond {

std::string_view PublishModeName(PublishMode mode) {
  constexpr std::string_view kNames[] = {"replace", "append", "merge", "direct"};
  return kNames[static_cast<size_t>(mode)];
}

}  // namespace bizond
