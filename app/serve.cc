// `bizond serve`: the daemon, put together and taken apart again.
//
// The page answers first; then the jobs folder is applied, so that what its files hold in plain is
// known before the first run; then the scheduler turns, which takes up what an earlier boot left
// running. The end is the reverse: no new runs, running ones to a checkpoint, then the page.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "app/composition.h"
#include "app/server_config.h"
#include "base/log.h"
#include "scheduler/job_service.h"
#include "scheduler/jobs_folder.h"
#include "scheduler/run_executor.h"
#include "scheduler/scheduler.h"
#include "store/run_logs.h"
#include "store/sqlite_store.h"
#include "web/server.h"

namespace bizond {
namespace {

constexpr Duration kRetentionEvery = std::chrono::hours(1);

// Connections, runs and their files want more descriptors than a login shell's soft limit.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<std::filesystem::path> Paths(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

class Daemon {
 public:
  Daemon(const ServeOptions& options, std::stop_token stop) : options_(options), stop_(stop) {}

  // Returns when a signal came, or with why it could not start.
  Status Run() {
    BIZOND_RETURN_IF_ERROR(Assemble());
    const Status started = Start();
    if (started) {
      Log(LogLevel::kInfo, "app", "bizond is up",
          {{"page", "http://" + listen_.host + ":" + std::to_string(server_->port())},
           {"state_dir", state_dir_.string()},
           {"node", scheduler_->node()}});
      do {
        RemoveOldFiles();
      } while (clock_.SleepFor(kRetentionEvery, stop_));
    }
    Stop();
    return started;
  }

 private:
  Status Assemble() {
    BIZOND_ASSIGN_OR_RETURN(config_, ReadServerConfig(options_.config));
    for (const std::string& pool : options_.pools) {
      BIZOND_RETURN_IF_ERROR(AddPool(pool, &config_));
    }
    BIZOND_ASSIGN_OR_RETURN(listen_, ParseListen(options_.listen));
    BIZOND_ASSIGN_OR_RETURN(state_dir_, StateDir(options_.state_dir));
    StoreOptions store;
    store.directory = state_dir_;
    store.clock = &clock_;
    BIZOND_ASSIGN_OR_RETURN(store_, OpenSqliteStore(store));
    BIZOND_ASSIGN_OR_RETURN(root_, Root::Open(state_dir_));
    const Root& root = *root_;
    const std::filesystem::path data_dir =
        options_.data_dir.empty() ? state_dir_ / "data" : std::filesystem::path(options_.data_dir);
    BIZOND_ASSIGN_OR_RETURN(Roots roots, Roots::Open(data_dir, Paths(options_.roots)));
    logs_.emplace(root, &clock_);
    api_secrets_.emplace(config_.api_secrets);
    SecretPolicy everything;
    everything.allow_all = true;  // Who may write a job's file may read the daemon's environment.
    file_secrets_.emplace(everything);
    SchedulerOptions scheduling;
    scheduling.workers = config_.workers;
    scheduling.pools = config_.pools;
    scheduling.retention = config_.retention;
    scheduling.history_retention = config_.history_retention;
    scheduler_.emplace(store_.get(), &BuiltInCatalog(), &clock_, scheduling);
    targets_.emplace(&BuiltInCatalog(), &clock_, &*api_secrets_, roots);
    service_.emplace(store_.get(), &BuiltInCatalog(), &clock_, &*scheduler_, &plain_secrets_,
                     &*targets_);
    executor_.emplace(
        SyncExecutor::Parts{store_.get(), &*logs_, &BuiltInCatalog(), &clock_, &plain_secrets_,
                            scheduler_->jobs(), &*api_secrets_, &*file_secrets_,
                            [this](const LiveRun& live) { scheduler_->Progress(live); }, root, root,
                            RunOverrides{}, std::move(roots)});
    WebParts parts;
    parts.store = store_.get();
    parts.jobs = &*service_;
    parts.control = &*scheduler_;
    parts.scheduler = &*scheduler_;
    parts.logs = &*logs_;
    parts.catalog = &BuiltInCatalog();
    parts.clock = &clock_;
    server_.emplace(parts,
                    WebOptions{listen_.host, listen_.port, config_.token, config_.allowed_hosts});
    scheduler_->OnProgress([this](const LiveRun& live) { server_->Progress(live); });
    if (!options_.jobs_dir.empty()) {
      folder_.emplace(options_.jobs_dir, &*service_, store_.get(), &clock_);
    }
    return {};
  }

  Status Start() {
    BIZOND_RETURN_IF_ERROR(server_->Start());
    if (folder_) BIZOND_RETURN_IF_ERROR(folder_->Start());
    return scheduler_->Start(&*executor_);
  }

  void Stop() {
    Log(LogLevel::kInfo, "app", "stopping: running syncs go to their next checkpoint",
        {{"running", std::to_string(scheduler_->running())}});
    if (folder_) folder_->Stop();
    if (!scheduler_->Stop()) {
      Log(LogLevel::kWarning, "app",
          "a run did not reach a checkpoint in time; it goes on from its last one at the next "
          "start");
      server_->Stop();
      // Its thread uses everything that would be destroyed now, and may be held by a peer for good.
      _exit(kExitDone);
    }
    server_->Stop();
  }

  void RemoveOldFiles() {
    const UtcTime before = clock_.Now() - config_.retention;
    if (const Result<int> removed = logs_->RemoveOlder(before); !removed) {
      Log(LogLevel::kWarning, "app", Describe(removed.error()));
    }
    if (const Status removed = RemoveOldRejects(before); !removed) {
      Log(LogLevel::kWarning, "app", Describe(removed.error()));
    }
  }

  // Those of a run that has not ended belong to its checkpoint, however old they are.
  Status RemoveOldRejects(UtcTime before) {
    BIZOND_ASSIGN_OR_RETURN(const auto active, store_->Query([](const StoreReader& reader) {
      return reader.ActiveRuns("");
    }));
    BIZOND_ASSIGN_OR_RETURN(const auto files, root_->Glob("rejects/*/*.jsonl"));
    for (const std::string& file : files) {
      BIZOND_ASSIGN_OR_RETURN(const auto info, root_->Stat(file));
      const bool in_use = std::any_of(active.begin(), active.end(), [&](const RunRow& run) {
        return file.find(run.id) != std::string::npos;
      });
      if (!info || in_use || info->modified_at >= before) continue;
      BIZOND_RETURN_IF_ERROR(root_->Remove(file));
    }
    return {};
  }

  const ServeOptions& options_;
  const std::stop_token stop_;
  RealClock clock_;
  ServerConfig config_;
  HostPort listen_;
  std::filesystem::path state_dir_;
  std::optional<Root> root_;  // The state directory.
  // In the order in which they need each other: destroyed from the last to the first.
  std::unique_ptr<Store> store_;
  PlainSecrets plain_secrets_;
  std::optional<RunLogs> logs_;
  std::optional<SecretResolver> api_secrets_;
  std::optional<SecretResolver> file_secrets_;
  std::optional<Scheduler> scheduler_;
  std::optional<JobTargets> targets_;
  std::optional<JobService> service_;
  std::optional<SyncExecutor> executor_;
  std::optional<WebServer> server_;
  std::optional<JobsFolder> folder_;
};

}  // namespace

int Serve(const ServeOptions& options, Console& console) {
  Signals signals;
  RaiseFileLimit();
  const Status status = Daemon(options, signals.token()).Run();
  if (status) return kExitDone;
  console.Report(status.error());
  return status.error().kind == ErrorKind::kConfig ? kExitUsage : kExitFailed;
}

}  // namespace bizond
