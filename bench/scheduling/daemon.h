// The daemon's store and scheduler with runs that do nothing, for measuring what is around a run.
#ifndef BIZOND_BENCH_SCHEDULING_DAEMON_H_
#define BIZOND_BENCH_SCHEDULING_DAEMON_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scheduler/job_service.h"
#include "scheduler/scheduler.h"
#include "store/store.h"

namespace bizond::bench {

[[noreturn]] void Die(const std::string& what);
// What it holds, or the end of the program.
template <typename T>
T Must(Result<T> result) {
  if (!result) Die(Describe(result.error()));
  return std::move(*result);
}
void Must(const Status& status);

// A job that is never executed: its schedule is what counts.
std::string Definition(const std::string& name, const std::string& schedule);

struct Start {
  std::string run;
  UtcTime nominal{};
  UtcTime at{};
};

// Ends every run at once, as a success.
class NoOpExecutor final : public RunExecutor {
 public:
  NoOpExecutor(Store* store, Clock* clock) : store_(store), clock_(clock) {}
  void Execute(RunningAttempt& attempt) override;
  void Abandon(RunningAttempt& attempt) override;

  // Blocks until so many have begun.
  void Await(size_t count);
  std::vector<Start> TakeStarts();

 private:
  Store* const store_;
  Clock* const clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Start> starts_;  // Guarded by mutex_.
};

class Daemon {
 public:
  Daemon(const std::string& folder, const SchedulerOptions& options);
  ~Daemon();

  void Start();

  RealClock clock;
  std::unique_ptr<Store> store;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<NoOpExecutor> executor;
  PlainSecrets secrets;
  std::unique_ptr<JobService> service;
};

const Catalog& AllConnectors();
double ResidentMb();
double MillisBetween(UtcTime from, UtcTime to);
// Of sorted values.
double Percentile(const std::vector<double>& sorted, int percent);

}  // namespace bizond::bench

#endif  // BIZOND_BENCH_SCHEDULING_DAEMON_H_
