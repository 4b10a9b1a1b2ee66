// The second half of the pump: verify, decide, publish, record.
#include "base/failpoint.h"
#include "sync/publication_checks.h"
#include "sync/sync_pump.h"

namespace bizond {
namespace {

// What a person reads as the watermark.
std::string Shown(const std::optional<Watermark>& watermark) {
  if (!watermark) return "";
  return watermark->cursor.empty() ? watermark->position : watermark->cursor;
}

}  // namespace

Status SyncPump::Verify() const {
  const Counters& counters = progress_.counters;
  const uint64_t accounted = counters.rows_written + counters.rows_rejected +
                             counters.rows_deduplicated + counters.rows_filtered;
  if (counters.rows_read == accounted) return {};
  return Fail(ErrorKind::kPermanent, "count_mismatch",
              "read " + std::to_string(counters.rows_read) + " rows but accounted for " +
                  std::to_string(accounted) + ": nothing of this run is published",
              "report it with the run's log; the published data is what it was");
}

// From the intent on the run only goes forward.
Status SyncPump::Seal() {
  if (Resumable() && parts_.destination->FollowsMarks()) {
    progress_.exhausted = progress_.exhausted || !cut_short_;
    for (bool settled = false; !settled;) {
      BIZOND_RETURN_IF_ERROR(FlushAndCheckpoint());
      BIZOND_ASSIGN_OR_RETURN(const bool more, parts_.destination->Settle());
      settled = !more;
    }
  }
  BIZOND_ASSIGN_OR_RETURN(progress_.mark, FlushDestination());
  BIZOND_ASSIGN_OR_RETURN(progress_.rejects_bytes, rejects_->Flush());
  NoteCursorProgress();
  progress_.exhausted = progress_.exhausted || !cut_short_;
  if (!Resumable()) return {};
  BIZOND_RETURN_IF_ERROR(Judge());
  BIZOND_ASSIGN_OR_RETURN(progress_.intent, parts_.destination->Prepare());
  progress_.counters.bytes_written = bytes_before_ + parts_.destination->BytesWritten();
  BIZOND_RETURN_IF_ERROR(parts_.state->SaveCheckpoint(stream_, progress_));
  Failpoint("sync.after_intent");
  return {};
}

Status SyncPump::Judge() {
  // A slice of a backfill brings a part of the source, which may well be empty.
  if (!job_.checks.JudgesRows() || IsApproved() || plan_.window) return {};
  // Whoever adds nothing leaves the target as it is: that an hour brought no rows is for freshness.
  if (mode_ != PublishMode::kReplace && progress_.counters.rows_written == 0) return {};
  const bool full = job_.source.sync_mode == SyncMode::kFullRefresh;
  std::optional<Error> why = JudgeRows(job_.checks, stream_, progress_.counters.rows_written,
                                       full ? memory_.full_rows : std::nullopt);
  if (!why) return {};
  progress_.verdict = Checkpoint::kHeld;
  progress_.counters.bytes_written = bytes_before_ + parts_.destination->BytesWritten();
  BIZOND_RETURN_IF_ERROR(parts_.state->SaveCheckpoint(stream_, progress_));
  BIZOND_RETURN_IF_ERROR(parts_.destination->MarkStored());
  return tl::make_unexpected(std::move(*why));
}

Status SyncPump::Publish() {
  Enter(Stage::kPublish);
  BIZOND_ASSIGN_OR_RETURN(std::string receipt, parts_.destination->Finalize(progress_.intent));
  Failpoint("sync.after_finalize");
  Enter(Stage::kRecord);
  const std::string position = progress_.position;
  BIZOND_RETURN_IF_ERROR(Record(std::move(receipt), plan_.last));
  Failpoint("sync.after_record");
  // The success stands: what fails from here on is only said, and done again by the next run.
  if (Status clean = parts_.destination->Cleanup(); !clean) {
    Say(LogLevel::kWarning, "the staging could not be removed: " + Describe(clean.error()));
  }
  // Of a window the source hears nothing: where the stream stands is as before.
  if (plan_.window) return {};
  if (Status told = parts_.source->Published(position, {}); !told) {
    Say(LogLevel::kWarning, "the source could not be told: " + Describe(told.error()));
  }
  return {};
}

Result<std::optional<Watermark>> SyncPump::WatermarkAfter() const {
  if (job_.source.sync_mode == SyncMode::kFullRefresh) return std::optional<Watermark>();
  if (plan_.window) return std::optional<Watermark>();
  const Watermark before = memory_.watermark.value_or(Watermark());
  Watermark after;
  if (filter_) {
    BIZOND_ASSIGN_OR_RETURN(after, filter_->After());
  }
  const bool ended_early = filter_ && !progress_.exhausted && mode_ != PublishMode::kDirect;
  // A watermark that stands where it stood (more ties than pages) would have every run read the
  // same pages.
  const bool moved = parts_.source->ReadsInCursorOrder() && after.cursor != before.cursor;
  if (ended_early && !moved) {
    after = before;
    Checkpoint left = progress_;
    left.mark.clear();
    left.intent.clear();
    left.verdict.clear();
    left.counters = {};
    after.chunks = filter_->ChunkIdsBefore();  // Without those of an older resume.
    after.chunks.insert(after.chunks.end(), left.chunks.begin(), left.chunks.end());
    left.chunks.clear();
    after.resume = EncodeCheckpoint(left);
    return std::optional<Watermark>(after);
  }
  after.position = progress_.position;
  if (after.position.empty()) after.position = before.position;
  return std::optional<Watermark>(after);
}

Status SyncPump::Record(std::string receipt, bool last) {
  StreamRecord record;
  record.counters = progress_.counters;
  record.receipt = std::move(receipt);
  if (job_.source.sync_mode == SyncMode::kFullRefresh) {
    record.full_rows = record.counters.rows_written;
  }
  BIZOND_ASSIGN_OR_RETURN(record.watermark, WatermarkAfter());
  record.watermark_before = Shown(memory_.watermark);
  record.watermark_after = Shown(record.watermark);
  BIZOND_RETURN_IF_ERROR(parts_.state->RecordStream(stream_, record, last));
  Say(LogLevel::kInfo, "published",
      {{"rows_read", std::to_string(record.counters.rows_read)},
       {"rows_written", std::to_string(record.counters.rows_written)},
       {"rows_rejected", std::to_string(record.counters.rows_rejected)},
       {"rows_deduplicated", std::to_string(record.counters.rows_deduplicated)},
       {"watermark", record.watermark_after}});
  return {};
}

}  // namespace bizond
