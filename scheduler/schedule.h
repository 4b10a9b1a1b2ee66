// Schedule: when a job runs, from the `schedule` block of its definition to the next instant.
//
// A ScheduleSpec is the block as it was written; a Schedule is the same compiled. Exactly one of
// cron, every, at and after says when:
//   cron   see scheduler/cron.h; "@every 90s" is `every` in a cron field.
//   every  fires at epoch + phase + n * interval, where the phase is a hash of the job's name
//   modulo
//          the interval, in whole seconds: a restart or a clock step moves nothing, and jobs of one
//          interval spread.
//   at     fires once. Without an offset it is a civil time of the schedule's zone.
//   after  never by itself: when another job's run has succeeded.
//
// Threads: values; const methods may be called from any thread.
#ifndef BIZOND_SCHEDULER_SCHEDULE_H_
#define BIZOND_SCHEDULER_SCHEDULE_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "scheduler/next_fire.h"
#include "scheduler/zone.h"

namespace bizond {

enum class ScheduleKind : unsigned char { kCron, kEvery, kAt, kAfter };
// What a fire does while an earlier run of the job is queued or running.
enum class OverlapPolicy : unsigned char { kSkip, kBufferOne, kBufferAll, kCancelOther, kAllowAll };
// Which of the fires that nobody was there for are run afterwards.
enum class CatchUpMode : unsigned char { kNone, kLast, kAll, kWithin };

// "skip", "buffer_one", ... and "none", "last", "all", "within": as in a definition.
std::string_view OverlapPolicyName(OverlapPolicy policy);
std::string_view CatchUpModeName(CatchUpMode mode);

struct ScheduleSpec {
  ScheduleKind kind = ScheduleKind::kCron;
  std::string cron;
  Duration every{0};
  UtcTime at;
  std::string after;  // The other job's name.
  std::string timezone = "UTC";
  GapPolicy on_gap = GapPolicy::kNext;
  FoldPolicy on_fold = FoldPolicy::kFirst;
  Duration jitter{0};
  OverlapPolicy overlap = OverlapPolicy::kSkip;
  CatchUpMode catch_up = CatchUpMode::kLast;
  Duration catch_up_within{0};  // Only with kWithin.

  friend bool operator==(const ScheduleSpec&, const ScheduleSpec&) = default;
};

// The `schedule` block, checked to the end: what this returns compiles. Codes `invalid_schedule`,
// `invalid_cron`, `unknown_timezone`; kind kConfig. An error's place goes to `place`
// ("schedule.catch_up.within"); without one the message begins with it. `job_name` seeds `H` and
// the phase of `every`.
Result<ScheduleSpec> ParseSchedule(const nlohmann::json& block, std::string_view job_name,
                                   std::string* place = nullptr);

// Refuses an `at` that has passed: for a definition's first submission only, since a folder's job
// outlives its one run. Code `invalid_schedule`.
Status CheckNotPast(const ScheduleSpec& spec, UtcTime now);

class Schedule {
 public:
  // `hash_seed` as in ParseSchedule.
  static Result<Schedule> Compile(const ScheduleSpec& spec, std::string_view hash_seed);

  // The first nominal fire after `after`, that instant excluded; empty when there is none. Jitter
  // is not in it: see JitterFor.
  std::optional<Fire> Next(UtcTime after) const;

  // The shortest time between two fires that follow each other; empty when there are no two.
  std::optional<Duration> ShortestPause() const;

  // The instant as a clock of the schedule's zone shows it: "2026-03-29T03:00:00+02:00".
  std::string LocalText(UtcTime time) const { return zone_->LocalText(time); }
  ScheduleKind kind() const { return kind_; }  // "@every" in a cron field is kEvery.
  const Zone& zone() const { return *zone_; }
  // Whether the fires depend on the job's name: `H`, or the phase of an interval.
  bool depends_on_name() const {
    return kind_ == ScheduleKind::kEvery || (cron_ && cron_->hashed());
  }

 private:
  Schedule(ScheduleKind kind, const Zone* zone) : kind_(kind), zone_(zone) {}

  // Constant after Compile.
  ScheduleKind kind_;
  GapPolicy on_gap_ = GapPolicy::kNext;
  FoldPolicy on_fold_ = FoldPolicy::kFirst;
  const Zone* zone_;
  std::optional<CronExpression> cron_;
  Duration every_{0};
  UtcTime anchor_;  // `at` itself, or epoch + phase of `every`.
};

// What to add to a nominal fire: from 0 to below `jitter`, in whole milliseconds, decided by a hash
// of both arguments alone, so that it is the same after a restart.
Duration JitterFor(std::string_view schedule_id, UtcTime nominal, Duration jitter);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_SCHEDULE_H_
