#include "web/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace bizond {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using Labels = std::vector<ClientMetric::Label>;

constexpr int kJobsPerPage = 1000;

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

double Seconds(UtcTime time) { return static_cast<double>(ToUnixMicros(time)) / 1e6; }

// What is known of jobs, gathered in one snapshot.
struct JobFamilies {
  MetricFamily paused;
  MetricFamily last_success;
  MetricFamily last_finished;
  MetricFamily last_failed;
  MetricFamily last_rows;
};

void AddJob(const JobRow& job, const JobHistory& history, JobFamilies* families) {
  const Labels labels = {{"job", job.name}};
  Families::Set(families->paused, labels, job.paused ? 1 : 0);
  if (history.last_success_at) {
    Families::Set(families->last_success, labels, Seconds(*history.last_success_at));
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

MetricFamily Gauge(const char* name, const char* help) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = prometheus::MetricType::Gauge;
  return family;
}

}  // namespace

Result<std::string> MetricsText(const WebParts& parts) {
  JobFamilies jobs{
      Gauge("bizond_job_paused", "1 while the job is paused."),
      Gauge("bizond_job_last_success_timestamp_seconds", "When a run of the job last succeeded."),
      Gauge("bizond_job_last_finished_timestamp_seconds", "When a run of the job last ended."),
      Gauge("bizond_job_last_run_failed", "1 when the job's last ended run did not succeed."),
      Gauge("bizond_job_last_run_rows_written", "Rows that the job's last ended run wrote.")};
  size_t job_count = 0;
  size_t queued = 0;
  size_t running = 0;
  double lag_seconds = 0;
  const UtcTime now = parts.clock->Now();
  BIZOND_RETURN_IF_ERROR(parts.store->Read([&](const StoreReader& reader) -> Status {
    Page page;
    page.limit = kJobsPerPage;
    do {
      BIZOND_ASSIGN_OR_RETURN(const PageOf<JobRow> rows, reader.ListJobs(page));
      for (const JobRow& job : rows.items) {
        BIZOND_ASSIGN_OR_RETURN(const JobHistory history, reader.History(job.name));
        AddJob(job, history, &jobs);
      }
      job_count += rows.items.size();
      page.cursor = rows.next_cursor;
    } while (!page.cursor.empty());
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, reader.ActiveRuns(""));
    for (const RunRow& run : active) ++(run.phase == RunPhase::kRunning ? running : queued);
    BIZOND_ASSIGN_OR_RETURN(const std::optional<UtcTime> due, reader.NextDue());
    if (due && *due < now) lag_seconds = Seconds(now) - Seconds(*due);
    return {};
  }));
  const StoreHealth health = parts.store->Health();
  Families families;
  families.AddValue("bizond_jobs", "Jobs that there are.", static_cast<double>(job_count));
  MetricFamily& active = families.Add("bizond_runs_active", "Runs that have not ended.");
  Families::Set(active, {{"state", "queued"}}, static_cast<double>(queued));
  Families::Set(active, {{"state", "running"}}, static_cast<double>(running));
  families.AddValue("bizond_scheduler_lag_seconds", "How long the oldest due fire has waited.",
                    lag_seconds);
  families.AddValue("bizond_scheduler_ready", "1 while the scheduler turns.",
                    parts.scheduler == nullptr || parts.scheduler->Ready() ? 1 : 0);
  families.AddValue("bizond_store_ok", "1 while the store can be written.", health.ok ? 1 : 0);
  families.AddValue("bizond_store_size_bytes", "Size of bizond.db.",
                    static_cast<double>(health.database_bytes));
  families.AddValue("bizond_store_wal_size_bytes", "Size of bizond.db's write-ahead log.",
                    static_cast<double>(health.wal_bytes));
  for (MetricFamily* const family : {&jobs.paused, &jobs.last_success, &jobs.last_finished,
                                     &jobs.last_failed, &jobs.last_rows}) {
    if (!family->metric.empty()) families.Add("", "") = std::move(*family);
  }
  return families.Text();
}

}  // namespace bizond
