// RunExecutor: executes one attempt of a claimed run, from opening its connectors to recording its
// end.
//
// Threads: Execute may run in several threads at once, for different runs.
#ifndef BIZOND_SCHEDULER_RUN_EXECUTOR_H_
#define BIZOND_SCHEDULER_RUN_EXECUTOR_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "scheduler/job_cache.h"
#include "scheduler/plain_secrets.h"
#include "scheduler/run_control.h"
#include "store/run_logs.h"
#include "store/store.h"
#include "sync/connector.h"
#include "sync/secrets.h"
#include "sync/sync_pump.h"

namespace bizond {

// One attempt, as its worker and the watchdog share it.
struct RunningAttempt {
  RunRow run;  // As claimed: with its attempt number and fence.
  std::stop_source stop;
  std::atomic<StopReason> stop_reason{StopReason::kNone};
  // Steady microseconds of the last committed progress (a checkpoint, a record; an idle stream has
  // checkpoints, too) or, where the destination keeps no marks, of the last page.
  std::atomic<int64_t> progress_at_us{0};
  // Set by the executor from the definition; 0: none.
  std::atomic<int64_t> timeout_us{0};
  std::atomic<int64_t> stall_timeout_us{0};
  std::atomic<Stage> stage{Stage::kOpen};  // Of the stream in work.
  // Set by the executor when the store did not take the attempt's end (a full disk): the run is
  // still running there.
  std::atomic<bool> end_unwritten{false};

  // Raises the stop; the first reason stays.
  void Stop(StopReason reason) {
    StopReason none = StopReason::kNone;
    stop_reason.compare_exchange_strong(none, reason);
    stop.request_stop();
  }
  // Stops an attempt that passed its timeout, or that has made no progress for too long. Steady
  // times.
  void StopIfLate(Duration started, Duration now) {
    const int64_t now_us = now.count();
    const int64_t limit = timeout_us;
    const int64_t stall = stall_timeout_us;
    if (limit > 0 && now_us - started.count() >= limit) Stop(StopReason::kTimeout);
    if (stall > 0 && now_us - progress_at_us >= stall) Stop(StopReason::kStall);
  }
};

class RunExecutor {
 public:
  virtual ~RunExecutor() = default;
  // Afterwards the run is ended or queued again in the store, unless it was fenced off or
  // `end_unwritten` is set.
  virtual void Execute(RunningAttempt& attempt) = 0;
  // Records the end of an attempt in place of its worker, who was asked to stop and does not come
  // back from Execute. Should it come back yet, the store refuses what it writes. Called by another
  // thread while Execute goes on.
  virtual void Abandon(RunningAttempt& attempt) = 0;
};

// What the command line asks of one run, beside its definition.
struct RunOverrides {
  std::vector<std::string> streams;  // Empty: all of the job's.
  std::optional<uint64_t> max_iterations;
};

// Executes with the connectors of a catalogue, in this process.
class SyncExecutor final : public RunExecutor {
 public:
  struct Parts {
    Store* store = nullptr;
    RunLogs* logs = nullptr;
    const Catalog* catalog = nullptr;
    Clock* clock = nullptr;
    const PlainSecrets* plain_secrets = nullptr;
    JobCache* jobs = nullptr;  // May be null: a definition is parsed for each attempt.
    // Of jobs that came by the API, and of those that a file holds.
    const SecretResolver* api_secrets = nullptr;
    const SecretResolver* file_secrets = nullptr;
    // Called often, from the workers' threads.
    std::function<void(const LiveRun&)> on_progress;
    // Rejects files go below it.
    Root state_dir;
    // What connectors keep for all jobs (ConnectorArgs::state_dir).
    Root connector_dir;
    RunOverrides overrides;
    Roots roots;
    // False: whoever started the run tells how it ended.
    bool log_failures = true;
  };

  explicit SyncExecutor(Parts parts);
  void Execute(RunningAttempt& attempt) override;
  void Abandon(RunningAttempt& attempt) override;

 private:
  struct Attempt;  // One Execute.
  // How far the earlier attempts of a run came with a stream.
  enum class Standing { kOpen, kHeld, kApproved, kDecided, kRecorded };

  Result<JobSpec> ReadSpec(const JobRow& job) const;
  Status LoadSpec(Attempt& attempt) const;
  Status RunStreams(Attempt& attempt);
  Status RunOrDiscard(Attempt& attempt, size_t index);
  Status RunStream(Attempt& attempt, size_t index, bool discards = false);
  Status NoteFailure(Attempt& attempt, const std::string& stream, const Error& error) const;
  Status ClaimTarget(const RunRow& run, const std::string& stream, const std::string& target) const;
  PumpPlan PlanOf(const Attempt& attempt, const std::string& stream, bool last, bool asked) const;
  Result<Standing> StandingOf(const RunRow& run, std::string_view stream) const;
  void End(Attempt& attempt, const Status& status);
  Status EndSucceeded(const RunRow& run) const;
  Status EndHeld(const Attempt& attempt, const Error& why) const;
  Result<bool> IsDecided(const Attempt& attempt) const;
  Result<std::optional<Duration>> DelayOfRetry(const Attempt& attempt, const Error& error) const;
  Status EndUnfinished(Attempt& attempt, const Error& raised);

  const Parts parts_;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_RUN_EXECUTOR_H_
