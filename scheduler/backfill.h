// Backfill: a part of a job's cursor, read again in slices that are runs.
//
// What may be asked for, and what would come of it. A slice reads [from, to) of the cursor whatever
// was published before, and leaves the watermark where it stands, so that the job's own runs go on
// as if nothing had been. Rows that are published already come a second time: `write: merge` takes
// the place of the old ones by their key, `append` doubles them, which must be asked for by name.
//
// Error code: invalid_backfill. Threads: pure functions.
#ifndef BIZOND_SCHEDULER_BACKFILL_H_
#define BIZOND_SCHEDULER_BACKFILL_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/records.h"
#include "sync/cursor_window.h"
#include "sync/job_spec.h"

namespace bizond {

inline constexpr size_t kSlicesMax = 1000;

// What happens while an earlier backfill of the job has not ended.
enum class BackfillOverlap {
  kSkip,         // Refused (backfill_active).
  kBufferAll,    // Its slices wait behind the other's.
  kCancelOther,  // The other's slices are cancelled.
};
std::optional<BackfillOverlap> ParseBackfillOverlap(std::string_view name);

struct BackfillOptions {
  // JSON tokens: 12, "2026-12-01".
  std::string from;
  std::string to;
  std::string slice;  // CursorWindow::Split; empty: one run.
  BackfillOverlap overlap = BackfillOverlap::kSkip;
  bool allow_duplicates = false;
  // Of its slices; absent: the job's pool, and one less than the job's priority, so that the job's
  // own runs go between them.
  std::optional<std::string> pool;
  std::optional<int> priority;
  bool dry_run = false;
};

struct BackfillPlan {
  std::vector<CursorWindow> slices;  // In order; at least one.
  std::vector<std::string> notes;    // What the caller should know.
  // What each slice does, and to what: "merge" or "append", and the ids at the destination.
  std::string write;
  std::string destination;
  std::vector<std::string> destination_ids;
  std::string id;            // Empty: it was planned only.
  std::vector<RunRow> runs;  // Beside its slices, once it is queued.
};

// `states`: those of the job's streams.
Result<BackfillPlan> PlanBackfill(const JobSpec& spec, const std::vector<StreamStateRow>& states,
                                  const BackfillOptions& options);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_BACKFILL_H_
