#include "scheduler/backfill.h"

#include "sync/destination.h"

namespace bizond {
namespace {

Failure InvalidBackfill(std::string message, std::string remedy) {
  return Fail(ErrorKind::kConfig, "invalid_backfill", std::move(message), std::move(remedy));
}

Status MayBeBackfilled(const JobSpec& spec, bool allow_duplicates) {
  if (spec.source.sync_mode != SyncMode::kIncremental) {
    return InvalidBackfill("a backfill is of an incremental job; this one is " +
                               std::string(SyncModeName(spec.source.sync_mode)),
                           spec.source.sync_mode == SyncMode::kFullRefresh
                               ? "trigger a run: it reads everything"
                               : "give the rows a job of their own, with sync_mode: incremental");
  }
  if (spec.source.cursor_field.empty()) {
    return InvalidBackfill(
        "the job has no cursor_field: there is nothing that from and to could be values of",
        "set source.cursor_field, or reset the job to read everything again");
  }
  if (spec.destination.write == WriteMode::kMerge || allow_duplicates) return {};
  return InvalidBackfill(
      "the job appends: rows of the window that are published already would be there twice",
      "set destination.config.write: merge and a primary_key, or say that they may be "
      "(allow_duplicates: true; --allow-duplicates)");
}

// The type that the streams' cursors are known to have; kNone: none was read yet.
Result<CursorType> KnownType(const std::vector<StreamStateRow>& states) {
  CursorType known = CursorType::kNone;
  for (const StreamStateRow& state : states) {
    if (!state.watermark || state.watermark->cursor.empty()) continue;
    const CursorType type = ParseCursorType(state.watermark->cursor_type);
    if (known != CursorType::kNone && type != known) {
      return InvalidBackfill("the cursors of the job's streams are of two types: " +
                                 std::string(CursorTypeName(known)) + " and " +
                                 std::string(CursorTypeName(type)),
                             "give the streams a job each");
    }
    known = type;
  }
  return known;
}

// What lies above a watermark is read by the job's own next run as well.
Status NoteWhatComesAgain(const JobSpec& spec, const std::vector<StreamStateRow>& states,
                          const CursorWindow& window, std::vector<std::string>* notes) {
  const bool merges = spec.destination.write == WriteMode::kMerge;
  if (!merges) notes->emplace_back("rows of the window that are published already are doubled");
  for (const StreamStateRow& state : states) {
    if (!state.watermark || state.watermark->cursor.empty()) continue;
    BIZOND_ASSIGN_OR_RETURN(const CursorValue top,
                            CursorValue::Parse(state.watermark->cursor, window.type()));
    if (!window.EndsAbove(top)) continue;
    notes->push_back("the window reaches beyond the watermark of " + state.stream + ", " +
                     state.watermark->cursor +
                     ": what lies there is published again by the job's "
                     "own runs" +
                     (merges ? ", in the same rows" : ", and doubled"));
  }
  if (spec.source.max_iterations) {
    notes->emplace_back("max_iterations does not bound a slice");
  }
  return {};
}

}  // namespace

std::optional<BackfillOverlap> ParseBackfillOverlap(std::string_view name) {
  if (name == "skip") return BackfillOverlap::kSkip;
  if (name == "buffer_all") return BackfillOverlap::kBufferAll;
  if (name == "cancel_other") return BackfillOverlap::kCancelOther;
  return std::nullopt;
}

Result<BackfillPlan> PlanBackfill(const JobSpec& spec, const std::vector<StreamStateRow>& states,
                                  const BackfillOptions& options) {
  BIZOND_RETURN_IF_ERROR(MayBeBackfilled(spec, options.allow_duplicates));
  BIZOND_ASSIGN_OR_RETURN(const CursorType known, KnownType(states));
  BIZOND_ASSIGN_OR_RETURN(const CursorWindow window,
                          CursorWindow::Make(options.from, options.to, known));
  BackfillPlan plan;
  if (options.slice.empty()) {
    plan.slices.push_back(window);
  } else {
    BIZOND_ASSIGN_OR_RETURN(plan.slices, window.Split(options.slice, kSlicesMax));
  }
  BIZOND_RETURN_IF_ERROR(NoteWhatComesAgain(spec, states, window, &plan.notes));
  plan.write = PublishModeName(PublishModeOf(spec, /*reset=*/false));
  plan.destination = spec.destination.name;
  for (const std::string& stream : spec.source.streams) {
    plan.destination_ids.push_back(spec.DestinationIdOf(stream));
  }
  return plan;
}

}  // namespace bizond
