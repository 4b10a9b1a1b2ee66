#include "store/run_table.h"

#include <fmt/format.h>

#include <utility>

#include "store/boundary_table.h"
#include "store/event_table.h"
#include "store/row_text.h"
#include "store/schedule_table.h"

namespace bizond::runs {
namespace {

void TellOf(Change& change, const RunRow& run, RunPhase phase, int attempt, UtcTime now) {
  events::Tell(change, "run", run.id, now,
               {{"job", run.job},
                {"state", std::string(RunPhaseName(phase))},
                {"attempt", std::to_string(attempt)}});
}

void TellStop(Change& change, const RunRow& run, StopRequest request) {
  events::Tell(change, "run", run.id, change.clock.Now(),
               {{"job", run.job},
                {"state", std::string(RunPhaseName(run.phase))},
                {"stop_requested", request == StopRequest::kCancel ? "cancel" : "none"}});
}

// The attempt is not the run's last: from now on it has a row of its own.
void EndAttempt(Change& change, const RunRow& run, const std::optional<Error>& error, UtcTime now) {
  change.db.Run(
      "INSERT OR REPLACE INTO attempts (run_id, number, started_at, finished_at, error) "
      "SELECT id, attempt, attempt_started_at, ?, ? FROM runs "
      "WHERE id = ? AND attempt_started_at IS NOT NULL",
      now, EncodeError(error), run.id);
}

Result<RunRow> Known(Connection& db, std::string_view id) {
  std::optional<RunRow> run = Get(db, id);
  if (!run) return NoRun(id);
  return std::move(*run);
}

Failure WrongPhase(const RunRow& run, std::string_view wanted) {
  return Conflict(fmt::format("run {} is {}, not {}", run.id, RunPhaseName(run.phase), wanted),
                  fmt::format("bizond runs show {}", run.id));
}

bool IsOwned(const RunRow& run, int64_t fence) {
  return run.phase == RunPhase::kRunning && run.fence == fence;
}

Failure Fenced(const RunRow& run, int64_t fence) {
  return Fail(ErrorKind::kStopped, "fenced",
              fmt::format("run {} is {} under fence {}; this attempt has fence {} and may write no "
                          "more",
                          run.id, RunPhaseName(run.phase), run.fence, fence),
              fmt::format("bizond runs show {}", run.id));
}

// What became of the fire that made the run, if one did.
void SettleOccurrence(Change& change, const RunRow& run, std::string_view state,
                      const std::optional<std::string>& reason = std::nullopt) {
  if (!run.nominal_at) return;
  change.db.Run(
      "UPDATE occurrences SET state = ?, reason = coalesce(?, reason) "
      "WHERE job = ? AND nominal_at = ? AND run_id = ?",
      state, reason, run.job, *run.nominal_at, run.id);
}

// What the end of a run has to know of it: the other fields are not read.
std::optional<RunRow> GetForItsEnd(Connection& db, std::string_view id) {
  Query query = db.Prepare(
      "SELECT job, phase, attempt, fence, waits, pool, key, nominal_at, cursor_window FROM runs "
      "WHERE id = ?",
      id);
  if (!query.Step()) return std::nullopt;
  RunRow run;
  run.id = id;
  run.job = query.Text(0);
  run.phase = static_cast<RunPhase>(query.Int(1));
  run.attempt = static_cast<int>(query.Int(2));
  run.fence = query.Int(3);
  run.waits = static_cast<RunWait>(query.Int(4));
  run.pool = query.Text(5);
  run.key = query.Text(6);
  run.nominal_at = query.MaybeTime(7);
  run.window = query.MaybeText(8).value_or("");
  return run;
}

// The end of a run, whatever it is.
void End(Change& change, const RunRow& run, RunPhase phase, const std::optional<Error>& error,
         UtcTime now) {
  change.db.Run(
      "UPDATE runs SET phase = ?, error = ?, finished_at = ?, node = '', waits = 0 WHERE id = ?",
      static_cast<int>(phase), EncodeError(error), now, run.id);
  const bool held = phase == RunPhase::kHeld;
  // Nobody waits for one that waits behind its own job.
  if (run.waits != RunWait::kJob) LetNextGo(change, run, /*job=*/!held);
  if (held) {
    // The staging is kept, and its job waits for it.
    TellOf(change, run, phase, run.attempt, now);
    return;
  }
  change.db.Run("DELETE FROM checkpoints WHERE run_id = ?", run.id);
  boundaries::ForgetRun(change, run.id);
  // A slice says nothing of how far the job has come.
  if (phase == RunPhase::kSucceeded && !run.IsSlice()) {
    change.db.Run("UPDATE jobs SET last_success_at = ? WHERE name = ?", now, run.job);
    schedules::NoteSuccess(change, run.job, now);
  }
  TellOf(change, run, phase, run.attempt, now);
}

}  // namespace

int64_t NewFences(Change& change, int64_t count) {
  const int64_t last =
      change.db
          .MaybeInt("UPDATE meta SET value = value + ? WHERE key = 'fence' RETURNING value", count)
          .value();
  return last - count + 1;
}

void KeepAttempt(Change& change, std::string_view id) {
  // A run that waited for its next attempt has the row already.
  change.db.Run(
      "INSERT OR IGNORE INTO attempts (run_id, number, started_at, finished_at, error) "
      "SELECT id, attempt, attempt_started_at, finished_at, error FROM runs "
      "WHERE id = ? AND attempt_started_at IS NOT NULL AND finished_at IS NOT NULL",
      id);
}

Failure NoRun(std::string_view id) { return NotFound("run", id, "bizond runs list"); }

Result<RunRow> Owned(Connection& db, std::string_view id, int64_t fence) {
  BIZOND_ASSIGN_OR_RETURN(RunRow run, Known(db, id));
  if (!IsOwned(run, fence)) return Fenced(run, fence);
  return run;
}

Status Insert(Change& change, const RunRow& run) {
  const int inserted = change.db.Run(
      "INSERT OR IGNORE INTO runs (id, job, job_version, trigger, phase, attempt, fence, node, "
      "reset, priority, nominal_at, queued_at, not_before, started_at, finished_at, stage, "
      "rows_read, rows_written, rows_rejected, rows_deduplicated, rows_filtered, bytes_written, "
      "published, stop_request, error, pool, key, key_limit, parallel, waits, cursor_window, "
      "backfill) VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?, ?, ?, ?, ?, ?, ?)",
      run.id, run.job, run.job_version, run.trigger, static_cast<int>(run.phase), run.attempt,
      run.fence, run.reset, run.priority, run.nominal_at, run.queued_at, run.not_before,
      run.started_at, run.finished_at, static_cast<int>(run.stage), run.counters.rows_read,
      run.counters.rows_written, run.counters.rows_rejected, run.counters.rows_deduplicated,
      run.counters.rows_filtered, run.counters.bytes_written, run.published,
      static_cast<int>(run.stop_request), EncodeError(run.error), run.pool, run.key, run.key_limit,
      run.parallel, static_cast<int>(WaitOfNew(change.db, run)),
      run.IsSlice() ? std::optional(run.window) : std::nullopt, run.backfill);
  if (inserted == 0) return Conflict(fmt::format("there is a run {} already", run.id));
  TellOf(change, run, run.phase, run.attempt, run.queued_at);
  return {};
}

// A run's node ends with the boot of the store that claimed it: whatever callers name themselves,
// what this boot runs is no orphan, and what any other ran is one.
Result<int64_t> Claim(Change& change, std::string_view id, std::string_view node, UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(RunRow run, Known(change.db, id));
  if (run.phase != RunPhase::kQueued) return WrongPhase(run, "queued");
  Begin(change, run, NewFences(change, 1), node, now);
  return run.fence;
}

void Begin(Change& change, RunRow& run, int64_t fence, std::string_view node, UtcTime now) {
  run.phase = RunPhase::kRunning;
  run.waits = RunWait::kWorker;
  run.fence = fence;
  ++run.attempt;
  change.db.Run(
      "UPDATE runs SET phase = 1, waits = 0, attempt = ?1, fence = ?2, node = ?3, stage = 0, error "
      "= NULL, started_at = coalesce(started_at, ?4), attempt_started_at = ?4 WHERE id = ?5",
      run.attempt, fence, fmt::format("{}/{}", node, change.boot), now, run.id);
  TellOf(change, run, RunPhase::kRunning, run.attempt, now);
}

Status Requeue(Change& change, std::string_view id, int64_t fence,
               const std::optional<Error>& error, UtcTime not_before, UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, Owned(change.db, id, fence));
  EndAttempt(change, run, error, now);
  change.db.Run(
      "UPDATE runs SET phase = 0, node = '', not_before = ?, waits = ?, error = ? WHERE id = ?",
      not_before, not_before > now, EncodeError(error), id);
  // Its job waits with it.
  LetNextGo(change, run, /*job=*/false);
  TellOf(change, run, RunPhase::kQueued, run.attempt, now);
  return {};
}

