// The rows that the store keeps, as the other rooms see them.
//
// Threads: values.
#ifndef BIZOND_STORE_RECORDS_H_
#define BIZOND_STORE_RECORDS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "sync/run_state.h"

namespace bizond {

struct JobRow {
  std::string name;
  int64_t version = 1;     // Raised by every change of the definition.
  std::string definition;  // JobSpec::definition
  std::string managed_by;  // "api" or "file"
  std::string origin;      // The file it came from; empty for "api".
  bool paused = false;
  UtcTime created_at{};
  UtcTime updated_at{};
  std::optional<UtcTime> last_success_at = std::nullopt;  // Kept by the store.
};

// ScheduleRow::next_at of a schedule that something else than its times made due.
inline constexpr UtcTime kDueAtOnce{};

// One a job that has a schedule.
struct ScheduleRow {
  std::string job;
  std::optional<UtcTime> next_at;       // Nominal; nullopt: never again, or when upstream says.
  std::optional<UtcTime> last_nominal;  // The last one that has an occurrence.
  // The job whose successes it follows; empty: it goes by its own times. Each success is an
  // occurrence, queued without a run, and makes next_at the epoch: due at once, whatever the clock
  // does.
  std::string upstream;
};

// The numbers are stored.
enum class RunPhase {
  kQueued = 0,
  kRunning = 1,
  kSucceeded = 2,
  kFailed = 3,
  kPartial = 4,
  kHeld = 5,
  kCancelled = 6,
};
std::string_view RunPhaseName(RunPhase phase);  // "queued", ... as in the API
std::optional<RunPhase> ParseRunPhase(std::string_view name);
inline bool IsActive(RunPhase phase) { return phase <= RunPhase::kRunning; }

enum class StopRequest { kNone = 0, kCancel = 1 };

// What a queued run waits for. The numbers are stored.
enum class RunWait {
  kWorker = 0,  // A claim looks at it.
  kTime = 1,    // not_before
  kJob = 2,     // Another run of its job.
  kKey = 3,     // A run of its key.
  kPool = 4,    // A run of its pool.
};
std::string_view RunWaitName(RunWait wait);  // "worker", "time", ... as in the API

inline constexpr std::string_view kDefaultPool = "default";

// A run keeps one a (code, stream), and at most kRunWarningsMax of them.
struct RunWarningRow {
  std::string code;
  std::string stream;
  std::string message;
  std::string remedy;
};
inline constexpr size_t kRunWarningsMax = 20;

struct RunRow {
  std::string id;
  std::string job;
  int64_t job_version = 0;
  std::string trigger;  // schedule | api | cli | backfill | after | file
  RunPhase phase = RunPhase::kQueued;
  int attempt = 0;    // 0: not started yet
  int64_t fence = 0;  // Of the attempt that owns it.
  bool reset = false;
  int priority = 0;
  // What bounds it, as its version of the job says.
  std::string pool{kDefaultPool};
  std::string key;  // Empty: none.
  int key_limit = 1;
  bool parallel = false;             // May run beside other parallel runs of its job.
  RunWait waits = RunWait::kWorker;  // Of a queued run; kept by the store.
  std::optional<UtcTime> nominal_at;
  UtcTime queued_at{};
  UtcTime not_before{};  // Of a queued run: a retry's backoff, jitter, a delay.
  std::optional<UtcTime> started_at;
  std::optional<UtcTime> finished_at;
  Stage stage = Stage::kOpen;
  Counters counters;
  bool published = false;
  StopRequest stop_request = StopRequest::kNone;
  std::optional<Error> error;
  std::vector<RunWarningRow> warnings;  // In the order of their first saying; of all attempts.
  // Of a slice of a backfill: the part of the cursor that it reads (CursorWindow::Encode), and the
  // backfill's id. Empty: a run that goes by the watermark.
  std::string window;
  std::string backfill;

  bool IsSlice() const { return !window.empty(); }
};

// What a batch of claims may take.
struct ClaimBounds {
  // A run that was claimed and is not let go of yet, though it may have ended in the store: what it
  // held is not free.
  struct Holder {
    std::string run;
    std::string job;
    std::string pool;
    std::string key;
  };

