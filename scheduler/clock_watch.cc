#include "scheduler/clock_watch.h"

namespace bizond {
namespace {

constexpr size_t kAbsencesMax = 64;

}  // namespace

ClockWatch::ClockWatch(const Clock* clock)
    : clock_(clock), wall_(clock->Now()), elapsed_(clock->Elapsed()), steady_(clock->Steady()) {
  Remember(UtcTime::min(), wall_, "downtime");
}

ClockWatch::Change ClockWatch::Look() {
  const UtcTime wall = clock_->Now();
  const Duration elapsed = clock_->Elapsed();
  const Duration steady = clock_->Steady();
  Change change;
  change.slept = (elapsed - elapsed_) - (steady - steady_);
  const UtcTime expected = wall_ + (elapsed - elapsed_);
  change.step = wall - expected;
  if (change.slept < kLeastStep) change.slept = Duration(0);
  if (change.step < kLeastStep && -change.step < kLeastStep) change.step = Duration(0);
  if (change.slept > Duration(0)) Remember(wall_, expected, "suspend");
  if (change.step > Duration(0)) Remember(expected, wall, "clock_step");
  wall_ = wall;
  elapsed_ = elapsed;
  steady_ = steady;
  return change;
}

void ClockWatch::StoreAnswered(bool well) {
  const bool was_well = store_failed_at_ == UtcTime::max();
  if (well == was_well) return;
  if (well) Remember(store_failed_at_, clock_->Now(), "store_unavailable");
  store_failed_at_ = well ? UtcTime::max() : clock_->Now();
}

std::string_view ClockWatch::WhyMissed(UtcTime nominal) const {
  for (const Absence& absence : absences_) {
    if (absence.from <= nominal && nominal <= absence.to) return absence.why;
  }
  return "late";
}

void ClockWatch::Remember(UtcTime from, UtcTime to, std::string_view why) {
  absences_.push_front({from, to, why});
  if (absences_.size() > kAbsencesMax) absences_.pop_back();
}

}  // namespace bizond
