// ParseSchedule: the `schedule` block of a definition.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "scheduler/schedule.h"
#include "scheduler/schedule_words.h"

namespace bizond {
namespace {

namespace chrono = std::chrono;
using nlohmann::json;

template <typename E>
using Names = std::vector<std::pair<std::string_view, E>>;

const Names<OverlapPolicy> kOverlaps = {{"skip", OverlapPolicy::kSkip},
                                        {"buffer_one", OverlapPolicy::kBufferOne},
                                        {"buffer_all", OverlapPolicy::kBufferAll},
                                        {"cancel_other", OverlapPolicy::kCancelOther},
                                        {"allow_all", OverlapPolicy::kAllowAll}};
const Names<CatchUpMode> kCatchUps = {
    {"none", CatchUpMode::kNone}, {"last", CatchUpMode::kLast}, {"all", CatchUpMode::kAll}};
const Names<GapPolicy> kGaps = {{"next", GapPolicy::kNext}, {"skip", GapPolicy::kSkip}};
const Names<FoldPolicy> kFolds = {{"first", FoldPolicy::kFirst}, {"both", FoldPolicy::kBoth}};
const Names<ScheduleKind> kKinds = {{"cron", ScheduleKind::kCron},
                                    {"every", ScheduleKind::kEvery},
                                    {"at", ScheduleKind::kAt},
                                    {"after", ScheduleKind::kAfter}};

// Between the place and the words of an error, until ParseSchedule takes them apart.
constexpr std::string_view kBehindPlace = ": ";

Failure Invalid(std::string_view path, std::string_view what, std::string remedy) {
  return Fail(ErrorKind::kConfig, "invalid_schedule",
              fmt::format("schedule{}{}{}", path, kBehindPlace, what), std::move(remedy));
}

// Another part's error, with its place.
Failure At(std::string_view path, Error error) {
  error.message = fmt::format("schedule{}{}{}", path, kBehindPlace, error.message);
  error.kind = ErrorKind::kConfig;
  return Failure(std::move(error));
}

template <typename E>
std::vector<std::string_view> Words(const Names<E>& names) {
  std::vector<std::string_view> words;
  for (const auto& [name, value] : names) words.push_back(name);
  return words;
}

std::string OneOf(std::string_view word, const std::vector<std::string_view>& words) {
  std::string remedy = DidYouMean(NearestNames(word, words, 2));
  return remedy.empty() ? fmt::format("Write one of {}", fmt::join(words, ", ")) : remedy;
}

Result<std::string> Text(const json& value, std::string_view path) {
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return value;
  return Invalid(path,
                 fmt::format("a text is expected, not {}",
                             value.is_string() ? "an empty one" : value.type_name()),
                 "Write a text");
}

template <typename E>
Result<E> Word(const json& value, std::string_view path, const Names<E>& names) {
  BIZOND_ASSIGN_OR_RETURN(const std::string word, Text(value, path));
  for (const auto& [name, meaning] : names) {
    if (word == name) return meaning;
  }
  return Invalid(path, fmt::format("'{}' is not known", Printable(word)),
                 OneOf(word, Words(names)));
}

// "90s", or a number of seconds.
Result<Duration> Length(const json& value, std::string_view path) {
  std::string text;
  if (value.is_number_integer()) {
    text = value.dump();
  } else if (!value.is_string()) {
    return Invalid(path, fmt::format("a duration is expected, not {}", value.dump().substr(0, 40)),
                   "Write it like 90s, 10m or 2h, or as whole seconds");
  } else {
    BIZOND_ASSIGN_OR_RETURN(text, Text(value, path));
  }
  auto duration = ParseDuration(text);
  if (!duration) return At(path, std::move(duration).error());
  return *duration;
}

// RFC 3339; without an offset it is a civil time of `zone`: one in a gap is the instant after it,
// one in a fold the first of the two.
Result<UtcTime> Instant(const json& value, const Zone& zone) {
  BIZOND_ASSIGN_OR_RETURN(const std::string text, Text(value, ".at"));
  auto time = ParseUtc(text);
  if (!time) return At(".at", std::move(time).error());
  const bool has_offset = text.size() > 10 && text.find_first_of("Zz+-", 10) != std::string::npos;
  if (has_offset) return *time;
  const auto fraction = *time - chrono::floor<chrono::seconds>(*time);
  const CivilTime civil(chrono::floor<chrono::seconds>(*time).time_since_epoch());
  for (const Zone::Period& period : zone.periods()) {
    if (civil < period.Civil(period.begin)) return UtcTime(period.begin);
    if (civil < period.Civil(period.end)) return period.Utc(civil) + fraction;
  }
  return *time;
}

// Builds the spec from the block, one step a group of keys.
class Builder {
 public:
  Builder(const json& block, std::string_view job_name) : block_(block), job_(job_name) {}

