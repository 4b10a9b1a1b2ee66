// Measures the scheduler and its store around runs that do nothing. Prints a line of JSON; exit 1
// when what was acknowledged is not stored, or ran other than once.
//
// usage: bench_scheduling TEST DIR [SIZE] [SECONDS]
//
//   submit DIR PRODUCERS SECONDS    runs are queued, each acknowledged when it is on disk
//   drain DIR RUNS                  queued runs, from the start of the workers to the last end
//   trigger DIR RUNS                an idle daemon, from the call to the run's first line
//   fill DIR SCHEDULES              schedules are stored, spread over a day; nothing runs
//   boot DIR                        what fill left: from the process's start to the first fire's
//   run fire DIR SCHEDULES              so many come due at one second: the lag of each start
//   sustain DIR SCHEDULES SECONDS   each fires once a minute: the lag, and what the disk holds
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "base/identity.h"
#include "bench/scheduling/daemon.h"
#include "bench/scheduling/sustain.h"

namespace bizond::bench {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// What a transaction of fill or drain takes.
constexpr int kChunk = 5000;

SchedulerOptions ManyWorkers() {
  SchedulerOptions options;
  options.workers = 64;
  return options;
}

void PutJob(StoreTx& tx, const std::string& name, const std::string& schedule) {
  JobRow job;
  job.name = name;
  job.definition = Definition(name, schedule);
  job.managed_by = "api";
  Must(tx.PutJob(job));
}

RunRow QueuedRun(const std::string& job, UtcTime now) {
  RunRow run;
  run.id = NewUuid(now);
  run.job = job;
  run.job_version = 1;
  run.trigger = "api";
  run.queued_at = now;
  run.not_before = now;
  return run;
}

json Lags(const std::vector<Start>& starts) {
  std::vector<double> lags;
  for (const Start& start : starts) lags.push_back(MillisBetween(start.nominal, start.at));
  std::sort(lags.begin(), lags.end());
  return {{"runs", lags.size()},
          {"least_ms", Percentile(lags, 0)},
          {"p50_ms", Percentile(lags, 50)},
          {"p99_ms", Percentile(lags, 99)},
          {"most_ms", lags.empty() ? -1 : lags.back()}};
}

void EachOnce(const std::vector<Start>& starts, size_t expected) {
  std::set<std::string> distinct;
  for (const Start& start : starts) distinct.insert(start.run);
  if (starts.size() == expected && distinct.size() == expected) return;
  Die(std::to_string(starts.size()) + " starts of " + std::to_string(distinct.size()) +
      " runs, expected " + std::to_string(expected));
}

double SecondsSince(Duration begin, const Clock& clock) {
  return std::chrono::duration<double>(clock.Steady() - begin).count();
}

json Submit(const std::string& folder, int producers, int for_seconds) {
  Daemon daemon(folder, ManyWorkers());
  Must(daemon.store->Write([&](StoreTx& tx) -> Status {
    PutJob(tx, "job", "null");
    return {};
  }));
  std::atomic<bool> stop{false};
  std::atomic<int64_t> acknowledged{0};
  const Duration begin = daemon.clock.Steady();
  std::vector<std::thread> threads;
  for (int i = 0; i < producers; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const RunRow run = QueuedRun("job", daemon.clock.Now());
        Must(daemon.store->Write([&](StoreTx& tx) { return tx.InsertRun(run); },
                                 Refusal::kBeforeWriting));
        ++acknowledged;
      }
    });
  }
  std::this_thread::sleep_for(seconds(for_seconds));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const double took = SecondsSince(begin, daemon.clock);
  const auto active =
      Must(daemon.store->Query([](const StoreReader& reader) { return reader.ActiveRuns("job"); }));
  if (static_cast<int64_t>(active.size()) != acknowledged) Die("an acknowledged run is not stored");
  return {{"per_s", static_cast<double>(acknowledged) / took},
          {"acknowledged", acknowledged.load()},
          {"stored", active.size()}};
}

