#include "scheduler/job_service.h"

#include <nlohmann/json.hpp>

#include "scheduler/job_check.h"
#include "scheduler/job_lookup.h"
#include "scheduler/plan_schedule.h"
#include "scheduler/run_held.h"

namespace bizond {
namespace {

using nlohmann::json;

Failure ManagedByFile(const JobRow& job) {
  return Fail(ErrorKind::kConfig, "managed_by_file",
              "the definition of " + job.name + " belongs to the file " + job.origin,
              "change or remove that file: the daemon follows it");
}

// What a watermark depends on: when one of these changes, the old state may mean something else.
json StateBasis(const json& definition) {
  json basis = json::object();
  const json source = definition.value("source", json::object());
  const json destination = definition.value("destination", json::object());
  constexpr const char* kUnrelated[] = {
      "max_iterations", "on_error", "reset",  "authentication",          "api_config",
      "http",           "sleep",    "cursor", "force_ignore_checkpoint", "init_pipeline"};
  basis["source"] = source;
  for (const char* key : kUnrelated) basis["source"].erase(key);
  basis["destination"] = destination.value("name", "");
  const json config = destination.value("config", json::object());
  for (const char* key : {"path", "destination_id", "table", "write", "project_id", "dataset_id"}) {
    if (config.contains(key)) basis["target"][key] = config[key];
  }
  return basis;
}

// How many streams of the job have something that a change of it could strand: a state of their
// own, or a publication that was decided and not recorded yet.
Result<size_t> StreamsWithState(const StoreReader& reader, const JobRow& job,
                                const Catalog& catalog) {
  BIZOND_ASSIGN_OR_RETURN(const std::vector<StreamStateRow> states, reader.StreamStates(job.name));
  if (!states.empty()) return states.size();
  BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, catalog));
  BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, reader.ActiveRuns(job.name));
  size_t decided = 0;
  for (const RunRow& run : active) {
    for (const std::string& stream : spec.source.streams) {
      BIZOND_ASSIGN_OR_RETURN(const auto checkpoint, reader.GetCheckpoint(run.id, stream));
      if (checkpoint && !checkpoint->intent.empty()) ++decided;
    }
  }
  return decided;
}

}  // namespace

JobService::JobService(Store* store, const Catalog* catalog, Clock* clock, RunControl* control,
                       PlainSecrets* plain_secrets, const JobTargets* targets)
    : store_(store),
      catalog_(catalog),
      clock_(clock),
      control_(control),
      plain_secrets_(plain_secrets),
      targets_(targets) {}

ParsedJob JobService::Check(std::string_view text, JobOrigin origin, bool submitted) const {
  ParsedJob parsed = CheckJob(text, *catalog_, origin);
  if (!submitted || !parsed.spec || parsed.spec->schedule.empty()) return parsed;
  const std::string name = parsed.spec->name;
  const Status read = store_->Read([&](const StoreReader& reader) -> Status {
    CheckUpstream(text, reader, &parsed);
    return {};
  });
  // Without a store nothing is put either, which says why.
  if (!read || !parsed.spec) return parsed;
  // A job that has run at its time may still be sent again as it is.
  const auto stored = store_->Query([&](const StoreReader& reader) { return reader.GetJob(name); });
  if (stored && *stored &&
      json::parse((*stored)->definition, nullptr, false).value("schedule", json()) ==
          json::parse(parsed.spec->schedule, nullptr, false)) {
    return parsed;
  }
  RefusePast(text, clock_->Now(), &parsed);
  return parsed;
}

bool JobService::IsWordOnState(const JobSpec& spec, const PutOptions& options) {
  if (options.managed_by != "api" || options.state == StateChange::kAsk) return false;
  std::lock_guard lock(mutex_);
  const auto waiting = waiting_.find(spec.name);
  return waiting != waiting_.end() && waiting->second == spec.definition;
}

