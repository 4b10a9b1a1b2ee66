// JobService: everything that a person or a program may do with jobs and runs.
//
// The API, the jobs folder and the tests all come through here; each call is one transaction of the
// store, followed by a wake-up of the scheduler.
//
// Error codes beside the store's: job_exists, job_missing, run_missing, managed_by_file (conflict:
// the definition belongs to a file), precondition_failed (a stale If-Match), state_conflict (a
// change of source, stream, cursor or target without a word on the state), run_active, run_ended,
// later_run_published, stream_job (a stream job takes no trigger while it runs), invalid_job,
// invalid_start.
//
// A file's change that is refused with state_conflict waits for its word: the same definition put
// over the API with StateChange::kKeep or kReset brings it into force, and the job stays the
// file's.
//
// Threads: any.
#ifndef BIZOND_SCHEDULER_JOB_SERVICE_H_
#define BIZOND_SCHEDULER_JOB_SERVICE_H_

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "scheduler/backfill.h"
#include "scheduler/job_targets.h"
#include "scheduler/plain_secrets.h"
#include "scheduler/run_control.h"
#include "scheduler/schedule.h"
#include "store/store.h"
#include "sync/job_parser.h"

namespace bizond {

// What becomes of watermarks when a change of the definition makes them mean something else.
enum class StateChange { kAsk, kKeep, kReset };

struct PutOptions {
  std::string managed_by = "api";  // or "file"
  std::string origin;              // The file.
  bool must_not_exist = false;     // POST: job_exists
  bool must_exist = false;         // If-Match: * (precondition_failed)
  bool if_absent = false;          // If-None-Match: * (precondition_failed)
  std::optional<int64_t> if_version;
  StateChange state = StateChange::kAsk;
};

struct PutOutcome {
  JobRow row;
  bool created = false;
  bool changed = false;
};

struct TriggerOptions {
  bool reset = false;
  // Not before this instant, or before so long after now; neither: now. Code invalid_start for both
  // at once, for what has passed, lies more than a hundred years ahead, or for a stream job.
  std::optional<UtcTime> at = std::nullopt;
  std::optional<Duration> delay = std::nullopt;
  std::string trigger = "api";
  std::string idempotency_key;  // Empty: none. The same key gives the same run.
};

struct StreamWatermark {
  std::string stream;
  std::optional<Watermark> watermark;  // nullopt: forgotten.
};
using StateEdit =
    std::function<Result<std::vector<StreamWatermark>>(const std::vector<StreamStateRow>&)>;

class JobService {
 public:
  JobService(Store* store, const Catalog* catalog, Clock* clock, RunControl* control,
             PlainSecrets* plain_secrets, const JobTargets* targets = nullptr);

  // CheckJob with this service's catalogue and, where it is `submitted`, its clock.
  ParsedJob Check(std::string_view text, JobOrigin origin, bool submitted = true) const;

  // Claims the targets of a job of the API (target_taken, secret_forbidden).
  Result<PutOutcome> Put(const JobSpec& spec, const PutOptions& options);
  // managed_by_file unless `by_file`. The state is kept for 30 days, or goes at once with
  // `drop_state`: run_active while a run of the job goes on.
  Status Delete(std::string_view job, bool by_file = false,
                std::optional<int64_t> if_version = std::nullopt, bool drop_state = false);
  Status Pause(std::string_view job);
  Status Resume(std::string_view job);

  Result<RunRow> Trigger(std::string_view job, const TriggerOptions& options);
  // Queues the slices, or with dry_run says what they would be. Codes of PlanBackfill, and
  // backfill_active.
  Result<BackfillPlan> Backfill(std::string_view job, const BackfillOptions& options);
  // Takes back the slices that have not ended, of one backfill or (empty) of all of the job's.
  // Returns how many; 0: there was none.
  Result<size_t> CancelBackfill(std::string_view job, std::string_view backfill);
  // The next run of the job replaces its target. `stream` empty: all. `cancel` takes it back.
  Status RequestReset(std::string_view job, std::string_view stream, bool cancel);
  // Of a held run: what is staged is removed by another attempt, at once.
  Status Cancel(std::string_view run);
  // Publishes what a check held back. run_missing, run_not_held.
  Result<RunRow> Approve(std::string_view run);
  Result<RunRow> Retry(std::string_view run);

  // Needs the job paused (code not_paused) and without a running run. `edit` says, of the state as
  // it stands, what becomes of which stream; all of it is written, or none.
  Status ChangeState(std::string_view job, const StateEdit& edit);

 private:
  // Whether this is the word that a file's change waits for.
  bool IsWordOnState(const JobSpec& spec, const PutOptions& options);
  // Whether `options` allow the change of `before` to `spec`; carries out a reset of the state.
  Status MayPut(StoreTx& tx, const JobSpec& spec, const PutOptions& options,
                const std::optional<JobRow>& before) const;
  // A file's job claims its targets when it runs: a file that changes the job's name is read before
  // the job of the old name is gone.
  static Status ClaimTargets(StoreTx& tx, const std::string& job,
                             const std::vector<TargetRow>& targets);

  Store* const store_;
  const Catalog* const catalog_;
  Clock* const clock_;
  RunControl* const control_;
  PlainSecrets* const plain_secrets_;
  const JobTargets* const targets_;  // nullptr: a target is claimed by the run alone.

  std::mutex mutex_;
  // Guarded by mutex_: definitions of files that wait for a word on the state, by job.
  std::map<std::string, std::string, std::less<>> waiting_;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_JOB_SERVICE_H_
