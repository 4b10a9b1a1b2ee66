#include "base/host_limits.h"

#include <algorithm>

namespace bizond {
namespace {

// No host is called so.
constexpr std::string_view kSharedBucket;

// Slower than once a day is as good as never, and sums of it stay far from any overflow.
constexpr Duration kLongestInterval = std::chrono::hours(24);
constexpr int kLargestBurst = 1'000'000;

Duration IntervalOf(HostRate rate) {
  const double micros = 1e6 / rate.per_second;
  if (!(micros < static_cast<double>(kLongestInterval.count()))) return kLongestInterval;
  return std::max(Duration(1), Duration(static_cast<int64_t>(micros)));
}

}  // namespace

HostLimits::HostLimits(Clock& clock, size_t max_hosts)
    : clock_(clock), max_hosts_(std::max<size_t>(1, max_hosts)) {}

HostLimits& HostLimits::OfProcess() {
  // Never destroyed: threads of others may still wait in it when the process ends.
  static auto* const clock = new RealClock;
  static auto* const limits = new HostLimits(*clock);
  return *limits;
}

// The bucket is kept as the instant at which it is full again (GCRA): a turn costs one interval and
// comes when at most `burst` intervals are owed with it.
HostLimits::Turn HostLimits::Reserve(std::string_view host, HostRate rate) {
  const Duration interval = IntervalOf(rate);
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Steady();
  std::string bucket(host);
  if (!full_at_.contains(bucket) && full_at_.size() >= max_hosts_) {
    std::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
    if (full_at_.size() >= max_hosts_) bucket = kSharedBucket;
  }
  Duration& full_at = full_at_[bucket];
  Turn turn;
  turn.owed = std::max(full_at, now);
  turn.paid = turn.owed + interval;
  turn.from = turn.paid - interval * std::clamp(rate.burst, 1, kLargestBurst);
  full_at = turn.paid;
  turn.bucket = std::move(bucket);
  return turn;
}

void HostLimits::GiveBack(const Turn& turn) {
  const std::lock_guard lock(mutex_);
  const auto found = full_at_.find(turn.bucket);
  if (found != full_at_.end() && found->second == turn.paid) found->second = turn.owed;
}

bool HostLimits::AwaitTurn(std::string_view host, HostRate rate, std::stop_token stop) {
  if (stop.stop_requested()) return false;
  if (!(rate.per_second > 0)) return true;
  const Turn turn = Reserve(host, rate);
  const Duration wait = turn.from - clock_.Steady();
  if (wait <= Duration::zero() || clock_.SleepFor(wait, stop)) return true;
  GiveBack(turn);
  return false;
}

size_t HostLimits::hosts() const {
  const std::lock_guard lock(mutex_);
  return full_at_.size();
}

}  // namespace bizond
