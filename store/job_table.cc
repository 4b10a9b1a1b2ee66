#include "store/job_table.h"

#include <utility>

#include "store/event_table.h"
#include "store/row_text.h"
#include "store/run_table.h"
#include "store/schedule_table.h"

namespace bizond::jobs {
namespace {

constexpr char kCursor = 'j';

#define BIZOND_JOB_COLUMNS                                                            \
  "j.name, j.version, v.definition, j.managed_by, j.origin, j.paused, j.created_at, " \
  "j.updated_at, "                                                                    \
  "j.last_success_at "
#define BIZOND_JOB_TABLES \
  "FROM jobs j JOIN job_versions v ON v.job = j.name AND v.version = j.version "

JobRow FromRow(const Query& query) {
  return {.name = query.Text(0),
          .version = query.Int(1),
          .definition = query.Text(2),
          .managed_by = query.Text(3),
          .origin = query.Text(4),
          .paused = query.Flag(5),
          .created_at = query.Time(6),
          .updated_at = query.Time(7),
          .last_success_at = query.MaybeTime(8)};
}

Failure NoJob(std::string_view name) { return NotFound("job", name, "bizond jobs list"); }

void Insert(Change& change, const JobRow& job) {
  change.db.Run(
      "INSERT INTO jobs (name, version, managed_by, origin, paused, created_at, updated_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET version = ?2, "
      "managed_by = ?3, origin = ?4, updated_at = ?7",
      job.name, job.version, job.managed_by, job.origin, job.paused, job.created_at,
      job.updated_at);
}

}  // namespace

std::optional<JobRow> Get(Connection& db, std::string_view name) {
  Query query = db.Prepare("SELECT " BIZOND_JOB_COLUMNS BIZOND_JOB_TABLES "WHERE j.name = ?", name);
  if (!query.Step()) return std::nullopt;
  return FromRow(query);
}

std::optional<JobRow> GetVersion(Connection& db, std::string_view name, int64_t version) {
  Query query = db.Prepare(
      "SELECT v.job, v.version, v.definition, v.managed_by, v.origin, coalesce(j.paused, 0), "
      "coalesce(j.created_at, v.created_at), v.created_at, j.last_success_at FROM job_versions v "
      "LEFT JOIN jobs j "
      "ON j.name = v.job WHERE v.job = ? AND v.version = ?",
      name, version);
  if (!query.Step()) return std::nullopt;
  return FromRow(query);
}

Result<PageOf<JobRow>> List(Connection& db, const Page& page) {
  BIZOND_ASSIGN_OR_RETURN(const auto after, DecodePageKey(kCursor, page.cursor));
  const size_t limit = static_cast<size_t>(PageLimit(page));
  Query query = db.Prepare("SELECT " BIZOND_JOB_COLUMNS BIZOND_JOB_TABLES
                           "WHERE j.name > ? ORDER BY j.name LIMIT ?",
                           after ? after->text : std::string(), limit + 1);
  PageOf<JobRow> jobs;
  while (query.Step()) {
    if (jobs.items.size() == limit) {
      jobs.next_cursor = EncodePageKey(kCursor, {0, jobs.items.back().name});
      break;
    }
    jobs.items.push_back(FromRow(query));
  }
  return jobs;
}

JobRow Put(Change& change, const JobRow& job) {
  const std::optional<JobRow> before = Get(change.db, job.name);
  JobRow row = job;
  if (before) {
    row.paused = before->paused;
    row.created_at = before->created_at;
  }
  if (before && before->definition == job.definition) {
    row.version = before->version;
  } else {
    // Counted on over a deletion: a run that still has the old job's version must find that one.
    row.version =
        1 + change.db.MaybeInt("SELECT max(version) FROM job_versions WHERE job = ?", job.name)
                .value_or(0);
    change.db.Run(
        "INSERT INTO job_versions (job, version, definition, managed_by, origin, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        row.name, row.version, row.definition, row.managed_by, row.origin, row.updated_at);
  }
  Insert(change, row);
  change.db.Run("DELETE FROM deleted_jobs WHERE name = ?", job.name);
  events::Tell(
      change, "job", row.name, row.updated_at,
      {{"change", before ? "replaced" : "created"}, {"version", std::to_string(row.version)}});
  return row;
}

Status Delete(Change& change, std::string_view name, UtcTime now) {
  if (change.db.Run("DELETE FROM jobs WHERE name = ?", name) == 0) return NoJob(name);
  schedules::Delete(change, name);
  change.db.Run("DELETE FROM pending_resets WHERE job = ?", name);
  change.db.Run("DELETE FROM idempotency_keys WHERE job = ?", name);
  change.db.Run("INSERT OR REPLACE INTO deleted_jobs (name, deleted_at) VALUES (?, ?)", name, now);
  const std::vector<RunRow> active = runs::Active(change.db, name);
  // From the last on: the end of one lets the next one go.
  for (auto run = active.rbegin(); run != active.rend(); ++run) {
    if (run->phase != RunPhase::kQueued) continue;
    BIZOND_RETURN_IF_ERROR(runs::CancelQueued(change, run->id, std::nullopt, now));
  }
  events::Tell(change, "job", name, now, {{"change", "deleted"}});
  return {};
}

Status SetPaused(Change& change, std::string_view name, bool paused, UtcTime now) {
  const int changed =
      change.db.Run("UPDATE jobs SET paused = ?, updated_at = ? WHERE name = ?", paused, now, name);
  if (changed == 0) return NoJob(name);
  events::Tell(change, "job", name, now, {{"change", paused ? "paused" : "resumed"}});
  return {};
}

}  // namespace bizond::jobs
