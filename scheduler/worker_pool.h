// WorkerPool: hands ready runs to workers, and looks after those that run.
//
// The scheduler's thread claims, reaps and looks after runs, in turns; what may begin is the
// store's to say (StoreTx::ClaimReady). As many runs as workers are free are claimed in one
// transaction. Threads are made when there is work for one more, and end when they have had none
// for a minute. A worker who was asked to stop and does not answer for a minute (a hung disk, a
// connector that hangs) is left behind: its run ends without it, and another may begin in its
// place.
//
// Threads: ClaimReady, LookAfterRuns, Reap, HasUnended and NextReady belong to the scheduler's
// thread (after its end: to whoever stops it); the rest may be called from any.
#ifndef BIZOND_SCHEDULER_WORKER_POOL_H_
#define BIZOND_SCHEDULER_WORKER_POOL_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "scheduler/run_control.h"
#include "scheduler/run_executor.h"
#include "store/store.h"

namespace bizond {

class WorkerPool {
 public:
  struct Options {
    int workers = 8;
    std::map<std::string, int, std::less<>> pools;  // As SchedulerOptions::pools.
    std::string node;                               // Who claims.
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

  // Claims what is ready while a worker is free, and starts it. Returns whether there may be more
  // to claim at once; an error: the store takes no claims.
  Result<bool> ClaimReady();
  // Stops what is late, and what was asked to stop while its worker was being started; leaves
  // behind who does not stop.
  void LookAfterRuns();
  // Takes leave of the runs that have ended, and of threads without work.
  void Reap();
  // Whether runs wait for the store to take that they are queued again (LookAfterRuns tries it).
  bool HasUnended() const { return !unended_.empty(); }
  // When to look again for what is ready; nullopt: at the end of a run, or on a wake-up.
  Result<std::optional<UtcTime>> NextReady(const StoreReader& reader) const;

  void Stop(std::string_view run_id, StopReason reason);
  void StopAll(StopReason reason);
  // Remembers where a run is. False: it does not run here.
  bool Progress(const LiveRun& live);
  std::optional<LiveRun> Live(std::string_view run_id) const;
  // Those that are not reaped, and those that were left behind.
  size_t running() const;
  size_t abandoned() const;
  size_t threads() const;

 private:
  // A run from its claim until it is reaped.
  struct Worker {
    RunningAttempt attempt;
    Duration started{0};
    bool done = false;  // Guarded by mutex_.
    bool on_thread = false;
    std::optional<Duration> stopping_since;  // Steady: when a stop was first seen.
    std::optional<LiveRun> live;
  };

  size_t Free() const;
  // A run whose end the store did not take goes on: another attempt finds what is recorded of it.
  void RequeueUnended();
  // With the mutex held: takes those off workers_ who do not stop.
  std::vector<Worker*> LeaveBehind(Duration now);
  ClaimBounds Bounds(size_t free) const;
  void StartWorker(RunRow run);
  // A thread for each run that has none, as far as the system gives one.
  void MakeThreads();
  void Work();

  Store* const store_;
  Clock* const clock_;
  const Options options_;
  RunExecutor* executor_ = nullptr;
  // Ids and fences of runs that are `running` in the store and that no worker has.
  std::vector<std::pair<std::string, int64_t>> unended_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  // Guarded by mutex_.
  std::map<std::string, std::unique_ptr<Worker>, std::less<>> workers_;  // By run id.
  std::deque<Worker*> begun_;                       // Of workers_, those that wait for a thread.
  std::vector<std::unique_ptr<Worker>> abandoned_;  // Their threads have not come back.
  std::map<std::thread::id, std::thread> threads_;
  std::vector<std::thread::id> left_;  // Of threads_, those that have ended.
  bool told_ = false;                  // on_end was called since the last Reap.
  size_t idle_ = 0;                    // Threads that wait for work.
  size_t to_leave_ = 0;                // How many of them are to end.
  Duration least_idle_since_{0};       // Steady: the last time that none was idle.
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_WORKER_POOL_H_
