#include "scheduler/replan.h"

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "scheduler/fire.h"
#include "scheduler/schedule.h"
#include "scheduler/zone.h"
#include "scheduler/zone_file.h"

namespace bizond {
namespace {

constexpr int kSchedulesAtOnce = 200;
constexpr Duration kLookAtZonesEvery = std::chrono::minutes(1);

bool IsBehind(const SchedulerMarks& marks, UtcTime now) {
  return marks.fired_until && now < *marks.fired_until - kOnTime;
}

}  // namespace

Replan::Replan(Store* store, JobCache* jobs, Clock* clock)
    : store_(store), jobs_(jobs), clock_(clock) {}

Status Replan::Begin() {
  BIZOND_ASSIGN_OR_RETURN(
      marks_, store_->Query([](const StoreReader& reader) { return reader.GetSchedulerMarks(); }));
  tzdata_ = TzdataVersion();
  looked_at_ = clock_->Steady();
  if (const UtcTime now = clock_->Now(); IsBehind(marks_, now)) {
    BIZOND_RETURN_IF_ERROR(store_->Write(
        [&](StoreTx& tx) { return tx.PullQueuedRuns(now, *marks_.fired_until - now); }));
    Start("the clock is behind the last fire");
  } else if (tzdata_ != marks_.tzdata) {
    Start("the time zones are others");
  }
  return {};
}

void Replan::Look() {
  if (IsBehind(marks_, clock_->Now()) && !back_) Start("the clock was set back");
  const Duration now = clock_->Steady();
  if (now - looked_at_ < kLookAtZonesEvery) return;
  looked_at_ = now;
  const bool refreshed = Zone::Refresh();
  std::string tzdata = TzdataVersion();
  if (!refreshed && tzdata == tzdata_) return;
  tzdata_ = std::move(tzdata);
  jobs_->Clear();  // Compiled schedules hold the old rules.
  Start("the time zones were changed");
}

void Replan::Start(std::string_view why) {
  if (!marks_.tzdata.empty()) {
    Log(LogLevel::kInfo, "scheduler", "every schedule is planned anew",
        {{"why", std::string(why)}, {"tzdata", tzdata_}});
  }
  under_way_ = true;
  back_ = IsBehind(marks_, clock_->Now());
  after_.clear();
}

Result<bool> Replan::Turn() {
  if (!under_way_) return false;
  bool more = false;
  std::string last;
  SchedulerMarks marks = marks_;
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    const UtcTime now = clock_->Now();
    BIZOND_ASSIGN_OR_RETURN(const std::vector<ScheduleRow> rows,
                            tx.ListSchedules(after_, kSchedulesAtOnce));
    for (const ScheduleRow& row : rows) BIZOND_RETURN_IF_ERROR(ReplanOne(tx, row, now));
    more = !rows.empty();
    if (more) {
      last = rows.back().job;
      return {};
    }
    marks.tzdata = tzdata_;
    if (back_) marks.fired_until = now;
    return tx.PutSchedulerMarks(marks);
  }));
  after_ = std::move(last);
  if (more) return true;
  marks_ = std::move(marks);
  under_way_ = back_ = false;
  return false;
}

Status Replan::ReplanOne(StoreTx& tx, const ScheduleRow& row, UtcTime now) const {
  BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, tx.GetJob(row.job));
  if (!job) return {};  // Its fire takes the row away.
  // Not by the cache, which a million others would sweep empty, and not the whole definition.
  const nlohmann::json definition = nlohmann::json::parse(job->definition, nullptr, false);
  if (!definition.is_object() || !definition.contains("schedule")) return {};
  const Result<ScheduleSpec> spec = ParseSchedule(definition["schedule"], row.job);
  // One that this binary cannot read is stopped at its fire, with words.
  if (!spec || spec->kind == ScheduleKind::kAfter) return {};
  BIZOND_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Compile(*spec, row.job));
  if (back_) BIZOND_RETURN_IF_ERROR(tx.UndoMissed(row.job, now));
  if (row.next_at && *row.next_at <= now) return {};
  const std::optional<Fire> next = schedule.Next(now);
  const std::optional<UtcTime> next_at = next ? std::optional(next->at) : std::nullopt;
  if (next_at == row.next_at) return {};
  return tx.PutSchedule({row.job, next_at, row.last_nominal, row.upstream});
}

Status Replan::Fired(StoreTx& tx, UtcTime now) {
  // Until a pass for a clock that was set back is done, the next boot must see that it is needed.
  if (under_way_ && back_) return {};
  marks_.fired_until = now;
  return tx.PutSchedulerMarks(marks_);
}

}  // namespace bizond
