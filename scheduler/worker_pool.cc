#include "scheduler/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/failpoint.h"

namespace bizond {

// A thread with the attempt that it executes.
struct WorkerPool::Worker {
  RunningAttempt attempt;
  Duration started{0};
  std::atomic<bool> done{false};
  std::thread thread;
};

WorkerPool::WorkerPool(Store* store, Clock* clock, Options options)
    : store_(store), clock_(clock), options_(std::move(options)) {}

WorkerPool::~WorkerPool() {
  for (const auto& [id, worker] : workers_) worker->thread.join();
}

Result<bool> WorkerPool::ClaimReady() {
  if (IsFull()) return false;
  const UtcTime now = claimed_at_ = clock_->Now();
  // One that is lost to another claim leaves room for the next.
  const int limit = options_.workers * 2;
  BIZOND_ASSIGN_OR_RETURN(std::vector<RunRow> ready, store_->Query([&](const StoreReader& reader) {
    return reader.ReadyRuns(now, limit);
  }));
  bool claimed = false;
  for (RunRow& run : ready) {
    if (IsFull()) break;
    const bool same_job_runs = [&] {
      std::lock_guard lock(mutex_);
      return std::any_of(workers_.begin(), workers_.end(),
                         [&](const auto& item) { return item.second->attempt.run.job == run.job; });
    }();
    if (same_job_runs) continue;
    const Result<int64_t> fence =
        store_->Transact([&](StoreTx& tx) { return tx.ClaimRun(run.id, options_.node, now); });
    if (!fence) {
      if (fence.error().code != "conflict") return tl::make_unexpected(fence.error());
      continue;
    }
    Failpoint("scheduler.after_claim");
    run.fence = *fence;
    ++run.attempt;
    claimed = true;
    StartWorker(std::move(run));
  }
  return claimed;
}

void WorkerPool::StartWorker(RunRow run) {
  auto worker = std::make_unique<Worker>();
  Worker* const shared = worker.get();
  shared->attempt.run = std::move(run);
  shared->started = clock_->Steady();
  shared->attempt.progress_at_us = shared->started.count();
  std::lock_guard lock(mutex_);
  workers_[shared->attempt.run.id] = std::move(worker);
  shared->thread = std::thread([this, shared] {
    executor_->Execute(shared->attempt);
    shared->done = true;
    options_.on_end();
  });
}

void WorkerPool::Reap() {
  std::vector<std::unique_ptr<Worker>> ended;
  {
    std::lock_guard lock(mutex_);
    for (auto it = workers_.begin(); it != workers_.end();) {
      if (!it->second->done) {
        ++it;
        continue;
      }
      live_.erase(it->first);
      ended.push_back(std::move(it->second));
      it = workers_.erase(it);
    }
  }
  for (const auto& worker : ended) worker->thread.join();
}

void WorkerPool::LookAfterRuns() {
  const Duration now = clock_->Steady();
  std::vector<std::string> ids;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, worker] : workers_) {
      worker->attempt.StopIfLate(worker->started, now);
      // One that stood before the claim is the executor's to judge.
      if (worker->attempt.run.stop_request == StopRequest::kNone) ids.push_back(id);
    }
  }
  // A stop that was asked for between the claim of the run and the start of its worker is in the
  // store only.
  for (const std::string& id : ids) {
    const Result<std::optional<RunRow>> run =
        store_->Query([&](const StoreReader& reader) { return reader.GetRun(id); });
    if (run && *run && (*run)->stop_request == StopRequest::kCancel) {
      Stop(id, StopReason::kCancel);
    }
  }
}

Result<std::optional<UtcTime>> WorkerPool::NextReady(const StoreReader& reader) const {
  if (IsFull()) return std::optional<UtcTime>();
  // What was ready at the last look waits for a run of its own job: its end wakes the scheduler, or
  // its next attempt is what becomes ready.
  return reader.NextReady(claimed_at_);
}

void WorkerPool::Stop(std::string_view run_id, StopReason reason) {
  std::lock_guard lock(mutex_);
  const auto found = workers_.find(run_id);
  if (found != workers_.end()) found->second->attempt.Stop(reason);
}

void WorkerPool::StopAll(StopReason reason) {
  std::lock_guard lock(mutex_);
  for (auto& [id, worker] : workers_) worker->attempt.Stop(reason);
}

bool WorkerPool::Progress(const LiveRun& live) {
  std::lock_guard lock(mutex_);
  if (!workers_.contains(live.run_id)) return false;
  live_[live.run_id] = live;
  return true;
}

std::optional<LiveRun> WorkerPool::Live(std::string_view run_id) const {
  std::lock_guard lock(mutex_);
  const auto found = live_.find(run_id);
  return found == live_.end() ? std::nullopt : std::optional(found->second);
}

size_t WorkerPool::running() const {
  std::lock_guard lock(mutex_);
  return workers_.size();
}

}  // namespace bizond
