// The URLs of outgoing requests: what http and https allow, read by libcurl's own parser, so that
// what is judged here is what libcurl connects to.
//
// Error codes: http_error (config), redirect_refused (permanent).
//
// Threads: pure functions.
#ifndef BIZOND_BASE_HTTP_URL_H_
#define BIZOND_BASE_HTTP_URL_H_

#include <cstdint>
#include <string>

#include "base/error.h"

namespace bizond {

struct HttpTarget {
  std::string url;
  std::string shown;  // Without user, password, query and fragment, which may hold secrets.
  std::string scheme;
  std::string host;  // In lower case; IPv6 in brackets, an IPv4 address as four numbers.
  uint16_t port = 0;

  bool IsLoopback() const;
  bool SameOrigin(const HttpTarget& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

Result<HttpTarget> ParseHttpTarget(const std::string& url);

// What a Location header means in an answer of `from`. Refuses other schemes, and http after https.
Result<HttpTarget> ResolveRedirect(const HttpTarget& from, const std::string& location);

}  // namespace bizond

#endif  // BIZOND_BASE_HTTP_URL_H_
