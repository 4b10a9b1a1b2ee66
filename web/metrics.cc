#include "web/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <optional>

#include "scheduler/freshness.h"

namespace bizond {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using Labels = std::vector<ClientMetric::Label>;

constexpr int kJobsPerPage = 1000;
constexpr int kDueLookedAt = 100;

class Families {
 public:
  MetricFamily& Add(std::string name, std::string help) {
    MetricFamily family;
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = prometheus::MetricType::Gauge;
    return list_.emplace_back(std::move(family));
  }
  void AddValue(std::string name, std::string help, double value) {
    Set(Add(std::move(name), std::move(help)), {}, value);
  }
  static void Set(MetricFamily& family, Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
  }
  std::string Text() const { return prometheus::TextSerializer().Serialize(list_); }

 private:
  std::vector<MetricFamily> list_;
};

// Runs that have not ended.
struct ActiveRuns {
  size_t running = 0;
  size_t queued = 0;
  std::array<size_t, static_cast<size_t>(RunWait::kPool) + 1> waits{};
  std::optional<UtcTime> oldest;  // Since when one waits for something else than its time.

  void Add(const RunRow& run) {
    if (run.phase == RunPhase::kRunning) {
      ++running;
      return;
    }
    ++queued;
    ++waits.at(static_cast<size_t>(run.waits));
    if (run.waits == RunWait::kTime) return;
    const UtcTime since = std::max(run.queued_at, run.not_before);
    oldest = oldest ? std::min(*oldest, since) : since;
  }
};

double Seconds(UtcTime time) { return static_cast<double>(ToUnixMicros(time)) / 1e6; }

// What is known of jobs, gathered in one snapshot.
struct JobFamilies {
  MetricFamily paused;
  MetricFamily last_success;
  MetricFamily last_finished;
  MetricFamily last_failed;
  MetricFamily last_rows;
  MetricFamily occurrences;
  MetricFamily last_occurrence;
  MetricFamily held;
  MetricFamily late;
  MetricFamily freshness_limit;
};

void AddJob(const JobRow& job, const JobHistory& history, bool held, UtcTime now,
            JobFamilies* families) {
  // Not "job": a scrape would rename it.
  const Labels labels = {{"bizond_job", job.name}};
  Families::Set(families->paused, labels, job.paused ? 1 : 0);
  if (history.last_success_at) {
    Families::Set(families->last_success, labels, Seconds(*history.last_success_at));
  }
  Families::Set(families->held, labels, held ? 1 : 0);
  if (const std::optional<Freshness> freshness = FreshnessOf(job)) {
    Families::Set(families->late, labels, freshness->IsLate(now) ? 1 : 0);
    Families::Set(families->freshness_limit, labels,
                  std::chrono::duration<double>(freshness->limit).count());
  }
  const auto ended = std::find_if(history.recent.begin(), history.recent.end(),
                                  [](const RunRow& run) { return !IsActive(run.phase); });
  if (ended == history.recent.end()) return;
  if (ended->finished_at) {
    Families::Set(families->last_finished, labels, Seconds(*ended->finished_at));
  }
  Families::Set(families->last_failed, labels, ended->phase == RunPhase::kSucceeded ? 0 : 1);
  Families::Set(families->last_rows, labels, static_cast<double>(ended->counters.rows_written));
}

void AddOccurrences(const JobRow& job, const std::vector<OccurrenceCount>& counts,
                    JobFamilies* families) {
  for (const OccurrenceCount& each : counts) {
    const Labels labels = {
        {"bizond_job", job.name}, {"state", each.state}, {"reason", each.reason}};
    ClientMetric metric;
    metric.label = labels;
    metric.counter.value = static_cast<double>(each.count);
    families->occurrences.metric.push_back(std::move(metric));
    Families::Set(families->last_occurrence, labels, Seconds(each.last_at));
  }
}

// Since when the oldest fire is due. One that follows another job is due at once, since that one's
// run has ended.
Result<std::optional<UtcTime>> OldestDue(const StoreReader& reader, UtcTime now) {
  BIZOND_ASSIGN_OR_RETURN(const std::vector<ScheduleRow> due,
                          reader.DueSchedules(now, kDueLookedAt));
  std::optional<UtcTime> oldest;
  for (const ScheduleRow& row : due) {
    UtcTime since = row.next_at.value_or(now);
    if (since == kDueAtOnce) {
      BIZOND_ASSIGN_OR_RETURN(const std::vector<OccurrenceRow> waiting,
                              reader.WaitingOccurrences(row.job, 1));
      since = waiting.empty() ? now : waiting.front().nominal_at;
    }
    oldest = oldest ? std::min(*oldest, since) : since;
    if (row.next_at != kDueAtOnce) break;  // They come by their time.
  }
  return oldest;
}

MetricFamily Gauge(const char* name, const char* help) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = prometheus::MetricType::Gauge;
  return family;
}

MetricFamily Counter(const char* name, const char* help) {
  MetricFamily family = Gauge(name, help);
  family.type = prometheus::MetricType::Counter;
  return family;
}

