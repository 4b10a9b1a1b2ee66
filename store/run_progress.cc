#include <algorithm>
#include <utility>

#include "store/boundary_table.h"
#include "store/event_table.h"
#include "store/row_text.h"
#include "store/run_table.h"
#include "store/stream_table.h"

namespace bizond::runs {
namespace {

// Keeps watermarks and error of the row; the run's own counters are the sum of its streams'.
void PutCounters(Change& change, std::string_view run, std::string_view stream,
                 std::string_view state, const Counters& counters, Stage stage) {
  change.db.Run(
      "INSERT INTO run_streams (run_id, stream, state, rows_read, rows_written, rows_rejected, "
      "rows_deduplicated, rows_filtered, bytes_written, watermark_before, watermark_after) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', '') ON CONFLICT (run_id, stream) DO UPDATE "
      "SET state = ?3, rows_read = ?4, rows_written = ?5, rows_rejected = ?6, "
      "rows_deduplicated = ?7, rows_filtered = ?8, bytes_written = ?9",
      run, stream, state, counters.rows_read, counters.rows_written, counters.rows_rejected,
      counters.rows_deduplicated, counters.rows_filtered, counters.bytes_written);
  change.db.Run(
      "UPDATE runs SET stage = ?2, (rows_read, rows_written, rows_rejected, rows_deduplicated, "
      "rows_filtered, bytes_written) = (SELECT sum(rows_read), sum(rows_written), "
      "sum(rows_rejected), sum(rows_deduplicated), sum(rows_filtered), sum(bytes_written) "
      "FROM run_streams WHERE run_id = ?1) WHERE id = ?1",
      run, static_cast<int>(stage));
}

bool HasFailedStream(Change& change, std::string_view run) {
  return change.db
      .MaybeInt("SELECT 1 FROM run_streams WHERE run_id = ? AND state = 'failed' LIMIT 1", run)
      .has_value();
}

// Whole characters of it.
std::string Cut(std::string_view text) {
  constexpr size_t kMaxBytes = 4096;
  if (text.size() <= kMaxBytes) return std::string(text);
  size_t end = kMaxBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

Result<int64_t> PutChunk(Change& change, std::string_view run, int64_t fence,
                         std::string_view stream, std::string_view chunk) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow row, Owned(change.db, run, fence));
  return boundaries::Put(change, row, stream, chunk);
}

Status SaveCheckpoint(Change& change, std::string_view run, int64_t fence, std::string_view stream,
                      const Checkpoint& checkpoint) {
  BIZOND_RETURN_IF_ERROR(Owned(change.db, run, fence));
  change.db.Run(
      "INSERT INTO checkpoints (run_id, stream, checkpoint) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (run_id, stream) DO UPDATE SET checkpoint = ?3",
      run, stream, EncodeCheckpoint(checkpoint));
  boundaries::KeepOfRun(change, run, stream, checkpoint.chunks);
  PutCounters(change, run, stream, "running", checkpoint.counters,
              checkpoint.intent.empty() ? Stage::kRead : Stage::kPublish);
  return {};
}

Status DropCheckpoint(Change& change, std::string_view run, int64_t fence,
                      std::string_view stream) {
  BIZOND_RETURN_IF_ERROR(Owned(change.db, run, fence));
  change.db.Run("DELETE FROM checkpoints WHERE run_id = ? AND stream = ?", run, stream);
  boundaries::KeepOfRun(change, run, stream, {});
  PutCounters(change, run, stream, "running", Counters{}, Stage::kOpen);
  return {};
}

Status RecordStream(Change& change, std::string_view run, int64_t fence, std::string_view stream,
                    const StreamRecord& record, bool last, UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow row, Owned(change.db, run, fence));
  streams::Record(change, row.job, stream, record, now);
  if (record.watermark) {
    BIZOND_RETURN_IF_ERROR(
        boundaries::Record(change, row.job, stream, run, record.watermark->chunks));
  } else {
    boundaries::KeepOfRun(change, run, stream, {});
  }
  PutCounters(change, run, stream, "recorded", record.counters, Stage::kRecord);
  change.db.Run(
      "UPDATE run_streams SET watermark_before = ?, watermark_after = ?, error = NULL "
      "WHERE run_id = ? AND stream = ?",
      record.watermark_before, record.watermark_after, run, stream);
  if (record.published) change.db.Run("UPDATE runs SET published = 1 WHERE id = ?", run);
  change.db.Run("DELETE FROM checkpoints WHERE run_id = ? AND stream = ?", run, stream);
  if (last) {
    const RunPhase phase = HasFailedStream(change, run) ? RunPhase::kPartial : RunPhase::kSucceeded;
    return Finish(change, run, fence, phase, std::nullopt, now);
  }
  events::Tell(change, "run", run, now,
               {{"job", row.job}, {"state", "running"}, {"recorded", std::string(stream)}});
  return {};
}

Status FailStream(Change& change, std::string_view run, int64_t fence, std::string_view stream,
                  const Counters& counters, const Error& error) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow row, Owned(change.db, run, fence));
  PutCounters(change, run, stream, "failed", counters, row.stage);
  change.db.Run("UPDATE run_streams SET error = ? WHERE run_id = ? AND stream = ?",
                EncodeError(error), run, stream);
  events::Tell(change, "run", run, change.clock.Now(),
               {{"job", row.job}, {"state", "running"}, {"failed", std::string(stream)}});
  return {};
}

Status AddWarning(Change& change, std::string_view run, int64_t fence,
                  const RunWarningRow& warning) {
  BIZOND_ASSIGN_OR_RETURN(RunRow row, Owned(change.db, run, fence));
  RunWarningRow added = warning;
  added.message = Cut(warning.message);
  added.remedy = Cut(warning.remedy);
  const auto same =
      std::find_if(row.warnings.begin(), row.warnings.end(), [&](const RunWarningRow& said) {
        return said.code == added.code && said.stream == added.stream;
      });
  if (same != row.warnings.end()) {
    *same = std::move(added);
  } else if (row.warnings.size() < kRunWarningsMax) {
    row.warnings.push_back(std::move(added));
  } else {
    return {};
  }
  change.db.Run("UPDATE runs SET warnings = ? WHERE id = ?", EncodeWarnings(row.warnings), run);
  events::Tell(change, "run", run, change.clock.Now(),
               {{"job", row.job}, {"state", "running"}, {"warning", warning.code}});
  return {};
}

Status SetStage(Change& change, std::string_view run, int64_t fence, Stage stage) {
  BIZOND_RETURN_IF_ERROR(Owned(change.db, run, fence));
  change.db.Run("UPDATE runs SET stage = ? WHERE id = ?", static_cast<int>(stage), run);
  return {};
}

}  // namespace bizond::runs
