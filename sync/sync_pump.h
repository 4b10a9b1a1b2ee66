// SyncPump: one stream of one run, from its source to its destination.
//
// read -> filter -> write -> checkpoint -> verify -> publish -> record, and nothing else. A reader
// thread reads pages into batches; the caller's thread filters, writes and flushes them; between
// the two stands a queue that is bounded in bytes. What must survive goes through RunState; a pump
// that is started again for the same run goes on where RunState says. docs/delivery.md has the
// protocol.
//
// Threads: Run is called once, by one thread; `stop` may be raised by any.
#ifndef BIZOND_SYNC_SYNC_PUMP_H_
#define BIZOND_SYNC_SYNC_PUMP_H_

#include <atomic>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/fs.h"
#include "sync/cursor_filter.h"
#include "sync/cursor_window.h"
#include "sync/destination.h"
#include "sync/job_spec.h"
#include "sync/page_reader.h"
#include "sync/record_parser.h"
#include "sync/rejects_file.h"
#include "sync/run_log.h"
#include "sync/run_state.h"
#include "sync/source.h"

namespace bizond {

// Why the stop token of a run was raised.
enum class StopReason {
  kNone,
  kShutdown,  // Goes on from its checkpoint after the restart.
  kCancel,    // Nothing is published; the staging is discarded.
  kTimeout,   // The attempt fails; a retry goes on from the checkpoint.
  kStall,     // The same, by the watchdog.
};

struct PumpPlan {
  const JobSpec* job = nullptr;
  Publisher publisher;  // With the stream's name.
  bool reset = false;   // An incremental run that is published as a full refresh.
  bool last = true;     // The last stream of the run: recording it ends the run.
  // Of a backfill's run: it reads this part alone, whatever was published before, and leaves the
  // watermark and its boundary set as they are.
  std::optional<CursorWindow> window = std::nullopt;
  Location rejects;  // Where the stream's rejects go; temporary files go to its root.
  size_t queue_bytes = 4 << 20;
  size_t boundary_entries = BoundarySpill().entries;
};

struct PumpParts {
  Source* source = nullptr;
  Destination* destination = nullptr;
  RunState* state = nullptr;
  RunLog* log = nullptr;
  Clock* clock = nullptr;
  const std::atomic<StopReason>* stop_reason = nullptr;
};

class SyncPump : private RejectSink {
 public:
  SyncPump(PumpPlan plan, PumpParts parts);
  SyncPump(const SyncPump&) = delete;
  SyncPump& operator=(const SyncPump&) = delete;

  // Ends with the stream published and recorded, or with an error: of kind kStopped when `stop` was
  // raised before the intent. After the intent `stop` is no longer looked at.
  // With what a check said (IsHeldByCheck): everything is staged, and nothing is decided.
  Result<Counters> Run(std::stop_token stop);
  // In place of Run: removes what a run that was held has staged.
  Status Discard();

 private:
  // ---- open ----
  Status Load();
  Status ChooseCheckpoint();
  Status OpenDestination(std::stop_token stop);
  Status OpenFilter();
  BoundarySpill Spill() const;
  ReadRequest MakeReadRequest();
  // ---- read and write ----
  // Until everything is staged. A cancel removes the staging.
  Status StageAll(std::stop_token stop);
  Status RemoveStaging();
  Status ReadAndWrite(std::stop_token stop);
  Status WritePage(const SourcePage& page);
  // Leaves of the batch what is new, or lies in the window.
  Status Filter(RecordBatch* batch);
  Status RejectNullKeys(RecordBatch* batch);
  Status Reject(uint64_t iteration, RejectedRecord reject) override;
  // What the destination rejected since it was last asked is no longer counted as written.
  void SettleRejects();
  Result<std::string> FlushDestination();
  void NoteCursorProgress();
  Status MaybeFlush(bool idle);
  Status FlushAndCheckpoint();
  // ---- verify, publish, record ----
  Status Verify() const;
  Status Seal();
  // By the job's checks. What is held back stays staged, and its checkpoint says so.
  Status Judge();
  Status Publish();
  Result<std::optional<Watermark>> WatermarkAfter() const;
  Status Record(std::string receipt, bool last);
  Status EndOfStream(const Error& stopped);

  bool IsApproved() const { return progress_.verdict == Checkpoint::kApproved; }
  bool Resumable() const { return parts_.destination->ExactlyOnce(); }
  StopReason Reason() const { return parts_.stop_reason->load(); }
  void Say(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields = {}) const;
  void Enter(Stage stage);

  const PumpPlan plan_;
  const PumpParts parts_;
  const JobSpec& job_;
  const std::string stream_;

  // Known once the stream is open.
  PublishMode mode_ = PublishMode::kReplace;
  StreamMemory memory_;
  Checkpoint progress_;  // What the next checkpoint will say.
  bool cut_short_ = false;
  bool discards_ = false;
  bool torn_ = false;  // A page was taken and not all of it was written.
  std::optional<RecordParser> parser_;
  std::optional<CursorFilter> filter_;
  std::optional<RejectsFile> rejects_;
  Stage stage_ = Stage::kOpen;
  uint64_t unsettled_rejects_ = 0;
  uint64_t unflushed_bytes_ = 0;
  uint64_t bytes_before_ = 0;  // bytes_written of earlier attempts.
  Duration flushed_at_{0};
  UtcTime started_at_{};
};

}  // namespace bizond

#endif  // BIZOND_SYNC_SYNC_PUMP_H_