  int runs = 1;                                   // At most so many.
  std::map<std::string, int, std::less<>> pools;  // Sizes by name.
  int pool_size = 8;                              // Of a pool that is not in it.
  std::vector<Holder> holders;

  int SizeOf(std::string_view pool) const {
    const auto found = pools.find(pool);
    return found == pools.end() ? pool_size : found->second;
  }
};

struct ClaimedRuns {
  std::vector<RunRow> runs;  // Running, with the fence and number of their new attempt.
  bool more = false;         // There may be others that could be claimed at once.
};

struct AttemptRow {
  int number = 1;
  UtcTime started_at{};
  std::optional<UtcTime> finished_at;
  std::optional<Error> error;
};

struct RunStreamRow {
  std::string stream;
  std::string state;  // "running", "recorded", "failed"
  Counters counters;
  std::string watermark_before;
  std::string watermark_after;
  std::optional<Error> error;
};

struct OccurrenceRow {
  std::string job;
  UtcTime nominal_at{};
  std::string state;   // queued | buffered | ran | skipped | missed
  std::string reason;  // "overlap", "paused", "downtime", ...; empty otherwise
  std::string run_id;  // Empty: none.
  UtcTime recorded_at{};
  // Of a row that stands for many missed fires in a row: the last of them, nominal_at the first.
  std::optional<UtcTime> until = std::nullopt;
};

// Of a job's fires that ended in this way; a row that stands for many is one.
struct OccurrenceCount {
  std::string state;  // ran, skipped or missed
  std::string reason;
  int64_t count = 0;
  UtcTime last_at;  // When the latest of them was recorded.
};

// What is left out is not asked for.
struct OccurrenceFilter {
  std::string job;
  std::vector<std::string> states;  // Any of them.
  std::string reason;
  // Rows that stand for a fire in [from, to): also one whose first fire lies before `from`, when
  // its last one does not.
  std::optional<UtcTime> from;
  std::optional<UtcTime> to;
};

// What became of the fires of a stretch of time.
struct FireCounts {
  int ran = 0;
  int waiting = 0;  // queued or buffered
  int skipped = 0;
  int missed = 0;  // Rows; in_a_row: one that stands for many reaches into the stretch.
  int failed = 0;  // Runs that were queued in it, by whomever, and failed in whole or part.
  bool in_a_row = false;
  bool more = false;  // There are more than were counted.
};

// What the scheduler must know of the boots before.
struct SchedulerMarks {
  std::optional<UtcTime> fired_until;  // The latest instant that schedules were fired at.
  std::string tzdata;  // TzdataVersion() that every next_at was computed with; empty: never told.
};

// One stream of a job, across runs.
struct StreamStateRow {
  std::string stream;
  std::optional<Watermark> watermark;
  std::optional<std::string> receipt;
  UtcTime updated_at{};
  std::optional<uint64_t> full_rows = std::nullopt;  // StreamRecord::full_rows of the last one.
};

struct TargetRow {
  std::string target;  // Destination::CanonicalTarget()
  std::string job;
  std::string stream;
};

struct EventRow {
  int64_t id = 0;
  UtcTime at{};
  std::string kind;     // "job", "run"
  std::string subject;  // The job's name, the run's id.
  std::string detail;   // JSON text
};

struct Page {
  int limit = 100;     // 1 to 1,000
  std::string cursor;  // What the previous page returned; empty: the first.
};

template <typename T>
struct PageOf {
  std::vector<T> items;
  std::string next_cursor;  // Empty: the last page.
};

struct RunFilter {
  std::string job;  // Empty: all.
  std::optional<RunPhase> phase;
  std::optional<UtcTime> since;  // queued_at
  std::optional<UtcTime> until;
  bool slices = true;  // Those of backfills, too.
};

// What the overview shows of a job's past in one query.
struct JobHistory {
  std::vector<RunRow> recent;  // Newest first, at most 30; no slices of backfills.
  std::optional<UtcTime> last_success_at;
};

}  // namespace bizond

#endif  // BIZOND_STORE_RECORDS_H_
