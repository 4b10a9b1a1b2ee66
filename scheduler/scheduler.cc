#include "scheduler/scheduler.h"

#include <algorithm>

#include "base/failpoint.h"
#include "base/identity.h"
#include "base/log.h"
#include "scheduler/fire.h"
#include "sync/job_parser.h"

namespace bizond {
namespace {

constexpr int kSchedulesPerTurn = 100;
constexpr Duration kWatch = std::chrono::seconds(1);
constexpr Duration kIdle = std::chrono::seconds(60);
constexpr Duration kAfterStoreError = std::chrono::seconds(1);
constexpr Duration kRetainEvery = std::chrono::minutes(10);
constexpr int kRetainChunk = 500;

}  // namespace

// A thread with the attempt that it executes.
struct Scheduler::Worker {
  RunningAttempt attempt;
  Duration started{0};
  std::atomic<bool> done{false};
  std::thread thread;
};

Scheduler::Scheduler(Store* store, const Catalog* catalog, Clock* clock, SchedulerOptions options)
    : store_(store),
      catalog_(catalog),
      clock_(clock),
      options_(options),
      node_(NewUuid(clock->Now())),
      waiter_(clock->NewWaiter()) {}

Scheduler::~Scheduler() {
  Stop();
  for (const auto& [id, worker] : workers_) worker->thread.join();
}

Status Scheduler::Start(RunExecutor* executor) {
  executor_ = executor;
  retained_at_ = clock_->Now();
  turned_at_us_ = clock_->Steady().count();
  // Before the first fire: a run that was going on is not an overlap of itself.
  BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> orphans, store_->Transact([&](StoreTx& tx) {
    return tx.AdoptOrphans(node_, clock_->Now());
  }));
  for (const RunRow& run : orphans) {
    Log(LogLevel::kInfo, "scheduler", "a run that was cut off goes on",
        {{"run", run.id}, {"job", run.job}});
  }
  thread_ = std::thread([this] { Loop(stopping_.get_token()); });
  return {};
}

bool Scheduler::Stop() {
  stopping_.request_stop();
  if (thread_.joinable()) thread_.join();
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, worker] : workers_) worker->attempt.Stop(StopReason::kShutdown);
  }
  const Duration deadline = clock_->Steady() + options_.stop_grace;
  ReapWorkers();  // The loop may have had the wake-up of one that has ended.
  while (running() > 0 && clock_->Steady() < deadline) {
    waiter_->WaitUntil(clock_->Now() + std::chrono::milliseconds(100), {});
    ReapWorkers();
  }
  ReapWorkers();
  return running() == 0;
}

void Scheduler::Wake() { waiter_->Notify(); }

void Scheduler::StopRun(std::string_view run_id) {
  std::lock_guard lock(mutex_);
  const auto found = workers_.find(run_id);
  if (found != workers_.end()) found->second->attempt.Stop(StopReason::kCancel);
}

std::optional<LiveRun> Scheduler::Live(std::string_view run_id) const {
  std::lock_guard lock(mutex_);
  const auto found = live_.find(run_id);
  return found == live_.end() ? std::nullopt : std::optional(found->second);
}

void Scheduler::Progress(const LiveRun& live) {
  {
    std::lock_guard lock(mutex_);
    const auto worker = workers_.find(live.run_id);
    if (worker == workers_.end()) return;
    live_[live.run_id] = live;
  }
  if (listener_) listener_(live);
}

void Scheduler::OnProgress(std::function<void(const LiveRun&)> listener) {
  listener_ = std::move(listener);
}

bool Scheduler::Ready() const {
  const Duration since = clock_->Steady() - Duration(turned_at_us_.load());
  return store_ok_ && since < 2 * kIdle;
}

size_t Scheduler::running() const {
  std::lock_guard lock(mutex_);
  return workers_.size();
}

void Scheduler::Loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    turned_at_us_ = clock_->Steady().count();
    ReapWorkers();
    LookAfterRuns();
    const bool more = FireDue();
    const bool claimed = ClaimReady(stop);
    if (!store_ok_) {
      waiter_->WaitUntil(clock_->Now() + kAfterStoreError, stop);
      continue;
    }
    if (more || claimed) continue;
    if (Retain()) continue;
    waiter_->WaitUntil(NextWake(), stop);
  }
}

