#include "scheduler/warm_up.h"

#include <algorithm>
#include <utility>

namespace bizond {
namespace {

constexpr Duration kAhead = std::chrono::minutes(2);
constexpr Duration kLeastPause = std::chrono::seconds(1);
// About a third of what the cache holds.
constexpr int kJobsPerLook = 2000;
// A turn of the scheduler waits for so many.
constexpr size_t kJobsPerTurn = 25;

}  // namespace

bool WarmUp::Turn() {
  if (pending_.empty()) Look();
  if (pending_.empty()) return false;
  std::vector<JobRow> jobs;
  const size_t left = pending_.size() - std::min(pending_.size(), kJobsPerTurn);
  const Status read = store_->Read([&](const StoreReader& reader) -> Status {
    for (size_t i = pending_.size(); i > left; --i) {
      BIZOND_ASSIGN_OR_RETURN(std::optional<JobRow> job, reader.GetJob(pending_[i - 1]));
      if (job) jobs.push_back(std::move(*job));
    }
    return {};
  });
  pending_.resize(read ? left : 0);
  // What cannot be compiled is said at its fire.
  for (const JobRow& job : jobs) std::ignore = jobs_->Get(job);
  return !pending_.empty();
}

void WarmUp::Look() {
  const Duration steady = clock_->Steady();
  if (steady < look_at_) return;
  const UtcTime now = clock_->Now();
  look_at_ = steady + kAhead / 2;
  const auto due = store_->Query(
      [&](const StoreReader& reader) { return reader.DueSchedules(now + kAhead, kJobsPerLook); });
  if (!due || due->empty()) return;
  if (due->size() == static_cast<size_t>(kJobsPerLook)) {
    const Duration reached = due->back().next_at.value_or(now) - now;
    look_at_ = steady + std::clamp(reached / 2, kLeastPause, kAhead / 2);
  }
  for (auto it = due->rbegin(); it != due->rend(); ++it) pending_.push_back(it->job);
}

}  // namespace bizond
