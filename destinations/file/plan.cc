// FileDestination: what a run would do.
#include <filesystem>

#include "destinations/file/file_destination.h"

namespace bizond {

Result<DestinationPlan> FileDestination::Plan(PublishMode mode, std::stop_token stop) {
  (void)stop;
  BIZOND_ASSIGN_OR_RETURN(const auto present, place_.StatTarget());
  DestinationPlan plan;
  PlannedPlace target{.role = "target",
                      .kind = "file",
                      .name = place_.Display(),
                      .exists = present.has_value(),
                      .becomes = "made"};
  if (present) {
    target.becomes = mode == PublishMode::kReplace ? "replaced" : "appended to";
    target.facts.push_back({"bytes", std::to_string(present->size_bytes)});
  }
  if (mode == PublishMode::kDirect) {
    plan.steps.push_back({.what = "write", .does = "lines into the target as they come"});
    plan.places.push_back(std::move(target));
    return plan;
  }
  const std::string staging = place_.Staging(mode);
  BIZOND_ASSIGN_OR_RETURN(const auto left, place_.root().Stat(staging));
  plan.places.push_back({.role = "staging",
                         .kind = "file",
                         .name = (place_.root().path() / staging).string(),
                         .exists = left.has_value(),
                         .becomes = "made anew, and gone with the publication"});
  plan.steps.push_back({.what = "write", .does = "lines into the staging"});
  if (mode == PublishMode::kReplace || !present) {
    plan.steps.push_back({.what = "rename", .does = "the staging into the target's place"});
  } else {
    plan.steps.push_back({.what = "append", .does = "the staging's lines behind the target's"});
  }
  plan.places.push_back(std::move(target));
  return plan;
}

}  // namespace bizond
