// HttpTransfer: one exchange with one host, as libcurl's callbacks see it. HttpClient's own affair.
//
// Threads: belongs to one thread.
#ifndef BIZOND_BASE_HTTP_TRANSFER_H_
#define BIZOND_BASE_HTTP_TRANSFER_H_

#include <curl/curl.h>
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/http_client.h"
#include "base/http_url.h"

namespace bizond {

// Throws std::runtime_error where this libcurl does not know the option: it was built without.
template <typename T>
void SetOption(CURL* easy, CURLoption option, T value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) {
    throw std::runtime_error(fmt::format("libcurl refuses option {}", static_cast<int>(option)));
  }
}

// Where a request goes next: the first time as it was written, then as redirects say.
struct HttpHop {
  HttpTarget target;
  std::string method;
  bool with_body = true;
  bool to_first_origin = true;
};

// While it lives, a write to a connection that the other side closed is an error and does not end
// the process: OpenSSL cannot ask for that by itself. What other threads do stays as it is.
class SigpipeBlocked {
 public:
  SigpipeBlocked();
  ~SigpipeBlocked();
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

 private:
  sigset_t before_;
  bool was_pending_ = false;
};

class HttpTransfer {
 public:
  // `guard` may be nullptr. `proxied`: the connection will be one to a proxy.
  HttpTransfer(const HttpRequest& request, const HttpHop& hop, const AddressGuard* guard,
               bool proxied);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  // Sets the callbacks, the limits and the body, not what belongs to the client.
  void Configure(CURL* easy, Duration time_left);
  // Until the answer is whole, an error, or a stop. Rethrows what a callback threw.
  Result<HttpResponse> Run(CURLM* multi, std::stop_token stop);
  uint64_t sunk_bytes() const { return sunk_bytes_; }

 private:
  using Steady = std::chrono::steady_clock;

  // What the low speed and the first byte are judged by.
  struct Progress {
    Steady::time_point last_upload{};
    uint64_t uploaded = 0;
    Steady::time_point window_start{};
    uint64_t window_bytes = 0;
  };

  static size_t OnBody(char* data, size_t unit, size_t count, void* user);
  static size_t OnHeader(char* data, size_t unit, size_t count, void* user);
  static size_t OnUpload(char* buffer, size_t unit, size_t count, void* user);
  static int OnSeek(void* user, curl_off_t offset, int origin);
  static curl_socket_t OnOpenSocket(void* user, curlsocktype purpose, curl_sockaddr* address);
  static int OnRequest(void* user, char* address, char* own, int port, int own_port);

  size_t TakeBody(std::string_view bytes);
  bool TakeHeader(std::string_view line);
  std::optional<size_t> GiveBody(char* buffer, size_t room);
  Status Rewind();
  Status Judge(const IpAddress& address, uint16_t port);
  void ConfigureBody(CURL* easy);

  // nullopt: a stop was asked for.
  std::optional<CURLcode> Perform(CURLM* multi, std::stop_token stop);
  // What took too long, or "".
  std::string Overdue();
  int RestMilliseconds() const;
  Steady::time_point OwnTime() const { return Steady::now() - away_; }
  Error FailureOf(CURLcode code) const;

  const HttpRequest& request_;
  const HttpHop& hop_;
  const AddressGuard* const guard_;
  const bool proxied_;
  const std::string_view body_;
  const uint64_t body_size_;

  CURL* easy_ = nullptr;
  char detail_[CURL_ERROR_SIZE] = {};
  HttpResponse response_;
  size_t header_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  uint64_t sunk_bytes_ = 0;
  uint64_t given_bytes_ = 0;
  bool too_large_ = false;
  bool began_ = false;     // The connection stands, the request is on its way.
  bool answered_ = false;  // Something came back.
  std::string overdue_;
  std::optional<Error> refused_;  // By the guard.
  std::optional<Error> failed_;   // By an upload or a sink.
  std::exception_ptr thrown_;
  Progress progress_;
  Steady::duration away_{};  // Spent in uploads and sinks.
};

}  // namespace bizond

#endif  // BIZOND_BASE_HTTP_TRANSFER_H_
