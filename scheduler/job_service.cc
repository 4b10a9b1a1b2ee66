#include "scheduler/job_service.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/identity.h"
#include "scheduler/pending_resets.h"
#include "scheduler/schedule.h"

namespace bizond {
namespace {

using nlohmann::json;

Failure JobMissing(std::string_view job) {
  return Fail(ErrorKind::kConfig, "job_missing", "there is no job named " + std::string(job),
              "bizond jobs list shows the jobs");
}

Failure RunMissing(std::string_view run) {
  return Fail(ErrorKind::kConfig, "run_missing", "there is no run " + std::string(run),
              "bizond runs list shows the runs");
}

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

Result<JobRow> MustGet(const StoreReader& reader, std::string_view name) {
  BIZOND_ASSIGN_OR_RETURN(std::optional<JobRow> job, reader.GetJob(name));
  if (!job) return JobMissing(name);
  return std::move(*job);
}

Status MustHave(const JobSpec& spec, std::string_view stream) {
  const auto& streams = spec.source.streams;
  if (std::find(streams.begin(), streams.end(), stream) != streams.end()) return {};
  return Fail(ErrorKind::kConfig, "invalid_job", "the job has no stream " + std::string(stream),
              "its definition lists its streams");
}

}  // namespace

RunRow NewRun(const JobRow& job, std::string_view trigger, UtcTime now) {
  RunRow run;
  run.id = NewUuid(now);
  run.job = job.name;
  run.job_version = job.version;
  run.trigger = trigger;
  run.queued_at = now;
  run.not_before = now;
  return run;
}

JobService::JobService(Store* store, const Catalog* catalog, Clock* clock, RunControl* control,
                       PlainSecrets* plain_secrets, const JobTargets* targets)
    : store_(store),
      catalog_(catalog),
      clock_(clock),
      control_(control),
      plain_secrets_(plain_secrets),
      targets_(targets) {}

ParsedJob JobService::Check(std::string_view text, JobOrigin origin, bool submitted) const {
  ParsedJob parsed = ParseJob(text, *catalog_, origin);
  if (!parsed.spec) return parsed;
  const ConcurrencySpec& concurrency = parsed.spec->concurrency;
  if (!concurrency.key.empty() || concurrency.pool != "default" || concurrency.limit != 1) {
    parsed.warnings.push_back(
        IssueAt(text, "concurrency",
                "pool, key and limit have no effect in this version: each job runs once at a time, "
                "and the daemon's workers are the only other limit",
                "set `workers` in the daemon's --config; priority does have an effect"));
  }
  if (parsed.spec->schedule.empty()) return parsed;
  const auto refuse = [&](const std::string& path, const Error& error) {
    parsed.errors.push_back(IssueAt(text, path, error.message, error.remedy));
    parsed.spec.reset();
  };
  const json block = json::parse(parsed.spec->schedule, nullptr, false);
  const Result<ScheduleSpec> schedule = ParseSchedule(block, parsed.spec->name);
  if (!schedule) {
    refuse("schedule", schedule.error());
    return parsed;
  }
  if (schedule->kind == ScheduleKind::kAfter) {
    refuse("schedule.after", {ErrorKind::kConfig, "invalid_schedule",
                              "this version cannot run a job after another one",
                              "give the job a cron, every or at of its own", std::nullopt});
    return parsed;
  }
  if (schedule->overlap == OverlapPolicy::kAllowAll) {
    refuse("schedule.overlap", {ErrorKind::kConfig, "invalid_schedule",
                                "allow_all would let two runs share one staging",
                                "use skip, buffer_one, buffer_all or cancel_other", std::nullopt});
    return parsed;
  }
  if (submitted) {
    if (const Status past = CheckNotPast(*schedule, clock_->Now()); !past) {
      refuse("schedule.at", past.error());
    }
  }
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
    const bool reschedule = !before || TimingOf(before->definition) != TimingOf(row.definition);
    if (reschedule) BIZOND_RETURN_IF_ERROR(PlanSchedule(tx, spec, now));
    return result;
  });
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
    if (options.if_version) {
      return Fail(ErrorKind::kConfig, "precondition_failed",
                  "If-Match names a version, but there is no job named " + spec.name,
                  "send it without If-Match to create the job");
    }
    return {};
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
  if (old_basis == new_basis || options.state == StateChange::kKeep) return {};
  BIZOND_ASSIGN_OR_RETURN(const std::vector<StreamStateRow> states, tx.StreamStates(spec.name));
  if (states.empty()) return {};
  if (options.state == StateChange::kReset) {
    BIZOND_RETURN_IF_ERROR(tx.ReleaseTargets(spec.name));
    return tx.ForgetStreamStates(spec.name);
  }
  return Fail(
      ErrorKind::kConfig, "state_conflict",
      "the change touches the source, stream, cursor or target, and the job has state from " +
          std::to_string(states.size()) + " stream(s); the old version stays in force",
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

// What PlanSchedule depends on: a job that becomes a stream begins at once.
json JobService::TimingOf(std::string_view definition) {
  const json parsed = json::parse(definition, nullptr, false);
  if (!parsed.is_object()) return {};
  return {parsed.value("schedule", json()),
          parsed.value("source", json::object()).value("sync_mode", "") ==
              SyncModeName(SyncMode::kStream)};
}

Status JobService::PlanSchedule(StoreTx& tx, const JobSpec& spec, UtcTime now) {
  if (spec.source.sync_mode == SyncMode::kStream) {
    // A stream is one run without an end; it begins when the job is there.
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, MustGet(tx, spec.name));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(spec.name));
    if (active.empty() && !job.paused) return tx.InsertRun(NewRun(job, job.managed_by, now));
    return {};
  }
  if (spec.schedule.empty()) return tx.DeleteSchedule(spec.name);
  BIZOND_ASSIGN_OR_RETURN(const ScheduleSpec schedule_spec,
                          ParseSchedule(json::parse(spec.schedule, nullptr, false), spec.name));
  BIZOND_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Compile(schedule_spec, spec.name));
  const std::optional<Fire> next = schedule.Next(now);
  BIZOND_ASSIGN_OR_RETURN(const std::optional<ScheduleRow> old, tx.GetSchedule(spec.name));
  ScheduleRow row{spec.name, std::nullopt, old ? old->last_nominal : std::nullopt};
  if (next) row.next_at = next->at;
  return tx.PutSchedule(row);
}

