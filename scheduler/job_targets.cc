#include "scheduler/job_targets.h"

#include <utility>

namespace bizond {
namespace {

bool IsForbidden(const Result<std::string>& resolved) {
  return !resolved && resolved.error().code == "secret_forbidden";
}

}  // namespace

JobTargets::JobTargets(const Catalog* catalog, Clock* clock, const SecretResolver* secrets,
                       Roots roots)
    : catalog_(catalog), clock_(clock), secrets_(secrets), roots_(std::move(roots)) {}

Result<std::vector<TargetRow>> JobTargets::Of(const JobSpec& spec) const {
  std::vector<TargetRow> targets;
  Result<std::string> source = secrets_->Resolve(spec.source.config, spec);
  if (IsForbidden(source)) return tl::make_unexpected(std::move(source).error());
  Result<std::string> config = secrets_->Resolve(spec.destination.config, spec);
  if (IsForbidden(config)) return tl::make_unexpected(std::move(config).error());
  const DestinationDescriptor* const row = catalog_->FindDestination(spec.destination.name);
  if (!config || row == nullptr) return targets;
  for (const std::string& stream : spec.source.streams) {
    const auto destination =
        row->open({spec, stream, spec.DestinationIdOf(stream), *config, roots_, *clock_});
    if (!destination) continue;
    const std::string target = (*destination)->CanonicalTarget();
    if (!target.empty()) targets.push_back({target, spec.name, stream});
  }
  return targets;
}

}  // namespace bizond
