#include "base/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <stdexcept>

#include "base/free_by.h"
#include "base/http_proxy.h"
#include "base/http_transfer.h"
#include "base/http_url.h"

namespace bizond {
namespace {

using Easy = std::unique_ptr<CURL, FreeBy<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, FreeBy<curl_multi_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, FreeBy<curl_slist_free_all>>;

bool IsHeaderName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool IsHeaderValue(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool Is(std::string_view name, std::string_view other) {
  return name.size() == other.size() &&
         std::equal(name.begin(), name.end(), other.begin(),
                    [](char a, char b) { return a == b || (a | 0x20) == (b | 0x20); });
}

// What another origin may know.
bool HoldsNoSecret(std::string_view name) {
  static constexpr std::string_view kHarmless[] = {
      "Accept",   "Accept-Encoding",   "Accept-Language",     "Content-Type",  "Content-Encoding",
      "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-None-Match", "If-Range",
      "Range",    "User-Agent"};
  return std::any_of(std::begin(kHarmless), std::end(kHarmless),
                     [name](std::string_view harmless) { return Is(name, harmless); });
}

Status CheckRequest(const HttpRequest& request) {
  if (!IsHeaderName(request.method)) {
    return Fail(ErrorKind::kConfig, "http_error",
                fmt::format("'{}' is not an HTTP method", EscapeControls(request.method)));
  }
  for (const auto& [name, value] : request.headers) {
    if (IsHeaderName(name) && IsHeaderValue(value)) continue;
    return Fail(ErrorKind::kConfig, "http_error",
                fmt::format("the header '{}' holds a character that no header may hold",
                            EscapeControls(name)),
                "look for a line break at the end of a token");
  }
  return {};
}

HeaderList MakeHeaders(const HttpRequest& request, const HttpHop& hop) {
  HeaderList list;
  const auto append = [&list](const std::string& line) {
    curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    // NOLINTNEXTLINE(bugprone-unused-return-value): `longer` begins with it.
    static_cast<void>(list.release());
    list.reset(longer);
  };
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    const bool of_body = Is(name, "Content-Type") || Is(name, "Content-Encoding");
    if ((!hop.to_first_origin && !HoldsNoSecret(name)) || (of_body && !hop.with_body)) continue;
    has_type |= Is(name, "Content-Type");
    // "name;" is libcurl's way to send a header without a value.
    append(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  // What libcurl would add to a body: a type that is wrong, and a round trip before it is sent.
  if (!has_type) append("Content-Type:");
  append("Expect:");
  return list;
}

bool IsRedirect(const HttpResponse& response) {
  const int status = response.status;
  return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
         response.Header("location") != nullptr;
}

// As browsers do it: 303 makes a GET of all, 301 and 302 of a POST.
Result<HttpHop> NextHop(const HttpRequest& request, const HttpHop& hop,
                        const HttpResponse& response) {
  HttpHop next;
  BIZOND_ASSIGN_OR_RETURN(next.target, ResolveRedirect(hop.target, *response.Header("location")));
  next.to_first_origin = hop.to_first_origin && next.target.SameOrigin(hop.target);
  const bool as_get = (response.status == 303 && hop.method != "HEAD") ||
                      (response.status < 303 && hop.method == "POST");
  next.method = as_get ? "GET" : hop.method;
  next.with_body = hop.with_body && !as_get;
  if (!next.with_body || !request.upload) return next;
  if (!request.upload->rewind) {
    return Fail(ErrorKind::kPermanent, "redirect_refused",
                fmt::format("{} {} redirects, and the body can be sent only once", hop.method,
                            hop.target.shown),
                "use the URL that the server wants to be asked at");
  }
  BIZOND_RETURN_IF_ERROR(request.upload->rewind());
  return next;
}

}  // namespace

const std::string* HttpResponse::Header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [name](const auto& header) { return header.first == name; });
  return found == headers.end() ? nullptr : &found->second;
}

bool MayRepeat(const HttpRequest& request) {
  return request.repeatable || request.method == "GET" || request.method == "HEAD" ||
         request.method == "OPTIONS";
}

struct HttpClient::Impl {
  HttpClientOptions options;
  HttpProxies proxies = HttpProxies::FromEnvironment();
  uint64_t sunk_bytes = 0;
  Easy easy{curl_easy_init()};
  Multi multi{curl_multi_init()};  // Holds the connections that are kept alive.