  Result<ScheduleSpec> Build() {
    BIZOND_RETURN_IF_ERROR(CheckKeys());
    BIZOND_RETURN_IF_ERROR(ReadPolicies());
    BIZOND_RETURN_IF_ERROR(ReadWhen());
    BIZOND_RETURN_IF_ERROR(CheckCombination());
    return std::move(spec_);
  }

 private:
  bool Has(std::string_view key) const { return block_.contains(key); }

  Status CheckKeys() {
    std::vector<std::string_view> known = {"timezone", "on_gap",  "on_fold",
                                           "jitter",   "overlap", "catch_up"};
    for (const auto& [name, kind] : kKinds) known.push_back(name);
    if (!block_.is_object()) {
      return Invalid("", fmt::format("an object is expected, not {}", block_.type_name()),
                     "Write it like {cron: \"*/5 * * * *\"} or {every: 90s}");
    }
    for (const auto& [key, value] : block_.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        return Invalid("", fmt::format("'{}' is not a key of a schedule", Printable(key)),
                       OneOf(key, known));
      }
    }
    std::vector<std::string_view> when;
    for (const auto& [name, kind] : kKinds) {
      if (!Has(name)) continue;
      when.push_back(name);
      spec_.kind = kind;
    }
    if (when.size() == 1) return {};
    return Invalid("",
                   when.empty() ? "nothing says when"
                                : fmt::format("{} contradict each other", fmt::join(when, " and ")),
                   "Write exactly one of cron, every, at and after");
  }

  Status ReadPolicies() {
    if (Has("timezone")) {
      BIZOND_ASSIGN_OR_RETURN(spec_.timezone, Text(block_["timezone"], ".timezone"));
    }
    auto zone = Zone::Find(spec_.timezone);
    if (!zone) return At(".timezone", std::move(zone).error());
    zone_ = *zone;
    if (Has("on_gap")) {
      BIZOND_ASSIGN_OR_RETURN(spec_.on_gap, Word(block_["on_gap"], ".on_gap", kGaps));
    }
    if (Has("on_fold")) {
      BIZOND_ASSIGN_OR_RETURN(spec_.on_fold, Word(block_["on_fold"], ".on_fold", kFolds));
    }
    if (Has("overlap")) {
      BIZOND_ASSIGN_OR_RETURN(spec_.overlap, Word(block_["overlap"], ".overlap", kOverlaps));
    }
    if (Has("jitter")) {
      BIZOND_ASSIGN_OR_RETURN(spec_.jitter, Length(block_["jitter"], ".jitter"));
    }
    return Has("catch_up") ? ReadCatchUp(block_["catch_up"]) : Status();
  }

  Status ReadCatchUp(const json& value) {
    if (!value.is_object()) {
      BIZOND_ASSIGN_OR_RETURN(spec_.catch_up, Word(value, ".catch_up", kCatchUps));
      return {};
    }
    if (value.size() != 1 || !value.contains("within")) {
      return Invalid(".catch_up", "the only key here is 'within'", "Write it like {within: 6h}");
    }
    spec_.catch_up = CatchUpMode::kWithin;
    BIZOND_ASSIGN_OR_RETURN(spec_.catch_up_within, Length(value["within"], ".catch_up.within"));
    if (spec_.catch_up_within > Duration(0)) return {};
    return Invalid(".catch_up.within", "a window of nothing catches nothing",
                   "Write catch_up: none, or a window like 6h");
  }