Result<PutOutcome> JobService::Put(const JobSpec& spec, const PutOptions& given) {
  PutOptions options = given;
  const bool word_on_state = IsWordOnState(spec, given);
  if (word_on_state) options.managed_by = "file";
  const UtcTime now = clock_->Now();
  std::vector<TargetRow> targets;
  if (targets_ != nullptr && options.managed_by == "api") {
    BIZOND_ASSIGN_OR_RETURN(targets, targets_->Of(spec));
  }
  std::vector<std::string> to_stop;
  Result<PutOutcome> outcome = store_->Transact([&](StoreTx& tx) -> Result<PutOutcome> {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> before, tx.GetJob(spec.name));
    BIZOND_RETURN_IF_ERROR(MayPut(tx, spec, options, before));
    // Known before a run of this definition can begin. Over the API none comes in plain.
    if (!word_on_state) plain_secrets_->Set(spec.name, spec.plain_secrets);
    JobRow row;
    row.name = spec.name;
    row.definition = spec.definition;
    row.managed_by = options.managed_by;
    row.origin = word_on_state && before ? before->origin : options.origin;
    row.created_at = row.updated_at = now;
    PutOutcome result;
    BIZOND_ASSIGN_OR_RETURN(result.row, tx.PutJob(row));
    BIZOND_RETURN_IF_ERROR(ClaimTargets(tx, spec.name, targets));
    result.created = !before;
    result.changed = !before || before->version != result.row.version;
    const bool reschedule = !before || !IsTimingEqual(before->definition, row.definition);
    if (!reschedule) return result;
    if (before) {
      BIZOND_ASSIGN_OR_RETURN(to_stop, EndSchedule(tx, *before, result.row, spec, *catalog_, now));
    }
    BIZOND_RETURN_IF_ERROR(PlanSchedule(tx, spec, now));
    return result;
  });
  for (const std::string& run : to_stop) control_->StopRun(run);
  {
    std::lock_guard lock(mutex_);
    if (outcome) {
      waiting_.erase(spec.name);
    } else if (options.managed_by == "file" && outcome.error().code == "state_conflict") {
      waiting_[spec.name] = spec.definition;
    }
  }
  if (outcome && outcome->changed) control_->Wake();
  return outcome;
}

Status JobService::MayPut(StoreTx& tx, const JobSpec& spec, const PutOptions& options,
                          const std::optional<JobRow>& before) const {
  if (!before) {
    if (options.if_version || options.must_exist) {
      return Fail(ErrorKind::kConfig, "precondition_failed",
                  "If-Match asks for a job that is there, and there is none named " + spec.name,
                  "send it without If-Match to create the job");
    }
    return {};
  }
  if (options.if_absent) {
    return Fail(ErrorKind::kConfig, "precondition_failed",
                "If-None-Match asks for a new job, and there is one named " + spec.name,
                "send it without If-None-Match to replace the job");
  }
  if (options.must_not_exist) {
    return Fail(ErrorKind::kConfig, "job_exists", "a job named " + spec.name + " exists already",
                "PUT /api/v1/jobs/{name} replaces it");
  }
  if (options.if_version && *options.if_version != before->version) {
    return Fail(ErrorKind::kConfig, "precondition_failed",
                "the job is at version " + std::to_string(before->version) + " by now",
                "read it again and apply your change to what it says");
  }
  if (options.managed_by == "api" && before->managed_by == "file") return ManagedByFile(*before);
  if (options.managed_by == "file" && before->managed_by == "api") {
    return Fail(ErrorKind::kConfig, "job_exists",
                "a job named " + spec.name + " was submitted over the API",
                "delete it there first, or give the file's job another name");
  }
  const json old_basis = StateBasis(json::parse(before->definition, nullptr, false));
  const json new_basis = StateBasis(json::parse(spec.definition, nullptr, false));
  if (old_basis == new_basis) return {};
  // Approved it would publish, and move the watermark, of what the job is no longer.
  BIZOND_ASSIGN_OR_RETURN(const std::optional<std::string> held, tx.HeldRun(spec.name));
  if (held) return RunHeld(*held, spec.name);
  if (options.state == StateChange::kKeep) return {};
  BIZOND_ASSIGN_OR_RETURN(const size_t streams, StreamsWithState(tx, *before, *catalog_));
  if (streams == 0) return {};
  if (options.state == StateChange::kReset) {
    BIZOND_RETURN_IF_ERROR(tx.ReleaseTargets(spec.name));
    return tx.ForgetStreamStates(spec.name);
  }
  return Fail(
      ErrorKind::kConfig, "state_conflict",
      "the change touches the source, stream, cursor or target, and the job has state from " +
          std::to_string(streams) + " stream(s); the old version stays in force",
      "say what becomes of the state: ?state=keep or ?state=reset (bizond jobs apply, bizond run: "
      "--state keep|reset)");
}