json Drain(const std::string& folder, int runs) {
  Daemon daemon(folder, ManyWorkers());
  for (int first = 0; first < runs; first += kChunk) {
    Must(daemon.store->Write([&](StoreTx& tx) -> Status {
      for (int i = first; i < std::min(runs, first + kChunk); ++i) {
        const std::string job = "job" + std::to_string(i);
        PutJob(tx, job, "null");
        Must(tx.InsertRun(QueuedRun(job, daemon.clock.Now())));
      }
      return {};
    }));
  }
  const Duration begin = daemon.clock.Steady();
  daemon.Start();
  daemon.executor->Await(static_cast<size_t>(runs));
  while (!Must(daemon.store->Query([](const StoreReader& reader) {
            return reader.ActiveRuns("");
          })).empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const double took = SecondsSince(begin, daemon.clock);
  EachOnce(daemon.executor->TakeStarts(), static_cast<size_t>(runs));
  return {{"per_s", runs / took}, {"runs", runs}};
}

json Trigger(const std::string& folder, int runs) {
  Daemon daemon(folder, ManyWorkers());
  Must(daemon.store->Write([&](StoreTx& tx) -> Status {
    PutJob(tx, "job", "null");
    return {};
  }));
  daemon.Start();
  std::vector<double> took;
  for (int i = 0; i < runs; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // Idle again.
    const UtcTime before = daemon.clock.Now();
    Must(daemon.service->Trigger("job", {}));
    daemon.executor->Await(1);
    took.push_back(MillisBetween(before, daemon.executor->TakeStarts().front().at));
  }
  std::sort(took.begin(), took.end());
  return {{"p50_ms", Percentile(took, 50)}, {"p99_ms", Percentile(took, 99)}, {"runs", runs}};
}

// Once a day, each at a second of its own.
std::string DailySchedule(int i) {
  const int second = i % 86400;
  return json{{"cron", std::to_string(second % 60) + " " + std::to_string(second / 60 % 60) + " " +
                           std::to_string(second / 3600) + " * * *"}}
      .dump();
}

void PutScheduled(StoreTx& tx, const std::string& name, const std::string& schedule, UtcTime next) {
  PutJob(tx, name, schedule);
  Must(tx.PutSchedule({name, next, std::nullopt, ""}));
}

json Fill(const std::string& folder, int schedules) {
  Daemon daemon(folder, ManyWorkers());
  const UtcTime now = daemon.clock.Now();
  const int64_t day = ToUnixMicros(now) / 1'000'000 / 86400 * 86400;
  for (int first = 0; first < schedules; first += kChunk) {
    Must(daemon.store->Write([&](StoreTx& tx) -> Status {
      for (int i = first; i < std::min(schedules, first + kChunk); ++i) {
        UtcTime next = FromUnixMicros((day + i % 86400) * 1'000'000);
        if (next <= now) next += std::chrono::hours(24);
        PutScheduled(tx, "daily" + std::to_string(i), DailySchedule(i), next);
      }
      return {};
    }));
  }
  // As an earlier boot left it: with the time zones that it planned by.
  daemon.Start();
  while (Must(daemon.store->Query([](const StoreReader& reader) {
           return reader.GetSchedulerMarks();
         })).tzdata.empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return {{"schedules", schedules}};
}

json Boot(const std::string& folder, Duration process_start) {
  Daemon daemon(folder, ManyWorkers());
  const double opened = SecondsSince(process_start, daemon.clock);
  daemon.Start();
  // As soon as the scheduler turns: this run needs nothing but a turn of it.
  Must(daemon.store->Write(
      [&](StoreTx& tx) { return tx.InsertRun(QueuedRun("daily0", daemon.clock.Now())); }));
  daemon.scheduler->Wake();
  daemon.executor->Await(1);
  const double first = SecondsSince(process_start, daemon.clock);
  return {{"store_open_s", opened}, {"first_run_s", first}, {"rss_mb", ResidentMb()}};
}

json Fire(const std::string& folder, int schedules) {
  Daemon daemon(folder, ManyWorkers());
  const int64_t second = ToUnixMicros(daemon.clock.Now()) / 1'000'000 + 5;
  const UtcTime due = FromUnixMicros(second * 1'000'000);
  const int of_day = static_cast<int>(second % 86400);
  Must(daemon.store->Write([&](StoreTx& tx) -> Status {
    for (int i = 0; i < schedules; ++i) {
      PutScheduled(tx, "due" + std::to_string(i) + "-" + std::to_string(second),
                   DailySchedule(of_day), due);
    }
    return {};
  }));
  daemon.Start();
  std::this_thread::sleep_for(seconds(4));
  daemon.executor->TakeStarts();  // Of others.
  std::this_thread::sleep_for(seconds(6));
  std::vector<Start> starts = daemon.executor->TakeStarts();
  std::erase_if(starts, [&](const Start& start) { return start.nominal != due; });
  json result = Lags(starts);
  result["rss_mb"] = ResidentMb();
  return result;
}

}  // namespace

int Main(int argc, char** argv) {
  RealClock clock;
  const Duration process_start = clock.Steady();
  if (argc < 3) Die("usage: bench_scheduling TEST DIR [SIZE] [SECONDS]");
  const std::string test = argv[1];
  const std::string folder = argv[2];
  const int size = argc > 3 ? std::atoi(argv[3]) : 0;
  const int for_seconds = argc > 4 ? std::atoi(argv[4]) : 0;
  std::filesystem::create_directories(folder);
  json result;
  if (test == "submit") result = Submit(folder, size, for_seconds);
  if (test == "drain") result = Drain(folder, size);
  if (test == "trigger") result = Trigger(folder, size);
  if (test == "fill") result = Fill(folder, size);
  if (test == "boot") result = Boot(folder, process_start);
  if (test == "fire") result = Fire(folder, size);
  if (test == "sustain") result = Sustain(folder, size, for_seconds);
  if (result.is_null()) Die("no test " + test);
  std::printf("%s\n", result.dump().c_str());
  return 0;
}

}  // namespace bizond::bench

int main(int argc, char** argv) { return bizond::bench::Main(argc, argv); }
