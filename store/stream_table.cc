#include "store/stream_table.h"

#include <fmt/format.h>

#include <utility>

#include "store/boundary_table.h"

namespace bizond::streams {
namespace {

Result<StreamStateRow> FromRow(const Query& query) {
  StreamStateRow row;
  row.stream = query.Text(0);
  if (const auto text = query.MaybeText(1)) {
    BIZOND_ASSIGN_OR_RETURN(row.watermark, DecodeWatermark(*text));
  }
  row.receipt = query.MaybeText(2);
  row.updated_at = query.Time(3);
  if (!query.IsNull(4)) row.full_rows = query.Unsigned(4);
  return row;
}

void Upsert(Change& change, std::string_view job, std::string_view stream,
            const std::optional<std::string>& watermark, const std::optional<std::string>& receipt,
            const std::optional<uint64_t>& full_rows, UtcTime now) {
  change.db.Run(
      "INSERT INTO stream_states (job, stream, watermark, receipt, updated_at, full_rows) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (job, stream) DO UPDATE SET "
      "watermark = coalesce(?3, watermark), receipt = coalesce(?4, receipt), updated_at = ?5, "
      "full_rows = ?6",
      job, stream, watermark, receipt, now, full_rows);
}

std::optional<std::string> Encoded(const std::optional<Watermark>& watermark) {
  if (!watermark) return std::nullopt;
  return EncodeWatermark(*watermark);
}

}  // namespace

Result<std::vector<StreamStateRow>> All(Connection& db, std::string_view job) {
  Query query = db.Prepare(
      "SELECT stream, watermark, receipt, updated_at, full_rows FROM stream_states WHERE job = ? "
      "ORDER BY stream",
      job);
  std::vector<StreamStateRow> rows;
  while (query.Step()) {
    BIZOND_ASSIGN_OR_RETURN(StreamStateRow row, FromRow(query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::optional<StreamStateRow>> Get(Connection& db, std::string_view job,
                                          std::string_view stream) {
  Query query = db.Prepare(
      "SELECT stream, watermark, receipt, updated_at, full_rows FROM stream_states WHERE job = ? "
      "AND "
      "stream = ?",
      job, stream);
  if (!query.Step()) return std::optional<StreamStateRow>();
  BIZOND_ASSIGN_OR_RETURN(StreamStateRow row, FromRow(query));
  return std::optional<StreamStateRow>(std::move(row));
}

void Put(Change& change, std::string_view job, const StreamStateRow& row, UtcTime now) {
  // Replaced as a whole: what the row does not say is forgotten.
  change.db.Run("DELETE FROM stream_states WHERE job = ? AND stream = ?", job, row.stream);
  boundaries::KeepOfWatermark(change, job, row.stream,
                              row.watermark ? row.watermark->chunks : std::vector<int64_t>());
  if (!row.watermark) return;
  Upsert(change, job, row.stream, Encoded(row.watermark), row.receipt, row.full_rows, now);
}

void Record(Change& change, std::string_view job, std::string_view stream,
            const StreamRecord& record, UtcTime now) {
  std::optional<std::string> receipt;
  if (record.published) receipt = record.receipt;
  Upsert(change, job, stream, Encoded(record.watermark), receipt, record.full_rows, now);
}

void Forget(Change& change, std::string_view job) {
  change.db.Run("DELETE FROM stream_states WHERE job = ?", job);
  boundaries::ForgetJob(change, job);
}

std::vector<TargetRow> Targets(Connection& db, std::string_view job) {
  Query query =
      db.Prepare("SELECT target, job, stream FROM targets WHERE job = ? ORDER BY target", job);
  std::vector<TargetRow> rows;
  while (query.Step()) rows.push_back({query.Text(0), query.Text(1), query.Text(2)});
  return rows;
}

std::optional<TargetRow> TargetOwner(Connection& db, std::string_view target) {
  Query query = db.Prepare("SELECT target, job, stream FROM targets WHERE target = ?", target);
  if (!query.Step()) return std::nullopt;
  return TargetRow{query.Text(0), query.Text(1), query.Text(2)};
}

Status ClaimTarget(Change& change, const TargetRow& target) {
  const std::optional<TargetRow> owner = TargetOwner(change.db, target.target);
  // A deleted job keeps its targets for one of its own name, but not against a living job.
  const bool taken =
      owner && owner->job != target.job &&
      !change.db.MaybeInt("SELECT 1 FROM deleted_jobs WHERE name = ?", owner->job).has_value();
  if (taken) {
    return Fail(ErrorKind::kConfig, "target_taken",
                fmt::format("the target {} belongs to job \"{}\"", target.target, owner->job),
                fmt::format("give this job another destination, or delete the other one: bizond "
                            "jobs delete '{}'",
                            owner->job));
  }
  if (owner && owner->job == target.job && owner->stream != target.stream) {
    return Fail(ErrorKind::kConfig, "target_taken",
                fmt::format("the target {} belongs to stream \"{}\" of the same job \"{}\"",
                            target.target, owner->stream, owner->job),
                "put {stream} in destination_id");
  }
  change.db.Run("INSERT OR REPLACE INTO targets (target, job, stream) VALUES (?, ?, ?)",
                target.target, target.job, target.stream);
  return {};
}

void ReleaseTargets(Change& change, std::string_view job) {
  change.db.Run("DELETE FROM targets WHERE job = ?", job);
}

std::vector<std::string> PendingResets(Connection& db, std::string_view job) {
  Query query = db.Prepare("SELECT stream FROM pending_resets WHERE job = ? ORDER BY stream", job);
  std::vector<std::string> streams;
  while (query.Step()) streams.push_back(query.Text(0));
  return streams;
}

void PutPendingReset(Change& change, std::string_view job, std::string_view stream, UtcTime now) {
  change.db.Run(
      "INSERT OR REPLACE INTO pending_resets (job, stream, requested_at) VALUES (?, ?, ?)", job,
      stream, now);
}

void DropPendingResets(Change& change, std::string_view job) {
  change.db.Run("DELETE FROM pending_resets WHERE job = ?", job);
}

}  // namespace bizond::streams