Status JobService::ClaimTargets(StoreTx& tx, const std::string& job,
                                const std::vector<TargetRow>& targets) {
  if (targets.empty()) return {};
  // Without a state nothing was published: what an earlier version named is free again.
  BIZOND_ASSIGN_OR_RETURN(const std::vector<StreamStateRow> states, tx.StreamStates(job));
  if (states.empty()) BIZOND_RETURN_IF_ERROR(tx.ReleaseTargets(job));
  for (const TargetRow& target : targets) BIZOND_RETURN_IF_ERROR(tx.ClaimTarget(target));
  return {};
}

Status JobService::Delete(std::string_view name, bool by_file, std::optional<int64_t> if_version,
                          bool drop_state) {
  std::vector<std::string> running;
  const UtcTime now = clock_->Now();
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, FindJob(tx, name));
    if (job.managed_by == "file" && !by_file) return ManagedByFile(job);
    if (if_version && *if_version != job.version) {
      return Fail(ErrorKind::kConfig, "precondition_failed",
                  "the job is at version " + std::to_string(job.version) + " by now",
                  "read it again before you delete it");
    }
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(name));
    for (const RunRow& run : active) {
      // What it publishes yet would be written with a state that nobody knows.
      if (drop_state && (run.phase == RunPhase::kRunning || run.attempt > 0)) {
        return Fail(ErrorKind::kConfig, "run_active",
                    "run " + run.id + " goes on, and the state cannot be dropped under it",
                    "bizond runs cancel " + run.id);
      }
      if (run.phase != RunPhase::kRunning) continue;
      BIZOND_RETURN_IF_ERROR(tx.RequestStop(run.id, StopRequest::kCancel));
      running.push_back(run.id);
    }
    BIZOND_RETURN_IF_ERROR(DropJobSchedule(tx, job, *catalog_, now));
    if (drop_state) {
      BIZOND_RETURN_IF_ERROR(tx.ForgetStreamStates(name));
      BIZOND_RETURN_IF_ERROR(tx.DropPendingResets(name));
      BIZOND_RETURN_IF_ERROR(tx.ReleaseTargets(name));
    }
    BIZOND_RETURN_IF_ERROR(tx.DeleteJob(name, now));
    // After its queued runs are gone: it is queued itself, to remove what it has staged.
    BIZOND_ASSIGN_OR_RETURN(const std::optional<std::string> held, tx.HeldRun(name));
    return held ? tx.CancelHeldRun(*held, now) : Status{};
  }));
  for (const std::string& run : running) control_->StopRun(run);
  control_->Wake();
  return {};
}

Status JobService::Pause(std::string_view name) {
  std::vector<std::string> to_stop;
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, FindJob(tx, name));
    // What is due by now was due before the pause.
    BIZOND_ASSIGN_OR_RETURN(to_stop, SettleJob(tx, job, *catalog_, clock_->Now()));
    BIZOND_RETURN_IF_ERROR(tx.SetPaused(name, true, clock_->Now()));
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    if (spec.source.sync_mode != SyncMode::kStream) return {};
    // The one run of a stream job has no end of its own.
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(name));
    for (const RunRow& run : active) {
      if (run.phase == RunPhase::kQueued) {
        BIZOND_RETURN_IF_ERROR(tx.CancelQueuedRun(run.id, std::nullopt, clock_->Now()));
        continue;
      }
      BIZOND_RETURN_IF_ERROR(tx.RequestStop(run.id, StopRequest::kCancel));
      to_stop.push_back(run.id);
    }
    return {};
  }));
  for (const std::string& run : to_stop) control_->StopRun(run);
  return {};
}

Status JobService::Resume(std::string_view name) {
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, FindJob(tx, name));
    // A pause ends now: what was due until now found it paused.
    BIZOND_RETURN_IF_ERROR(SettleJob(tx, job, *catalog_, clock_->Now()));
    BIZOND_RETURN_IF_ERROR(tx.SetPaused(name, false, clock_->Now()));
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    if (spec.source.sync_mode != SyncMode::kStream) return {};
    return PlanSchedule(tx, spec, clock_->Now());
  }));
  control_->Wake();
  return {};
}

}  // namespace bizond