  void Configure(const HttpHop& hop, const std::string& proxy);
  Result<HttpResponse> Exchange(const HttpRequest& request, const HttpHop& hop, Duration* time_left,
                                const std::stop_token& stop);
};

void HttpClient::Impl::Configure(const HttpHop& hop, const std::string& proxy) {
  CURL* const handle = easy.get();
  SetOption(handle, CURLOPT_URL, hop.target.url.c_str());
  SetOption(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  SetOption(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  SetOption(handle, CURLOPT_FOLLOWLOCATION, 0L);
  SetOption(handle, CURLOPT_PATH_AS_IS, 1L);
  SetOption(handle, CURLOPT_ACCEPT_ENCODING, "");  // All that libcurl can read.
  SetOption(handle, CURLOPT_NOSIGNAL, 1L);
  // Without it a stop would wait for the thread that resolves the host's name.
  SetOption(handle, CURLOPT_QUICK_EXIT, 1L);
  // Both, so that libcurl does not look into the environment by itself.
  SetOption(handle, CURLOPT_PROXY, proxy.c_str());
  SetOption(handle, CURLOPT_NOPROXY, "");
  SetOption(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  SetOption(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  SetOption(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_file.empty()) {
    SetOption(handle, CURLOPT_CAINFO, options.ca_file.c_str());
    SetOption(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!options.client_certificate_file.empty() && hop.to_first_origin) {
    SetOption(handle, CURLOPT_SSLCERT, options.client_certificate_file.c_str());
    if (!options.client_key_file.empty()) {
      SetOption(handle, CURLOPT_SSLKEY, options.client_key_file.c_str());
    }
  }
}

Result<HttpResponse> HttpClient::Impl::Exchange(const HttpRequest& request, const HttpHop& hop,
                                                Duration* time_left, const std::stop_token& stop) {
  const std::string& proxy = proxies.For(hop.target);
  const AddressGuard* const guard = options.guard.get();
  // Without a proxy the address that is connected to is judged, and that is enough.
  if (guard != nullptr && !proxy.empty()) {
    BIZOND_RETURN_IF_ERROR(guard->CheckUnresolved(hop.target.host, hop.target.port));
  }
  HostLimits& limits = options.limits != nullptr ? *options.limits : HostLimits::OfProcess();
  if (!limits.AwaitTurn(hop.target.host, request.rate, stop)) {
    return Failure(StoppedError(fmt::format("{} {}", hop.method, hop.target.shown)));
  }
  const auto start = std::chrono::steady_clock::now();
  const HeaderList headers = MakeHeaders(request, hop);
  curl_easy_reset(easy.get());
  Configure(hop, proxy);
  SetOption(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  HttpTransfer transfer(request, hop, guard, !proxy.empty());
  transfer.Configure(easy.get(), *time_left);
  Result<HttpResponse> response = transfer.Run(multi.get(), stop);
  sunk_bytes += transfer.sunk_bytes();
  *time_left -= std::chrono::floor<Duration>(std::chrono::steady_clock::now() - start);
  return response;
}

HttpClient::HttpClient(HttpClientOptions options) {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) throw std::runtime_error("libcurl: init");
  });
  impl_ = std::make_unique<Impl>();
  if (impl_->easy == nullptr || impl_->multi == nullptr) throw std::bad_alloc();
  impl_->options = std::move(options);
}

HttpClient::~HttpClient() {
  const SigpipeBlocked blocked;  // Connections that were kept say goodbye.
  impl_.reset();
}

uint64_t HttpClient::sunk_bytes() const { return impl_->sunk_bytes; }

Result<HttpResponse> HttpClient::Send(const HttpRequest& request, std::stop_token stop) {
  impl_->sunk_bytes = 0;
  BIZOND_RETURN_IF_ERROR(CheckRequest(request));
  HttpHop hop{.target = {}, .method = request.method};
  BIZOND_ASSIGN_OR_RETURN(hop.target, ParseHttpTarget(request.url));
  Duration time_left = request.timeout;
  for (int redirects = 0;; ++redirects) {
    Result<HttpResponse> response = impl_->Exchange(request, hop, &time_left, stop);
    if (!response || request.max_redirects <= 0 || !IsRedirect(*response)) return response;
    if (redirects >= request.max_redirects) {
      return Fail(ErrorKind::kPermanent, "too_many_redirects",
                  fmt::format("{} {}: more than {} redirects", request.method, hop.target.shown,
                              request.max_redirects),
                  "use the URL that the server wants to be asked at; check that it does not "
                  "redirect in a circle");
    }
    BIZOND_ASSIGN_OR_RETURN(hop, NextHop(request, hop, *response));
  }
}

}  // namespace bizond
