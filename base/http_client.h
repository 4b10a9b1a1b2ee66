// HttpClient: the client for everything outgoing; one request at a time, over libcurl.
//
// Keep-alive within one client, HTTP/2 where TLS negotiates it, compressed answers, bodies as bytes
// or as streams, limits on time and on what is read, redirects if wanted, every wait stoppable.
// TLS is always verified. Nothing is repeated here: base/http_retry.h does that.
//
// A proxy is taken from http_proxy, https_proxy, all_proxy and no_proxy (base/http_proxy.h). With a
// guard the address of every connection is judged when it is made, redirects' ones too. Through a
// proxy the guard knows less: the proxy itself is the operator's and not judged, an address in the
// URL is, a name is left to the proxy (but for those of the loopback), which must have rules of its
// own.
//
// Error codes: connect_failed, http_timeout, connection_lost (transient); tls_failed (transient
// when the handshake broke off, permanent for a certificate that is not trusted, config for a file
// that cannot be used); address_refused, response_too_large, too_many_redirects, redirect_refused
// (permanent); http_error. An error of an upload or a sink is passed on as it is.
//
// Threads: a client belongs to one thread at a time.
#ifndef BIZOND_BASE_HTTP_CLIENT_H_
#define BIZOND_BASE_HTTP_CLIENT_H_

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address_guard.h"
#include "base/error.h"
#include "base/host_limits.h"
#include "base/text.h"  // EncodePathSegment
#include "base/time.h"

namespace bizond {

// The User-Agent of the command line's verbs: the daemon notes their runs as triggered by `cli`.
inline constexpr std::string_view kCommandLineAgent = "bizond-cli";

// A body of known length that is read piece by piece.
struct HttpUpload {
  uint64_t size = 0;
  // Puts up to `room` of the next bytes to `buffer`; 0 before `size` were given is an error.
  std::function<Result<size_t>(char* buffer, size_t room)> read;
  // Begins anew. Without it a request is neither repeated nor redirected with its body.
  std::function<Status()> rewind;
};

// Takes the body of an answer of 2xx, decompressed; an error of it ends the request. The body of
// any other status stays in HttpResponse::body.
struct HttpSink {
  std::function<Status(std::string_view bytes)> write;
  // Forgets what was written. Without it a request is not repeated once something was.
  std::function<Status()> restart;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Of the whole request, redirects too, from the look-up of the name to the last byte.
  Duration timeout = std::chrono::seconds(30);
  // Of the body after decompression, of a sink's too.
  uint64_t max_response_bytes = 64 << 20;

  // Bytes that somebody else keeps until Send returns, instead of `body`; or a stream.
  std::optional<std::string_view> body_view = std::nullopt;
  std::optional<HttpUpload> upload = std::nullopt;
  std::optional<HttpSink> sink = std::nullopt;

  // Name, connection and handshakes.
  Duration connect_timeout = std::chrono::seconds(10);
  // Between the last byte that the other side took and the first one that it gave; 0: none.
  Duration first_byte_timeout = Duration::zero();
  // While bytes move in either direction: at least so many a second (on the wire), looked at over
  // each window; 0: none. What a sink or an upload takes does not count.
  uint64_t min_bytes_per_second = 0;
  Duration min_speed_window = std::chrono::seconds(30);

  // Redirects to follow; 0: they are answers. To another origin go only headers that hold no secret
  // (Accept, Content-Type, User-Agent and their like), and no client certificate.
  int max_redirects = 0;
  // A turn at the URL's host is awaited first, beyond `timeout`.
  HostRate rate = {};
  // That doing it twice is as good as once, which HEAD, GET and OPTIONS say by themselves.
  bool repeatable = false;
};

bool MayRepeat(const HttpRequest& request);

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>>
      headers;  // Names in lower case, repeated ones kept.
  std::string body;

  // The first one of that name (in lower case), or nullptr.
  const std::string* Header(std::string_view name) const;
};

struct HttpClientOptions {
  // nullptr: any address. A connector passes one.
  std::shared_ptr<const AddressGuard> guard = nullptr;
  // PEM. Trusted instead of the system's authorities.
  std::string ca_file = "";
  std::string client_certificate_file = "";
  std::string client_key_file = "";
  // nullptr: those of the process.
  HostLimits* limits = nullptr;
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is a response; only a request that got none is an error.
  Result<HttpResponse> Send(const HttpRequest& request, std::stop_token stop);

  // What the last Send gave to its sink.
  uint64_t sunk_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_HTTP_CLIENT_H_
