// CheckChecks: the `checks` block must ask for something that a run of the job can be held to.
#include <fmt/format.h>

#include "sync/job_parser_rules.h"

namespace bizond {

void CheckChecks(const JobSpec& spec, const Catalog& catalog, IssueSink* sink) {
  const ChecksSpec& checks = spec.checks;
  if (!checks.JudgesRows() && !checks.freshness) return;
  if (spec.source.sync_mode == SyncMode::kStream) {
    sink->Error("checks", "a stream has no publication that could be held, and no success to age",
                "Leave it out.", true);
    return;
  }
  const DestinationDescriptor* const destination = catalog.FindDestination(spec.destination.name);
  const bool stages = destination == nullptr || (destination->exactly_once && destination->staged);
  if (checks.JudgesRows() && !stages) {
    sink->Error(checks.min_rows ? "checks.min_rows" : "checks.max_drop_percent",
                fmt::format("the destination {} stages nothing: its rows are there before they are "
                            "counted, and cannot be held back",
                            destination->name),
                "Leave it out, or use a destination that is exactly once (bizond destination "
                "list).",
                true);
  }
  if (checks.freshness && checks.freshness->count() <= 0) {
    sink->Error("checks.freshness", "no job could ever be that fresh",
                "Write a time like 2h, longer than the schedule's interval and a run.");
  }
  if (spec.source.sync_mode == SyncMode::kFullRefresh) return;
  if (checks.max_drop_percent) {
    sink->Warn("checks.max_drop_percent",
               fmt::format("has no effect: only full refreshes are held against each other, and "
                           "this job is {}",
                           SyncModeName(spec.source.sync_mode)),
               "Leave it out.");
  }
  if (checks.min_rows && *checks.min_rows > 1) {
    sink->Warn(
        "checks.min_rows",
        "counts what each run adds: one that finds something new, but less, is held, and the "
        "fires after it are skipped",
        "Where a run may find little, write checks.freshness alone.");
  }
}

}  // namespace bizond
