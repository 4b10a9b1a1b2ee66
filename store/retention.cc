#include "store/retention.h"

#include <algorithm>
#include <array>
#include <utility>

#include "store/database_file.h"
#include "store/sqlite_store.h"

namespace bizond {
namespace {

#define BIZOND_RUN_ALL_COLUMNS                                                                \
  "id, job, job_version, trigger, phase, attempt, fence, node, reset, priority, nominal_at, " \
  "queued_at, not_before, started_at, finished_at, stage, rows_read, rows_written, "          \
  "rows_rejected, rows_deduplicated, rows_filtered, bytes_written, published, stop_request, " \
  "error, pool, key, key_limit, parallel, waits, warnings, cursor_window, backfill, "         \
  "attempt_started_at"
#define BIZOND_ATTEMPT_ALL_COLUMNS "run_id, number, started_at, finished_at, error"
#define BIZOND_STREAM_ALL_COLUMNS                                                      \
  "run_id, stream, state, rows_read, rows_written, rows_rejected, rows_deduplicated, " \
  "rows_filtered, bytes_written, watermark_before, watermark_after, error"
#define BIZOND_OCCURRENCE_ALL_COLUMNS "job, nominal_at, state, reason, run_id, recorded_at, until"

#define BIZOND_COPY(table, columns, condition)                                             \
  "INSERT OR REPLACE INTO main." table " (" columns ") SELECT " columns " FROM hot." table \
  " WHERE " condition

// A run is queued before it ends: what the index of queued_at offers in vain are the few that were
// under way. 5 is RunPhase::kHeld.
constexpr const char* kOldRuns =
    "SELECT id FROM runs WHERE queued_at < ?1 AND finished_at < ?1 AND phase >= 2 AND phase <> 5 "
    "ORDER BY queued_at LIMIT ?2";
constexpr std::array kCopyRun = {
    BIZOND_COPY("attempts", BIZOND_ATTEMPT_ALL_COLUMNS, "run_id = ?"),
    BIZOND_COPY("run_streams", BIZOND_STREAM_ALL_COLUMNS, "run_id = ?"),
    BIZOND_COPY("runs", BIZOND_RUN_ALL_COLUMNS, "id = ?"),
};
// Not the run that was opened again since it was copied.
constexpr const char* kDeleteRun =
    "DELETE FROM runs WHERE id = ? AND finished_at IS NOT NULL AND finished_at < ? AND "
    "phase >= 2 AND phase <> 5";
constexpr std::array kDeleteRunDetails = {"DELETE FROM attempts WHERE run_id = ?",
                                          "DELETE FROM run_streams WHERE run_id = ?"};

constexpr const char* kOldOccurrences =
    "SELECT job, nominal_at FROM occurrences WHERE recorded_at < ? AND state NOT IN ('queued', "
    "'buffered') ORDER BY recorded_at LIMIT ?";
constexpr const char* kCopyOccurrence =
    BIZOND_COPY("occurrences", BIZOND_OCCURRENCE_ALL_COLUMNS, "job = ? AND nominal_at = ?");
constexpr const char* kDeleteOccurrence =
    "DELETE FROM occurrences WHERE job = ? AND nominal_at = ? AND recorded_at < ? AND "
    "state NOT IN ('queued', 'buffered')";

constexpr const char* kPastRuns =
    "SELECT id FROM main.runs WHERE queued_at < ?1 AND finished_at < ?1 ORDER BY queued_at LIMIT "
    "?2";
constexpr std::array kPruneRun = {"DELETE FROM main.attempts WHERE run_id = ?",
                                  "DELETE FROM main.run_streams WHERE run_id = ?",
                                  "DELETE FROM main.runs WHERE id = ?"};
// One that stands for many stays while one of them is of interest.
constexpr const char* kPastOccurrences =
    "SELECT job, nominal_at FROM main.occurrences WHERE recorded_at < ?1 AND nominal_at < ?1 AND "
    "(until IS NULL OR until < ?1) ORDER BY recorded_at LIMIT ?2";
constexpr const char* kPruneOccurrence =
    "DELETE FROM main.occurrences WHERE job = ? AND nominal_at = ?";

// What is dropped without a copy. Events go in the order of their ids, which is that of their
// times; the newest stays, so that its id is not given to another.
constexpr std::array kDrops = {
    "DELETE FROM events WHERE id IN (SELECT id FROM (SELECT id, at FROM events WHERE id < (SELECT "
    "max(id) FROM events) ORDER BY id LIMIT ?2) WHERE at < ?1)",
    "DELETE FROM idempotency_keys WHERE (job, key) IN (SELECT job, key FROM idempotency_keys "
    "WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
    "DELETE FROM stream_states WHERE rowid IN (SELECT s.rowid FROM deleted_jobs d JOIN "
    "stream_states s ON s.job = d.name WHERE d.deleted_at < ?1 LIMIT ?2)",
    "DELETE FROM boundary_chunks WHERE id IN (SELECT c.id FROM deleted_jobs d JOIN boundary_chunks "
    "c ON c.job = d.name WHERE d.deleted_at < ?1 AND c.run_id = '' AND NOT EXISTS (SELECT 1 FROM "
    "stream_states s WHERE s.job = c.job AND s.stream = c.stream) LIMIT ?2)",
    "DELETE FROM targets WHERE target IN (SELECT t.target FROM deleted_jobs d JOIN targets t ON "
    "t.job = d.name WHERE d.deleted_at < ?1 LIMIT ?2)",
    "DELETE FROM deleted_jobs WHERE name IN (SELECT name FROM deleted_jobs d WHERE deleted_at < ?1 "
    "AND NOT EXISTS (SELECT 1 FROM stream_states s WHERE s.job = d.name) AND NOT EXISTS (SELECT 1 "
    "FROM boundary_chunks c WHERE c.job = d.name) AND NOT EXISTS (SELECT 1 FROM "
    "targets t WHERE t.job = d.name) LIMIT ?2)",
};

}  // namespace

Retention::Retention(Root root, std::string file_name, std::vector<Migration> history_migrations,
                     StoreState* state, Writer* writer)
    : root_(std::move(root)),
      file_name_(std::move(file_name)),
      history_migrations_(std::move(history_migrations)),
      state_(state),
      writer_(writer) {}

Status Retention::OpenHistory() {
  if (history_ != nullptr) return {};
  if (!state_->has_history) {
    BIZOND_RETURN_IF_ERROR(
        CreateDatabase(root_, kHistoryFile, kHistoryApplicationId, history_migrations_, ""));
  }
  try {
    auto history = std::make_unique<Connection>(root_.path() / kHistoryFile,
                                                Connection::Role::kWriter, state_);
    // It leaves the logs when it is closed: it would be taken for the last one of bizond.db, too.
    history->Run("ATTACH ? AS hot", (root_.path() / file_name_).string());
    history_ = std::move(history);
  } catch (const SQLite::Exception& exception) {
    return tl::make_unexpected(SqliteError(exception, (root_.path() / kHistoryFile).string()));
  }
  state_->has_history = true;
  return {};
}

Status Retention::ChangeHistory(const std::function<void(Connection&)>& change) {
  BIZOND_RETURN_IF_ERROR(OpenHistory());
  Status changed = history_->Guard([&]() -> Status {
    // Deferred: an immediate transaction would lock bizond.db for writing as well.
    history_->Run("BEGIN");
    change(*history_);
    history_->Run("COMMIT");
    Query checkpoint = history_->Prepare("PRAGMA main.wal_checkpoint(PASSIVE)");
    checkpoint.Step();
    return {};
  });
  if (history_->InTransaction()) history_->database().tryExec("ROLLBACK");
  return changed;
}

Result<int> Retention::MoveRuns(UtcTime before, int chunk) {
  std::vector<std::string> ids;
  BIZOND_RETURN_IF_ERROR(writer_->WriteRaw([&](Change& change) -> Status {
    Query query = change.db.Prepare(kOldRuns, before, chunk);
    while (query.Step()) ids.push_back(query.Text(0));
    return {};
  }));
  if (ids.empty()) return 0;
  BIZOND_RETURN_IF_ERROR(ChangeHistory([&](Connection& history) {
    for (const std::string& id : ids) {
      for (const char* const statement : kCopyRun) history.Run(statement, id);
    }
  }));
  int moved = 0;
  BIZOND_RETURN_IF_ERROR(writer_->WriteRaw([&](Change& change) -> Status {
    for (const std::string& id : ids) {
      if (change.db.Run(kDeleteRun, id, before) == 0) continue;
      ++moved;
      for (const char* const statement : kDeleteRunDetails) change.db.Run(statement, id);
    }
    return {};
  }));
  return moved;
}

Result<int> Retention::MoveOccurrences(UtcTime before, int chunk) {
  std::vector<std::pair<std::string, int64_t>> keys;
  BIZOND_RETURN_IF_ERROR(writer_->WriteRaw([&](Change& change) -> Status {
    Query query = change.db.Prepare(kOldOccurrences, before, chunk);
    while (query.Step()) keys.emplace_back(query.Text(0), query.Int(1));
    return {};
  }));
  if (keys.empty()) return 0;
  BIZOND_RETURN_IF_ERROR(ChangeHistory([&](Connection& history) {
    for (const auto& [job, nominal_at] : keys) history.Run(kCopyOccurrence, job, nominal_at);
  }));
  int moved = 0;
  BIZOND_RETURN_IF_ERROR(writer_->WriteRaw([&](Change& change) -> Status {
    int64_t latest = keys.front().second;
    for (const auto& [job, nominal_at] : keys) {
      moved += change.db.Run(kDeleteOccurrence, job, nominal_at, before);
      latest = std::max(latest, nominal_at);
    }
    change.db.Run(
        "INSERT INTO meta (key, value) VALUES ('retained_before', ?) ON CONFLICT (key) DO UPDATE "
        "SET value = max(value, excluded.value)",
        latest + 1);
    return {};
  }));
  return moved;
}

Result<int> Retention::DropOld(UtcTime before, int chunk) {
  int dropped = 0;
  BIZOND_RETURN_IF_ERROR(writer_->WriteRaw([&](Change& change) -> Status {
    for (const char* const statement : kDrops) dropped += change.db.Run(statement, before, chunk);
    return {};
  }));
  return dropped;
}

Result<int> Retention::Move(UtcTime before, int chunk) {
  std::lock_guard lock(mutex_);
  chunk = std::max(chunk, 1);
  BIZOND_ASSIGN_OR_RETURN(const int runs, MoveRuns(before, chunk));
  BIZOND_ASSIGN_OR_RETURN(const int occurrences, MoveOccurrences(before, chunk));
  BIZOND_ASSIGN_OR_RETURN(const int dropped, DropOld(before, chunk));
  return runs + occurrences + dropped;
}

Result<int> Retention::Prune(UtcTime before, int chunk) {
  std::lock_guard lock(mutex_);
  if (!state_->has_history) return 0;
  BIZOND_RETURN_IF_ERROR(OpenHistory());
  chunk = std::max(chunk, 1);
  std::vector<std::pair<std::string, int64_t>> occurrences;
  std::vector<std::string> runs;
  BIZOND_RETURN_IF_ERROR(history_->Guard([&]() -> Status {
    Query past = history_->Prepare(kPastOccurrences, before, chunk);
    while (past.Step()) occurrences.emplace_back(past.Text(0), past.Int(1));
    // An occurrence names its run: the runs' turn is when no occurrence of their time is left.
    if (static_cast<int>(occurrences.size()) >= chunk) return {};
    Query ended = history_->Prepare(kPastRuns, before, chunk);
    while (ended.Step()) runs.push_back(ended.Text(0));
    return {};
  }));
  if (occurrences.empty() && runs.empty()) return 0;
  // Before anything goes: who reads "nothing was due" in between would be told a lie.
  BIZOND_RETURN_IF_ERROR(writer_->WriteRaw([&](Change& change) -> Status {
    change.db.Run(
        "INSERT INTO meta (key, value) VALUES ('pruned_before', ?) ON CONFLICT (key) DO UPDATE "
        "SET value = max(value, excluded.value)",
        before);
    return {};
  }));
  BIZOND_RETURN_IF_ERROR(ChangeHistory([&](Connection& history) {
    for (const auto& [job, nominal_at] : occurrences) {
      history.Run(kPruneOccurrence, job, nominal_at);
    }
    for (const std::string& id : runs) {
      for (const char* const statement : kPruneRun) history.Run(statement, id);
    }
  }));
  return static_cast<int>(occurrences.size() + runs.size());
}

}  // namespace bizond
