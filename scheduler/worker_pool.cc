#include "scheduler/worker_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"

namespace bizond {
namespace {

constexpr Duration kIdleThread = std::chrono::seconds(60);
constexpr Duration kStopGrace = std::chrono::seconds(60);

}  // namespace

WorkerPool::WorkerPool(Store* store, Clock* clock, Options options)
    : store_(store), clock_(clock), options_(std::move(options)) {}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    to_leave_ = threads_.size();
    work_.notify_all();
  }
  for (auto& [id, thread] : threads_) thread.join();
}

Result<bool> WorkerPool::ClaimReady() {
  const size_t free = Free();
  if (free == 0) return false;
  const UtcTime now = clock_->Now();
  // Most turns find nothing, and a look costs no write.
  BIZOND_ASSIGN_OR_RETURN(const bool any, store_->Query([&](const StoreReader& reader) {
    return reader.AnyReady(now);
  }));
  if (!any) return false;
  const ClaimBounds bounds = Bounds(free);
  BIZOND_ASSIGN_OR_RETURN(
      ClaimedRuns claimed,
      store_->Transact([&](StoreTx& tx) { return tx.ClaimReady(bounds, options_.node, now); },
                       Refusal::kBeforeWriting));
  if (!claimed.runs.empty()) Failpoint("scheduler.after_claim");
  for (RunRow& run : claimed.runs) StartWorker(std::move(run));
  return claimed.more;
}

size_t WorkerPool::Free() const {
  std::lock_guard lock(mutex_);
  const auto workers = static_cast<size_t>(options_.workers);
  // As many as there are workers may be left behind for nothing; beyond that each takes a place, so
  // that hung threads are bounded.
  const size_t taken = workers_.size() + abandoned_.size() - std::min(workers, abandoned_.size());
  return workers - std::min(workers, taken);
}

ClaimBounds WorkerPool::Bounds(size_t free) const {
  ClaimBounds bounds;
  bounds.runs = static_cast<int>(free);
  bounds.pools = options_.pools;
  bounds.pool_size = options_.workers;
  std::lock_guard lock(mutex_);
  for (const auto& [id, worker] : workers_) {
    const RunRow& run = worker->attempt.run;
    bounds.holders.push_back({id, run.job, run.pool, run.key});
  }
  return bounds;
}

void WorkerPool::StartWorker(RunRow run) {
  auto worker = std::make_unique<Worker>();
  worker->started = clock_->Steady();
  worker->attempt.progress_at_us = worker->started.count();
  worker->attempt.run = std::move(run);
  std::lock_guard lock(mutex_);
  begun_.push_back(worker.get());
  workers_[worker->attempt.run.id] = std::move(worker);
  MakeThreads();
  work_.notify_one();
}

void WorkerPool::MakeThreads() {
  while (idle_ - std::min(idle_, to_leave_) < begun_.size() &&
         threads_.size() - left_.size() - abandoned_.size() < workers_.size()) {
    try {
      std::thread thread([this] { Work(); });
      const std::thread::id id = thread.get_id();
      threads_.emplace(id, std::move(thread));
      ++idle_;
    } catch (const std::system_error& error) {
      Log(LogLevel::kError, "scheduler", "the system gives no thread for a run; it waits",
          {{"error", error.what()}});
      return;
    }
  }
}

void WorkerPool::Work() {
  std::unique_lock lock(mutex_);
  // It was counted as idle when it was made.
  while (true) {
    work_.wait(lock, [this] { return !begun_.empty() || to_leave_ > 0; });
    --idle_;
    if (begun_.empty()) break;
    Worker* const worker = begun_.front();
    begun_.pop_front();
    worker->on_thread = true;
    if (idle_ == 0) least_idle_since_ = clock_->Steady();
    lock.unlock();
    executor_->Execute(worker->attempt);
    lock.lock();
    worker->done = true;
    ++idle_;
    // Under the lock: by the time that it is reaped its end has been told, and nothing comes after.
    // Once is enough for all that end before they are reaped.
    if (!std::exchange(told_, true)) options_.on_end();
  }
  --to_leave_;
  left_.push_back(std::this_thread::get_id());
}