Status JobService::Delete(std::string_view name, bool by_file, std::optional<int64_t> if_version) {
  std::vector<std::string> running;
  const UtcTime now = clock_->Now();
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, MustGet(tx, name));
    if (job.managed_by == "file" && !by_file) return ManagedByFile(job);
    if (if_version && *if_version != job.version) {
      return Fail(ErrorKind::kConfig, "precondition_failed",
                  "the job is at version " + std::to_string(job.version) + " by now",
                  "read it again before you delete it");
    }
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(name));
    for (const RunRow& run : active) {
      if (run.phase != RunPhase::kRunning) continue;
      BIZOND_RETURN_IF_ERROR(tx.RequestStop(run.id, StopRequest::kCancel));
      running.push_back(run.id);
    }
    return tx.DeleteJob(name, now);
  }));
  for (const std::string& run : running) control_->StopRun(run);
  control_->Wake();
  return {};
}

Status JobService::Pause(std::string_view name) {
  std::vector<std::string> streams;
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, MustGet(tx, name));
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
      streams.push_back(run.id);
    }
    return {};
  }));
  for (const std::string& run : streams) control_->StopRun(run);
  return {};
}

Status JobService::Resume(std::string_view name) {
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(JobRow job, MustGet(tx, name));
    BIZOND_RETURN_IF_ERROR(tx.SetPaused(name, false, clock_->Now()));
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    if (spec.source.sync_mode != SyncMode::kStream) return {};
    return PlanSchedule(tx, spec, clock_->Now());
  }));
  control_->Wake();
  return {};
}

Result<RunRow> JobService::Trigger(std::string_view name, const TriggerOptions& options) {
  const UtcTime now = clock_->Now();
  Result<RunRow> run = store_->Transact([&](StoreTx& tx) -> Result<RunRow> {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, MustGet(tx, name));
    if (!options.idempotency_key.empty()) {
      BIZOND_ASSIGN_OR_RETURN(const std::optional<std::string> known,
                              tx.IdempotentRun(name, options.idempotency_key));
      if (known) {
        BIZOND_ASSIGN_OR_RETURN(std::optional<RunRow> row, tx.GetRun(*known));
        if (row) return std::move(*row);
      }
    }
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    if (spec.source.sync_mode == SyncMode::kStream) {
      BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(name));
      if (!active.empty()) {
        return Fail(ErrorKind::kConfig, "stream_job", "the stream runs already: " + active[0].id,
                    "pause and resume the job to start its stream again");
      }
    }
    if (options.reset && spec.source.sync_mode == SyncMode::kStream) {
      return Fail(ErrorKind::kConfig, "invalid_job", "a stream job cannot be reset",
                  "give it another destination_id to write everything again");
    }
    RunRow row = NewRun(job, options.trigger, now);
    row.reset = options.reset;
    row.priority = spec.concurrency.priority;
    BIZOND_RETURN_IF_ERROR(tx.InsertRun(row));
    if (!options.idempotency_key.empty()) {
      BIZOND_RETURN_IF_ERROR(tx.PutIdempotencyKey(name, options.idempotency_key, row.id, now));
    }
    return row;
  });
  if (run) control_->Wake();
  return run;
}

