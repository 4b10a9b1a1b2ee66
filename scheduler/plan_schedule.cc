#include "scheduler/plan_schedule.h"

#include <nlohmann/json.hpp>

#include "scheduler/fire.h"
#include "scheduler/job_cache.h"
#include "scheduler/job_chain.h"
#include "scheduler/job_lookup.h"
#include "scheduler/new_run.h"

namespace bizond {
namespace {

using nlohmann::json;

json TimingOf(std::string_view definition) {
  const json parsed = json::parse(definition, nullptr, false);
  if (!parsed.is_object()) return {};
  return {parsed.value("schedule", json()),
          parsed.value("source", json::object()).value("sync_mode", "") ==
              SyncModeName(SyncMode::kStream)};
}

}  // namespace

bool IsTimingEqual(std::string_view definition, std::string_view other) {
  return TimingOf(definition) == TimingOf(other);
}

Status PlanSchedule(StoreTx& tx, const JobSpec& spec, UtcTime now) {
  if (spec.source.sync_mode == SyncMode::kStream) {
    // A stream is one run without an end; it begins when the job is there.
    BIZOND_RETURN_IF_ERROR(tx.DeleteSchedule(spec.name));
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, FindJob(tx, spec.name));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(spec.name));
    if (active.empty() && !job.paused) return tx.InsertRun(NewRun(job, spec, job.managed_by, now));
    return {};
  }
  BIZOND_ASSIGN_OR_RETURN(const std::optional<ScheduleSpec> schedule_spec, ScheduleOf(spec));
  if (!schedule_spec) return tx.DeleteSchedule(spec.name);
  BIZOND_ASSIGN_OR_RETURN(const std::optional<ScheduleRow> old, tx.GetSchedule(spec.name));
  ScheduleRow row{spec.name, std::nullopt, old ? old->last_nominal : std::nullopt, ""};
  if (schedule_spec->kind == ScheduleKind::kAfter) {
    row.upstream = schedule_spec->after;
    BIZOND_RETURN_IF_ERROR(CheckNoCircle(tx, spec.name, row.upstream));
    // What the upstream did before the change still counts.
    if (old && old->upstream == row.upstream) row.next_at = old->next_at;
    return tx.PutSchedule(row);
  }
  BIZOND_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Compile(*schedule_spec, spec.name));
  const std::optional<Fire> next = schedule.Next(now);
  if (next) row.next_at = next->at;
  return tx.PutSchedule(row);
}

Result<std::vector<std::string>> EndSchedule(StoreTx& tx, const JobRow& before, const JobRow& after,
                                             const JobSpec& spec, const Catalog& catalog,
                                             UtcTime now) {
  const Result<CompiledJob> old = CompileJob(before, catalog);
  if (!old || !old->schedule) return std::vector<std::string>();
  const FireRules rules{after, spec, *old->schedule_spec, *old->schedule};
  const bool goes_on = !spec.schedule.empty() && spec.source.sync_mode != SyncMode::kStream;
  if (goes_on) return SettleSchedule(tx, rules, now, "downtime");
  BIZOND_RETURN_IF_ERROR(DropSchedule(tx, rules, now, "changed"));
  return std::vector<std::string>();
}

Result<std::vector<std::string>> SettleJob(StoreTx& tx, const JobRow& job, const Catalog& catalog,
                                           UtcTime now) {
  const Result<CompiledJob> compiled = CompileJob(job, catalog);
  if (!compiled || !compiled->schedule) return std::vector<std::string>();
  return SettleSchedule(tx, RulesOf(job, *compiled), now, "downtime");
}

Status DropJobSchedule(StoreTx& tx, const JobRow& job, const Catalog& catalog, UtcTime now) {
  const Result<CompiledJob> compiled = CompileJob(job, catalog);
  if (!compiled || !compiled->schedule) return tx.DeleteSchedule(job.name);
  return DropSchedule(tx, RulesOf(job, *compiled), now, "deleted");
}

}  // namespace bizond
