#include "scheduler/schedule.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>

namespace bizond {
namespace {

namespace chrono = std::chrono;

// A year beyond which no schedule fires: the same bound as NextFire's.
constexpr UtcTime kLastFire = chrono::sys_days(chrono::year(9900) / 1 / 1);
constexpr UtcTime kEpoch{};
constexpr Duration kShortestInterval = chrono::seconds(1);
constexpr Duration kLongestInterval = chrono::years(10);
constexpr std::string_view kEveryMacro = "@every";

Failure Invalid(std::string message, std::string remedy) {
  return Fail(ErrorKind::kConfig, "invalid_schedule", std::move(message), std::move(remedy));
}

// The rest of "@every 90s" in any case, or empty: not that macro.
std::string_view EveryMacroOf(std::string_view cron) {
  const size_t begin = std::min(cron.find_first_not_of(" \t"), cron.size());
  cron.remove_prefix(begin);
  if (cron.size() <= kEveryMacro.size()) return {};
  for (size_t i = 0; i < kEveryMacro.size(); ++i) {
    const char c = cron[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kEveryMacro[i]) return {};
  }
  cron.remove_prefix(kEveryMacro.size());
  const size_t word = cron.find_first_not_of(" \t");
  if (word == 0 || word == std::string_view::npos) return {};
  return cron.substr(word, cron.find_last_not_of(" \t") + 1 - word);
}

Status CheckInterval(Duration every) {
  if (every >= kShortestInterval && every <= kLongestInterval) return {};
  return Invalid(fmt::format("an interval of {} is not within 1s and 10 years",
                             every < Duration(0) ? "less than nothing" : FormatDuration(every)),
                 "Write an interval like 90s or 2h");
}

UtcTime EveryAnchor(Duration every, std::string_view seed) {
  const auto period = static_cast<uint64_t>(chrono::floor<chrono::seconds>(every).count());
  const uint64_t hash = XXH3_64bits(seed.data(), seed.size());
  return kEpoch + chrono::seconds(static_cast<int64_t>(hash % period));
}

// The first instant of anchor + n * every after `after`, n of either sign.
UtcTime NextOfGrid(UtcTime anchor, Duration every, UtcTime after) {
  const Duration since = after - anchor;
  int64_t n = since / every;
  if (since % every < Duration(0)) --n;  // Division rounds towards zero; the grid goes on below it.
  return anchor + (n + 1) * every;
}

}  // namespace

Result<Schedule> Schedule::Compile(const ScheduleSpec& spec, std::string_view hash_seed) {
  BIZOND_ASSIGN_OR_RETURN(const Zone* zone, Zone::Find(spec.timezone));
  Schedule schedule(spec.kind, zone);
  schedule.on_gap_ = spec.on_gap;
  schedule.on_fold_ = spec.on_fold;
  switch (spec.kind) {
    case ScheduleKind::kCron:
      if (const std::string_view interval = EveryMacroOf(spec.cron); !interval.empty()) {
        auto every = ParseDuration(interval);
        if (every) {
          BIZOND_RETURN_IF_ERROR(CheckInterval(*every));
          schedule.kind_ = ScheduleKind::kEvery;
          schedule.every_ = *every;
          schedule.anchor_ = EveryAnchor(*every, hash_seed);
          return schedule;
        }
        every.error().code = "invalid_cron";
        return tl::make_unexpected(std::move(every).error());
      }
      {
        BIZOND_ASSIGN_OR_RETURN(schedule.cron_, CronExpression::Parse(spec.cron, hash_seed));
      }
      return schedule;
    case ScheduleKind::kEvery:
      BIZOND_RETURN_IF_ERROR(CheckInterval(spec.every));
      schedule.every_ = spec.every;
      schedule.anchor_ = EveryAnchor(spec.every, hash_seed);
      return schedule;
    case ScheduleKind::kAt:
      schedule.anchor_ = spec.at;
      return schedule;
    case ScheduleKind::kAfter:
      return schedule;
  }
  return schedule;
}

std::optional<Fire> Schedule::Next(UtcTime after) const {
  switch (kind_) {
    case ScheduleKind::kCron:
      return NextFire(*cron_, *zone_, on_gap_, on_fold_, after);
    case ScheduleKind::kEvery:
      if (after >= kLastFire) return std::nullopt;
      return Fire{
          NextOfGrid(anchor_, every_, std::max(after, -kLastFire.time_since_epoch() + kEpoch)),
          false, false};
    case ScheduleKind::kAt:
      if (after >= anchor_) return std::nullopt;
      return Fire{anchor_, false, false};
    case ScheduleKind::kAfter:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Duration> Schedule::ShortestPause() const {
  if (kind_ == ScheduleKind::kEvery) return every_;
  if (kind_ != ScheduleKind::kCron) return std::nullopt;
  return bizond::ShortestPause(*cron_, *zone_, on_gap_, on_fold_);
}

Status CheckNotPast(const ScheduleSpec& spec, UtcTime now) {
  if (spec.kind != ScheduleKind::kAt || spec.at > now) return {};
  return Invalid(
      fmt::format("{} has passed", FormatUtc(spec.at)),
      "Write an instant to come, or leave the schedule out and trigger the job; a daemon "
      "that holds this job already keeps it");
}

Duration JitterFor(std::string_view schedule_id, UtcTime nominal, Duration jitter) {
  const int64_t range = chrono::floor<chrono::milliseconds>(jitter).count();
  if (range <= 0) return Duration(0);
  const auto seed = static_cast<uint64_t>(ToUnixMicros(nominal));
  const uint64_t hash = XXH3_64bits_withSeed(schedule_id.data(), schedule_id.size(), seed);
  return chrono::milliseconds(static_cast<int64_t>(hash % static_cast<uint64_t>(range)));
}

}  // namespace bizond
