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

// The statement names the phase as a number and repeats the condition of the partial index.
std::string PhaseCondition(RunPhase phase) {
  const int number = static_cast<int>(phase);
  const char* const index = IsActive(phase)                ? "phase < 2 AND "
                            : phase > RunPhase::kSucceeded ? "phase > 2 AND "
                                                           : "";
  return fmt::format("{}phase = {} AND ", index, number);
}

std::vector<RunRow> Newest(Connection& db, const RunFilter& filter,
                           const std::optional<PageKey>& after, size_t limit) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const std::string sql = fmt::format(
      "SELECT " BIZOND_RUN_COLUMNS
      "FROM runs WHERE {}{}{}(queued_at, id) < (?2, ?3) AND queued_at >= ?4 AND queued_at < ?5 "
      "ORDER BY queued_at DESC, id DESC LIMIT ?6",
      filter.job.empty() ? "?1 = '' AND " : "job = ?1 AND ",
      filter.phase ? PhaseCondition(*filter.phase) : "",
      filter.slices ? "" : "cursor_window IS NULL AND ");
  return AllRows(db.Prepare(sql, filter.job, after ? after->micros : kMax,
                            after ? after->text : std::string(),
                            filter.since ? ToUnixMicros(*filter.since) : kMin,
                            filter.until ? ToUnixMicros(*filter.until) : kMax, limit));
}

// Both lists are sorted; of a run that is in both the hot one stays.
std::vector<RunRow> NewestOfBoth(Connection& db, Connection* history, const RunFilter& filter,
                                 const std::optional<PageKey>& after, size_t limit) {
  std::vector<RunRow> rows = Newest(db, filter, after, limit);
  if (history == nullptr) return rows;
  std::vector<RunRow> old = Newest(*history, filter, after, limit);
  std::move(old.begin(), old.end(), std::back_inserter(rows));
  std::stable_sort(rows.begin(), rows.end(), [](const RunRow& a, const RunRow& b) {
    return std::tie(a.queued_at, a.id) > std::tie(b.queued_at, b.id);
  });
  rows.erase(std::unique(rows.begin(), rows.end(),
                         [](const RunRow& a, const RunRow& b) { return a.id == b.id; }),
             rows.end());
  if (rows.size() > limit) rows.resize(limit);
  return rows;
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
  result.recent = Newest(db, filter, std::nullopt, kRecentRuns);
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
  return AllRows(db.Prepare(
      "SELECT " BIZOND_RUN_COLUMNS "FROM runs WHERE phase < 2 AND attempt > 0 AND job = ?", job));
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
