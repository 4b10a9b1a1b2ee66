#include "base/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>

#include "base/log.h"

namespace bizond {
namespace {

template <auto kFree>
struct FreeBy {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Easy = std::unique_ptr<CURL, FreeBy<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, FreeBy<curl_multi_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, FreeBy<curl_slist_free_all>>;
using Url = std::unique_ptr<CURLU, FreeBy<curl_url_cleanup>>;

// A limit of libcurl's own ends one header at 100 KiB; this one ends many.
constexpr size_t kHeaderBytesMax = 1 << 20;

struct Received {
  HttpResponse response;
  uint64_t max_bytes = 0;
  size_t header_bytes = 0;
  bool too_large = false;
};

size_t OnBody(char* data, size_t unit, size_t count, void* user) {
  auto& received = *static_cast<Received*>(user);
  const size_t size = unit * count;
  if (size > received.max_bytes - received.response.body.size()) {
    received.too_large = true;
    return 0;  // Ends the transfer with CURLE_WRITE_ERROR.
  }
  received.response.body.append(data, size);
  return size;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

size_t OnHeader(char* data, size_t unit, size_t count, void* user) {
  auto& received = *static_cast<Received*>(user);
  const std::string_view line(data, unit * count);
  received.header_bytes += line.size();
  if (received.header_bytes > kHeaderBytesMax) {
    received.too_large = true;
    return 0;
  }
  // A status line begins a response: what came before was an interim one (100 Continue).
  if (line.starts_with("HTTP/")) received.response.headers.clear();
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos && !line.starts_with("HTTP/")) {
    std::string name(Trim(line.substr(0, colon)));
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    received.response.headers.emplace_back(std::move(name), Trim(line.substr(colon + 1)));
  }
  return line.size();
}

std::string Part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

struct Target {
  std::string shown;  // Without user, password, query and fragment, which may hold secrets.
  bool loopback = false;
};

Result<Target> ParseTarget(const std::string& text) {
  const Url url(curl_url());
  const bool parsed = url != nullptr && text.find('\0') == std::string::npos &&
                      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  const std::string scheme = parsed ? Part(url.get(), CURLUPART_SCHEME) : "";
  if (scheme != "http" && scheme != "https") {
    return Fail(ErrorKind::kConfig, "http_error",
                fmt::format("'{}' is not an http or https URL",
                            EscapeControls(Redact(text.substr(0, text.find('?'))))),
                "write it as http://127.0.0.1:8787");
  }
  const std::string host = Part(url.get(), CURLUPART_HOST);
  for (const CURLUPart hidden :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(url.get(), hidden, nullptr, 0);
  }
  return Target{EscapeControls(Redact(Part(url.get(), CURLUPART_URL))),
                host == "localhost" || host == "[::1]" || host.starts_with("127.")};
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool IsHeaderValue(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Result<HeaderList> MakeHeaders(const HttpRequest& request) {
  HeaderList list;
  const auto append = [&list](const std::string& line) {
    curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    // NOLINTNEXTLINE(bugprone-unused-return-value): `longer` begins with it.
    static_cast<void>(list.release());
    list.reset(longer);
  };
  if (!IsToken(request.method)) {
    return Fail(ErrorKind::kConfig, "http_error",
                fmt::format("'{}' is not an HTTP method", EscapeControls(request.method)));
  }
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    if (!IsToken(name) || !IsHeaderValue(value)) {
      return Fail(ErrorKind::kConfig, "http_error",
                  fmt::format("the header '{}' holds a character that no header may hold",
                              EscapeControls(name)),
                  "look for a line break at the end of a token");
    }
    has_type |= name.size() == 12 && curl_strnequal(name.c_str(), "Content-Type", 12) != 0;
    // "name;" is libcurl's way to send a header without a value.
    append(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  // What libcurl would add to a body: a type that is wrong, and a round trip before it is sent.
  if (!has_type) append("Content-Type:");
  append("Expect:");
  return list;
}

struct FailureRow {
  CURLcode code;
  ErrorKind kind;
  std::string_view name;
  std::string_view remedy;
};

constexpr std::string_view kIsItRunning =
    "check that it runs, and that host and port are right: curl -v";
constexpr std::string_view kCheckCertificate = "check the certificate and the system's clock";

constexpr FailureRow kFailures[] = {
    {CURLE_COULDNT_CONNECT, ErrorKind::kTransient, "connect_failed", kIsItRunning},
    {CURLE_COULDNT_RESOLVE_HOST, ErrorKind::kTransient, "connect_failed",
     "check the host's name: getent hosts"},
    {CURLE_COULDNT_RESOLVE_PROXY, ErrorKind::kTransient, "connect_failed",
     "check the variables http_proxy and https_proxy"},
    {CURLE_SSL_CONNECT_ERROR, ErrorKind::kTransient, "connect_failed",
     "check that the port speaks TLS"},
    {CURLE_PEER_FAILED_VERIFICATION, ErrorKind::kPermanent, "http_error", kCheckCertificate},
    {CURLE_SSL_CACERT_BADFILE, ErrorKind::kPermanent, "http_error", kCheckCertificate},
    {CURLE_OPERATION_TIMEDOUT, ErrorKind::kTransient, "http_timeout",
     "check that the other side is not overloaded, or allow more time"},
    {CURLE_UNSUPPORTED_PROTOCOL, ErrorKind::kConfig, "http_error", "use http:// or https://"},
    {CURLE_URL_MALFORMAT, ErrorKind::kConfig, "http_error", "check the URL"},
    {CURLE_WEIRD_SERVER_REPLY, ErrorKind::kPermanent, "http_error",
     "what listens there does not speak HTTP: check host and port"},
};

Error FailureOf(CURLcode code, const Received& received, const HttpRequest& request,
                const std::string& shown, const char* detail) {
  if (received.too_large) {
    return {.kind = ErrorKind::kPermanent,
            .code = "response_too_large",
            .message = fmt::format("{} {}: the answer is larger than {} bytes", request.method,
                                   shown, request.max_response_bytes),
            .remedy = "ask for less at once (limit=, filters)"};
  }
  // A connection that broke in the middle may hold the next time.
  FailureRow row{code, ErrorKind::kTransient, "http_error", "try again"};
  for (const FailureRow& candidate : kFailures) {
    if (candidate.code == code) {
      row = candidate;
      break;
    }
  }
  const std::string_view why = *detail != '\0' ? detail : curl_easy_strerror(code);
  return {.kind = row.kind,
          .code = std::string(row.name),
          .message = fmt::format("{} {}: {}", request.method, shown, EscapeControls(Redact(why))),
          .remedy = std::string(row.remedy)};
}

// Takes the transfer off its multi handle, however it ends, and has it forget the buffers of one
// Send.
class Attached {
 public:
  Attached(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) {
    if (curl_multi_add_handle(multi, easy) != CURLM_OK) throw std::runtime_error("libcurl: add");
  }
  ~Attached() {
    curl_multi_remove_handle(multi_, easy_);
    curl_easy_reset(easy_);
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

 private:
  CURLM* const multi_;
  CURL* const easy_;
};

// nullopt: a stop was asked for.
std::optional<CURLcode> Perform(CURLM* multi, std::stop_token stop) {
  const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
  // Timeouts of the transfer itself are libcurl's; this is only how long it rests without an event.
  constexpr int kRest_ms = 1000;
  while (!stop.stop_requested()) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (curl_multi_poll(multi, nullptr, 0, kRest_ms, nullptr) != CURLM_OK) return CURLE_FAILED_INIT;
  }
  return std::nullopt;
}

template <typename T>
void Set(CURL* easy, CURLoption option, T value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) {
    throw std::runtime_error(fmt::format("libcurl refuses option {}", static_cast<int>(option)));
  }
}

void Configure(CURL* easy, const HttpRequest& request, bool loopback) {
  Set(easy, CURLOPT_URL, request.url.c_str());
  Set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  Set(easy, CURLOPT_PATH_AS_IS, 1L);
  Set(easy, CURLOPT_NOSIGNAL, 1L);
  // Without it a stop would wait for the thread that resolves the host's name.
  Set(easy, CURLOPT_QUICK_EXIT, 1L);
  // A proxy cannot reach our own loopback.
  if (loopback) Set(easy, CURLOPT_PROXY, "");
  const auto timeout_ms = std::chrono::ceil<std::chrono::milliseconds>(request.timeout).count();
  Set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, timeout_ms)));
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH") {
    Set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    Set(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  if (request.method == "HEAD") Set(easy, CURLOPT_NOBODY, 1L);
  Set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

}  // namespace

struct HttpClient::Impl {
  Easy easy{curl_easy_init()};
  Multi multi{curl_multi_init()};  // Holds the connections that are kept alive.
};

HttpClient::HttpClient() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) throw std::runtime_error("libcurl: init");
  });
  impl_ = std::make_unique<Impl>();
  if (impl_->easy == nullptr || impl_->multi == nullptr) throw std::bad_alloc();
}

HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::Send(const HttpRequest& request, std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const Target target, ParseTarget(request.url));
  BIZOND_ASSIGN_OR_RETURN(const HeaderList headers, MakeHeaders(request));
  CURL* const easy = impl_->easy.get();
  Received received;
  received.max_bytes = request.max_response_bytes;
  char detail[CURL_ERROR_SIZE] = {};
  curl_easy_reset(easy);
  Configure(easy, request, target.loopback);
  Set(easy, CURLOPT_HTTPHEADER, headers.get());
  Set(easy, CURLOPT_ERRORBUFFER, detail);
  Set(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  Set(easy, CURLOPT_WRITEDATA, &received);
  Set(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(easy, CURLOPT_HEADERDATA, &received);
  const Attached attached(impl_->multi.get(), easy);
  const std::optional<CURLcode> code = Perform(impl_->multi.get(), stop);
  if (!code) return Failure(StoppedError(fmt::format("{} {}", request.method, target.shown)));
  if (*code != CURLE_OK) {
    return Failure(FailureOf(*code, received, request, target.shown, detail));
  }
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  received.response.status = static_cast<int>(status);
  return std::move(received.response);
}

}  // namespace bizond
