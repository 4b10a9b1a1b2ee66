// HostLimits: how many requests a second all clients of the process send to one host.
//
// A token bucket by host. Whoever takes a turn reserves it at once and then waits for it, so turns
// come in the order in which they were asked for. The rate is the asker's: each turn moves the
// host's next one by that asker's interval.
//
// At most `max_hosts` buckets are held; one that is full again is forgotten. While all of them are
// in use, further hosts share one bucket: slower than asked for, never faster.
//
// Threads: every method may be called from any thread.
#ifndef BIZOND_BASE_HOST_LIMITS_H_
#define BIZOND_BASE_HOST_LIMITS_H_

#include <cstddef>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"

namespace bizond {

struct HostRate {
  double per_second = 0;  // 0: no limit.
  int burst = 1;          // Turns that may follow each other at once after a rest.
};

class HostLimits {
 public:
  static constexpr size_t kHostsMax = 1024;

  // The clock must outlive it.
  explicit HostLimits(Clock& clock, size_t max_hosts = kHostsMax);
  HostLimits(const HostLimits&) = delete;
  HostLimits& operator=(const HostLimits&) = delete;

  // The one that clients use unless they are given another.
  static HostLimits& OfProcess();

  // Waits for a turn at `host` ("name" or "name:port", in lower case). False: a stop was asked for;
  // the turn is then given back unless another was reserved behind it.
  bool AwaitTurn(std::string_view host, HostRate rate, std::stop_token stop);

  size_t hosts() const;

 private:
  // Instants of the steady clock.
  struct Turn {
    std::string bucket;
    Duration from{};  // When it comes.
    Duration paid{};  // The bucket's `full_at` with it,
    Duration owed{};  // and without it.
  };
  Turn Reserve(std::string_view host, HostRate rate);
  void GiveBack(const Turn& turn);

  Clock& clock_;
  const size_t max_hosts_;
  mutable std::mutex mutex_;
  // When each bucket is full again if nobody takes from it. Guarded by mutex_.
  std::unordered_map<std::string, Duration> full_at_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_HOST_LIMITS_H_
