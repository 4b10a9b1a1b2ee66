#include "store/records.h"

#include <array>

namespace bizond {
namespace {

constexpr std::array<std::string_view, 7> kPhaseNames = {
    "queued", "running", "succeeded", "failed", "partial", "held", "cancelled"};

constexpr std::array<std::string_view, 5> kWaitNames = {"worker", "time", "job", "key", "pool"};

}  // namespace

std::string_view RunWaitName(RunWait wait) { return kWaitNames.at(static_cast<size_t>(wait)); }

std::string_view RunPhaseName(RunPhase phase) { return kPhaseNames.at(static_cast<size_t>(phase)); }

std::optional<RunPhase> ParseRunPhase(std::string_view name) {
  for (size_t i = 0; i < kPhaseNames.size(); ++i) {
    if (kPhaseNames[i] == name) return static_cast<RunPhase>(i);
  }
  return std::nullopt;
}

}  // namespace bizond
