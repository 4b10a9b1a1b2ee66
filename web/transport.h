// Transport: HTTP/1.1 on one listening socket, over cpp-httplib.
//
// A thread of a small stack serves each connection and ends with it: an idle daemon has none.
// Requests go to `admit` with their headers alone, before a byte of the body is read; what it lets
// through comes to `handle` whole. An exception in either is the transport's `fail`.
//
// Limits: body 1 MiB (413), headers 16 KiB in all (431), request line 8 KiB (414), and the
// deadlines of web/connections.h.
//
// Threads: Start and Stop belong to one thread; the handlers are called from many.
#ifndef BIZOND_WEB_TRANSPORT_H_
#define BIZOND_WEB_TRANSPORT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "web/http_types.h"

namespace bizond {

inline constexpr size_t kBodyBytesMax = 1 << 20;
inline constexpr size_t kHeaderBytesMax = 16 << 10;

class Transport {
 public:
  struct Handlers {
    // A response: the request is answered by it. nullopt: `handle` gets it.
    std::function<std::optional<WebResponse>(WebRequest& request)> admit;
    std::function<WebResponse(WebRequest& request)> handle;
    // The body of an answer that the transport itself gives: 400, 408, 413, 414, 431, 500, ...
    std::function<WebResponse(int status, std::string_view detail)> fail;
  };

  Transport(Clock* clock, Handlers handlers,
            std::vector<std::pair<std::string, std::string>> headers);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Binds and serves. Port 0: a free one. Codes: address_in_use, cannot_listen (kConfig).
  Status Start(const std::string& host, int port);
  // Within a second: requests under way are answered, the rest is cut. Streams must have been told.
  void Stop();
  int port() const;
  size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bizond

#endif  // BIZOND_WEB_TRANSPORT_H_
