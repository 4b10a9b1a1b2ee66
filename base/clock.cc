#include "base/clock.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace bizond {
namespace {

// A step of the clock cancels the timer; what else can go wrong with a long wait (a virtual machine
// that was frozen, a kernel that misses a step) is seen at the next arming.
constexpr Duration kRearmAfter = std::chrono::seconds(60);

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

UtcTime WallNow() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

// A timerfd for the deadline and an eventfd for Notify and stop, waited for together.
class RealWaiter final : public Waiter {
 public:
  RealWaiter()
      : timer_(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)),
        event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (timer_ >= 0 && event_ >= 0) return;
    const int cause = errno;
    CloseBoth();
    throw std::system_error(cause, std::generic_category(), "no descriptor left for a timer");
  }
  ~RealWaiter() override { CloseBoth(); }
  RealWaiter(const RealWaiter&) = delete;
  RealWaiter& operator=(const RealWaiter&) = delete;

  WakeReason WaitUntil(UtcTime deadline, std::stop_token stop) override {
    const std::stop_callback wake_on_stop(stop, [this] { Wake(); });
    while (true) {
      if (stop.stop_requested()) return WakeReason::kStopped;
      if (notified_.exchange(false)) return WakeReason::kNotified;
      const UtcTime now = WallNow();
      if (now >= deadline) return WakeReason::kDeadline;
      Arm(deadline - now > kRearmAfter ? now + kRearmAfter : deadline);
      if (!Rest()) return WakeReason::kClockStepped;
    }
  }

  void Notify() override {
    notified_.store(true);
    Wake();
  }

 private:
  // Both may fail to be open in the constructor.
  void CloseBoth() const {
    if (timer_ >= 0) close(timer_);
    if (event_ >= 0) close(event_);
  }

  void Wake() const {
    const uint64_t one = 1;
    // EAGAIN means that the counter is full, so the waiter is awake already.
    while (write(event_, &one, sizeof one) < 0 && errno == EINTR) {
    }
  }

  void Arm(UtcTime at) const {
    const int64_t micros = std::max<int64_t>(1, ToUnixMicros(at));  // Zero would disarm.
    itimerspec spec{};
    spec.it_value.tv_sec = static_cast<time_t>(micros / 1'000'000);
    spec.it_value.tv_nsec = static_cast<long>(micros % 1'000'000 * 1000);
    // ECANCELED tells of a step since the last arming; the timer is armed nevertheless.
    if (timerfd_settime(timer_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, nullptr) < 0 &&
        errno != ECANCELED) {
      ThrowErrno("timerfd_settime");
    }
  }

  // Blocks until one of the two has something to say; false when the wall clock was stepped.
  bool Rest() const {
    pollfd polled[] = {{timer_, POLLIN, 0}, {event_, POLLIN, 0}};
    if (poll(polled, 2, -1) < 0 && errno != EINTR) ThrowErrno("poll");
    uint64_t ignored = 0;
    if (polled[1].revents != 0) (void)!read(event_, &ignored, sizeof ignored);
    if (polled[0].revents == 0) return true;
    return read(timer_, &ignored, sizeof ignored) >= 0 || errno != ECANCELED;
  }

  const int timer_;
  const int event_;
  std::atomic<bool> notified_ = false;
};

}  // namespace

UtcTime RealClock::Now() const { return WallNow(); }

Duration RealClock::Steady() const {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

Duration RealClock::Elapsed() const {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);  // Cannot fail: the clock is there since Linux 2.6.39.
  return std::chrono::seconds(time.tv_sec) +
         std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(time.tv_nsec));
}

std::unique_ptr<Waiter> RealClock::NewWaiter() { return std::make_unique<RealWaiter>(); }

bool RealClock::SleepFor(Duration duration, std::stop_token stop) {
  // Nothing but a stop or the deadline ends the wait, and it takes no descriptor: a process that
  // ran out of them must still be able to back off.
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  const auto deadline = std::chrono::steady_clock::now() + std::min(duration, kLongestSleep);
  never_notified.wait_until(lock, stop, deadline, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace bizond
