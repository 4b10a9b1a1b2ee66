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

PublishMode PublishModeOf(const JobSpec& job, bool reset) {
  switch (job.source.sync_mode) {
    case SyncMode::kFullRefresh:
      return PublishMode::kReplace;
    case SyncMode::kStream:
      return PublishMode::kDirect;
    case SyncMode::kIncremental:
      break;
  }
  if (reset) return PublishMode::kReplace;
  return job.destination.write == WriteMode::kMerge ? PublishMode::kMerge : PublishMode::kAppend;
}

}  // namespace bizond
