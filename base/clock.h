// Clock: the only source of time and the only way to wait.
//
// RealClock reads the system and waits on a timerfd that notices a step of the wall clock
// (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET) and is armed again at least every 60 s, so that a
// suspended machine or a changed clock is seen. SimulatedClock stands still until a test moves it:
// a test of ten years needs no sleep.
//
// Threads: every method may be called from any thread.
#ifndef BIZOND_BASE_CLOCK_H_
#define BIZOND_BASE_CLOCK_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>

#include "base/time.h"

namespace bizond {

enum class WakeReason { kDeadline, kNotified, kStopped, kClockStepped };

// One waiting place: one thread at a time waits in it, any thread may wake it. A Notify that comes
// before the wait is not lost: the next wait returns at once; several of them count as one.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // Returns at `deadline` of the wall clock (UtcTime::max(): never), at Notify, at a stop, or when
  // the wall clock was stepped during the wait: the caller then reads Now() and computes its
  // deadline anew. Where several hold at once a stop is told first, then Notify.
  virtual WakeReason WaitUntil(UtcTime deadline, std::stop_token stop) = 0;
  virtual void Notify() = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock, UTC.
  virtual UtcTime Now() const = 0;
  // Never steps; only differences mean anything. For measuring and for backoff. Stands still while
  // the machine sleeps (CLOCK_MONOTONIC).
  virtual Duration Steady() const = 0;
  // As Steady, but goes on while the machine sleeps (CLOCK_BOOTTIME): what the wall clock gained
  // beyond it, somebody set.
  virtual Duration Elapsed() const = 0;
  // Throws std::system_error when the process has no descriptor left. Made once and kept; it must
  // not outlive the clock.
  virtual std::unique_ptr<Waiter> NewWaiter() = 0;
  // Steady time, at most kLongestSleep. True when the whole duration passed, false when a stop was
  // asked for.
  virtual bool SleepFor(Duration duration, std::stop_token stop) = 0;
};

// A longer sleep is cut to this one, so that no sum of instants overflows.
inline constexpr Duration kLongestSleep = std::chrono::years(100);

class RealClock final : public Clock {
 public:
  UtcTime Now() const override;
  Duration Steady() const override;
  Duration Elapsed() const override;
  std::unique_ptr<Waiter> NewWaiter() override;
  bool SleepFor(Duration duration, std::stop_token stop) override;
};

// For tests. Time moves by Advance (all three), Suspend (all but steady) and StepWall (wall only,
// either direction).
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(UtcTime start);
  ~SimulatedClock() override;

  UtcTime Now() const override;
  Duration Steady() const override;
  Duration Elapsed() const override;
  std::unique_ptr<Waiter> NewWaiter() override;
  bool SleepFor(Duration duration, std::stop_token stop) override;

  // One leap: whoever is due within it wakes at its end.
  void Advance(Duration duration);
  // Moves to the earliest deadline that somebody waits for, at most to `limit`; false when nobody
  // waits until then (the clock is then at `limit`).
  bool AdvanceToNextDeadline(UtcTime limit);
  // The machine sleeps: whoever waits for the wall clock wakes at its end when it is due.
  void Suspend(Duration duration);
  void StepWall(Duration step);
  // Blocks (in real time) until `count` threads wait in this clock: a test's way to know that the
  // code under test has come to rest. A thread that was woken no longer counts, from the very
  // moment of the Advance, Notify or stop that woke it.
  void AwaitWaiters(size_t count);
  // As AwaitWaiters, for exactly as many threads as `threads` says. It is asked again whenever a
  // thread comes to rest, with no lock held: what it answers changes only before that.
  void AwaitRest(const std::function<size_t()>& threads);

  struct Core;  // Shared with the waiters; public only for them.

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_CLOCK_H_
