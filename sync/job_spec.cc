#include "sync/job_spec.h"

namespace bizond {
namespace {

constexpr std::string_view kStreamPlace = "{stream}";

}  // namespace

std::string_view SyncModeName(SyncMode mode) {
  switch (mode) {
    case SyncMode::kFullRefresh:
      return "full_refresh";
    case SyncMode::kIncremental:
      return "incremental";
    case SyncMode::kStream:
      return "stream";
  }
  return "";
}

std::string JobSpec::DestinationIdOf(std::string_view stream) const {
  if (destination.destination_id.empty()) return source.name + "_" + std::string(stream);
  std::string id = destination.destination_id;
  for (size_t at = id.find(kStreamPlace); at != id.npos;
       at = id.find(kStreamPlace, at + stream.size())) {
    id.replace(at, kStreamPlace.size(), stream);
  }
  return id;
}

}  // namespace bizond
