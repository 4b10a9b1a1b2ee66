#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "store/row_text.h"
#include "store/run_columns.h"
#include "store/run_table.h"

namespace bizond::runs {
namespace {

constexpr char kCursor = 'r';
constexpr size_t kRecentRuns = 30;

std::vector<RunRow> AllRows(Query query) {
  std::vector<RunRow> rows;
  while (query.Step()) rows.push_back(RunFromRow(query));
  return rows;
}

constexpr const char* kEnded = "phase >= 2 AND ";
constexpr const char* kActive = "phase < 2 AND ";

// The statement names the phase as a number and repeats the conditions of the partial indexes.
std::string PhaseCondition(RunPhase phase) {
  return fmt::format("{}{}phase = {} AND ", IsActive(phase) ? kActive : kEnded,
                     phase > RunPhase::kSucceeded ? "phase > 2 AND " : "", static_cast<int>(phase));
}

std::vector<RunRow> Newest(Connection& db, const RunFilter& filter,
                           const std::optional<PageKey>& after, size_t limit,
                           const std::string& phases) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const std::string found = fmt::format(
      "FROM runs WHERE {}{}{}(queued_at, id) < (?2, ?3) AND queued_at >= ?4 AND queued_at < ?5 "
      "ORDER BY queued_at DESC, id DESC LIMIT ?6",
      filter.job.empty() ? "?1 = '' AND " : "job = ?1 AND ", phases,
      filter.slices ? "" : "cursor_window IS NULL AND ");
  // The active runs of a job are indexed in another order: what is sorted is made small.
  const std::string sql =
      phases == kActive && !filter.job.empty()
          ? fmt::format("SELECT " BIZOND_RUN_COLUMNS
                        "FROM runs WHERE id IN (SELECT id {}) ORDER BY queued_at DESC, id DESC",
                        found)
          : "SELECT " BIZOND_RUN_COLUMNS + found;
  return AllRows(db.Prepare(sql, filter.job, after ? after->micros : kMax,
                            after ? after->text : std::string(),
                            filter.since ? ToUnixMicros(*filter.since) : kMin,
                            filter.until ? ToUnixMicros(*filter.until) : kMax, limit));
}

// Both lists are sorted; of a run that is in both the first one's stays.
std::vector<RunRow> Merge(std::vector<RunRow> rows, std::vector<RunRow> more, size_t limit) {
  std::move(more.begin(), more.end(), std::back_inserter(rows));
  std::stable_sort(rows.begin(), rows.end(), [](const RunRow& a, const RunRow& b) {
    return std::tie(a.queued_at, a.id) > std::tie(b.queued_at, b.id);
  });
  rows.erase(std::unique(rows.begin(), rows.end(),
                         [](const RunRow& a, const RunRow& b) { return a.id == b.id; }),
             rows.end());
  if (rows.size() > limit) rows.resize(limit);
  return rows;
}

// Of bizond.db, where a job's runs are in two indexes.
std::vector<RunRow> NewestHot(Connection& db, const RunFilter& filter,
                              const std::optional<PageKey>& after, size_t limit) {
  if (filter.phase) return Newest(db, filter, after, limit, PhaseCondition(*filter.phase));
  if (filter.job.empty()) return Newest(db, filter, after, limit, "");
  return Merge(Newest(db, filter, after, limit, kActive), Newest(db, filter, after, limit, kEnded),
               limit);
}

std::vector<RunRow> NewestOfBoth(Connection& db, Connection* history, const RunFilter& filter,
                                 const std::optional<PageKey>& after, size_t limit) {
  std::vector<RunRow> rows = NewestHot(db, filter, after, limit);
  if (history == nullptr) return rows;
  const std::string phases = filter.phase ? PhaseCondition(*filter.phase) : "";
  return Merge(std::move(rows), Newest(*history, filter, after, limit, phases), limit);
}

}  // namespace

std::optional<RunRow> Get(Connection& db, std::string_view id) {
  Query query = db.Prepare("SELECT " BIZOND_RUN_COLUMNS "FROM runs WHERE id = ?", id);
  if (!query.Step()) return std::nullopt;
  return RunFromRow(query);
}

Result<PageOf<RunRow>> List(Connection& db, Connection* history, const RunFilter& filter,
                            const Page& page) {
  BIZOND_ASSIGN_OR_RETURN(const auto after, DecodePageKey(kCursor, page.cursor));
  const size_t limit = static_cast<size_t>(PageLimit(page));
  PageOf<RunRow> result;
  // An active run is never in the history.
  Connection* const old = filter.phase && IsActive(*filter.phase) ? nullptr : history;
  result.items = NewestOfBoth(db, old, filter, after, limit + 1);
  if (result.items.size() > limit) {
    result.items.resize(limit);
    const RunRow& last = result.items.back();
    result.next_cursor = EncodePageKey(kCursor, {ToUnixMicros(last.queued_at), last.id});
  }
  return result;
}

