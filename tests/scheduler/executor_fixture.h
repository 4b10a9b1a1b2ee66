// Attempts of real connectors on a real store, one after the other and here.
#ifndef BIZOND_TESTS_SCHEDULER_EXECUTOR_FIXTURE_H_
#define BIZOND_TESTS_SCHEDULER_EXECUTOR_FIXTURE_H_

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "scheduler/run_executor.h"
#include "store/run_logs.h"
#include "tests/scheduler/job_fixture.h"

namespace bizond {

class ExecutorFixture : public JobFixture {
 protected:
  void SetUp() override {
    JobFixture::SetUp();
    std::filesystem::create_directories(Data());
    root_ = Root::Open(directory_.path() / "state").value();
    logs_.emplace(root_, &clock_);
  }
  std::filesystem::path Data() const { return directory_.path() / "data"; }
  std::string Contents(const std::string& name) const { return directory_.Read("data/" + name); }
  size_t Lines(const std::string& name) const {
    const std::string text = Contents(name);
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  void Append(const std::string& name, const std::string& text) const {
    std::ofstream(Data() / name, std::ios::binary | std::ios::app) << text;
  }

  // One attempt of the run, here and now.
  RunRow Execute(const std::string& id, StopReason stop = StopReason::kNone) {
    SyncExecutor executor = MakeExecutor();
    RunningAttempt attempt;
    const int64_t fence = Claim(id);
    attempt.run = Run(id);
    EXPECT_EQ(attempt.run.fence, fence);
    if (stop != StopReason::kNone) attempt.Stop(stop);
    executor.Execute(attempt);
    return Run(id);
  }
  SyncExecutor MakeExecutor() {
    SyncExecutor::Parts parts;
    parts.jobs = &jobs_;
    parts.store = store_.get();
    parts.logs = &*logs_;
    parts.catalog = catalog_in_use_;
    parts.clock = &clock_;
    parts.plain_secrets = &plain_secrets_;
    parts.api_secrets = &secrets_;
    parts.file_secrets = &secrets_;
    parts.state_dir = root_;
    parts.connector_dir = root_;
    parts.roots = Roots::Open(Data(), {}).value();
    parts.log_failures = false;
    return SyncExecutor(std::move(parts));
  }
  RunRow TriggerAndExecute(const std::string& job) { return Execute(MustTrigger(job).id); }

  static nlohmann::json FileJob(const std::string& name, const std::string& path) {
    return {{"name", name},
            {"source",
             {{"name", "file"}, {"stream", "s"}, {"sync_mode", "incremental"}, {"path", path}}},
            {"destination",
             {{"name", "file"}, {"config", {{"destination_id", name}, {"unnest", true}}}}}};
  }
  // creatures and plants of the dummy source into one file each.
  static nlohmann::json TwoStreams(const std::string& name) {
    nlohmann::json job = DummyJob(name);
    job["source"].erase("stream");
    job["source"]["streams"] = {"creatures", "plants"};
    job["destination"]["config"]["destination_id"] = name + "_{stream}";
    return job;
  }

  // Whose connectors the attempts use from here on.
  void UseCatalog(const Catalog* catalog) { catalog_in_use_ = catalog; }

  Root root_;
  std::optional<RunLogs> logs_;
  JobCache jobs_{&TestCatalog()};
  SecretResolver secrets_{SecretPolicy{true, {}, {}, {}}, {{"TOKEN", "dummy_key"}}};

 private:
  const Catalog* catalog_in_use_ = &TestCatalog();
};

}  // namespace bizond

#endif  // BIZOND_TESTS_SCHEDULER_EXECUTOR_FIXTURE_H_
