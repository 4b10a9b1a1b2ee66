#include "bench/scheduling/daemon.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "destinations/catalog.h"
#include "sources/catalog.h"
#include "store/sqlite_store.h"

namespace bizond::bench {

void Die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

void Must(const Status& status) {
  if (!status) Die(Describe(status.error()));
}

std::string Definition(const std::string& name, const std::string& schedule) {
  return R"({"name":")" + name + R"(","source":{"name":"dummy","stream":"creatures"},)" +
         R"("destination":{"name":"file","config":{"destination_id":")" + name + R"("}},)" +
         R"("schedule":)" + schedule + "}";
}

void NoOpExecutor::Execute(RunningAttempt& attempt) {
  const RunRow& run = attempt.run;
  {
    std::lock_guard lock(mutex_);
    starts_.push_back({run.id, run.nominal_at.value_or(run.queued_at), clock_->Now()});
    changed_.notify_all();
  }
  const auto end = [&](StoreTx& tx) {
    return tx.FinishRun(run.id, run.fence, RunPhase::kSucceeded, std::nullopt, clock_->Now());
  };
  Must(store_->Write(end, Refusal::kBeforeWriting));
}

void NoOpExecutor::Abandon(RunningAttempt& attempt) { Die(attempt.run.id + " hangs"); }

void NoOpExecutor::Await(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return starts_.size() >= count; });
}

std::vector<Start> NoOpExecutor::TakeStarts() {
  std::lock_guard lock(mutex_);
  return std::exchange(starts_, {});
}

Daemon::Daemon(const std::string& folder, const SchedulerOptions& scheduler_options) {
  ConfigureLog(LogLevel::kWarning, LogFormat::kText);
  StoreOptions options;
  options.directory = folder;
  options.clock = &clock;
  store = Must(OpenSqliteStore(options));
  scheduler = std::make_unique<Scheduler>(store.get(), &AllConnectors(), &clock, scheduler_options);
  executor = std::make_unique<NoOpExecutor>(store.get(), &clock);
  service = std::make_unique<JobService>(store.get(), &AllConnectors(), &clock, scheduler.get(),
                                         &secrets);
}

Daemon::~Daemon() {
  service.reset();
  scheduler.reset();
}

void Daemon::Start() { Must(scheduler->Start(executor.get())); }

const Catalog& AllConnectors() {
  static const Catalog kCatalog{SourceCatalog(), DestinationCatalog(), SourceFiles(),
                                DestinationFiles()};
  return kCatalog;
}

double ResidentMb() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

double MillisBetween(UtcTime from, UtcTime to) {
  return static_cast<double>(ToUnixMicros(to) - ToUnixMicros(from)) / 1000;
}

double Percentile(const std::vector<double>& sorted, int percent) {
  if (sorted.empty()) return -1;
  return sorted[std::min(sorted.size() - 1, sorted.size() * static_cast<size_t>(percent) / 100)];
}

}  // namespace bizond::bench
