// `bizond run`: one sync to its end in the foreground, without a daemon.
//
// It keeps a store of its own under run/<job>/, locked while it runs, and drives the same job
// service and executor as the daemon does: a run that was cut off goes on, a second one begins at
// the first's watermark.
#include <nlohmann/json.hpp>
#include <thread>

#include "app/composition.h"
#include "app/job_file.h"
#include "scheduler/job_service.h"
#include "scheduler/run_executor.h"
#include "store/run_logs.h"
#include "store/sqlite_store.h"
#include "web/run_json.h"

namespace bizond {
namespace {

using nlohmann::json;

// How often timeouts are looked at.
constexpr Duration kWatchEvery = std::chrono::seconds(1);
constexpr Duration kLockPoll = std::chrono::milliseconds(200);

// Nothing else runs here: there is nobody to wake.
class NoControl final : public RunControl {
 public:
  void Wake() override {}
  void StopRun(std::string_view) override {}
  std::optional<LiveRun> Live(std::string_view) const override { return std::nullopt; }
};

Result<std::unique_ptr<Store>> OpenStore(const std::filesystem::path& directory, Clock* clock,
                                         bool wait, std::stop_token stop) {
  while (true) {
    StoreOptions options;
    options.directory = directory;
    options.clock = clock;
    options.readers = 1;
    Result<std::unique_ptr<Store>> store = OpenSqliteStore(options);
    if (store || !wait || store.error().code != "state_dir_locked") return store;
    if (!clock->SleepFor(kLockPoll, stop)) return tl::make_unexpected(StoppedError("waiting"));
  }
}

// Everything of one `bizond run`.
class ForegroundRun {
 public:
  ForegroundRun(const RunOptions& options, JobFile file, Console& console)
      : options_(options), file_(std::move(file)), console_(console) {}

  // In the state directory of all runs.
  Result<RunRow> Execute(const std::filesystem::path& state_dir, std::stop_token stop) {
    const std::filesystem::path directory = RunStateDir(state_dir, file_.spec.name);
    BIZOND_ASSIGN_OR_RETURN(store_, OpenStore(directory, &clock_, options_.wait, stop));
    BIZOND_ASSIGN_OR_RETURN(const Root root, Root::Open(directory));
    BIZOND_ASSIGN_OR_RETURN(const Root connector_dir, Root::Open(state_dir));
    logs_.emplace(root, &clock_);
    service_.emplace(store_.get(), &BuiltInCatalog(), &clock_, &control_, &plain_secrets_);
    const std::string name = file_.spec.name;
    BIZOND_ASSIGN_OR_RETURN(const auto left,
                            store_->Transact([&](StoreTx& tx) -> Result<std::vector<RunRow>> {
                              BIZOND_RETURN_IF_ERROR(tx.AdoptOrphans("run", clock_.Now()));
                              return tx.ActiveRuns(name);
                            }));
    // A run that was cut off goes on with its own version of the job: the file may have changed
    // since, and what becomes of the state is only known once that run has ended.
    BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> before,
                            store_->Query([&](const auto& r) { return r.GetJob(name); }));
    plain_secrets_.Set(name, file_.spec.plain_secrets);
    MakeExecutor(root, connector_dir);
    for (const RunRow& run : left) {
      console_.Note("going on with run " + run.id + ", which was cut off");
      BIZOND_ASSIGN_OR_RETURN(RunRow ended, ExecuteOne(run.id, stop));
      const bool same = before && run.job_version == before->version &&
                        before->definition == file_.spec.definition && !options_.reset;
      if (IsActive(ended.phase) || same) return ended;
    }
    BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> judged, SettleHeld(name, stop));
    if (judged) return *judged;
    PutOptions put;
    put.managed_by = "file";
    put.origin = std::filesystem::absolute(options_.job_file).string();
    if (options_.state == "keep") put.state = StateChange::kKeep;
    if (options_.reset || options_.state == "reset") put.state = StateChange::kReset;
    BIZOND_RETURN_IF_ERROR(service_->Put(file_.spec, put));
    TriggerOptions trigger;
    trigger.trigger = "cli";
    trigger.reset = options_.reset && file_.spec.source.sync_mode == SyncMode::kIncremental;
    BIZOND_ASSIGN_OR_RETURN(const RunRow run, Begin(trigger));
    return ExecuteOne(run.id, stop);
  }

