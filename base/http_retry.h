// HttpRetrier: sends a request again while its failure may go away.
//
// Again is tried after connection errors, timeouts and the statuses 408, 425, 429 and 5xx (but for
// 501 and 505, which stay so), only for a request that says that it may be repeated (MayRepeat),
// whose upload can be rewound and whose sink, if it got something, can be restarted. Before the
// n-th repetition a time between nothing and first_delay * 2^(n-1) is waited, at most max_delay
// (exponential backoff with full jitter), on top of what the server asked for. A server that asks
// for more than max_server_delay, or for what lies behind the deadline, ends the trying.
//
// The last answer or error is what Send returns; an answer's wish for a pause is read from it by
// ServerDelay. Error codes are the client's.
//
// Threads: belongs to one thread at a time, like its client.
#ifndef BIZOND_BASE_HTTP_RETRY_H_
#define BIZOND_BASE_HTTP_RETRY_H_

#include <functional>
#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "base/error.h"
#include "base/http_client.h"

namespace bizond {

struct HttpRetryPolicy {
  int max_attempts = 5;
  Duration first_delay = std::chrono::milliseconds(500);
  Duration max_delay = std::chrono::seconds(30);
  Duration max_server_delay = std::chrono::minutes(5);
  // Of all attempts and waits together; no attempt begins behind it.
  Duration deadline = std::chrono::minutes(10);
};

// Whether an answer of that status may be another one the next time.
bool IsTransientStatus(int status);

// How long the server wants to be left alone: Retry-After (seconds or a date); else, for 429 and
// 503, RateLimit (IETF draft, with `t` or `reset`), RateLimit-Reset or X-RateLimit-Reset (seconds,
// or seconds since 1970). A date is taken relative to the answer's own Date, so that clocks may
// differ. nullopt: nothing that can be understood.
std::optional<Duration> ServerDelay(const HttpResponse& response, UtcTime now);

class HttpRetrier {
 public:
  // All must outlive it. `random` gives numbers of [0, 1); without one they come from the system.
  HttpRetrier(HttpClient& client, Clock& clock, HttpRetryPolicy policy = {},
              std::function<double()> random = nullptr);

  Result<HttpResponse> Send(const HttpRequest& request, std::stop_token stop);

 private:
  // How long to wait before the next attempt; nullopt: there is none.
  std::optional<Duration> NextDelay(const HttpRequest& request, const Result<HttpResponse>& outcome,
                                    int attempt, Duration time_left);

  HttpClient& client_;
  Clock& clock_;
  const HttpRetryPolicy policy_;
  const std::function<double()> random_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_HTTP_RETRY_H_
