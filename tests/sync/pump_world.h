// PumpWorld: all that outlives a pump in a test, kept in memory, and a death at any step.
//
// A table that the source reads, a target with its staging and ledger, and the run's state. Each
// call that crosses a border takes two steps, one before its effect and one after it; Step number
// `die_at` ends the attempt, by a throw or by an error, and leaves of what was not made durable as
// much as chance gives. Whoever starts another pump on the same world is the restarted process.
//
// Threads: the steps may be taken by any thread; the rest belongs to the test between two runs.
#ifndef BIZOND_TESTS_SYNC_PUMP_WORLD_H_
#define BIZOND_TESTS_SYNC_PUMP_WORLD_H_

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "sync/destination.h"
#include "sync/job_spec.h"
#include "sync/run_log.h"
#include "sync/run_state.h"
#include "sync/source.h"
#include "sync/sync_pump.h"
#include "tests/base/temporary_directory.h"

namespace bizond {

struct PublishedRow {
  std::string id;
  std::string key;
  std::string cursor;
  std::string data;

  friend bool operator==(const PublishedRow&, const PublishedRow&) = default;
};

class PumpWorld {
 public:
  PumpWorld();

  // ---- what a test sets ----
  JobSpec job;
  std::vector<std::string> table;  // The source's rows; one that begins with '!' is no JSON.
  size_t page_rows = 3;
  Duration page_takes{0};            // At the target.
  bool asks_from_watermark = false;  // The source asks its peer for `cursor >= watermark`.
  bool in_cursor_order = false;
  bool exactly_once = true;
  bool reset = false;
  std::optional<CursorWindow>
      window;  // Of a slice; where asks_from_watermark it is asked for, too.
  size_t queue_bytes = 4 << 20;
  int die_at = 0;  // 0: never. Counted from the start of an attempt.
  bool dies_by_throw = true;
  int stop_at = 0;                               // The same, for raising the stop.
  int stop_in_write = 0;                         // In the middle of that page.
  StopReason stop_reason = StopReason::kCancel;  // What the stop says.
  bool stop_when_caught_up = false;              // Once the target has all rows of the table.
  // The target refuses a row whose text holds this; empty: none. Every other one at once, the rest
  // when they are flushed.
  std::string refuses;
  uint64_t rows_read_too_many = 0;  // By which the source miscounts.
  std::mt19937 chance{1};

  // What a boundary set keeps in memory; the rest is stored in chunks.
  size_t boundary_entries = BoundarySpill().entries;

  // ---- what is left of it ----
  std::vector<PublishedRow> target;
  std::vector<PublishedRow> staging;
  std::map<std::string, std::string> checkpoints;                 // By run.
  std::set<std::string> recorded;                                 // Runs.
  std::map<int64_t, std::pair<std::string, std::string>> chunks;  // Their run ("": none) and bytes.
  int64_t last_chunk = 0;
  std::optional<std::string> watermark;
  std::optional<std::string> receipt;
  std::vector<std::string> told;  // Positions that the source was told.
  Counters last_counters;
  StreamRecord last_record;
  std::string last_upper_bound;
  std::atomic<size_t> pages_ahead = 0;  // Pages read and not written yet.
  std::atomic<size_t> pages_ahead_most = 0;
  int steps = 0;  // Of the last attempt.
  int flushes = 0;
  std::vector<std::string> broken;  // Promises that were not kept.

  // One attempt of a run.
  Result<Counters> Attempt(const std::string& run);
  // Attempts until it is recorded; a failure of the test's own counts as broken.
  void RunToTheEnd(const std::string& run);

  // The data of the target's rows, sorted.
  std::vector<std::string> Published() const;
  std::vector<std::string> Rejects(const std::string& run) const;
  Watermark LastWatermark() const;

 private:
  friend class WorldSource;
  friend class WorldDestination;
  friend class WorldState;

  // An error when the attempt ends here; throws where `dies_by_throw`.
  Status Step();
  void StopWhenCaughtUp();
  void Stop();
  void Break(const std::string& what);

  TemporaryDirectory directory_;
  SimulatedClock clock_;
  std::mutex mutex_;
  // Guarded by mutex_ while a pump runs.
  bool dead_ = false;
  size_t durable_staging_ = 0;
  size_t durable_target_ = 0;
  std::string ledger_run_;
  std::string ledger_receipt_;
  std::optional<std::stop_source> stop_;
  std::atomic<StopReason> reason_ = StopReason::kNone;
};

// {"id":ID,"at":AT,"n":"PAYLOAD"}
std::string RowText(int id, int at, const std::string& payload);
// `rows`, sorted.
std::vector<std::string> Sorted(std::vector<std::string> rows);

}  // namespace bizond

#endif  // BIZOND_TESTS_SYNC_PUMP_WORLD_H_