Status JobService::RequestReset(std::string_view name, std::string_view stream, bool cancel) {
  return store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, MustGet(tx, name));
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    if (cancel) return DropPendingReset(tx, name, spec.source.streams, stream, clock_->Now());
    if (spec.source.sync_mode != SyncMode::kIncremental) {
      return Fail(ErrorKind::kConfig, "invalid_job",
                  "a reset means something for an incremental job only; this one is " +
                      std::string(SyncModeName(spec.source.sync_mode)),
                  "trigger a run instead");
    }
    if (!stream.empty()) BIZOND_RETURN_IF_ERROR(MustHave(spec, stream));
    return tx.PutPendingReset(name, stream, clock_->Now());
  });
}

Status JobService::Cancel(std::string_view id) {
  bool running = false;
  BIZOND_RETURN_IF_ERROR(store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> run, tx.GetRun(id));
    if (!run) return RunMissing(id);
    if (run->phase == RunPhase::kQueued) {
      return tx.CancelQueuedRun(id, std::nullopt, clock_->Now());
    }
    if (run->phase != RunPhase::kRunning) {
      return Fail(ErrorKind::kConfig, "run_ended",
                  "the run has ended: " + std::string(RunPhaseName(run->phase)), "");
    }
    running = true;
    return tx.RequestStop(id, StopRequest::kCancel);
  }));
  if (running) control_->StopRun(id);
  control_->Wake();
  return {};
}

Result<RunRow> JobService::Retry(std::string_view id) {
  Result<RunRow> run = store_->Transact([&](StoreTx& tx) -> Result<RunRow> {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> row, tx.GetRun(id));
    if (!row) return RunMissing(id);
    if (IsActive(row->phase)) {
      return Fail(ErrorKind::kConfig, "run_active", "the run has not ended yet", "");
    }
    if (row->phase == RunPhase::kSucceeded) {
      return Fail(ErrorKind::kConfig, "run_ended", "the run has succeeded",
                  "trigger the job for another run");
    }
    BIZOND_RETURN_IF_ERROR(MustGet(tx, row->job));
    BIZOND_RETURN_IF_ERROR(tx.ReopenRun(id, clock_->Now()));
    BIZOND_ASSIGN_OR_RETURN(std::optional<RunRow> after, tx.GetRun(id));
    if (!after) return RunMissing(id);
    return std::move(*after);
  });
  if (run) control_->Wake();
  return run;
}

Status JobService::PutStreamState(std::string_view name, std::string_view stream,
                                  const std::optional<Watermark>& watermark) {
  return store_->Write([&](StoreTx& tx) -> Status {
    BIZOND_ASSIGN_OR_RETURN(const JobRow job, MustGet(tx, name));
    BIZOND_ASSIGN_OR_RETURN(const std::vector<RunRow> active, tx.ActiveRuns(name));
    if (!job.paused || !active.empty()) {
      return Fail(ErrorKind::kConfig, "not_paused",
                  "the state of a job changes only while it is paused and no run is active",
                  "bizond jobs pause " + std::string(name));
    }
    BIZOND_ASSIGN_OR_RETURN(const JobSpec spec, ParseStoredJob(job.definition, *catalog_));
    // What is left of a stream that the job has no longer may be forgotten.
    if (watermark) BIZOND_RETURN_IF_ERROR(MustHave(spec, stream));
    BIZOND_ASSIGN_OR_RETURN(const std::optional<StreamStateRow> old, tx.StreamState(name, stream));
    StreamStateRow row = old.value_or(StreamStateRow{});
    row.stream = stream;
    row.watermark = watermark;
    return tx.PutStreamState(name, row, clock_->Now());
  });
}

}  // namespace bizond
