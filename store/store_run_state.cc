#include "store/store_run_state.h"

#include <algorithm>
#include <utility>

namespace bizond {

StoreRunState::StoreRunState(Store* store, Clock* clock, const RunRow& run, OnProgress on_progress)
    : store_(store),
      clock_(clock),
      run_id_(run.id),
      job_(run.job),
      fence_(run.fence),
      on_progress_(std::move(on_progress)) {}

Result<StreamMemory> StoreRunState::Load(std::string_view stream) {
  return store_->Query([&](const StoreReader& reader) -> Result<StreamMemory> {
    StreamMemory memory;
    BIZOND_ASSIGN_OR_RETURN(memory.checkpoint, reader.GetCheckpoint(run_id_, stream));
    BIZOND_ASSIGN_OR_RETURN(auto state, reader.StreamState(job_, stream));
    if (state) {
      memory.watermark = std::move(state->watermark);
      memory.receipt = std::move(state->receipt);
      memory.full_rows = state->full_rows;
    }
    BIZOND_ASSIGN_OR_RETURN(const auto streams, reader.RunStreams(run_id_));
    memory.recorded = std::any_of(streams.begin(), streams.end(), [&](const RunStreamRow& row) {
      return row.stream == stream && row.state == "recorded";
    });
    return memory;
  });
}

Status StoreRunState::SaveCheckpoint(std::string_view stream, const Checkpoint& checkpoint) {
  BIZOND_RETURN_IF_ERROR(store_->Write(
      [&](StoreTx& tx) { return tx.SaveCheckpoint(run_id_, fence_, stream, checkpoint); },
      Refusal::kBeforeWriting));
  Report(checkpoint.intent.empty() ? Stage::kRead : Stage::kPublish, checkpoint.counters, true);
  return {};
}

Result<int64_t> StoreRunState::PutChunk(std::string_view stream, std::string_view chunk) {
  return store_->Transact([&](StoreTx& tx) { return tx.PutChunk(run_id_, fence_, stream, chunk); });
}

Result<std::string> StoreRunState::GetChunk(std::string_view stream, int64_t id) {
  BIZOND_ASSIGN_OR_RETURN(
      std::optional<std::string> chunk,
      store_->Query([&](const StoreReader& reader) { return reader.GetChunk(job_, stream, id); }));
  if (chunk) return std::move(*chunk);
  return Fail(ErrorKind::kPermanent, "bad_watermark",
              "chunk " + std::to_string(id) + " of the boundary set is not in the store",
              "the store was changed from outside: restore a backup, or reset the job");
}

Status StoreRunState::DropCheckpoint(std::string_view stream) {
  return store_->Write([&](StoreTx& tx) { return tx.DropCheckpoint(run_id_, fence_, stream); });
}

Status StoreRunState::RecordStream(std::string_view stream, const StreamRecord& record, bool last) {
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) {
    return tx.RecordStream(run_id_, fence_, stream, record, last, clock_->Now());
  }));
  Report(Stage::kRecord, record.counters, true);
  return {};
}

void StoreRunState::ReportProgress(std::string_view stream, Stage stage, const Counters& counters) {
  (void)stream;  // One state serves the stream that its executor runs.
  Report(stage, counters, false);
}

void StoreRunState::Report(Stage stage, const Counters& counters, bool committed) const {
  if (on_progress_) on_progress_(stage, counters, committed);
}

}  // namespace bizond
