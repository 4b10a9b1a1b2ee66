// Scheduler: turns due schedules into runs and has its WorkerPool execute what is ready.
//
// One thread does both, in turns: fire what is due (occurrence, overlap, run and next fire in one
// transaction, at most 1,000 schedules each), claim what is ready while a worker is free, look
// after timeouts, and wait for the next instant or a wake-up. At the start, runs that an earlier
// boot left running are queued again before the first fire, and fires that nobody was there for are
// caught up with or recorded as missed.
//
// Threads: Start and Stop belong to one thread; the RunControl methods may be called from any.
#ifndef BIZOND_SCHEDULER_SCHEDULER_H_
#define BIZOND_SCHEDULER_SCHEDULER_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "scheduler/firing.h"
#include "scheduler/freshness.h"
#include "scheduler/job_cache.h"
#include "scheduler/run_control.h"
#include "scheduler/run_executor.h"
#include "scheduler/warm_up.h"
#include "scheduler/worker_pool.h"
#include "store/store.h"

namespace bizond {

struct SchedulerOptions {
  int workers = 8;
  // Sizes of pools by name; any other has as many places as there are workers.
  std::map<std::string, int, std::less<>> pools;
  // How long Stop waits for workers to reach a checkpoint.
  Duration stop_grace = std::chrono::seconds(5);
  // Ended runs and occurrences older than this move to the history database.
  Duration retention = std::chrono::hours(24 * 30);
  // And from there they go for good when they are older than this; nullopt: never.
  std::optional<Duration> history_retention = std::chrono::hours(24 * 365);
  // How often it is looked for both.
  Duration retain_every = std::chrono::minutes(10);
};

class Scheduler final : public RunControl {
 public:
  Scheduler(Store* store, const Catalog* catalog, Clock* clock, const SchedulerOptions& options);
  ~Scheduler() override;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The executor's on_progress is to be Progress.
  Status Start(RunExecutor* executor);
  // Running syncs stop at a checkpoint and go on after the next start. True: all of them did in
  // time. False: some are still at it; the destructor waits for them however long that takes, so
  // that a process which cannot wait leaves without it.
  bool Stop();

  void Wake() override;
  void StopRun(std::string_view run_id) override;
  std::optional<LiveRun> Live(std::string_view run_id) const override { return pool_.Live(run_id); }

  // Remembers where a run is and tells the listener.
  void Progress(const LiveRun& live);
  // Called for each progress report, from workers' threads. Set before Start.
  void OnProgress(std::function<void(const LiveRun&)> listener);

  // The scheduler turned within the last minute or two and the store takes claims.
  bool Ready() const;
  const std::string& node() const { return node_; }
  // For the executor, too.
  JobCache* jobs() { return &jobs_; }
  size_t running() const { return pool_.running(); }
  size_t threads() const { return pool_.threads(); }

 private:
  void Loop(std::stop_token stop);
  // Each returns whether there may be more to do at once.
  bool FireDue();
  bool ClaimReady(std::stop_token stop);
  bool LookAtFreshness();
  bool Retain();
  // One chunk each; whether it was full.
  bool MoveOld(UtcTime now);
  bool PruneHistory(UtcTime now);
  UtcTime NextWake() const;

  Store* const store_;
  Clock* const clock_;
  const SchedulerOptions options_;
  const std::string node_;  // New at every boot.
  std::function<void(const LiveRun&)> listener_;

  JobCache jobs_;
  std::unique_ptr<Waiter> waiter_;
  WorkerPool pool_;
  Firing firing_;
  WarmUp warm_up_;
  FreshnessWatch freshness_;
  std::thread thread_;
  std::stop_source stopping_;
  std::atomic<int64_t> turned_at_us_{0};
  std::atomic<bool> store_ok_{true};
  Duration retained_at_{0};  // Steady
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_SCHEDULER_H_