  Result<json> Document(const RunRow& run) const {
    return store_->Query(
        [&](const StoreReader& reader) { return WholeRunJson(reader, run, nullptr); });
  }

 private:
  // What becomes of a run that a check holds back. Its row when there is no other run to make.
  Result<std::optional<RunRow>> SettleHeld(const std::string& name, std::stop_token stop) {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<std::string> held,
                            store_->Query([&](const auto& r) { return r.HeldRun(name); }));
    if (!held) {
      if (!options_.approve) return std::optional<RunRow>();
      return Fail(ErrorKind::kConfig, "run_not_held", "no run of the job is held back by a check",
                  "bizond run without --approve");
    }
    if (options_.approve) BIZOND_RETURN_IF_ERROR(service_->Approve(*held));
    if (options_.discard) BIZOND_RETURN_IF_ERROR(service_->Cancel(*held));
    BIZOND_ASSIGN_OR_RETURN(RunRow row, ExecuteOne(*held, stop));
    if (options_.discard && row.phase == RunPhase::kCancelled) return std::optional<RunRow>();
    return std::optional<RunRow>(std::move(row));
  }

  // A stream job has its run from Put on.
  Result<RunRow> Begin(const TriggerOptions& trigger) {
    BIZOND_ASSIGN_OR_RETURN(const auto active, store_->Query([&](const StoreReader& reader) {
      return reader.ActiveRuns(file_.spec.name);
    }));
    if (!active.empty()) return active.front();
    return service_->Trigger(file_.spec.name, trigger);
  }

  void MakeExecutor(const Root& root, const Root& connector_dir) {
    SyncExecutor::Parts parts{store_.get(),
                              &*logs_,
                              &BuiltInCatalog(),
                              &clock_,
                              &plain_secrets_,
                              /*jobs=*/nullptr,
                              &file_.secrets,
                              &file_.secrets,
                              [this](const LiveRun& live) { ShowProgress(live); },
                              root,
                              connector_dir,
                              {options_.streams, options_.max_iterations},
                              file_.roots,
                              /*log_failures=*/false};
    executor_.emplace(std::move(parts));
  }

  void ShowProgress(const LiveRun& live) {
    console_.Progress(live.stream + " " + std::string(StageName(live.stage)),
                      live.counters.rows_read, live.counters.bytes_written,
                      clock_.Steady() - started_);
  }

  // Attempt after attempt, until the run has ended or `stop` was raised.
  Result<RunRow> ExecuteOne(const std::string& id, std::stop_token stop) {
    started_ = clock_.Steady();
    while (true) {
      BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> row,
                              store_->Query([&](const StoreReader& r) { return r.GetRun(id); }));
      if (!row || !IsActive(row->phase)) break;
      if (!clock_.SleepFor(row->not_before - clock_.Now(), stop) || stop.stop_requested())
        return *row;
      RunningAttempt attempt;
      BIZOND_ASSIGN_OR_RETURN(attempt.run.fence, store_->Transact([&](StoreTx& tx) {
        return tx.ClaimRun(id, "run", clock_.Now());
      }));
      const int64_t fence = attempt.run.fence;
      attempt.run = *row;
      attempt.run.fence = fence;
      ++attempt.run.attempt;
      attempt.progress_at_us = clock_.Steady().count();
      std::stop_callback forward(stop, [&] { attempt.Stop(StopReason::kShutdown); });
      std::jthread watch([&, began = clock_.Steady()](std::stop_token ended) {
        while (clock_.SleepFor(kWatchEvery, ended)) attempt.StopIfLate(began, clock_.Steady());
      });
      executor_->Execute(attempt);
    }
    console_.ClearProgress();
    BIZOND_ASSIGN_OR_RETURN(
        std::optional<RunRow> ended,
        store_->Query([&](const StoreReader& reader) { return reader.GetRun(id); }));
    if (!ended)
      return Fail(ErrorKind::kPermanent, "run_missing", "the run's row is gone", "bizond doctor");
    return std::move(*ended);
  }

  const RunOptions& options_;
  JobFile file_;
  Console& console_;
  RealClock clock_;
  NoControl control_;
  PlainSecrets plain_secrets_;
  std::unique_ptr<Store> store_;
  std::optional<RunLogs> logs_;
  std::optional<JobService> service_;
  std::optional<SyncExecutor> executor_;
  Duration started_{0};
};