bool Scheduler::FireDue() {
  const UtcTime now = clock_->Now();
  // Most turns find nothing, and a look costs no write.
  const Result<std::optional<UtcTime>> next =
      store_->Query([](const StoreReader& reader) { return reader.NextDue(); });
  store_ok_ = next.has_value() && store_->Health().ok;
  if (!store_ok_ || !*next || **next > now) return false;
  bool more = false;
  std::vector<std::string> stopped;
  const Status fired = store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const auto due, tx.DueSchedules(now, kSchedulesPerTurn));
    more = !due.empty();
    for (const ScheduleRow& row : due) {
      BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, tx.GetJob(row.job));
      if (!job) {
        BIZOND_RETURN_IF_ERROR(tx.DeleteSchedule(row.job));
        continue;
      }
      const Result<JobSpec> spec = ParseStoredJob(job->definition, *catalog_);
      Result<std::vector<RunRow>> runs =
          spec ? FireSchedule(tx, row, *job, *spec, now) : tl::make_unexpected(spec.error());
      if (runs) {
        // What the fire asked to stop for its own sake (overlap: cancel_other).
        BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(row.job));
        for (const RunRow& run : active) {
          if (run.stop_request == StopRequest::kCancel) stopped.push_back(run.id);
        }
        continue;
      }
      if (runs.error().kind != ErrorKind::kConfig) return tl::make_unexpected(runs.error());
      // A definition that this binary does not understand stops its own schedule, not the others'.
      Log(LogLevel::kError, "scheduler", "a schedule cannot be read and is stopped",
          {{"job", row.job}, {"error", Describe(runs.error())}});
      BIZOND_RETURN_IF_ERROR(tx.PutSchedule({row.job, std::nullopt, row.last_nominal}));
    }
    return {};
  });
  if (!fired)
    Log(LogLevel::kError, "scheduler", "due schedules could not be fired",
        {{"error", Describe(fired.error())}});
  store_ok_ = fired.has_value();
  for (const std::string& run : stopped) {
    if (fired) StopRun(run);
  }
  if (more && fired) Failpoint("scheduler.after_fire");
  return more && fired;
}

bool Scheduler::ClaimReady(std::stop_token stop) {
  const size_t busy = running();
  if (!store_ok_ || stop.stop_requested() || busy >= static_cast<size_t>(options_.workers))
    return false;
  const UtcTime now = claimed_at_ = clock_->Now();
  // One that is lost to another claim leaves room for the next.
  const int limit = options_.workers * 2;
  Result<std::vector<RunRow>> ready =
      store_->Query([&](const StoreReader& reader) { return reader.ReadyRuns(now, limit); });
  if (!ready) {
    store_ok_ = false;
    return false;
  }
  bool claimed = false;
  for (RunRow& run : *ready) {
    if (running() >= static_cast<size_t>(options_.workers)) break;
    const bool same_job_runs = [&] {
      std::lock_guard lock(mutex_);
      return std::any_of(workers_.begin(), workers_.end(),
                         [&](const auto& item) { return item.second->attempt.run.job == run.job; });
    }();
    if (same_job_runs) continue;
    const Result<int64_t> fence =
        store_->Transact([&](StoreTx& tx) { return tx.ClaimRun(run.id, node_, now); });
    if (!fence) {
      store_ok_ = store_ok_ && fence.error().code == "conflict";
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

void Scheduler::StartWorker(RunRow run) {
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
    waiter_->Notify();
  });
}

void Scheduler::ReapWorkers() {
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

void Scheduler::LookAfterRuns() {
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
    if (run && *run && (*run)->stop_request == StopRequest::kCancel) StopRun(id);
  }
}

bool Scheduler::Retain() {
  if (clock_->Now() - retained_at_ < kRetainEvery) return false;
  const UtcTime before = clock_->Now() - options_.retention;
  const Result<int> moved = store_->Retain(before, kRetainChunk);
  if (!moved) {
    Log(LogLevel::kWarning, "scheduler", "old runs could not be moved to the history",
        {{"error", Describe(moved.error())}});
  }
  const bool more = moved && *moved >= kRetainChunk;
  if (!more) retained_at_ = clock_->Now();
  return more;
}

UtcTime Scheduler::NextWake() const {
  const UtcTime now = clock_->Now();
  const size_t busy = running();
  UtcTime wake = now + (busy > 0 ? kWatch : kIdle);
  const Status read = store_->Read([&](const StoreReader& reader) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<UtcTime> due, reader.NextDue());
    if (due) wake = std::min(wake, *due);
    if (busy >= static_cast<size_t>(options_.workers)) return {};
    BIZOND_ASSIGN_OR_RETURN(const std::optional<UtcTime> ready, reader.NextReady(claimed_at_));
    // What was ready then waits for a run of its own job: its end wakes this thread, or its next
    // attempt is what becomes ready.
    if (ready) wake = std::min(wake, *ready);
    return {};
  });
  return read ? wake : now + kAfterStoreError;
}

}  // namespace bizond
