// WorkerPool: hands ready runs to workers, and looks after those that run.
//
// The scheduler's thread claims, reaps and looks after runs, in turns; each run is executed by a
// thread of its own.
//
// Threads: ClaimReady, LookAfterRuns, Reap and NextReady belong to the scheduler's thread (after
// its end: to whoever stops it); the rest may be called from any.
#ifndef BIZOND_SCHEDULER_WORKER_POOL_H_
#define BIZOND_SCHEDULER_WORKER_POOL_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "scheduler/run_control.h"
#include "scheduler/run_executor.h"
#include "store/store.h"

namespace bizond {

class WorkerPool {
 public:
  struct Options {
    int workers = 8;
    std::string node;  // Who claims.
    // Called from a worker's thread when its run has ended: it is to be reaped.
    std::function<void()> on_end;
  };

  WorkerPool(Store* store, Clock* clock, Options options);
  // Waits for the runs to end, however long that takes.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Before the first claim.
  void Use(RunExecutor* executor) { executor_ = executor; }

  // Claims what is ready while a worker is free and starts it. Returns whether anything was
  // claimed; an error: the store takes no claims.
  Result<bool> ClaimReady();
  // Stops what is late, and what was asked to stop while its worker was being started.
  void LookAfterRuns();
  // Takes leave of the runs that have ended.
  void Reap();
  // When to look again for what is ready; nullopt: at the end of a run, or on a wake-up.
  Result<std::optional<UtcTime>> NextReady(const StoreReader& reader) const;

  void Stop(std::string_view run_id, StopReason reason);
  void StopAll(StopReason reason);
  // Remembers where a run is. False: it does not run here.
  bool Progress(const LiveRun& live);
  std::optional<LiveRun> Live(std::string_view run_id) const;
  size_t running() const;

 private:
  struct Worker;

  void StartWorker(RunRow run);
  bool IsFull() const { return running() >= static_cast<size_t>(options_.workers); }

  Store* const store_;
  Clock* const clock_;
  const Options options_;
  RunExecutor* executor_ = nullptr;
  UtcTime claimed_at_ = UtcTime::min();  // The instant that ready runs were last looked for.

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::unique_ptr<Worker>, std::less<>> workers_;  // By run id.
  std::map<std::string, LiveRun, std::less<>> live_;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_WORKER_POOL_H_
