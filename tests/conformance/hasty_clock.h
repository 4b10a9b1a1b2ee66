// HastyClock: a wait is over at once, and the clock has moved by it. For code that backs off.
//
// Threads: any.
#ifndef BIZOND_TESTS_CONFORMANCE_HASTY_CLOCK_H_
#define BIZOND_TESTS_CONFORMANCE_HASTY_CLOCK_H_

#include <atomic>
#include <memory>
#include <stdexcept>

#include "base/clock.h"

namespace bizond {

class HastyClock final : public Clock {
 public:
  UtcTime Now() const override { return kStart + Steady(); }
  Duration Steady() const override { return Duration(slept_us_.load()); }
  Duration Elapsed() const override { return Steady(); }
  std::unique_ptr<Waiter> NewWaiter() override {
    throw std::logic_error("a HastyClock has no waiters");
  }
  bool SleepFor(Duration duration, std::stop_token stop) override {
    if (stop.stop_requested()) return false;
    slept_us_ += duration.count();
    return true;
  }
  // All waits together.
  Duration slept() const { return Steady(); }

 private:
  static constexpr UtcTime kStart{Duration(1'764'547'200'000'000)};
  std::atomic<int64_t> slept_us_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_CONFORMANCE_HASTY_CLOCK_H_