void WorkerPool::Reap() {
  std::vector<std::unique_ptr<Worker>> ended;
  std::vector<std::thread> left;
  const Duration now = clock_->Steady();
  {
    std::lock_guard lock(mutex_);
    told_ = false;
    for (auto it = workers_.begin(); it != workers_.end();) {
      if (!it->second->done) {
        ++it;
        continue;
      }
      ended.push_back(std::move(it->second));
      it = workers_.erase(it);
    }
    for (auto it = abandoned_.begin(); it != abandoned_.end();) {
      if ((*it)->done) ended.push_back(std::move(*it));
      it = *it ? it + 1 : abandoned_.erase(it);
    }
    MakeThreads();  // For those that the system gave none at first.
    if (now - least_idle_since_ >= kIdleThread) {
      to_leave_ = idle_ - std::min(idle_, begun_.size());
      work_.notify_all();
    }
    for (const std::thread::id id : left_) left.push_back(std::move(threads_.extract(id).mapped()));
    left_.clear();
  }
  for (std::thread& thread : left) thread.join();
  for (const std::unique_ptr<Worker>& worker : ended) {
    const RunningAttempt& attempt = worker->attempt;
    if (attempt.end_unwritten) unended_.emplace_back(attempt.run.id, attempt.run.fence);
  }
}

void WorkerPool::RequeueUnended() {
  while (!unended_.empty()) {
    const auto& [id, fence] = unended_.back();
    const UtcTime now = clock_->Now();
    const Status queued = store_->Write(
        [&](StoreTx& tx) { return tx.RequeueRun(id, fence, std::nullopt, now, now); });
    if (!queued && queued.error().kind == ErrorKind::kTransient) return;
    unended_.pop_back();
  }
}

void WorkerPool::LookAfterRuns() {
  RequeueUnended();
  const Duration now = clock_->Steady();
  std::vector<Worker*> left_behind;
  {
    std::lock_guard lock(mutex_);
    if (workers_.empty()) return;
    for (auto& [id, worker] : workers_) worker->attempt.StopIfLate(worker->started, now);
    left_behind = LeaveBehind(now);
  }
  // Only this thread reaps: they are there.
  for (Worker* const worker : left_behind) {
    executor_->Abandon(worker->attempt);
    if (worker->attempt.end_unwritten.exchange(false)) {
      unended_.emplace_back(worker->attempt.run.id, worker->attempt.run.fence);
    }
  }
  // A stop that was asked for between the claim of the run and the start of its worker is in the
  // store only.
  const Result<std::vector<std::string>> stopping =
      store_->Query([](const StoreReader& reader) { return reader.StoppingRuns(); });
  if (!stopping) return;
  std::lock_guard lock(mutex_);
  for (const std::string& id : *stopping) {
    const auto found = workers_.find(id);
    if (found == workers_.end()) continue;
    // One that stood before the claim is the executor's to judge.
    RunningAttempt& attempt = found->second->attempt;
    if (attempt.run.stop_request == StopRequest::kNone) attempt.Stop(StopReason::kCancel);
  }
}

std::vector<WorkerPool::Worker*> WorkerPool::LeaveBehind(Duration now) {
  std::vector<Worker*> left_behind;
  for (auto it = workers_.begin(); it != workers_.end();) {
    Worker& worker = *it->second;
    const bool asked = worker.attempt.stop.stop_requested();
    if (asked && !worker.stopping_since) worker.stopping_since = now;
    if (!asked || worker.done || !worker.on_thread || now - *worker.stopping_since < kStopGrace) {
      ++it;
      continue;
    }
    left_behind.push_back(&worker);
    abandoned_.push_back(std::move(it->second));
    it = workers_.erase(it);
  }
  return left_behind;
}

Result<std::optional<UtcTime>> WorkerPool::NextReady(const StoreReader& reader) const {
  if (Free() == 0) return std::optional<UtcTime>();
  // What a claim has looked at waits for a run: its end wakes the scheduler.
  return reader.NextReady();
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
  const auto found = workers_.find(live.run_id);
  if (found == workers_.end()) return false;
  found->second->live = live;
  return true;
}

std::optional<LiveRun> WorkerPool::Live(std::string_view run_id) const {
  std::lock_guard lock(mutex_);
  const auto found = workers_.find(run_id);
  return found == workers_.end() ? std::nullopt : found->second->live;
}

size_t WorkerPool::running() const {
  std::lock_guard lock(mutex_);
  return workers_.size() + abandoned_.size();
}

size_t WorkerPool::abandoned() const {
  std::lock_guard lock(mutex_);
  return abandoned_.size();
}

size_t WorkerPool::threads() const {
  std::lock_guard lock(mutex_);
  return threads_.size();
}

}  // namespace bizond