  Status ReadWhen() {
    switch (spec_.kind) {
      case ScheduleKind::kCron: {
        BIZOND_ASSIGN_OR_RETURN(spec_.cron, Text(block_["cron"], ".cron"));
        break;
      }
      case ScheduleKind::kEvery: {
        BIZOND_ASSIGN_OR_RETURN(spec_.every, Length(block_["every"], ".every"));
        break;
      }
      case ScheduleKind::kAt: {
        BIZOND_ASSIGN_OR_RETURN(spec_.at, Instant(block_["at"], *zone_));
        break;
      }
      case ScheduleKind::kAfter: {
        BIZOND_ASSIGN_OR_RETURN(spec_.after, Text(block_["after"], ".after"));
        if (spec_.after == job_) {
          return Invalid(".after", "a job cannot run after itself", "Name another job");
        }
        break;
      }
    }
    return {};
  }

  Status CheckCombination() {
    const std::string_view when = kKinds[static_cast<size_t>(spec_.kind)].first;
    auto schedule = Schedule::Compile(spec_, job_);
    if (!schedule) return At(fmt::format(".{}", when), std::move(schedule).error());
    for (const std::string_view key : {"on_gap", "on_fold"}) {
      if (Has(key) && schedule->kind() != ScheduleKind::kCron) {
        return Invalid(fmt::format(".{}", key), fmt::format("means nothing with '{}'", when),
                       "Remove it, or say when by cron");
      }
    }
    for (const std::string_view key : {"catch_up", "jitter", "timezone"}) {
      if (Has(key) && spec_.kind == ScheduleKind::kAfter) {
        return Invalid(fmt::format(".{}", key), "means nothing with 'after', which has no times",
                       "Remove it, or say when by cron, every or at");
      }
    }
    BIZOND_RETURN_IF_ERROR(CheckFires(*schedule));
    return CheckJitter(*schedule);
  }

  Status CheckFires(const Schedule& schedule) const {
    const UtcTime reference = chrono::sys_days(chrono::year(2026) / 1 / 1);
    if (schedule.kind() != ScheduleKind::kCron || schedule.Next(reference)) return {};
    return Invalid(".on_gap",
                   fmt::format("skip leaves out every time of the cron expression: in {} none of "
                               "them exists",
                               spec_.timezone),
                   "Write on_gap: next, or another hour");
  }

  // Fires must keep their order.
  Status CheckJitter(const Schedule& schedule) const {
    if (spec_.jitter == Duration(0)) return {};
    const auto shortest = schedule.ShortestPause();
    if (!shortest || spec_.jitter <= *shortest) return {};
    return Invalid(".jitter",
                   fmt::format("{} is longer than the {} between the two fires that are nearest to "
                               "each other",
                               FormatDuration(spec_.jitter), FormatDuration(*shortest)),
                   fmt::format("Write at most {}", FormatDuration(*shortest)));
  }

  const json& block_;
  const std::string_view job_;
  const Zone* zone_ = nullptr;
  ScheduleSpec spec_;
};

}  // namespace

std::string_view OverlapPolicyName(OverlapPolicy policy) {
  return kOverlaps[static_cast<size_t>(policy)].first;
}

std::string_view CatchUpModeName(CatchUpMode mode) {
  return mode == CatchUpMode::kWithin ? "within" : kCatchUps[static_cast<size_t>(mode)].first;
}

Result<ScheduleSpec> ParseSchedule(const json& block, std::string_view job_name,
                                   std::string* place) {
  Result<ScheduleSpec> spec = Builder(block, job_name).Build();
  if (spec || place == nullptr) return spec;
  std::string& message = spec.error().message;
  const size_t end = message.find(kBehindPlace);
  *place = message.substr(0, end);
  message.erase(0, end + kBehindPlace.size());
  return spec;
}

}  // namespace bizond