Status Finish(Change& change, std::string_view id, int64_t fence, RunPhase phase,
              const std::optional<Error>& error, UtcTime now) {
  if (IsActive(phase)) throw std::logic_error("FinishRun: the phase is not an end");
  const std::optional<RunRow> run = GetForItsEnd(change.db, id);
  if (!run) return NoRun(id);
  if (!IsOwned(*run, fence)) return Fenced(*run, fence);
  End(change, *run, phase, error, now);
  SettleOccurrence(change, *run, "ran");
  return {};
}

Status CancelQueued(Change& change, std::string_view id, const std::optional<Error>& error,
                    UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, Known(change.db, id));
  if (run.phase != RunPhase::kQueued) return WrongPhase(run, "queued");
  if (IsDecided(change.db, id)) {
    // Its destination may show a part of it already: it ends what has begun, and no more.
    change.db.Run("UPDATE runs SET stop_request = 1, not_before = min(not_before, ?) WHERE id = ?",
                  now, id);
    TellStop(change, run, StopRequest::kCancel);
    return {};
  }
  End(change, run, error ? RunPhase::kFailed : RunPhase::kCancelled, error, now);
  if (run.attempt > 0) {
    SettleOccurrence(change, run, "ran");
  } else {
    SettleOccurrence(change, run, "skipped", error ? "failed" : "cancelled");
  }
  return {};
}

