// Runs that a check holds back: ended as far as workers are concerned, with the staging and the
// checkpoints kept. Approved or cancelled they are queued again, as another attempt.
#include <fmt/format.h>

#include <utility>

#include "store/event_table.h"
#include "store/row_text.h"
#include "store/run_table.h"

namespace bizond::runs {
namespace {

Result<RunRow> KnownHeld(Connection& db, std::string_view id) {
  std::optional<RunRow> run = Get(db, id);
  if (!run) return NoRun(id);
  if (run->phase == RunPhase::kHeld) return std::move(*run);
  return Fail(ErrorKind::kConfig, "run_not_held",
              fmt::format("run {} is {}: nothing holds it back", id, RunPhaseName(run->phase)),
              fmt::format("bizond runs show {}", id));
}

void QueueAgain(Change& change, const RunRow& run, StopRequest stop, UtcTime now) {
  KeepAttempt(change, run.id);
  change.db.Run(
      "UPDATE runs SET phase = 0, waits = 0, finished_at = NULL, not_before = ?, stop_request = ? "
      "WHERE id = ?",
      now, static_cast<int>(stop), run.id);
  events::Tell(change, "run", run.id, now,
               {{"job", run.job},
                {"state", std::string(RunPhaseName(RunPhase::kQueued))},
                {"attempt", std::to_string(run.attempt)}});
}

}  // namespace

std::optional<std::string> Held(Connection& db, std::string_view job) {
  // By the index of what is unusual, which is small; that of the job holds all its runs.
  Query query =
      db.Prepare("SELECT id FROM runs WHERE phase > 2 AND phase = 5 AND +job = ? LIMIT 1", job);
  if (!query.Step()) return std::nullopt;
  return query.Text(0);
}

Status HoldStream(Change& change, std::string_view run, int64_t fence, std::string_view stream,
                  const Error& why) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow row, Owned(change.db, run, fence));
  change.db.Run("UPDATE run_streams SET state = 'held', error = ? WHERE run_id = ? AND stream = ?",
                EncodeError(why), run, stream);
  events::Tell(change, "run", run, change.clock.Now(),
               {{"job", row.job}, {"state", "running"}, {"held", std::string(stream)}});
  return {};
}

Status Approve(Change& change, std::string_view id, UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, KnownHeld(change.db, id));
  std::vector<std::pair<std::string, Checkpoint>> held;
  {
    Query query =
        change.db.Prepare("SELECT stream, checkpoint FROM checkpoints WHERE run_id = ?", id);
    while (query.Step()) {
      BIZOND_ASSIGN_OR_RETURN(Checkpoint checkpoint, DecodeCheckpoint(query.Text(1)));
      if (checkpoint.verdict != Checkpoint::kHeld) continue;
      held.emplace_back(query.Text(0), std::move(checkpoint));
    }
  }
  for (auto& [stream, checkpoint] : held) {
    checkpoint.verdict = Checkpoint::kApproved;
    change.db.Run("UPDATE checkpoints SET checkpoint = ? WHERE run_id = ? AND stream = ?",
                  EncodeCheckpoint(checkpoint), id, stream);
  }
  // Streams that failed are tried again beside it.
  change.db.Run("DELETE FROM run_streams WHERE run_id = ? AND state NOT IN ('recorded', 'held')",
                id);
  change.db.Run(
      "UPDATE run_streams SET state = 'running', error = NULL WHERE run_id = ? AND state = 'held'",
      id);
  QueueAgain(change, run, StopRequest::kNone, now);
  return {};
}

Status CancelHeld(Change& change, std::string_view id, UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, KnownHeld(change.db, id));
  change.db.Run("UPDATE run_streams SET state = 'failed' WHERE run_id = ? AND state = 'held'", id);
  QueueAgain(change, run, StopRequest::kCancel, now);
  return {};
}

}  // namespace bizond::runs
