#include "store/schedule_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "store/row_text.h"

namespace bizond::schedules {
namespace {

constexpr char kCursor = 'o';

ScheduleRow FromRow(const Query& query) {
  return {query.Text(0), query.MaybeTime(1), query.MaybeTime(2)};
}

std::vector<OccurrenceRow> Newest(Connection& db, std::string_view job, int64_t before,
                                  size_t limit) {
  Query query = db.Prepare(
      "SELECT job, nominal_at, state, reason, run_id, recorded_at FROM occurrences "
      "WHERE job = ? AND nominal_at < ? ORDER BY nominal_at DESC LIMIT ?",
      job, before, limit);
  std::vector<OccurrenceRow> rows;
  while (query.Step()) {
    rows.push_back({query.Text(0), query.Time(1), query.Text(2), query.Text(3),
                    query.MaybeText(4).value_or(""), query.Time(5)});
  }
  return rows;
}

std::optional<std::string> RunIdOf(const OccurrenceRow& occurrence) {
  if (occurrence.run_id.empty()) return std::nullopt;
  return occurrence.run_id;
}

// Whether (job, nominal_at) was moved to the history. Only what is older than the latest move can
// have been, so that an ordinary fire does not look there.
bool IsInHistory(Change& change, const OccurrenceRow& occurrence) {
  Connection* const history = change.history.Get();
  if (history == nullptr) return false;
  const auto moved = change.db.MaybeInt("SELECT value FROM meta WHERE key = 'retained_before'");
  if (!moved || ToUnixMicros(occurrence.nominal_at) >= *moved) return false;
  return history
      ->MaybeInt("SELECT 1 FROM occurrences WHERE job = ? AND nominal_at = ?", occurrence.job,
                 occurrence.nominal_at)
      .has_value();
}

}  // namespace

std::optional<ScheduleRow> Get(Connection& db, std::string_view job) {
  Query query = db.Prepare("SELECT job, next_at, last_nominal FROM schedules WHERE job = ?", job);
  if (!query.Step()) return std::nullopt;
  return FromRow(query);
}

std::vector<ScheduleRow> Due(Connection& db, UtcTime now, int limit) {
  Query query = db.Prepare(
      "SELECT job, next_at, last_nominal FROM schedules WHERE next_at IS NOT NULL AND "
      "next_at <= ? ORDER BY next_at LIMIT ?",
      now, std::max(limit, 0));
  std::vector<ScheduleRow> rows;
  while (query.Step()) rows.push_back(FromRow(query));
  return rows;
}

std::optional<UtcTime> NextDue(Connection& db) {
  Query query = db.Prepare(
      "SELECT next_at FROM schedules WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1");
  if (!query.Step()) return std::nullopt;
  return query.Time(0);
}

Result<PageOf<OccurrenceRow>> ListOccurrences(Connection& db, Connection* history,
                                              std::string_view job, const Page& page) {
  BIZOND_ASSIGN_OR_RETURN(const auto after, DecodePageKey(kCursor, page.cursor));
  const int64_t before = after ? after->micros : std::numeric_limits<int64_t>::max();
  const size_t limit = static_cast<size_t>(PageLimit(page));
  PageOf<OccurrenceRow> result;
  result.items = Newest(db, job, before, limit + 1);
  if (history != nullptr) {
    std::vector<OccurrenceRow> old = Newest(*history, job, before, limit + 1);
    std::move(old.begin(), old.end(), std::back_inserter(result.items));
    // Stable: of a row that is in both the hot one stays.
    std::stable_sort(result.items.begin(), result.items.end(),
                     [](const auto& a, const auto& b) { return a.nominal_at > b.nominal_at; });
    result.items.erase(
        std::unique(result.items.begin(), result.items.end(),
                    [](const auto& a, const auto& b) { return a.nominal_at == b.nominal_at; }),
        result.items.end());
  }
  if (result.items.size() > limit) {
    result.items.resize(limit);
    result.next_cursor = EncodePageKey(kCursor, {ToUnixMicros(result.items.back().nominal_at), ""});
  }
  return result;
}

void Put(Change& change, const ScheduleRow& schedule) {
  change.db.Run(
      "INSERT INTO schedules (job, next_at, last_nominal) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (job) DO UPDATE SET next_at = ?2, last_nominal = ?3",
      schedule.job, schedule.next_at, schedule.last_nominal);
}

void Delete(Change& change, std::string_view job) {
  change.db.Run("DELETE FROM schedules WHERE job = ?", job);
}

bool InsertOccurrence(Change& change, const OccurrenceRow& occurrence) {
  if (IsInHistory(change, occurrence)) return false;
  return change.db.Run(
             "INSERT OR IGNORE INTO occurrences (job, nominal_at, state, reason, run_id, "
             "recorded_at) VALUES (?, ?, ?, ?, ?, ?)",
             occurrence.job, occurrence.nominal_at, occurrence.state, occurrence.reason,
             RunIdOf(occurrence), occurrence.recorded_at) == 1;
}

Status SetOccurrence(Change& change, const OccurrenceRow& occurrence) {
  const int changed = change.db.Run(
      "UPDATE occurrences SET state = ?, reason = ?, run_id = ?, recorded_at = ? "
      "WHERE job = ? AND nominal_at = ?",
      occurrence.state, occurrence.reason, RunIdOf(occurrence), occurrence.recorded_at,
      occurrence.job, occurrence.nominal_at);
  if (changed == 1) return {};
  return NotFound("occurrence",
                  fmt::format("{} at {}", occurrence.job, FormatUtc(occurrence.nominal_at)),
                  "see the job's occurrences: GET /api/v1/jobs/NAME/occurrences");
}

}  // namespace bizond::schedules
