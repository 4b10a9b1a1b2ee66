// CursorFilter: what of an incremental read is new, and where the next one begins.
//
// Every record passes it once, in the order of reading:
//   * no cursor: fails the run, is rejected, or is included (CursorPolicy::on_null);
//   * below the watermark less the lookback: filtered;
//   * at the edge (in [watermark - lookback, watermark]): deduplicated when the boundary set holds
//   it,
//     as often as its count says; else it is late, or a tie, and passes;
//   * above: passes.
// A value beyond now + future_tolerance passes and is remembered, but never advances the watermark.
//
// The greatest cursor and the boundary set of this run are kept as it goes; Encode() is part of
// every checkpoint, so that a run that goes on after a crash knows them.
//
// Reference: docs/delivery.md. Threads: one thread at a time.
#ifndef BIZOND_SYNC_CURSOR_FILTER_H_
#define BIZOND_SYNC_CURSOR_FILTER_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "sync/boundary_index.h"
#include "sync/boundary_set.h"
#include "sync/cursor.h"
#include "sync/job_spec.h"
#include "sync/record_batch.h"
#include "sync/watermark.h"

namespace bizond {

struct FilterCounts {
  uint64_t deduplicated = 0;
  uint64_t filtered = 0;
  uint64_t rejected = 0;
  uint64_t late = 0;    // passed although below the watermark
  uint64_t future = 0;  // passed although beyond the tolerance
};

class CursorFilter {
 public:
  // `before`: the watermark that this run started from. `now`: the run's start, for the tolerance.
  static Result<CursorFilter> Create(std::string cursor_field, const CursorPolicy& policy,
                                     const std::optional<Watermark>& before, UtcTime now,
                                     BoundarySpill spill);

  // Goes on from a checkpoint's progress.
  Status Restore(std::string_view progress);

  // Takes out of `batch` what is not to be published; rejects go to batch->rejects(). Codes
  // null_cursor, bad_cursor, cursor_type_changed, lookback_needs_time, and those of the spill.
  Result<FilterCounts> Apply(RecordBatch* batch);

  std::string Encode() const;
  // The chunks that Encode() names.
  std::vector<int64_t> ChunkIds() const;
  // Those of the watermark that it began with.
  std::vector<int64_t> ChunkIdsBefore() const { return published_.ChunkIds(); }
  // What the next run starts from: the greater of the two watermarks, with its boundary set.
  Result<Watermark> After() const;

 private:
  enum class Verdict { kPass, kDeduplicated, kFiltered, kRejected };

  CursorFilter() = default;
  // Throws nlohmann::json::exception for members of a wrong type.
  Status RestoreFrom(const nlohmann::json& state);
  // Fills known_ and finds held_min_.
  Status IndexPublished();
  Result<Verdict> Judge(const Record& record, RecordBatch* batch, FilterCounts* counts);
  Result<Verdict> JudgeNull(const Record& record, RecordBatch* batch);
  Status CheckType(const CursorValue& value, std::string_view token);
  Status CheckLookback(std::string_view token) const;
  // True when this content was published before and not met again as often; counts it as met.
  Result<bool> ConsumePublished(std::string_view data);
  // Notes what `batch` publishes at the edge as it now stands.
  Status Remember(const RecordBatch& batch);
  // The greater of the old watermark and this run's greatest cursor; nullptr: neither.
  const CursorValue* Top() const;
  CursorValue FloorOf(const CursorValue& top) const;
  // Watermark::window
  Duration WindowOf(const CursorValue& top) const;

  // Constant after Create.
  std::string field_;
  CursorPolicy policy_;
  BoundarySpill spill_;
  CursorValue future_limit_;
  std::optional<CursorValue> before_;  // The old watermark, and the lower end of its window.
  std::optional<CursorValue> before_floor_;
  std::string before_token_;
  BoundarySet published_;                // The old boundary set.
  std::optional<CursorValue> held_min_;  // Its least cursor above the old watermark.

  // State of the run.
  CursorType type_ = CursorType::kNone;
  BoundaryIndex known_;   // What of published_ was not met again yet.
  BoundarySet consumed_;  // Of published_: what was met again, and how often.
  std::optional<CursorValue> greatest_;
  std::string greatest_token_;
  BoundarySet
      seen_;  // What this run publishes at the edge, without a cursor or beyond the tolerance.
  std::optional<CursorValue> dropped_below_;  // The floor under which seen_ holds nothing small.
  // Cursors of the records of the batch at hand that passed, beside its records.
  std::vector<CursorValue> passed_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_CURSOR_FILTER_H_