void AddRuns(const ActiveRuns& runs, UtcTime now, Families* families) {
  MetricFamily& active = families->Add("bizond_runs_active", "Runs that have not ended.");
  Families::Set(active, {{"state", "queued"}}, static_cast<double>(runs.queued));
  Families::Set(active, {{"state", "running"}}, static_cast<double>(runs.running));
  MetricFamily& waiting =
      families->Add("bizond_runs_waiting", "Queued runs by what they wait for.");
  for (size_t i = 0; i < runs.waits.size(); ++i) {
    const std::string what(RunWaitName(static_cast<RunWait>(i)));
    Families::Set(waiting, {{"waits_for", what}}, static_cast<double>(runs.waits.at(i)));
  }
  families->AddValue("bizond_runs_waiting_oldest_seconds",
                     "How long the oldest queued run has waited for anything but its time.",
                     runs.oldest && *runs.oldest < now ? Seconds(now) - Seconds(*runs.oldest) : 0);
}

void AddStore(const StoreHealth& health, Families* families) {
  families->AddValue("bizond_store_ok", "1 while the store can be written.", health.ok ? 1 : 0);
  families->AddValue("bizond_store_size_bytes", "Size of bizond.db.",
                     static_cast<double>(health.database_bytes));
  families->AddValue("bizond_store_wal_size_bytes", "Size of bizond.db's write-ahead log.",
                     static_cast<double>(health.wal_bytes));
  families->AddValue("bizond_store_history_size_bytes", "Size of history.db.",
                     static_cast<double>(health.history_bytes));
}

}  // namespace

Result<std::string> MetricsText(const WebParts& parts) {
  JobFamilies jobs{
      Gauge("bizond_job_paused", "1 while the job is paused."),
      Gauge("bizond_job_last_success_timestamp_seconds", "When a run of the job last succeeded."),
      Gauge("bizond_job_last_finished_timestamp_seconds", "When a run of the job last ended."),
      Gauge("bizond_job_last_run_failed", "1 when the job's last ended run did not succeed."),
      Gauge("bizond_job_last_run_rows_written", "Rows that the job's last ended run wrote."),
      Counter("bizond_job_occurrences_total",
              "Nominal fires of the job that ran, were skipped or missed, and why."),
      Gauge("bizond_job_last_occurrence_timestamp_seconds",
            "When a fire of the job was last recorded that ended so."),
      Gauge("bizond_job_held", "1 while a check holds a run of the job back."),
      Gauge("bizond_job_late", "1 while no run has succeeded for longer than checks.freshness."),
      Gauge("bizond_job_freshness_limit_seconds", "The job's checks.freshness.")};
  size_t job_count = 0;
  ActiveRuns runs;
  double lag_seconds = 0;
  const UtcTime now = parts.clock->Now();
  BIZOND_RETURN_IF_ERROR(parts.store->Read([&](const StoreReader& reader) -> Status {
    Page page;
    page.limit = kJobsPerPage;
    do {
      BIZOND_ASSIGN_OR_RETURN(const PageOf<JobRow> rows, reader.ListJobs(page));
      for (const JobRow& job : rows.items) {
        BIZOND_ASSIGN_OR_RETURN(const JobHistory history, reader.History(job.name));
        BIZOND_ASSIGN_OR_RETURN(const auto held, reader.HeldRun(job.name));
        AddJob(job, history, held.has_value(), now, &jobs);
        BIZOND_ASSIGN_OR_RETURN(const auto counts, reader.OccurrenceCounts(job.name));
        AddOccurrences(job, counts, &jobs);
      }
      job_count += rows.items.size();
      page.cursor = rows.next_cursor;
    } while (!page.cursor.empty());
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, reader.ActiveRuns(""));
    for (const RunRow& run : active) runs.Add(run);
    BIZOND_ASSIGN_OR_RETURN(const std::optional<UtcTime> due, OldestDue(reader, now));
    if (due && *due < now) lag_seconds = Seconds(now) - Seconds(*due);
    return {};
  }));
  Families families;
  families.AddValue("bizond_jobs", "Jobs that there are.", static_cast<double>(job_count));
  AddRuns(runs, now, &families);
  families.AddValue("bizond_scheduler_lag_seconds", "How long the oldest due fire has waited.",
                    lag_seconds);
  families.AddValue("bizond_scheduler_ready", "1 while the scheduler turns.",
                    parts.scheduler == nullptr || parts.scheduler->Ready() ? 1 : 0);
  AddStore(parts.store->Health(), &families);
  for (MetricFamily* const family :
       {&jobs.paused, &jobs.last_success, &jobs.last_finished, &jobs.last_failed, &jobs.last_rows,
        &jobs.occurrences, &jobs.last_occurrence, &jobs.held, &jobs.late, &jobs.freshness_limit}) {
    if (!family->metric.empty()) families.Add("", "") = std::move(*family);
  }
  return families.Text();
}

}  // namespace bizond
