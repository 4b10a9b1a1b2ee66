// Destination: where records are published.
//
// Three methods are enough: CheckConnection, WriteRecords and Finalize(). Such a destination is at
// least once: a run that dies is run again and writes again. Overriding the second group makes it
// exactly once; docs/adding-a-destination.md goes through it, reference: docs/delivery.md.
//
//   Open -> (WriteRecords* -> Flush -> MarkStored)* -> Prepare -> Finalize(intent) -> Cleanup
//                                                 \-> Discard (a cancelled run)
//
// The pump stores what Flush and Prepare return before it goes on; after a crash Open gets it back:
//   * neither mark nor intent: a new run. Staging is emptied.
//   * a mark: staging is brought back to exactly what the mark says; what lies beyond it is
//   removed.
//   * an intent: staging is left as it is; the pump calls Finalize(intent) again at once.
// From the intent on a run only goes forward.
//
// Threads: one thread at a time. Every call that can block watches the stop token it was opened
// with.
#ifndef BIZOND_SYNC_DESTINATION_H_
#define BIZOND_SYNC_DESTINATION_H_

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sync/bizon_id.h"
#include "sync/destination_plan.h"
#include "sync/job_spec.h"
#include "sync/record_batch.h"

namespace bizond {

class RunLog;

// How a run's records become the target's.
enum class PublishMode {
  kReplace,  // full refresh, and a reset: the target holds this run's records and no others
  kAppend,   // incremental: added to the target at the end of the run, all or none
  kMerge,    // incremental with a key: the row with the greatest cursor of each key stays
  kDirect,   // stream: written to the target as they come, durable at each Flush
};
std::string_view PublishModeName(PublishMode mode);  // "replace", "append", "merge", "direct"
std::optional<PublishMode> ParsePublishMode(std::string_view name);
// How the next run of a job publishes.
PublishMode PublishModeOf(const JobSpec& job, bool reset);

// Who publishes: written into the destination's ledger, compared by the next run.
struct Publisher {
  std::string store_id;  // UUID of the state directory's database.
  int64_t epoch = 0;     // Raised by a restore.
  std::string job;
  std::string stream;
  std::string run_id;
  int64_t fence = 0;  // A lower fence than the ledger's is refused (code fenced).
};

// Takes the records that a target refuses.
class RejectSink {
 public:
  virtual ~RejectSink() = default;
  // The record goes to the rejects and is counted as one; with `on_error: fail` the error that ends
  // the run comes back. From Open to Prepare; it counts with the next mark that is stored, so that
  // one that a mark was stored before (FollowsMarks) is told again by whoever goes on from that
  // mark. Without FollowsMarks: during WriteRecords and Flush, for a record of since the last
  // Flush.
  virtual Status Reject(uint64_t iteration, RejectedRecord reject) = 0;
};

struct OpenRequest {
  Publisher publisher;
  PublishMode mode = PublishMode::kReplace;
  OnTargetChanged on_target_changed = OnTargetChanged::kFail;
  std::optional<std::string> mark;
  std::optional<std::string> intent;
  // What Finalize returned at the last recorded publication of this stream (kDirect: the last
  // mark); nullopt: this store never published it. A target that does not fit is `target_diverged`.
  std::optional<std::string> receipt;
  BizonIdMaker ids;
  RunLog* log = nullptr;          // Never null.
  RejectSink* rejects = nullptr;  // Never null.
};

class Destination {
 public:
  virtual ~Destination() = default;

  // Reaches the destination with the job's configuration, as far as that goes without writing.
  virtual Status CheckConnection(std::stop_token stop) = 0;
  // Takes every record of the batch but those that it gives to OpenRequest::rejects, or fails the
  // run. The views are valid during the call only.
  virtual Status WriteRecords(const RecordBatch& batch) = 0;
  // The end of an at-least-once run. Not called on a destination that overrides Finalize(intent).
  virtual Status Finalize() { return {}; }

  // ---- exactly once ----

  // True: the methods below are overridden and their promises are kept.
  virtual bool ExactlyOnce() const { return false; }
  // One name for the place that is written, the same however it is spelled ("file:/data/x.json"):
  // one job owns it (code target_taken). Empty: nothing is owned.
  virtual std::string CanonicalTarget() const { return ""; }
  virtual Status Open(const OpenRequest& request, std::stop_token stop) {
    (void)request, (void)stop;
    return {};
  }
  // Everything written so far is durable when this returns; the mark names it.
  virtual Result<std::string> Flush() { return std::string(); }
  // True: what Flush made durable reaches its place only once its mark is stored, so that nothing
  // is ever there that no mark knows. Then MarkStored is called for the last mark before Prepare,
  // too.
  virtual bool FollowsMarks() const { return false; }
  // The mark of the last Flush is stored. After a crash before this call Open gets that mark, and
  // does what would have been done here.
  virtual Status MarkStored() { return {}; }
  // Of a destination that follows marks, when all records were written and the last mark is stored:
  // waits until what the mark lists is in its place. True: something else took the place of a part
  // of it, and needs a mark of its own: Flush, MarkStored and Settle follow.
  virtual Result<bool> Settle() { return false; }
  // Seals the staging and says what Finalize will do: onto what, and the target's state before.
  virtual Result<std::string> Prepare() { return std::string(); }
  // Publishes. May be called again after it happened: it finds that out and returns the same
  // receipt.
  virtual Result<std::string> Finalize(std::string_view intent) {
    (void)intent;
    BIZOND_RETURN_IF_ERROR(Finalize());
    return std::string();
  }
  // Removes the staging after the publication is recorded; may be called again.
  virtual Status Cleanup() { return {}; }
  // Removes the staging of a run that will not be published.
  virtual Status Discard() { return {}; }

  // ---- before a run ----
  // Of a destination that nobody opened, by looking alone: nothing is written or started.

  // What a run in this mode would make and do here; empty: it does not say. An error is one that
  // the run would meet, too.
  virtual Result<DestinationPlan> Plan(PublishMode mode, std::stop_token stop) {
    (void)mode, (void)stop;
    return DestinationPlan();
  }
  // Every permission that a run in this mode needs; none: the destination knows no permissions
  // beside what CheckConnection finds.
  virtual Result<std::vector<AccessCheck>> CheckAccess(PublishMode mode, std::stop_token stop) {
    (void)mode, (void)stop;
    return std::vector<AccessCheck>();
  }

  // Bytes given to the operating system or the peer so far, for the counters.
  virtual uint64_t BytesWritten() const { return 0; }
};

}  // namespace bizond

#endif  // BIZOND_SYNC_DESTINATION_H_
