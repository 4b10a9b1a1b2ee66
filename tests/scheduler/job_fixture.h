// A store, a clock that stands still and the service over both: what tests of jobs and runs share.
#ifndef BIZOND_TESTS_SCHEDULER_JOB_FIXTURE_H_
#define BIZOND_TESTS_SCHEDULER_JOB_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destinations/catalog.h"
#include "scheduler/fire.h"
#include "scheduler/job_service.h"
#include "sources/catalog.h"
#include "store/sqlite_store.h"
#include "tests/base/temporary_directory.h"

namespace bizond {

inline const Catalog& TestCatalog() {
  static const Catalog kCatalog{SourceCatalog(), DestinationCatalog(), SourceFiles(),
                                DestinationFiles()};
  return kCatalog;
}

// Remembers what it was asked for; runs nothing.
class RecordingControl final : public RunControl {
 public:
  void Wake() override { ++wakes; }
  void StopRun(std::string_view run_id) override {
    std::lock_guard lock(mutex_);
    stopped_.emplace_back(run_id);
  }
  std::optional<LiveRun> Live(std::string_view) const override { return std::nullopt; }
  std::vector<std::string> stopped() const {
    std::lock_guard lock(mutex_);
    return stopped_;
  }

  std::atomic<int> wakes{0};

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> stopped_;  // Guarded by mutex_.
};

// The dummy source's creatures into a file, as JSON; `more` is merged over it.
inline nlohmann::json DummyJob(const std::string& name,
                               const nlohmann::json& more = nlohmann::json::object()) {
  nlohmann::json job = {
      {"name", name},
      {"source",
       {{"name", "dummy"},
        {"stream", "creatures"},
        {"authentication", {{"type", "api_key"}, {"params", {{"token", "env://TOKEN"}}}}}}},
      {"destination", {{"name", "file"}, {"config", {{"destination_id", name}}}}}};
  job.merge_patch(more);
  return job;
}

class JobFixture : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  // As a process that starts anew on the same folder.
  void Open() {
    service_.reset();
    store_.reset();
    StoreOptions options;
    options.directory = directory_.path() / "state";
    options.clock = &clock_;
    auto opened = OpenSqliteStore(options);
    ASSERT_TRUE(opened) << Describe(opened.error());
    store_ = std::move(*opened);
    UseControl(&control_);
  }
  void UseControl(RunControl* control) {
    service_ = std::make_unique<JobService>(store_.get(), &TestCatalog(), &clock_, control,
                                            &plain_secrets_);
  }

  Result<PutOutcome> Put(const nlohmann::json& job, const PutOptions& options = {}) {
    const ParsedJob parsed = service_->Check(job.dump(), JobOrigin::kApi);
    if (!parsed.spec) {
      return Fail(ErrorKind::kConfig, "invalid_job",
                  parsed.errors[0].path + ": " + parsed.errors[0].message);
    }
    return service_->Put(*parsed.spec, options);
  }
  JobRow MustPut(const nlohmann::json& job, const PutOptions& options = {}) {
    const Result<PutOutcome> put = Put(job, options);
    EXPECT_TRUE(put) << Describe(put.error());
    return put ? put->row : JobRow{};
  }
  RunRow MustTrigger(const std::string& job, const TriggerOptions& options = {}) {
    const Result<RunRow> run = service_->Trigger(job, options);
    EXPECT_TRUE(run) << Describe(run.error());
    return run.value_or(RunRow{});
  }
  void Must(const std::function<Status(StoreTx&)>& change) {
    const Status written = store_->Write(change);
    EXPECT_TRUE(written) << Describe(written.error());
  }
  // Claims it and ends it so.
  void Finish(const std::string& run, RunPhase phase) {
    Must([&](StoreTx& tx) -> Status {
      BIZOND_ASSIGN_OR_RETURN(const int64_t fence, tx.ClaimRun(run, "test", clock_.Now()));
      return tx.FinishRun(run, fence, phase, std::nullopt, clock_.Now());
    });
  }
  // Fires what is due as the scheduler does, nobody having been there before; the runs it made.
  Result<std::vector<RunRow>> FireIn(StoreTx& tx) {
    std::vector<RunRow> made;
    BIZOND_ASSIGN_OR_RETURN(const auto due, tx.DueSchedules(clock_.Now(), 100));
    for (const ScheduleRow& row : due) {
      BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, tx.GetJob(row.job));
      BIZOND_ASSIGN_OR_RETURN(const CompiledJob compiled, CompileJob(*job, TestCatalog()));
      const auto why = [](UtcTime) { return std::string_view("downtime"); };
      BIZOND_ASSIGN_OR_RETURN(FireOutcome outcome,
                              FireSchedule(tx, row, RulesOf(*job, compiled), clock_.Now(), why));
      std::move(outcome.made.begin(), outcome.made.end(), std::back_inserter(made));
    }
    return made;
  }
  std::vector<RunRow> Fire() {
    auto fired = store_->Transact([&](StoreTx& tx) { return FireIn(tx); });
    EXPECT_TRUE(fired) << Describe(fired.error());
    return fired.value_or(std::vector<RunRow>());
  }
  int64_t Claim(const std::string& run) {
    return store_->Transact([&](StoreTx& tx) { return tx.ClaimRun(run, "test", clock_.Now()); })
        .value_or(-1);
  }

  template <typename F>
  auto Read(F query) {
    auto result = store_->Query(query);
    EXPECT_TRUE(result) << Describe(result.error());
    return std::move(*result);
  }
  std::optional<JobRow> Job(const std::string& name) {
    return Read([&](const StoreReader& reader) { return reader.GetJob(name); });
  }
  RunRow Run(const std::string& id) {
    const auto run = Read([&](const StoreReader& reader) { return reader.GetRun(id); });
    EXPECT_TRUE(run) << "no run " << id;
    return run.value_or(RunRow{});
  }
  // Newest first.
  std::vector<RunRow> Runs(const std::string& job) {
    RunFilter filter;
    filter.job = job;
    return Read([&](const StoreReader& reader) { return reader.ListRuns(filter, Page{}); }).items;
  }
  // Oldest first.
  std::vector<OccurrenceRow> Occurrences(const std::string& job) {
    Page page;
    page.limit = 1000;
    auto items =
        Read([&](const StoreReader& reader) { return reader.ListOccurrences(job, page); }).items;
    return {items.rbegin(), items.rend()};
  }
  std::optional<ScheduleRow> ScheduleOf(const std::string& job) {
    return Read([&](const StoreReader& reader) { return reader.GetSchedule(job); });
  }

  TemporaryDirectory directory_;
  SimulatedClock clock_{ParseUtc("2026-12-01T00:00:30Z").value()};
  std::unique_ptr<Store> store_;
  RecordingControl control_;
  PlainSecrets plain_secrets_;
  std::unique_ptr<JobService> service_;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_SCHEDULER_JOB_FIXTURE_H_
