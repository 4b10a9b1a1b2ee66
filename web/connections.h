// Connections: who is connected, and until when each of them may take its time.
//
// A client that drips a byte every few seconds holds a thread for as long as it likes; so each
// connection has a deadline for the phase it is in, and one watchdog thread shuts those that pass
// it. A thread that blocks in a read or write of a shut socket returns at once. The watchdog sleeps
// while nobody is connected.
//
// Threads: every method may be called from any thread; a Connection belongs to the thread that
// serves it.
#ifndef BIZOND_WEB_CONNECTIONS_H_
#define BIZOND_WEB_CONNECTIONS_H_

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/clock.h"

namespace bizond {

// What a connection is doing; each has its deadline, in connections.cc.
enum class ConnectionPhase {
  kIdle,       // Waits for the first byte of a request.
  kReading,    // The request is not complete.
  kHandling,   // Ours: no deadline.
  kAnswering,  // The client takes the response.
  kStreaming,  // An event stream: no deadline, each write has its own.
};

class Connections {
 public:
  struct Connection {
    int socket = -1;
    ConnectionPhase phase = ConnectionPhase::kIdle;
    Duration since{0};     // Steady.
    Duration deadline{0};  // Steady; Duration::max(): none.
    bool shut = false;
  };
  using Handle = std::list<Connection>::iterator;

  // At `limit` connections the one that has waited longest for its client makes room.
  Connections(Clock* clock, size_t limit);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  Handle Add(int socket);
  void Remove(Handle connection);
  void Enter(Handle connection, ConnectionPhase phase);

  // From now on a connection that waits for its client or streams to it is shut; with `all`, every
  // one.
  void Close(bool all);
  // Whether nobody is connected any more, waiting at most `patience` for it.
  bool AwaitNone(Duration patience);
  size_t size() const;

 private:
  void Watch(std::stop_token stop);
  void Shut(Connection& connection);
  void MakeRoom();

  Clock* const clock_;
  const size_t limit_;
  std::unique_ptr<Waiter> waiter_;
  std::unique_ptr<Waiter> none_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::list<Connection> list_;
  bool closing_ = false;

  std::jthread watchdog_;  // Last: it uses all of the above.
};

}  // namespace bizond

#endif  // BIZOND_WEB_CONNECTIONS_H_
