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
  return {query.Text(0), query.MaybeTime(1), query.MaybeTime(2), query.MaybeText(3).value_or("")};
}

#define BIZOND_SCHEDULE_COLUMNS "job, next_at, last_nominal, upstream "
#define BIZOND_OCCURRENCE_COLUMNS "job, nominal_at, state, reason, run_id, recorded_at, until "
// Word for word the conditions of the indexes.
#define BIZOND_WAITING "state = 'queued' AND run_id IS NULL "
#define BIZOND_UNUSUAL "state IN ('skipped', 'missed') "

std::vector<OccurrenceRow> AllOccurrences(Query query) {
  std::vector<OccurrenceRow> rows;
  while (query.Step()) {
    rows.push_back({query.Text(0), query.Time(1), query.Text(2), query.Text(3),
                    query.MaybeText(4).value_or(""), query.Time(5), query.MaybeTime(6)});
  }
  return rows;
}

constexpr int64_t kEver = std::numeric_limits<int64_t>::min();
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// Whether only skipped and missed fires can match, which are few.
bool IsOfUnusual(const OccurrenceFilter& filter) {
  const auto unusual = [](const std::string& state) {
    return state == "skipped" || state == "missed";
  };
  return !filter.reason.empty() ||
         (!filter.states.empty() &&
          std::all_of(filter.states.begin(), filter.states.end(), unusual));
}

// ?1 the job, ?2 and ?3 instants, ?4 ",skipped,missed,", ?5 the reason, ?6 the limit.
std::vector<OccurrenceRow> Matching(Connection& db, const OccurrenceFilter& filter,
                                    std::string_view index, std::string_view where, int64_t second,
                                    int64_t third, size_t limit) {
  std::string states;
  for (const std::string& state : filter.states) {
    states += (states.empty() ? "," : "") + state + ",";
  }
  const std::string sql =
      fmt::format("SELECT " BIZOND_OCCURRENCE_COLUMNS
                  "FROM occurrences {} WHERE job = ?1 AND {} AND (?4 = '' OR instr(?4, ',' || "
                  "state || ',') > 0) "
                  "AND (?5 = '' OR reason = ?5) ORDER BY nominal_at DESC LIMIT ?6",
                  index, where);
  return AllOccurrences(db.Prepare(sql, filter.job, second, third, states, filter.reason, limit));
}

std::vector<OccurrenceRow> Newest(Connection& db, const OccurrenceFilter& filter, int64_t before,
                                  size_t limit) {
  const int64_t from = filter.from ? ToUnixMicros(*filter.from) : kEver;
  std::vector<OccurrenceRow> rows =
      IsOfUnusual(filter)
          ? Matching(db, filter, "INDEXED BY occurrences_unusual",
                     "nominal_at < ?2 AND nominal_at >= ?3 AND " BIZOND_UNUSUAL, before, from,
                     limit)
          : Matching(db, filter, "", "nominal_at < ?2 AND nominal_at >= ?3", before, from, limit);
  if (!filter.from || rows.size() >= limit) return rows;
  // Those that begin before it and reach into it.
  std::vector<OccurrenceRow> reaching =
      Matching(db, filter, "INDEXED BY occurrences_until",
               "until IS NOT NULL AND until >= ?3 AND nominal_at < ?2", std::min(before, from),
               from, limit - rows.size());
  std::move(reaching.begin(), reaching.end(), std::back_inserter(rows));
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

// What waits for the fire of a schedule that is no longer there.
void CancelWaiting(Change& change, std::string_view job) {
  change.db.Run(
      "UPDATE occurrences SET state = 'skipped', reason = 'cancelled' WHERE job = ? "
      "AND " BIZOND_WAITING,
      job);
}

}  // namespace

std::optional<ScheduleRow> Get(Connection& db, std::string_view job) {
  Query query = db.Prepare("SELECT " BIZOND_SCHEDULE_COLUMNS "FROM schedules WHERE job = ?", job);
  if (!query.Step()) return std::nullopt;
  return FromRow(query);
}

