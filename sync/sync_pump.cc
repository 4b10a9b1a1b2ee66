#include "sync/sync_pump.h"

#include <algorithm>

#include "base/failpoint.h"

namespace bizond {
SyncPump::SyncPump(PumpPlan plan, PumpParts parts)
    : plan_(std::move(plan)), parts_(parts), job_(*plan_.job), stream_(plan_.publisher.stream) {}

Result<Counters> SyncPump::Run(std::stop_token stop) {
  started_at_ = parts_.clock->Now();
  flushed_at_ = parts_.clock->Steady();
  mode_ = PublishModeOf(job_, plan_.reset);
  Enter(Stage::kOpen);
  BIZOND_RETURN_IF_ERROR(Load());
  if (memory_.recorded) return progress_.counters;
  BIZOND_RETURN_IF_ERROR(OpenDestination(stop));
  progress_.mode = PublishModeName(mode_);
  Failpoint("sync.after_open");
  if (mode_ == PublishMode::kDirect && Resumable() && !memory_.checkpoint) {
    // A stream's rows are at the target as they come: after a crash the destination must know where
    // this run began, or it meets its own rows as a stranger's.
    BIZOND_RETURN_IF_ERROR(FlushAndCheckpoint());
  }
  if (progress_.intent.empty()) {
    BIZOND_RETURN_IF_ERROR(StageAll(stop));
    Enter(Stage::kVerify);
    Failpoint("sync.before_verify");
    BIZOND_RETURN_IF_ERROR(Verify());
    BIZOND_RETURN_IF_ERROR(Seal());
  } else {
    Say(LogLevel::kInfo, "going on with a publication that was decided before");
  }
  BIZOND_RETURN_IF_ERROR(Publish());
  return progress_.counters;
}

Status SyncPump::StageAll(std::stop_token stop) {
  Status read;
  if (IsApproved()) {
    Say(LogLevel::kInfo, "approved: what is staged is published as it is");
    cut_short_ = !progress_.exhausted;
    if (stop.stop_requested()) read = tl::make_unexpected(StoppedError("the publication"));
  } else {
    Enter(Stage::kRead);
    read = ReadAndWrite(stop);
  }
  if (read) return {};
  if (mode_ == PublishMode::kDirect && stop.stop_requested()) {
    BIZOND_RETURN_IF_ERROR(EndOfStream(read.error()));
  } else if (stop.stop_requested() && Reason() == StopReason::kCancel) {
    BIZOND_RETURN_IF_ERROR(RemoveStaging());
  }
  return read;
}

Status SyncPump::RemoveStaging() {
  BIZOND_RETURN_IF_ERROR(parts_.destination->Discard());
  Failpoint("sync.after_discard");
  Say(LogLevel::kInfo, "cancelled: nothing was published, the staging is removed");
  return {};
}

Status SyncPump::Discard() {
  started_at_ = parts_.clock->Now();
  flushed_at_ = parts_.clock->Steady();
  mode_ = PublishModeOf(job_, plan_.reset);
  discards_ = true;
  BIZOND_RETURN_IF_ERROR(Load());
  if (memory_.recorded || !memory_.checkpoint) return {};
  BIZOND_RETURN_IF_ERROR(OpenDestination({}));
  return RemoveStaging();
}

Status SyncPump::Load() {
  BIZOND_ASSIGN_OR_RETURN(memory_, parts_.state->Load(stream_));
  if (memory_.recorded) return {};
  if (memory_.checkpoint) BIZOND_RETURN_IF_ERROR(ChooseCheckpoint());
  // A run that replaces the target reads everything: there is nothing before it.
  // A window is read whole, too, wherever the watermark stands.
  if (mode_ == PublishMode::kReplace || plan_.window) memory_.watermark.reset();
  if (memory_.checkpoint) {
    progress_ = *memory_.checkpoint;
    // An attempt that nobody approved is judged by what it has at its own end.
    if (!IsApproved()) progress_.verdict.clear();
    Say(LogLevel::kInfo, "going on from a checkpoint",
        {{"iterations", std::to_string(progress_.iterations)},
         {"rows_read", std::to_string(progress_.counters.rows_read)}});
  } else if (memory_.watermark && !memory_.watermark->resume.empty()) {
    // The last run was cut short by max_iterations: its pagination, but this run's own counts and
    // ids.
    BIZOND_ASSIGN_OR_RETURN(const Checkpoint left, DecodeCheckpoint(memory_.watermark->resume));
    progress_.pagination = left.pagination;
    progress_.upper_bound = left.upper_bound;
    progress_.cursor_progress = left.cursor_progress;
    progress_.position = left.position;
  }
  bytes_before_ = progress_.counters.bytes_written;
  parser_.emplace(job_.source.cursor_field, job_.source.primary_key);
  BIZOND_RETURN_IF_ERROR(OpenFilter());
  BIZOND_ASSIGN_OR_RETURN(rejects_, RejectsFile::Open(plan_.rejects, progress_.rejects_bytes));
  return {};
}

// Keeps the run's checkpoint where the run can go on from it, and drops it where it starts over.
Status SyncPump::ChooseCheckpoint() {
  const Checkpoint& checkpoint = *memory_.checkpoint;
  if (!checkpoint.intent.empty() || checkpoint.verdict == Checkpoint::kApproved || discards_) {
    // Decided, or made already: as it is, whatever was asked for in between.
    mode_ = ParsePublishMode(checkpoint.mode).value_or(mode_);
    return {};
  }
  const bool other_mode = checkpoint.mode != PublishModeName(mode_);
  const bool starts_over = job_.source.sync_mode == SyncMode::kFullRefresh ||
                           job_.source.force_ignore_checkpoint || !Resumable();
  if (!other_mode && (mode_ == PublishMode::kDirect || !starts_over)) return {};
  memory_.checkpoint.reset();
  return parts_.state->DropCheckpoint(stream_);
}

Status SyncPump::OpenFilter() {
  const bool by_cursor = !job_.source.cursor_field.empty() && !plan_.window;
  if (job_.source.sync_mode != SyncMode::kIncremental || !by_cursor) return {};
  BIZOND_ASSIGN_OR_RETURN(
      filter_, CursorFilter::Create(job_.source.cursor_field, job_.source.cursor, memory_.watermark,
                                    started_at_, Spill()));
  return filter_->Restore(progress_.cursor_progress);
}

BoundarySpill SyncPump::Spill() const {
  BoundarySpill spill;
  spill.put = [state = parts_.state, stream = stream_](std::string_view chunk) {
    return state->PutChunk(stream, chunk);
  };
  spill.get = [state = parts_.state, stream = stream_](int64_t id) {
    return state->GetChunk(stream, id);
  };
  spill.directory = plan_.rejects.root.path();
  spill.entries = plan_.boundary_entries;
  return spill;
}

Status SyncPump::OpenDestination(std::stop_token stop) {
  OpenRequest request;
  request.publisher = plan_.publisher;
  request.mode = mode_;
  request.on_target_changed = job_.destination.on_target_changed;
  if (memory_.checkpoint) {
    request.mark = progress_.mark;
    if (!progress_.intent.empty()) request.intent = progress_.intent;
  }
  request.receipt = memory_.receipt;
  request.ids = BizonIdMaker(plan_.publisher.run_id, stream_);
  request.log = parts_.log;
  request.rejects = this;
  // A stream that is already cancelled is opened to end at its checkpoint, which no stop prevents.
  const bool to_end = mode_ == PublishMode::kDirect && memory_.checkpoint &&
                      stop.stop_requested() && Reason() == StopReason::kCancel;
  Status opened = parts_.destination->Open(request, to_end ? std::stop_token() : stop);
  // A window is not all that the target is to hold: it replaces nothing. What was approved is
  // published as it is, or not at all.
  const bool may_reset = (mode_ == PublishMode::kAppend || mode_ == PublishMode::kMerge) &&
                         !plan_.window && !IsApproved() && !discards_;
  if (opened || opened.error().code != "target_diverged" || !may_reset || request.intent ||
      job_.destination.on_target_changed != OnTargetChanged::kReset) {
    return opened;
  }
  Say(LogLevel::kWarning,
      "the target was changed by someone else: this run replaces it "
      "(destination.config.on_target_changed: reset)",
      {{"why", opened.error().message}});
  mode_ = PublishMode::kReplace;
  BIZOND_RETURN_IF_ERROR(parts_.state->DropCheckpoint(stream_));
  memory_.checkpoint.reset();
  memory_.watermark.reset();
  progress_ = Checkpoint();
  bytes_before_ = 0;
  BIZOND_RETURN_IF_ERROR(OpenFilter());
  BIZOND_ASSIGN_OR_RETURN(rejects_, RejectsFile::Open(plan_.rejects, 0));
  request.mode = mode_;
  request.mark.reset();
  return parts_.destination->Open(request, stop);
}

ReadRequest SyncPump::MakeReadRequest() {
  ReadRequest request;
  request.mode = job_.source.sync_mode;
  request.watermark = memory_.watermark;
  request.upper_bound = progress_.upper_bound;
  request.parser = &*parser_;
  request.window = plan_.window;
  return request;
}

Status SyncPump::ReadAndWrite(std::stop_token stop) {
  if (progress_.exhausted) return {};
  // A checkpoint behind the last page that max_iterations lets through leaves nothing to read, and
  // still the source has more.
  cut_short_ = job_.source.max_iterations && progress_.iterations >= *job_.source.max_iterations;
  PageReader reader(parts_.source, parts_.clock, MakeReadRequest(), plan_.queue_bytes);
  reader.Run({progress_.pagination, progress_.iterations, job_.source.max_iterations}, stop);
  while (true) {
    Result<std::optional<SourcePage>> next = reader.Next(stop);
    if (!next) {
      // What was read before the end counts: the next attempt goes on from here.
      if (Resumable() && Reason() != StopReason::kCancel)
        BIZOND_RETURN_IF_ERROR(FlushAndCheckpoint());
      return tl::make_unexpected(std::move(next).error());
    }
    if (!*next) break;
    SourcePage& page = **next;
    BIZOND_RETURN_IF_ERROR(WritePage(page));
    const bool idle = page.batch->records().empty();
    reader.Recycle(std::move(page.batch));
    BIZOND_RETURN_IF_ERROR(MaybeFlush(idle));
  }
  return {};
}

Status SyncPump::WritePage(const SourcePage& page) {
  torn_ = true;
  RecordBatch* const batch = page.batch.get();
  Counters& counters = progress_.counters;
  counters.rows_read += page.iteration.rows_read;
  BIZOND_RETURN_IF_ERROR(Filter(batch));
  if (mode_ == PublishMode::kMerge || job_.destination.write == WriteMode::kMerge) {
    BIZOND_RETURN_IF_ERROR(RejectNullKeys(batch));
  }
  BIZOND_RETURN_IF_ERROR(rejects_->Write(batch->iteration, batch->rejects()));
  counters.rows_rejected += batch->rejects().size();
  if (!batch->records().empty()) {
    BIZOND_RETURN_IF_ERROR(parts_.destination->WriteRecords(*batch));
    counters.rows_written += batch->records().size();
    SettleRejects();
    unflushed_bytes_ += batch->DataBytes();
  }
  counters.bytes_written = bytes_before_ + parts_.destination->BytesWritten();
  progress_.iterations = batch->iteration + 1;
  progress_.pagination = page.iteration.next_pagination;
  progress_.exhausted = page.iteration.exhausted;
  if (page.iteration.upper_bound) progress_.upper_bound = *page.iteration.upper_bound;
  if (page.iteration.next_position) progress_.position = *page.iteration.next_position;
  cut_short_ = page.cut_short;
  torn_ = false;
  parts_.state->ReportProgress(stream_, stage_, counters);
  return {};
}

Status SyncPump::Filter(RecordBatch* batch) {
  Counters& counters = progress_.counters;
  if (plan_.window) {
    BIZOND_ASSIGN_OR_RETURN(
        const uint64_t outside,
        plan_.window->Apply(job_.source.cursor_field, job_.source.cursor.on_null, batch));
    counters.rows_filtered += outside;
    return {};
  }
  if (!filter_) return {};
  BIZOND_ASSIGN_OR_RETURN(const FilterCounts filtered, filter_->Apply(batch));
  counters.rows_deduplicated += filtered.deduplicated;
  counters.rows_filtered += filtered.filtered;
  if (filtered.future > 0) {
    Say(LogLevel::kWarning,
        "records lie beyond the cursor's future_tolerance: published, but the "
        "watermark does not follow them",
        {{"rows", std::to_string(filtered.future)}});
  }
  if (filtered.late > 0) {
    Say(LogLevel::kInfo, "late records", {{"rows", std::to_string(filtered.late)}});
  }
  return {};
}

Status SyncPump::RejectNullKeys(RecordBatch* batch) {
  auto& records = batch->records();
  for (const auto& record : records) {
    if (record.has_key) continue;
    if (job_.source.on_error == OnError::kFail) {
      return Fail(
          ErrorKind::kPermanent, "null_key",
          "a record has no complete primary key: " + std::string(record.data.substr(0, 200)),
          "mend the source, or set source.on_error: reject");
    }
    batch->rejects().push_back({"", "null_key", "a part of the primary key is null or absent",
                                std::string(record.data), record.position});
  }
  std::erase_if(records, [](const auto& record) { return !record.has_key; });
  return {};
}

Status SyncPump::Reject(uint64_t iteration, RejectedRecord reject) {
  if (job_.source.on_error == OnError::kFail) {
    return Fail(ErrorKind::kPermanent, reject.code,
                "the destination refuses a record: " + reject.reason + ": " +
                    reject.data.substr(0, 200) + "; nothing of this run is published",
                "mend the source or the target's columns, or set source.on_error: reject");
  }
  BIZOND_RETURN_IF_ERROR(rejects_->Write(iteration, {&reject, 1}));
  ++unsettled_rejects_;
  return {};
}

void SyncPump::SettleRejects() {
  progress_.counters.rows_written -= unsettled_rejects_;
  progress_.counters.rows_rejected += unsettled_rejects_;
  unsettled_rejects_ = 0;
}

Result<std::string> SyncPump::FlushDestination() {
  BIZOND_ASSIGN_OR_RETURN(std::string mark, parts_.destination->Flush());
  SettleRejects();
  return mark;
}

void SyncPump::NoteCursorProgress() {
  if (!filter_) return;
  progress_.cursor_progress = filter_->Encode();
  progress_.chunks = filter_->ChunkIds();
}

Status SyncPump::MaybeFlush(bool idle) {
  const Duration since = parts_.clock->Steady() - flushed_at_;
  const bool full = unflushed_bytes_ >= job_.destination.buffer_bytes && unflushed_bytes_ > 0;
  // Twice within stall_timeout at least: only what is committed counts as progress.
  const Duration asked = job_.destination.buffer_flush_timeout;
  const Duration watched = job_.stall_timeout / 2;
  const Duration limit = asked.count() > 0 && watched.count() > 0 ? std::min(asked, watched)
                                                                  : std::max(asked, watched);
  const bool old = limit.count() > 0 && since >= limit;
  // A stream is read by people who wait for it: whatever came is published when nothing follows.
  const bool caught_up = mode_ == PublishMode::kDirect && idle && unflushed_bytes_ > 0;
  if (!full && !old && !caught_up) return {};
  if (!Resumable() && mode_ != PublishMode::kDirect) return {};
  return FlushAndCheckpoint();
}

Status SyncPump::FlushAndCheckpoint() {
  if (!Resumable()) {
    // At least once: in stream mode the end of a batch is all that such a destination can be told.
    BIZOND_RETURN_IF_ERROR(parts_.destination->Finalize());
  }
  BIZOND_ASSIGN_OR_RETURN(progress_.mark, FlushDestination());
  BIZOND_ASSIGN_OR_RETURN(progress_.rejects_bytes, rejects_->Flush());
  progress_.counters.bytes_written = bytes_before_ + parts_.destination->BytesWritten();
  NoteCursorProgress();
  Failpoint("sync.after_flush");
  BIZOND_RETURN_IF_ERROR(parts_.state->SaveCheckpoint(stream_, progress_));
  Failpoint("sync.after_checkpoint");
  unflushed_bytes_ = 0;
  flushed_at_ = parts_.clock->Steady();
  return parts_.destination->MarkStored();
}

// A stream-mode run was stopped: what it wrote is published already. A cancel ends the run here,
// with the place where the next one begins; any other stop leaves it to go on from its checkpoint.
Status SyncPump::EndOfStream(const Error& stopped) {
  if (stopped.kind != ErrorKind::kStopped || Reason() != StopReason::kCancel) return {};
  if (torn_ && Resumable()) {
    // Neither side of the page can be named from here: the next attempt goes back to the checkpoint
    // and ends there.
    return Fail(ErrorKind::kTransient, "cancelled_in_write",
                "the cancel came while a page was being written: " + stopped.message,
                "nothing: another attempt takes back the part of the page, and ends the run");
  }
  if (Status flushed = FlushAndCheckpoint(); !flushed) {
    if (flushed.error().kind != ErrorKind::kStopped) return flushed;
    return Fail(ErrorKind::kTransient, "cancelled_in_write",
                "the cancel came before all that was written had reached the target: " +
                    flushed.error().message,
                "nothing: another attempt brings it there, and ends the run");
  }
  return Record(progress_.mark, /*last=*/false);
}

void SyncPump::Say(LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields) const {
  parts_.log->Write(level, message, fields);
}

void SyncPump::Enter(Stage stage) {
  stage_ = stage;
  Say(LogLevel::kDebug, StageName(stage), {{"stream", stream_}});
  parts_.state->ReportProgress(stream_, stage, progress_.counters);
}

}  // namespace bizond
