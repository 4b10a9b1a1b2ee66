#include "scheduler/firing.h"

#include <iterator>

#include "base/failpoint.h"
#include "base/log.h"
#include "scheduler/fire.h"

namespace bizond {
namespace {

constexpr int kSchedulesPerTurn = 1000;
// Other writes wait for a turn: it ends after this long, and the next one goes on.
constexpr Duration kLongestTurn = std::chrono::milliseconds(5);
constexpr Duration kDoubtfulStep = std::chrono::hours(1);
constexpr Duration kDoubtfulAbsence = std::chrono::hours(24);
constexpr Duration kDoubtFor = std::chrono::hours(1);

Failure NoScheduleLeft(const std::string& job) {
  return Fail(ErrorKind::kConfig, "invalid_schedule", "the definition of " + job + " has none");
}

}  // namespace

Firing::Firing(Store* store, JobCache* jobs, Clock* clock,
               std::function<void(std::string_view)> stop_run)
    : store_(store),
      jobs_(jobs),
      clock_(clock),
      stop_run_(std::move(stop_run)),
      watch_(clock),
      replan_(store, jobs, clock) {}

Status Firing::Begin() {
  watch_ = ClockWatch(clock_);
  BIZOND_RETURN_IF_ERROR(replan_.Begin());
  const UtcTime now = clock_->Now();
  const UtcTime last = replan_.marks().fired_until.value_or(now);
  if (now < last || now - last > kDoubtfulAbsence) doubtful_until_ = clock_->Steady() + kDoubtFor;
  return {};
}

bool Firing::IsDateDoubtful() const { return clock_->Steady() < doubtful_until_; }

Status Firing::LookAtClock() {
  const ClockWatch::Change change = watch_.Look();
  if (change.slept > Duration(0)) {
    Log(LogLevel::kInfo, "scheduler", "the machine was suspended",
        {{"for", FormatDuration(change.slept)}});
  }
  if (change.step != Duration(0)) {
    const bool back = change.step < Duration(0);
    const Duration size = back ? -change.step : change.step;
    Log(LogLevel::kWarning, "scheduler",
        back ? "the clock was set back" : "the clock was set forward",
        {{"by", FormatDuration(size)}});
    if (size >= kDoubtfulStep) doubtful_until_ = clock_->Steady() + kDoubtFor;
    if (back) back_ += size;
  }
  if (back_ > Duration(0)) {
    const UtcTime now = clock_->Now();
    BIZOND_RETURN_IF_ERROR(
        store_->Write([&](StoreTx& tx) { return tx.PullQueuedRuns(now, back_); }));
    back_ = Duration(0);
  }
  replan_.Look();
  return {};
}

Result<bool> Firing::Turn() {
  BIZOND_RETURN_IF_ERROR(LookAtClock());
  const UtcTime now = clock_->Now();
  // Most turns find nothing, and a look costs no write.
  const Result<std::optional<UtcTime>> next =
      store_->Query([](const StoreReader& reader) { return reader.NextDue(); });
  if (!next) {
    watch_.StoreAnswered(false);
    return tl::make_unexpected(next.error());
  }
  if (!*next || **next > now) return replan_.Turn();
  std::vector<std::string> stopped;
  const Status fired = store_->Write([&](StoreTx& tx) -> Status {
    stopped.clear();
    const Duration begun = clock_->Steady();
    BIZOND_ASSIGN_OR_RETURN(const auto due, tx.DueSchedules(now, kSchedulesPerTurn));
    for (const ScheduleRow& row : due) {
      BIZOND_RETURN_IF_ERROR(FireOne(tx, row, now, stopped));
      if (clock_->Steady() - begun >= kLongestTurn) break;
    }
    return replan_.Fired(tx, now);
  });
  watch_.StoreAnswered(fired.has_value());
  if (!fired) {
    Log(LogLevel::kError, "scheduler", "due schedules could not be fired",
        {{"error", Describe(fired.error())}});
    return tl::make_unexpected(fired.error());
  }
  for (const std::string& run : stopped) stop_run_(run);
  Failpoint("scheduler.after_fire");
  return true;
}

Status Firing::FireOne(StoreTx& tx, const ScheduleRow& row, UtcTime now,
                       std::vector<std::string>& stopped) const {
  BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> job, tx.GetJob(row.job));
  if (!job) return tx.DeleteSchedule(row.job);
  const auto why = [this](UtcTime nominal) { return watch_.WhyMissed(nominal); };
  const auto fire = [&]() -> Result<FireOutcome> {
    BIZOND_ASSIGN_OR_RETURN(const std::shared_ptr<const CompiledJob> compiled, jobs_->Get(*job));
    if (!compiled->schedule) return NoScheduleLeft(row.job);
    return FireSchedule(tx, row, RulesOf(*job, *compiled), now, why);
  };
  Result<FireOutcome> outcome = fire();
  if (outcome) {
    std::move(outcome->to_stop.begin(), outcome->to_stop.end(), std::back_inserter(stopped));
    return {};
  }
  if (outcome.error().kind != ErrorKind::kConfig) return tl::make_unexpected(outcome.error());
  // A definition that this binary does not understand stops its own schedule, not the others'.
  Log(LogLevel::kError, "scheduler", "a schedule cannot be read and is stopped",
      {{"job", row.job}, {"error", Describe(outcome.error())}});
  return tx.PutSchedule({row.job, std::nullopt, row.last_nominal, row.upstream});
}

}  // namespace bizond
