// What every Store promises, method by method: the fixture that the cases of the suite share. A new
// store is one more factory.
//
// Threads: one test at a time.
#ifndef BIZOND_TESTS_CONFORMANCE_STORE_CONFORMANCE_H_
#define BIZOND_TESTS_CONFORMANCE_STORE_CONFORMANCE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/sqlite_store.h"
#include "store/store.h"
#include "tests/base/temporary_directory.h"

namespace bizond {

struct StoreFactory {
  const char* name;
  Result<std::unique_ptr<Store>> (*open)(const std::filesystem::path&, Clock*);

  friend void PrintTo(const StoreFactory& factory, std::ostream* out) { *out << factory.name; }
};

inline std::vector<StoreFactory> StoreFactories() {
  return {{"sqlite", [](const std::filesystem::path& directory, Clock* clock) {
             StoreOptions options;
             options.directory = directory;
             options.clock = clock;
             return OpenSqliteStore(options);
           }}};
}

class StoreConformance : public ::testing::TestWithParam<StoreFactory> {
 protected:
  static UtcTime At(int64_t seconds) {
    return FromUnixMicros(1'700'000'000'000'000) + std::chrono::seconds(seconds);
  }
  static JobRow Job(const std::string& name, const std::string& definition = "{}") {
    JobRow job;
    job.name = name;
    job.definition = definition;
    job.managed_by = "api";
    job.created_at = job.updated_at = At(0);
    return job;
  }
  static RunRow Queued(const std::string& id, const std::string& job, int64_t second = 0) {
    RunRow run;
    run.id = id;
    run.job = job;
    run.job_version = 1;
    run.trigger = "schedule";
    run.queued_at = At(second);
    run.not_before = At(second);
    return run;
  }
  static std::vector<std::string> Ids(const std::vector<RunRow>& runs) {
    std::vector<std::string> ids;
    ids.reserve(runs.size());
    for (const RunRow& run : runs) ids.push_back(run.id);
    return ids;
  }

  void SetUp() override { Open(); }
  void Open() {
    store_.reset();
    auto opened = GetParam().open(directory_.path(), &clock_);
    ASSERT_TRUE(opened) << Describe(opened.error());
    store_ = std::move(*opened);
  }
  Status Write(const std::function<Status(StoreTx&)>& change) { return store_->Write(change); }
  void Must(const std::function<Status(StoreTx&)>& change) {
    const Status status = store_->Write(change);
    ASSERT_TRUE(status) << Describe(status.error());
  }
  std::string CodeOf(const std::function<Status(StoreTx&)>& change) {
    const Status status = store_->Write(change);
    return status ? "" : status.error().code;
  }
  template <typename F>
  auto Get(F query) {
    auto result = store_->Query(query);
    if (!result) ADD_FAILURE() << Describe(result.error());
    return std::move(*result);
  }
  RunRow Run(const std::string& id) {
    return Get([&](const StoreReader& r) { return r.GetRun(id); }).value();
  }
  int64_t Claim(const std::string& id) {
    auto fence = store_->Transact([&](StoreTx& tx) { return tx.ClaimRun(id, "node", At(1)); });
    if (!fence) ADD_FAILURE() << Describe(fence.error());
    return fence.value_or(-1);
  }
  void InsertRun(const RunRow& run) {
    Must([&](StoreTx& tx) { return tx.InsertRun(run); });
  }
  bool IsThere(const std::string& run) {
    return Get([&](const StoreReader& r) { return r.GetRun(run); }).has_value();
  }
  void Ended(const std::string& id, const std::string& job, int64_t second, RunPhase phase) {
    RunRow run = Queued(id, job, second);
    run.nominal_at = At(second);
    InsertRun(run);
    const int64_t fence = Claim(id);
    Must([&](StoreTx& tx) { return tx.FinishRun(id, fence, phase, std::nullopt, At(second)); });
  }

  TemporaryDirectory directory_;
  SimulatedClock clock_{At(1000)};
  std::unique_ptr<Store> store_;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_CONFORMANCE_STORE_CONFORMANCE_H_
