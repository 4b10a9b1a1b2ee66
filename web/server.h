// WebServer: the daemon's HTTP side: guard, routes and event stream over the transport.
//
// A request passes the guard (host, origin, token), finds its route in the table of web/routes.h
// and is answered by that route's handler. Event streams live on the store's commits and on
// Progress; with nobody connected nothing runs.
//
// Threads: Start and Stop belong to one thread; Progress may be called from any.
#ifndef BIZOND_WEB_SERVER_H_
#define BIZOND_WEB_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "scheduler/run_control.h"
#include "web/routes.h"

namespace bizond {

struct WebOptions {
  std::string host = "127.0.0.1";
  int port = 8787;                         // 0: a free one.
  std::string token;                       // Empty: none is asked for.
  std::vector<std::string> allowed_hosts;  // Names it answers to, beside the loopback's and host.
};

class WebServer {
 public:
  // `parts` need no `events`: the hub is the server's own. The store's one event listener becomes
  // the server's.
  WebServer(WebParts parts, WebOptions options);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  // Codes: address_in_use, cannot_listen, token_required (a host beyond the loopback without a
  // token).
  Status Start();
  // Within a second: requests under way are answered, streams end.
  void Stop();
  int port() const;

  // Passes a run's progress on to the event streams. Cheap when nobody listens.
  void Progress(const LiveRun& live);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bizond

#endif  // BIZOND_WEB_SERVER_H_