JobHistory History(Connection& db, Connection* history, std::string_view job) {
  RunFilter filter;
  filter.job = std::string(job);
  filter.slices = false;
  JobHistory result;
  result.recent = NewestHot(db, filter, std::nullopt, kRecentRuns);
  if (result.recent.size() < kRecentRuns && history != nullptr) {
    result.recent = NewestOfBoth(db, history, filter, std::nullopt, kRecentRuns);
  }
  if (const auto at = db.MaybeInt("SELECT last_success_at FROM jobs WHERE name = ?", job)) {
    result.last_success_at = FromUnixMicros(*at);
  }
  return result;
}

std::vector<RunRow> Active(Connection& db, std::string_view job) {
  if (job.empty()) {
    return AllRows(db.Prepare("SELECT " BIZOND_RUN_COLUMNS
                              "FROM runs WHERE phase < 2 ORDER BY job, queued_at, id"));
  }
  return AllRows(db.Prepare("SELECT " BIZOND_RUN_COLUMNS
                            "FROM runs WHERE phase < 2 AND job = ? ORDER BY queued_at, id",
                            job));
}

std::vector<RunRow> Begun(Connection& db, std::string_view job) {
  if (job.empty()) {
    return AllRows(db.Prepare("SELECT " BIZOND_RUN_COLUMNS
                              "FROM runs WHERE phase < 2 AND attempt > 0 ORDER BY job"));
  }
  return AllRows(
      db.Prepare("SELECT " BIZOND_RUN_COLUMNS
                 "FROM runs INDEXED BY runs_begun WHERE phase < 2 AND attempt > 0 AND job = ?",
                 job));
}

bool AnyReady(Connection& db, UtcTime now) {
  const auto ready = db.MaybeInt("SELECT 1 FROM runs WHERE phase = 0 AND waits = 0 LIMIT 1");
  if (ready) return true;
  const std::optional<UtcTime> next = NextReady(db);
  return next && *next <= now;
}

std::optional<UtcTime> NextReady(Connection& db) {
  Query query = db.Prepare(
      "SELECT not_before FROM runs WHERE phase = 0 AND waits = 1 ORDER BY not_before LIMIT 1");
  if (!query.Step()) return std::nullopt;
  return query.Time(0);
}

std::vector<std::string> Stopping(Connection& db) {
  Query query = db.Prepare("SELECT id FROM runs WHERE phase = 1 AND stop_request = 1 ORDER BY id");
  std::vector<std::string> ids;
  while (query.Step()) ids.push_back(query.Text(0));
  return ids;
}

std::vector<AttemptRow> Attempts(Connection& db, std::string_view run) {
  Query query = db.Prepare(
      "SELECT number, started_at, finished_at, error FROM attempts WHERE run_id = ? "
      "ORDER BY number",
      run);
  std::vector<AttemptRow> rows;
  while (query.Step()) {
    rows.push_back({static_cast<int>(query.Int(0)), query.Time(1), query.MaybeTime(2),
                    DecodeError(query.MaybeText(3))});
  }
  // The latest is the run's own.
  Query latest = db.Prepare(
      "SELECT attempt, attempt_started_at, finished_at, error FROM runs WHERE id = ? AND attempt > "
      "0 AND attempt_started_at IS NOT NULL",
      run);
  if (latest.Step() && (rows.empty() || rows.back().number < latest.Int(0))) {
    rows.push_back({static_cast<int>(latest.Int(0)), latest.Time(1), latest.MaybeTime(2),
                    DecodeError(latest.MaybeText(3))});
  }
  return rows;
}

std::vector<RunStreamRow> Streams(Connection& db, std::string_view run) {
  Query query = db.Prepare(
      "SELECT stream, state, rows_read, rows_written, rows_rejected, rows_deduplicated, "
      "rows_filtered, bytes_written, watermark_before, watermark_after, error FROM run_streams "
      "WHERE run_id = ? ORDER BY stream",
      run);
  std::vector<RunStreamRow> rows;
  while (query.Step()) {
    rows.push_back({query.Text(0), query.Text(1), CountersAt(query, 2), query.Text(8),
                    query.Text(9), DecodeError(query.MaybeText(10))});
  }
  return rows;
}

bool IsDecided(Connection& db, std::string_view run) {
  Query query = db.Prepare("SELECT checkpoint FROM checkpoints WHERE run_id = ?", run);
  while (query.Step()) {
    // One that cannot be read may hold a decision: its attempt says so and ends the run.
    const Result<Checkpoint> checkpoint = DecodeCheckpoint(query.Text(0));
    if (!checkpoint || !checkpoint->intent.empty()) return true;
  }
  return false;
}

Result<std::optional<Checkpoint>> GetCheckpoint(Connection& db, std::string_view run,
                                                std::string_view stream) {
  Query query =
      db.Prepare("SELECT checkpoint FROM checkpoints WHERE run_id = ? AND stream = ?", run, stream);
  if (!query.Step()) return std::optional<Checkpoint>();
  BIZOND_ASSIGN_OR_RETURN(Checkpoint checkpoint, DecodeCheckpoint(query.Text(0)));
  return std::optional<Checkpoint>(std::move(checkpoint));
}

}  // namespace bizond::runs
