// HttpClient: one outgoing HTTP request at a time, over libcurl.
//
// What the command line needs to talk to a daemon: keep-alive within one client, a limit on what is
// read, every wait stoppable. Redirects are not followed.
//
// Error codes: connect_failed (transient), http_timeout (transient), response_too_large,
// http_error.
//
// Threads: a client belongs to one thread at a time.
#ifndef BIZOND_BASE_HTTP_CLIENT_H_
#define BIZOND_BASE_HTTP_CLIENT_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"  // EncodePathSegment
#include "base/time.h"

namespace bizond {

// The User-Agent of the command line's verbs: the daemon notes their runs as triggered by `cli`.
inline constexpr std::string_view kCommandLineAgent = "bizond-cli";

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Of the whole request, from the look-up of the name to the last byte.
  Duration timeout = std::chrono::seconds(30);
  uint64_t max_response_bytes = 64 << 20;
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>>
      headers;  // Names in lower case, repeated ones kept.
  std::string body;
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is a response; only a request that got none is an error.
  Result<HttpResponse> Send(const HttpRequest& request, std::stop_token stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_HTTP_CLIENT_H_
