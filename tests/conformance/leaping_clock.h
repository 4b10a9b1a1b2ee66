// LeapingClock: a wait takes no time here, and passes at the fake of BigQuery.
//
// Threads: one test at a time.
#ifndef BIZOND_TESTS_CONFORMANCE_LEAPING_CLOCK_H_
#define BIZOND_TESTS_CONFORMANCE_LEAPING_CLOCK_H_

#include <chrono>
#include <memory>

#include "base/clock.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {

class LeapingClock final : public Clock {
 public:
  UtcTime Now() const override { return real_.Now(); }
  Duration Steady() const override { return steady_; }
  Duration Elapsed() const override { return steady_; }
  std::unique_ptr<Waiter> NewWaiter() override { return real_.NewWaiter(); }
  bool SleepFor(Duration duration, std::stop_token stop) override {
    if (stop.stop_requested()) return false;
    steady_ += duration;
    BigQueryFake::Get().Advance(std::chrono::duration<double>(duration).count());
    return true;
  }

 private:
  RealClock real_;
  Duration steady_{0};
};

}  // namespace bizond

#endif  // BIZOND_TESTS_CONFORMANCE_LEAPING_CLOCK_H_