void Show(const RunRow& run, Console& console) {
  // A run that goes on later is queued again.
  const std::string ended = IsActive(run.phase) ? "stopped" : std::string(RunPhaseName(run.phase));
  console.Print(run.job + ": " + ended + ", " + std::to_string(run.counters.rows_read) + " read, " +
                std::to_string(run.counters.rows_written) + " written, " +
                std::to_string(run.counters.rows_deduplicated) + " known, " +
                std::to_string(run.counters.rows_filtered) + " old, " +
                std::to_string(run.counters.rows_rejected) + " rejected");
  for (const RunWarningRow& warning : run.warnings) {
    console.Report(RunWarning{warning.code, warning.message, warning.remedy});
  }
  if (run.error) console.Report(*run.error);
}

}  // namespace

int RunJobFile(const RunOptions& options, Console& console) {
  Signals signals;
  OpenedJobFile opened = OpenJobFile(options, console);
  if (!opened.file) return opened.exit_code;
  const Result<std::filesystem::path> state_dir = StateDir(options.state_dir);
  if (!state_dir) {
    console.Report(state_dir.error());
    return kExitUsage;
  }
  ForegroundRun foreground(options, std::move(*opened.file), console);
  const Result<RunRow> run = foreground.Execute(*state_dir, signals.token());
  console.ClearProgress();
  if (!run) {
    console.Report(run.error());
    return signals.received() != 0 ? kExitInterrupted : ExitCodeOf(run.error());
  }
  if (console.json()) {
    // The same document as the API's.
    const Result<json> document = foreground.Document(*run);
    if (document) console.Print(document->dump(-1, ' ', false, json::error_handler_t::replace));
  } else {
    Show(*run, console);
  }
  if (run->phase == RunPhase::kSucceeded) return kExitDone;
  if (signals.received() == 0) return kExitFailed;
  console.Note("stopped at a checkpoint: the next bizond run goes on from there");
  return kExitInterrupted;
}

int ResetStream(const StreamResetOptions& options, Console& console) {
  OpenedJobFile opened = OpenJobFile(options, console);
  if (!opened.file) return opened.exit_code;
  const auto reset = [&]() -> Status {
    RealClock clock;
    NoControl control;
    PlainSecrets plain_secrets;
    BIZOND_ASSIGN_OR_RETURN(const std::filesystem::path state_dir, StateDir(options.state_dir));
    const std::filesystem::path directory = RunStateDir(state_dir, opened.file->spec.name);
    BIZOND_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store,
                            OpenStore(directory, &clock, false, {}));
    JobService service(store.get(), &BuiltInCatalog(), &clock, &control, &plain_secrets);
    PutOptions put;
    put.managed_by = "file";
    put.origin = std::filesystem::absolute(options.job_file).string();
    // Who starts the whole job over has said what becomes of its state.
    if (options.streams.empty() && !options.cancel) put.state = StateChange::kReset;
    BIZOND_RETURN_IF_ERROR(service.Put(opened.file->spec, put));
    const std::string stream = options.streams.empty() ? "" : options.streams.front();
    return service.RequestReset(opened.file->spec.name, stream, options.cancel);
  };
  const Status status = reset();
  if (!status) {
    console.Report(status.error());
    return ExitCodeOf(status.error());
  }
  console.Note(options.cancel ? "the reset is taken back" : "the next run replaces the target");
  return kExitDone;
}

}  // namespace bizond
