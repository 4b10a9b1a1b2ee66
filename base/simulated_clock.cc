#include <algorithm>
#include <optional>

#include "base/clock.h"

namespace bizond {
namespace {

// One thread at rest. It lives on that thread's stack; whoever wakes it takes it off the list, so
// that the list holds exactly the threads which will not move by themselves.
struct Sleeper {
  UtcTime wall_deadline = UtcTime::max();      // Waiter::WaitUntil
  Duration steady_deadline = Duration::max();  // SleepFor
  bool wall_step_wakes = false;
  std::optional<WakeReason> woken = std::nullopt;
  std::condition_variable wake;  // Its own: a wake among a thousand sleepers disturbs no other.
};

}  // namespace

struct SimulatedClock::Core {
  explicit Core(UtcTime start) : now(start) {}

  std::mutex mutex;
  std::condition_variable changed;  // Somebody came to rest.
  // Guarded by mutex.
  UtcTime now;
  Duration steady{0};
  Duration slept{0};
  std::list<Sleeper*> sleepers;
  uint64_t arrivals = 0;  // How often somebody came to rest.

  // All below: with the mutex held.
  bool IsDue(const Sleeper& sleeper) const {
    return sleeper.wall_deadline <= now || sleeper.steady_deadline <= steady;
  }

  void Wake(Sleeper& sleeper, WakeReason reason) {
    if (sleeper.woken) return;
    sleeper.woken = reason;
    sleepers.remove(&sleeper);
    sleeper.wake.notify_one();
  }

  void WakeDue() {
    const std::list<Sleeper*> before = sleepers;
    for (Sleeper* sleeper : before) {
      if (IsDue(*sleeper)) Wake(*sleeper, WakeReason::kDeadline);
    }
  }

  // The wall clock's reading at which this sleeper is due; max() for never.
  UtcTime DueAt(const Sleeper& sleeper) const {
    if (sleeper.steady_deadline == Duration::max()) return sleeper.wall_deadline;
    return std::min(sleeper.wall_deadline, now + (sleeper.steady_deadline - steady));
  }

  void MoveBy(Duration duration) {
    now += duration;
    steady += duration;
    WakeDue();
  }

  void Rest(std::unique_lock<std::mutex>& lock, Sleeper& sleeper) {
    if (!sleeper.woken && IsDue(sleeper)) sleeper.woken = WakeReason::kDeadline;
    if (!sleeper.woken) {
      sleepers.push_back(&sleeper);
      ++arrivals;
      changed.notify_all();
    }
    sleeper.wake.wait(lock, [&] { return sleeper.woken.has_value(); });
  }
};

namespace {

using Core = SimulatedClock::Core;

class SimulatedWaiter final : public Waiter {
 public:
  explicit SimulatedWaiter(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  WakeReason WaitUntil(UtcTime deadline, std::stop_token stop) override {
    Sleeper sleeper;
    sleeper.wall_deadline = deadline;
    sleeper.wall_step_wakes = true;
    // Made before the lock and destroyed after it: its destructor waits for a callback that runs,
    // and the callback takes the same lock.
    const std::stop_callback wake_on_stop(stop, [&] {
      std::lock_guard lock(core_->mutex);
      core_->Wake(sleeper, WakeReason::kStopped);
    });
    std::unique_lock lock(core_->mutex);
    if (!sleeper.woken && notified_) {
      notified_ = false;
      return WakeReason::kNotified;
    }
    current_ = &sleeper;
    core_->Rest(lock, sleeper);
    current_ = nullptr;
    return *sleeper.woken;
  }

  void Notify() override {
    std::lock_guard lock(core_->mutex);
    if (current_ != nullptr && !current_->woken) {
      core_->Wake(*current_, WakeReason::kNotified);
    } else {
      notified_ = true;
    }
  }

 private:
  const std::shared_ptr<Core> core_;
  // Guarded by core_->mutex.
  Sleeper* current_ = nullptr;
  bool notified_ = false;
};

}  // namespace

SimulatedClock::SimulatedClock(UtcTime start) : core_(std::make_shared<Core>(start)) {}

SimulatedClock::~SimulatedClock() = default;

UtcTime SimulatedClock::Now() const {
  std::lock_guard lock(core_->mutex);
  return core_->now;
}

Duration SimulatedClock::Steady() const {
  std::lock_guard lock(core_->mutex);
  return core_->steady;
}

Duration SimulatedClock::Elapsed() const {
  std::lock_guard lock(core_->mutex);
  return core_->steady + core_->slept;
}

std::unique_ptr<Waiter> SimulatedClock::NewWaiter() {
  return std::make_unique<SimulatedWaiter>(core_);
}

bool SimulatedClock::SleepFor(Duration duration, std::stop_token stop) {
  Sleeper sleeper;
  const std::stop_callback wake_on_stop(stop, [&] {
    std::lock_guard lock(core_->mutex);
    core_->Wake(sleeper, WakeReason::kStopped);
  });
  std::unique_lock lock(core_->mutex);
  sleeper.steady_deadline = core_->steady + std::clamp(duration, Duration(0), kLongestSleep);
  core_->Rest(lock, sleeper);
  return *sleeper.woken != WakeReason::kStopped;
}

void SimulatedClock::Advance(Duration duration) {
  std::lock_guard lock(core_->mutex);
  core_->MoveBy(std::max(duration, Duration(0)));
}

bool SimulatedClock::AdvanceToNextDeadline(UtcTime limit) {
  std::lock_guard lock(core_->mutex);
  UtcTime next = UtcTime::max();
  for (const Sleeper* sleeper : core_->sleepers) next = std::min(next, core_->DueAt(*sleeper));
  const bool found = next != UtcTime::max() && next <= limit;
  const UtcTime target = found ? next : limit;
  if (target > core_->now) core_->MoveBy(target - core_->now);
  return found;
}

void SimulatedClock::Suspend(Duration duration) {
  std::lock_guard lock(core_->mutex);
  core_->now += duration;
  core_->slept += duration;
  core_->WakeDue();
}

void SimulatedClock::StepWall(Duration step) {
  std::lock_guard lock(core_->mutex);
  core_->now += step;
  // A waiter is told of the step even when it made its deadline due, as the real one is.
  const std::list<Sleeper*> before = core_->sleepers;
  for (Sleeper* sleeper : before) {
    if (sleeper->wall_step_wakes) core_->Wake(*sleeper, WakeReason::kClockStepped);
  }
}

void SimulatedClock::AwaitRest(const std::function<size_t()>& threads) {
  while (true) {
    uint64_t seen = 0;
    size_t waiting = 0;
    {
      std::lock_guard lock(core_->mutex);
      seen = core_->arrivals;
      waiting = core_->sleepers.size();
    }
    if (waiting == threads()) return;
    std::unique_lock lock(core_->mutex);
    core_->changed.wait(lock, [&] { return core_->arrivals != seen; });
  }
}

void SimulatedClock::AwaitWaiters(size_t count) {
  std::unique_lock lock(core_->mutex);
  core_->changed.wait(lock, [&] { return core_->sleepers.size() >= count; });
}

}  // namespace bizond