void PullQueued(Change& change, UtcTime now, Duration step) {
  // A run that was never begun and has no nominal instant waits only when somebody named the
  // instant; queued_at tells such a run from one that was to begin at once.
  change.db.Run(
      "UPDATE runs SET not_before = max(?1, not_before - ?2) WHERE phase < 2 AND phase = 0 AND "
      "not_before > ?1 AND (attempt > 0 OR nominal_at IS NOT NULL OR not_before <= queued_at)",
      now, step.count());
}

Status Reopen(Change& change, std::string_view id, UtcTime now) {
  const std::optional<RunRow> run = Get(change.db, id);
  if (!run) {
    Connection* const history = change.history.Get();
    if (history == nullptr || !Get(*history, id)) return NoRun(id);
    return Conflict(fmt::format("run {} is in the history and cannot be retried", id),
                    "start a new run of the job: bizond jobs trigger NAME");
  }
  // Of a partial run the streams that were published stay; the others are tried again.
  // Another attempt would read again what a person is asked to judge.
  const bool ended =
      !IsActive(run->phase) && run->phase != RunPhase::kSucceeded && run->phase != RunPhase::kHeld;
  if (!ended || (run->published && run->phase != RunPhase::kPartial)) {
    return WrongPhase(*run, "an ended run that has not published");
  }
  // Fences tell the order of attempts, whatever the clock did in between. A slice and a run that
  // goes by the watermark do not come after each other: neither takes anything from where the other
  // is.
  const auto later = change.db.MaybeInt(
      "SELECT 1 FROM runs WHERE ?5 = 0 AND phase >= 2 AND job = ?1 AND published = 1 AND "
      "cursor_window IS NULL AND CASE WHEN ?2 > 0 THEN fence > ?2 "
      "ELSE (queued_at, id) > (?3, ?4) END LIMIT 1",
      run->job, run->fence, run->queued_at, run->id, run->IsSlice());
  if (later) {
    return Fail(ErrorKind::kPermanent, "later_run_published",
                fmt::format("a later run of job \"{}\" has published since run {}", run->job, id),
                fmt::format("start a new run: bizond jobs trigger '{}'", run->job));
  }
  // It would come between the attempts of the other, whose staging and watermark are the same.
  for (const RunRow& other : Begun(change.db, run->job)) {
    if (other.parallel && run->parallel) continue;
    return Fail(ErrorKind::kConfig, "run_active",
                fmt::format("run {} of job \"{}\" is not at its end", other.id, run->job),
                fmt::format("retry it when that run has ended: bizond runs show {}", other.id));
  }
  if (const auto held = Held(change.db, run->job)) {
    return Fail(ErrorKind::kConfig, "run_held",
                fmt::format("run {} of job \"{}\" is held back by a check", *held, run->job),
                fmt::format("bizond runs approve {0}, or bizond runs cancel {0}", *held));
  }
  KeepAttempt(change, id);
  change.db.Run("DELETE FROM run_streams WHERE run_id = ? AND state <> 'recorded'", id);
  change.db.Run(
      "UPDATE runs SET phase = 0, waits = 0, finished_at = NULL, not_before = ?, error = NULL, "
      "stop_request = 0 WHERE id = ?",
      now, id);
  TellOf(change, *run, RunPhase::kQueued, run->attempt, now);
  return {};
}

Status RequestStop(Change& change, std::string_view id, StopRequest request) {
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, Known(change.db, id));
  if (!IsActive(run.phase)) return WrongPhase(run, "active");
  change.db.Run("UPDATE runs SET stop_request = ? WHERE id = ?", static_cast<int>(request), id);
  TellStop(change, run, request);
  return {};
}

std::vector<RunRow> AdoptOrphans(Change& change, std::string_view node, UtcTime now) {
  std::vector<RunRow> orphans;
  for (RunRow& run : Begun(change.db, "")) {
    if (run.phase != RunPhase::kRunning) continue;
    const int adopted = change.db.Run(
        "UPDATE runs SET phase = 0, waits = 0, node = '', not_before = ? WHERE id = ? AND node NOT "
        "LIKE ?",
        now, run.id, "%/" + change.boot);
    if (adopted == 0) continue;
    EndAttempt(
        change, run,
        Error{ErrorKind::kStopped, "interrupted",
              fmt::format("the process ended during this attempt; \"{}\" goes on with it", node),
              ""},
        now);
    TellOf(change, run, RunPhase::kQueued, run.attempt, now);
    run.phase = RunPhase::kQueued;
    run.not_before = now;
    orphans.push_back(std::move(run));
  }
  LetAllGroupsGo(change);
  return orphans;
}

}  // namespace bizond::runs
