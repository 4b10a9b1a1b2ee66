#include "scheduler/freshness.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "sync/job_parser.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr Duration kLookEach = std::chrono::minutes(1);
constexpr int kJobsPerPart = 100;

}  // namespace

std::optional<Freshness> FreshnessOf(const JobRow& job) {
  const std::optional<Duration> limit = FreshnessLimitOf(job.definition);
  if (!limit) return std::nullopt;
  return Freshness{*limit, job.last_success_at.value_or(job.created_at)};
}

bool FreshnessWatch::Turn() {
  const Duration steady = clock_->Steady();
  if (cursor_.empty() && steady < look_at_) return false;
  const UtcTime now = clock_->Now();
  const Page page{kJobsPerPart, cursor_};
  const auto jobs = store_->Query([&](const StoreReader& reader) { return reader.ListJobs(page); });
  if (!jobs) return false;
  for (const JobRow& job : jobs->items) Look(job, now);
  cursor_ = jobs->next_cursor;
  if (!cursor_.empty()) return true;
  look_at_ = steady + kLookEach;
  late_ = std::exchange(late_now_, {});
  return false;
}

void FreshnessWatch::Look(const JobRow& job, UtcTime now) {
  const std::optional<Freshness> freshness = FreshnessOf(job);
  const bool told = late_.contains(job.name);
  if (!freshness || !freshness->IsLate(now)) {
    if (!told) return;
    Log(LogLevel::kInfo, "scheduler", "a job is late no more", {{"job", job.name}});
    return;
  }
  late_now_.insert(job.name);
  if (told) return;
  Log(LogLevel::kWarning, "scheduler", "a job is late: no run has succeeded for too long",
      {{"job", job.name},
       {"freshness", FormatDuration(freshness->limit)},
       {"since", FormatUtc(freshness->since)}});
  EventRow event;
  event.at = now;
  event.kind = "job";
  event.subject = job.name;
  event.detail = json{{"change", "late"}}.dump();
  // Who follows the events looks again; the API computes lateness by itself.
  std::ignore = store_->Write(
      [&](StoreTx& tx) -> Status { return tx.AppendEvent(event).map([](int64_t) {}); });
}

}  // namespace bizond
