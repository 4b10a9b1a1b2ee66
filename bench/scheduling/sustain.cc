#include "bench/scheduling/sustain.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace bizond::bench {

using nlohmann::json;
using std::chrono::seconds;

namespace {

constexpr int kMinute = 60;
constexpr int64_t kMicros = 1'000'000;

// From the minute on that begins at `first`, in seconds since 1970; each once a minute, as many in
// each second.
void PutMinutely(Daemon& daemon, int schedules, int64_t first) {
  Must(daemon.store->Write([&](StoreTx& tx) -> Status {
    for (int i = 0; i < schedules; ++i) {
      JobRow job;
      job.name = "minutely" + std::to_string(i);
      job.definition =
          Definition(job.name, R"({"cron":")" + std::to_string(i % kMinute) + R"( * * * * *"})");
      job.managed_by = "api";
      Must(tx.PutJob(job));
      const UtcTime next = FromUnixMicros((first + i % kMinute) * kMicros);
      Must(tx.PutSchedule({job.name, next, std::nullopt, ""}));
    }
    return {};
  }));
}

double FileMb(const std::string& path) {
  std::error_code none;
  const auto bytes = std::filesystem::file_size(path, none);
  return none ? 0 : static_cast<double>(bytes) / (1 << 20);
}

struct Most {
  double wal_mb = 0;
  double history_mb = 0;
  double rss_mb = 0;

  void Look(const std::string& folder) {
    wal_mb = std::max(wal_mb, FileMb(folder + "/bizond.db-wal"));
    history_mb = std::max(history_mb, FileMb(folder + "/history.db"));
    rss_mb = std::max(rss_mb, ResidentMb());
  }
};

// Of each minute from `first` to `end`.
json Minutes(const std::vector<Start>& starts, int64_t first, int64_t end) {
  std::map<int64_t, std::vector<double>> lags;
  for (const Start& start : starts) {
    const int64_t second = ToUnixMicros(start.nominal) / kMicros;
    if (second < first || second >= end) continue;
    lags[(second - first) / kMinute].push_back(MillisBetween(start.nominal, start.at));
  }
  json minutes = json::array();
  for (auto& [minute, of_minute] : lags) {
    std::sort(of_minute.begin(), of_minute.end());
    minutes.push_back({{"runs", of_minute.size()},
                       {"p50_ms", Percentile(of_minute, 50)},
                       {"p99_ms", Percentile(of_minute, 99)},
                       {"most_ms", of_minute.back()}});
  }
  return minutes;
}

// Other schedules add theirs.
void EachRanOnce(const std::vector<Start>& starts, const json& minutes, int schedules,
                 size_t expected_minutes) {
  std::set<std::string> distinct;
  for (const Start& start : starts) distinct.insert(start.run);
  if (distinct.size() != starts.size()) Die("a run was started twice");
  if (minutes.size() != expected_minutes) Die("a minute went by without a run");
  for (const json& minute : minutes) {
    if (minute["runs"].get<int>() < schedules) Die("fires were lost: " + minute.dump());
  }
}

}  // namespace

json Sustain(const std::string& folder, int schedules, int for_seconds) {
  SchedulerOptions options;
  options.workers = 64;
  options.retention = std::chrono::minutes(1);
  options.history_retention = std::chrono::minutes(3);
  options.retain_every = seconds(10);
  Daemon daemon(folder, options);
  // What was due while the folder lay there is caught up with before the first minute.
  const int64_t now = ToUnixMicros(daemon.clock.Now()) / kMicros;
  const int64_t first = (now / kMinute + 2) * kMinute;
  const int64_t end = first + for_seconds / kMinute * kMinute;
  PutMinutely(daemon, schedules, first);
  daemon.Start();
  Most most;
  while (ToUnixMicros(daemon.clock.Now()) / kMicros < end + 2) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    most.Look(folder);
  }
  const std::vector<Start> starts = daemon.executor->TakeStarts();
  json minutes = Minutes(starts, first, end);
  EachRanOnce(starts, minutes, schedules, static_cast<size_t>((end - first) / kMinute));
  return {{"minutes", std::move(minutes)},
          {"wal_most_mb", most.wal_mb},
          {"history_most_mb", most.history_mb},
          {"rss_most_mb", most.rss_mb}};
}

}  // namespace bizond::bench
