#include "web/connections.h"

#include <sys/socket.h>

#include <algorithm>

namespace bizond {
namespace {

using std::chrono::seconds;

// By ConnectionPhase. A request has ten seconds from its first byte to its last, whatever its size:
// the largest one is a mebibyte.
constexpr Duration kPatience[] = {seconds(15), seconds(10), Duration::max(), seconds(30),
                                  Duration::max()};

bool WaitsForClient(ConnectionPhase phase) {
  return phase == ConnectionPhase::kIdle || phase == ConnectionPhase::kReading;
}

}  // namespace

Connections::Connections(Clock* clock, size_t limit)
    : clock_(clock),
      limit_(limit),
      waiter_(clock->NewWaiter()),
      none_(clock->NewWaiter()),
      watchdog_([this](std::stop_token stop) { Watch(std::move(stop)); }) {}

Connections::~Connections() = default;

Connections::Handle Connections::Add(int socket) {
  std::lock_guard lock(mutex_);
  if (list_.size() >= limit_) MakeRoom();
  const Duration now = clock_->Steady();
  list_.push_back({socket, ConnectionPhase::kIdle, now, now + kPatience[0], false});
  // The watchdog looks every second while it has somebody to watch; only the first one wakes it.
  if (list_.size() == 1) waiter_->Notify();
  if (closing_) Shut(list_.back());
  return std::prev(list_.end());
}

void Connections::Remove(Handle connection) {
  std::lock_guard lock(mutex_);
  list_.erase(connection);
  if (list_.empty()) none_->Notify();
}

void Connections::Enter(Handle connection, ConnectionPhase phase) {
  std::lock_guard lock(mutex_);
  const Duration patience = kPatience[static_cast<size_t>(phase)];
  connection->phase = phase;
  connection->since = clock_->Steady();
  connection->deadline =
      patience == Duration::max() ? Duration::max() : connection->since + patience;
  if (closing_ && phase == ConnectionPhase::kIdle) Shut(*connection);
}

void Connections::Shut(Connection& connection) {
  if (connection.shut) return;
  connection.shut = true;
  ::shutdown(connection.socket, SHUT_RDWR);
}

void Connections::MakeRoom() {
  Connection* oldest = nullptr;
  for (Connection& connection : list_) {
    if (connection.shut || !WaitsForClient(connection.phase)) continue;
    if (oldest == nullptr || connection.since < oldest->since) oldest = &connection;
  }
  if (oldest != nullptr) Shut(*oldest);
}

void Connections::Close(bool all) {
  std::lock_guard lock(mutex_);
  closing_ = true;
  for (Connection& connection : list_) {
    const bool streams = connection.phase == ConnectionPhase::kStreaming;
    if (all || streams || WaitsForClient(connection.phase)) Shut(connection);
  }
}

bool Connections::AwaitNone(Duration patience) {
  const UtcTime deadline = clock_->Now() + patience;
  while (size() > 0) {
    if (none_->WaitUntil(deadline, {}) == WakeReason::kDeadline) return size() == 0;
  }
  return true;
}

size_t Connections::size() const {
  std::lock_guard lock(mutex_);
  return list_.size();
}

void Connections::Watch(std::stop_token stop) {
  while (!stop.stop_requested()) {
    UtcTime next = UtcTime::max();
    {
      std::lock_guard lock(mutex_);
      const Duration now = clock_->Steady();
      for (Connection& connection : list_) {
        if (connection.deadline <= now) Shut(connection);
      }
      if (!list_.empty()) next = clock_->Now() + seconds(1);
    }
    waiter_->WaitUntil(next, stop);
  }
}

}  // namespace bizond