std::vector<ScheduleRow> Due(Connection& db, UtcTime now, int limit) {
  Query query = db.Prepare(
      "SELECT " BIZOND_SCHEDULE_COLUMNS
      "FROM schedules WHERE next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?",
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

std::vector<ScheduleRow> List(Connection& db, std::string_view after, int limit) {
  Query query = db.Prepare("SELECT " BIZOND_SCHEDULE_COLUMNS
                           "FROM schedules WHERE job > ? ORDER BY job LIMIT ?",
                           after, std::max(limit, 0));
  std::vector<ScheduleRow> rows;
  while (query.Step()) rows.push_back(FromRow(query));
  return rows;
}

std::vector<OccurrenceCount> OccurrenceCounts(Connection& db, std::string_view job) {
  Query query = db.Prepare(
      "SELECT state, reason, count, last_at FROM occurrence_counts WHERE job = ? ORDER BY state, "
      "reason",
      job);
  std::vector<OccurrenceCount> counts;
  while (query.Step())
    counts.push_back({query.Text(0), query.Text(1), query.Int(2), query.Time(3)});
  return counts;
}

SchedulerMarks GetMarks(Connection& db) {
  SchedulerMarks marks;
  if (const auto at = db.MaybeInt("SELECT value FROM meta WHERE key = 'fired_until'")) {
    marks.fired_until = FromUnixMicros(*at);
  }
  Query query = db.Prepare("SELECT value FROM meta WHERE key = 'tzdata'");
  if (query.Step()) marks.tzdata = query.Text(0);
  return marks;
}

void PutMarks(Change& change, const SchedulerMarks& marks) {
  if (marks.fired_until) {
    change.db.Run("INSERT OR REPLACE INTO meta (key, value) VALUES ('fired_until', ?)",
                  *marks.fired_until);
  }
  change.db.Run("INSERT OR REPLACE INTO meta (key, value) VALUES ('tzdata', ?)", marks.tzdata);
}

Result<PageOf<OccurrenceRow>> ListOccurrences(Connection& db, Connection* history,
                                              const OccurrenceFilter& filter, const Page& page) {
  BIZOND_ASSIGN_OR_RETURN(const auto after, DecodePageKey(kCursor, page.cursor));
  const int64_t before =
      std::min(after ? after->micros : kNever, filter.to ? ToUnixMicros(*filter.to) : kNever);
  const size_t limit = static_cast<size_t>(PageLimit(page));
  PageOf<OccurrenceRow> result;
  result.items = Newest(db, filter, before, limit + 1);
  if (history != nullptr) {
    std::vector<OccurrenceRow> old = Newest(*history, filter, before, limit + 1);
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

std::optional<OccurrenceRow> FirstOccurrence(Connection& db, Connection* history,
                                             std::string_view job, UtcTime from) {
  std::optional<OccurrenceRow> first;
  for (Connection* const file : {&db, history}) {
    if (file == nullptr) continue;
    std::vector<OccurrenceRow> rows = AllOccurrences(
        file->Prepare("SELECT " BIZOND_OCCURRENCE_COLUMNS
                      "FROM occurrences WHERE job = ? AND nominal_at >= ? ORDER BY nominal_at "
                      "LIMIT 1",
                      job, from));
    if (rows.empty() || (first && first->nominal_at <= rows[0].nominal_at)) continue;
    first = std::move(rows[0]);
  }
  return first;
}

FireCounts Count(Connection& db, Connection* history, std::string_view job, UtcTime from,
                 UtcTime to, int most) {
  FireCounts counts;
  for (Connection* const file : {&db, history}) {
    if (file == nullptr) continue;
    int seen = 0;
    Query all = file->Prepare(
        "SELECT state, count(*) FROM (SELECT state FROM occurrences WHERE job = ?1 AND nominal_at "
        ">= ?2 AND nominal_at < ?3 LIMIT ?4) GROUP BY state",
        job, from, to, most);
    while (all.Step()) {
      const std::string state = all.Text(0);
      const int count = static_cast<int>(all.Int(1));
      seen += count;
      if (state == "ran") counts.ran += count;
      if (state == "queued" || state == "buffered") counts.waiting += count;
    }
    counts.more = counts.more || seen >= most;
    Query unusual = file->Prepare(
        "SELECT state, count(*) FROM (SELECT state FROM occurrences INDEXED BY "
        "occurrences_unusual WHERE job = ?1 AND nominal_at >= ?2 AND nominal_at < ?3 "
        "AND " BIZOND_UNUSUAL "LIMIT ?4) GROUP BY state",
        job, from, to, most);
    while (unusual.Step()) {
      (unusual.Text(0) == "missed" ? counts.missed : counts.skipped) +=
          static_cast<int>(unusual.Int(1));
    }
    if (file->MaybeInt("SELECT 1 FROM occurrences INDEXED BY occurrences_until WHERE job = ?1 AND "
                       "until IS NOT NULL AND until >= ?2 AND nominal_at < ?3 LIMIT 1",
                       job, from, to)) {
      counts.in_a_row = true;
    }
    // 3 and 4 are RunPhase::kFailed and kPartial.
    counts.failed += static_cast<int>(
        file->MaybeInt("SELECT count(*) FROM (SELECT phase FROM runs WHERE phase >= 2 AND job = ?1 "
                       "AND queued_at >= ?2 AND queued_at < ?3 LIMIT ?4) WHERE phase IN (3, 4)",
                       job, from, to, most)
            .value_or(0));
  }
  return counts;
}

std::vector<OccurrenceRow> Waiting(Connection& db, std::string_view job, int limit) {
  return AllOccurrences(db.Prepare("SELECT " BIZOND_OCCURRENCE_COLUMNS
                                   "FROM occurrences WHERE job = ? AND " BIZOND_WAITING
                                   "ORDER BY nominal_at LIMIT ?",
                                   job, std::max(limit, 0)));
}

void Put(Change& change, const ScheduleRow& schedule) {
  const std::optional<ScheduleRow> before = Get(change.db, schedule.job);
  if (before && before->upstream != schedule.upstream) CancelWaiting(change, schedule.job);
  const std::optional<std::string> upstream =
      schedule.upstream.empty() ? std::nullopt : std::optional(schedule.upstream);
  change.db.Run(
      "INSERT INTO schedules (job, next_at, last_nominal, upstream) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT (job) DO UPDATE SET next_at = ?2, last_nominal = ?3, upstream = ?4",
      schedule.job, schedule.next_at, schedule.last_nominal, upstream);
}

void Delete(Change& change, std::string_view job) {
  if (change.db.Run("DELETE FROM schedules WHERE job = ?", job) > 0) CancelWaiting(change, job);
}

void NoteSuccess(Change& change, std::string_view upstream, UtcTime now) {
  std::vector<std::string> followers;
  Query query = change.db.Prepare(
      "SELECT job FROM schedules WHERE upstream IS NOT NULL AND upstream = ?", upstream);
  while (query.Step()) followers.push_back(query.Text(0));
  for (const std::string& job : followers) {
    // Two successes at one reading of the clock are two occurrences.
    OccurrenceRow occurrence{job, now, "queued", "", "", now};
    while (!InsertOccurrence(change, occurrence)) occurrence.nominal_at += Duration(1);
    change.db.Run("UPDATE schedules SET next_at = ? WHERE job = ?", kDueAtOnce, job);
  }
}

bool InsertOccurrence(Change& change, const OccurrenceRow& occurrence) {
  if (IsInHistory(change, occurrence)) return false;
  return change.db.Run(
             "INSERT OR IGNORE INTO occurrences (job, nominal_at, state, reason, run_id, "
             "recorded_at, until) VALUES (?, ?, ?, ?, ?, ?, ?)",
             occurrence.job, occurrence.nominal_at, occurrence.state, occurrence.reason,
             RunIdOf(occurrence), occurrence.recorded_at, occurrence.until) == 1;
}

void UndoMissed(Change& change, std::string_view job, UtcTime now) {
  change.db.Run(
      "DELETE FROM occurrences WHERE job = ? AND nominal_at > ? AND (state = 'missed' OR "
      "reason = 'paused')",
      job, now);
  change.db.Run(
      "UPDATE occurrences SET until = ?2 WHERE job = ?1 AND nominal_at <= ?2 AND until > ?2", job,
      now);
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
