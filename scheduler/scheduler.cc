#include "scheduler/scheduler.h"

#include <algorithm>

#include "base/identity.h"
#include "base/log.h"

namespace bizond {
namespace {

constexpr Duration kWatch = std::chrono::seconds(1);
constexpr Duration kIdle = std::chrono::seconds(60);
constexpr Duration kAfterStoreError = std::chrono::seconds(1);
constexpr int kRetainChunk = 500;

}  // namespace

Scheduler::Scheduler(Store* store, const Catalog* catalog, Clock* clock,
                     const SchedulerOptions& options)
    : store_(store),
      clock_(clock),
      options_(options),
      node_(NewUuid(clock->Now())),
      jobs_(catalog),
      waiter_(clock->NewWaiter()),
      pool_(store, clock, {options.workers, options.pools, node_, [this] { waiter_->Notify(); }}),
      firing_(store, &jobs_, clock, [this](std::string_view run) { StopRun(run); }),
      warm_up_(store, &jobs_, clock),
      freshness_(store, clock) {}

Scheduler::~Scheduler() { Stop(); }

Status Scheduler::Start(RunExecutor* executor) {
  pool_.Use(executor);
  retained_at_ = clock_->Steady();
  turned_at_us_ = clock_->Steady().count();
  // Before the first fire: a run that was going on is not an overlap of itself.
  BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> orphans, store_->Transact([&](StoreTx& tx) {
    return tx.AdoptOrphans(node_, clock_->Now());
  }));
  for (const RunRow& run : orphans) {
    Log(LogLevel::kInfo, "scheduler", "a run that was cut off goes on",
        {{"run", run.id}, {"job", run.job}});
  }
  BIZOND_RETURN_IF_ERROR(firing_.Begin());
  thread_ = std::thread([this] { Loop(stopping_.get_token()); });
  return {};
}

bool Scheduler::Stop() {
  stopping_.request_stop();
  if (thread_.joinable()) thread_.join();
  pool_.StopAll(StopReason::kShutdown);
  const Duration deadline = clock_->Steady() + options_.stop_grace;
  pool_.Reap();  // The loop may have had the wake-up of one that has ended.
  while (running() > 0 && clock_->Steady() < deadline) {
    waiter_->WaitUntil(clock_->Now() + std::chrono::milliseconds(100), {});
    pool_.Reap();
  }
  pool_.Reap();
  return running() == 0;
}

void Scheduler::Wake() { waiter_->Notify(); }

void Scheduler::StopRun(std::string_view run_id) { pool_.Stop(run_id, StopReason::kCancel); }

void Scheduler::Progress(const LiveRun& live) {
  if (pool_.Progress(live) && listener_) listener_(live);
}

void Scheduler::OnProgress(std::function<void(const LiveRun&)> listener) {
  listener_ = std::move(listener);
}

bool Scheduler::Ready() const {
  const Duration since = clock_->Steady() - Duration(turned_at_us_.load());
  return store_ok_ && since < 2 * kIdle;
}

void Scheduler::Loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    turned_at_us_ = clock_->Steady().count();
    pool_.Reap();
    pool_.LookAfterRuns();
    const bool more = FireDue();
    const bool claimed = ClaimReady(stop);
    if (!store_ok_) {
      waiter_->WaitUntil(clock_->Now() + kAfterStoreError, stop);
      continue;
    }
    if (more || claimed) continue;
    if (warm_up_.Turn() || LookAtFreshness() || Retain()) continue;
    waiter_->WaitUntil(NextWake(), stop);
  }
}

bool Scheduler::FireDue() {
  const Result<bool> more = firing_.Turn();
  store_ok_ = more.has_value() && store_->Health().ok;
  return store_ok_ && *more;
}

bool Scheduler::ClaimReady(std::stop_token stop) {
  if (!store_ok_ || stop.stop_requested()) return false;
  const Result<bool> claimed = pool_.ClaimReady();
  store_ok_ = claimed.has_value();
  return claimed.value_or(false);
}

bool Scheduler::LookAtFreshness() {
  // A clock that is wrong would have every job late.
  return !firing_.IsDateDoubtful() && freshness_.Turn();
}

bool Scheduler::Retain() {
  if (clock_->Steady() - retained_at_ < options_.retain_every) return false;
  if (firing_.IsDateDoubtful()) return false;
  const UtcTime now = clock_->Now();
  const bool more = MoveOld(now) || PruneHistory(now);
  if (!more) retained_at_ = clock_->Steady();
  return more;
}

bool Scheduler::MoveOld(UtcTime now) {
  const Result<int> moved = store_->Retain(now - options_.retention, kRetainChunk);
  if (!moved) {
    Log(LogLevel::kWarning, "scheduler", "old runs could not be moved to the history",
        {{"error", Describe(moved.error())}});
  }
  return moved && *moved >= kRetainChunk;
}

bool Scheduler::PruneHistory(UtcTime now) {
  if (!options_.history_retention) return false;
  const Result<int> pruned = store_->Prune(now - *options_.history_retention, kRetainChunk);
  if (!pruned) {
    Log(LogLevel::kWarning, "scheduler", "old runs could not be deleted from the history",
        {{"error", Describe(pruned.error())}});
  }
  return pruned && *pruned >= kRetainChunk;
}

UtcTime Scheduler::NextWake() const {
  const UtcTime now = clock_->Now();
  UtcTime wake = now + (running() > 0 || pool_.HasUnended() ? kWatch : kIdle);
  const Status read = store_->Read([&](const StoreReader& reader) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<UtcTime> due, reader.NextDue());
    if (due) wake = std::min(wake, *due);
    BIZOND_ASSIGN_OR_RETURN(const std::optional<UtcTime> ready, pool_.NextReady(reader));
    if (ready) wake = std::min(wake, *ready);
    return {};
  });
  return read ? wake : now + kAfterStoreError;
}

}  // namespace bizond
