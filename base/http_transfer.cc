#include "base/http_transfer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/http_failure.h"
#include "base/text.h"

namespace bizond {
namespace {

// A limit of libcurl's own ends one header at 100 KiB; this one ends many.
constexpr size_t kHeaderBytesMax = 1 << 20;

long Milliseconds(Duration duration) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<long>(std::clamp<int64_t>(ms, 1, 1'000'000'000));
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

// An exception must not cross libcurl: it is kept until Run can throw it again.
template <typename T, typename Function>
T Kept(std::exception_ptr* thrown, T on_throw, Function function) {
  try {
    return function();
  } catch (...) {
    *thrown = std::current_exception();
    return on_throw;
  }
}

// Adds the time that it lives.
class Away {
 public:
  explicit Away(std::chrono::steady_clock::duration* sum) : sum_(sum) {}
  ~Away() { *sum_ += std::chrono::steady_clock::now() - start_; }
  Away(const Away&) = delete;
  Away& operator=(const Away&) = delete;

 private:
  std::chrono::steady_clock::duration* const sum_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

sigset_t OnlySigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

bool IsSigpipePending() {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

}  // namespace

SigpipeBlocked::SigpipeBlocked() : was_pending_(IsSigpipePending()) {
  const sigset_t set = OnlySigpipe();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

SigpipeBlocked::~SigpipeBlocked() {
  if (!was_pending_ && IsSigpipePending()) {
    const sigset_t set = OnlySigpipe();
    const timespec at_once{};
    while (sigtimedwait(&set, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

HttpTransfer::HttpTransfer(const HttpRequest& request, const HttpHop& hop,
                           const AddressGuard* guard, bool proxied)
    : request_(request),
      hop_(hop),
      guard_(guard),
      proxied_(proxied),
      body_(request.body_view.value_or(request.body)),
      body_size_(!hop.with_body   ? 0
                 : request.upload ? request.upload->size
                                  : body_.size()) {}

size_t HttpTransfer::OnBody(char* data, size_t unit, size_t count, void* user) {
  auto& self = *static_cast<HttpTransfer*>(user);
  const size_t size = unit * count;
  // Less than `size` ends the transfer with CURLE_WRITE_ERROR.
  return Kept<size_t>(&self.thrown_, 0, [&] { return self.TakeBody({data, size}); });
}

size_t HttpTransfer::TakeBody(std::string_view bytes) {
  if (bytes.size() > request_.max_response_bytes - body_bytes_) {
    too_large_ = true;
    return 0;
  }
  body_bytes_ += bytes.size();
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  if (!request_.sink || status < 200 || status > 299) {
    response_.body.append(bytes);
    return bytes.size();
  }
  const Away away(&away_);
  sunk_bytes_ += bytes.size();
  if (const Status written = request_.sink->write(bytes); !written) {
    failed_ = written.error();
    return 0;
  }
  return bytes.size();
}

size_t HttpTransfer::OnHeader(char* data, size_t unit, size_t count, void* user) {
  auto& self = *static_cast<HttpTransfer*>(user);
  const std::string_view line(data, unit * count);
  return Kept<bool>(&self.thrown_, false, [&] { return self.TakeHeader(line); }) ? line.size() : 0;
}

bool HttpTransfer::TakeHeader(std::string_view line) {
  if (!answered_) progress_.window_start = OwnTime();
  answered_ = true;
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) {
    too_large_ = true;
    return false;
  }
  // A status line begins a response: what came before was an interim one (100 Continue).
  if (line.starts_with("HTTP/")) {
    response_.headers.clear();
    return true;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string name(Trim(line.substr(0, colon)));
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    response_.headers.emplace_back(std::move(name), Trim(line.substr(colon + 1)));
  }
  return true;
}

size_t HttpTransfer::OnUpload(char* buffer, size_t unit, size_t count, void* user) {
  auto& self = *static_cast<HttpTransfer*>(user);
  const auto given = Kept<std::optional<size_t>>(
      &self.thrown_, std::nullopt, [&] { return self.GiveBody(buffer, unit * count); });
  return given.value_or(CURL_READFUNC_ABORT);
}

std::optional<size_t> HttpTransfer::GiveBody(char* buffer, size_t room) {
  room = static_cast<size_t>(std::min<uint64_t>(room, body_size_ - given_bytes_));
  if (room == 0) return 0;
  if (!request_.upload) {
    std::memcpy(buffer, body_.data() + given_bytes_, room);
    given_bytes_ += room;
    return room;
  }
  const Away away(&away_);
  const Result<size_t> got = request_.upload->read(buffer, room);
  if (!got) {
    failed_ = got.error();
    return std::nullopt;
  }
  if (*got > room) throw std::logic_error("an upload gave more than there is room for");
  if (*got == 0) {
    failed_ = Error{ErrorKind::kPermanent, "http_error",
                    fmt::format("{} {}: the body ended after {} of {} bytes", hop_.method,
                                hop_.target.shown, given_bytes_, body_size_),
                    "check that what is uploaded does not change meanwhile"};
    return std::nullopt;
  }
  given_bytes_ += *got;
  return *got;
}

// libcurl sends a request anew on a fresh connection when the old one turns out to be closed.
int HttpTransfer::OnSeek(void* user, curl_off_t offset, int origin) {
  auto& self = *static_cast<HttpTransfer*>(user);
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  return Kept<int>(&self.thrown_, CURL_SEEKFUNC_FAIL, [&] {
    const Status rewound = self.Rewind();
    if (!rewound) self.failed_ = rewound.error();
    return rewound ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
  });
}

Status HttpTransfer::Rewind() {
  given_bytes_ = 0;
  return request_.upload ? request_.upload->rewind() : Status();
}

Status HttpTransfer::Judge(const IpAddress& address, uint16_t port) {
  if (guard_ == nullptr || proxied_) return {};
  const Status judged = guard_->Check(hop_.target.host, address, port);
  if (!judged) refused_ = judged.error();
  return judged;
}

curl_socket_t HttpTransfer::OnOpenSocket(void* user, curlsocktype purpose, curl_sockaddr* address) {
  auto& self = *static_cast<HttpTransfer*>(user);
  return Kept<curl_socket_t>(&self.thrown_, CURL_SOCKET_BAD, [&]() -> curl_socket_t {
    const std::optional<IpAddress> ip = IpAddressOf(&address->addr);
    if (purpose != CURLSOCKTYPE_IPCXN || !ip) return CURL_SOCKET_BAD;
    if (!self.Judge(*ip, PortOf(&address->addr))) return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  });
}

// Every request passes here, those on a connection that was kept alive as well.
int HttpTransfer::OnRequest(void* user, char* address, char* /*own*/, int port, int /*own_port*/) {
  auto& self = *static_cast<HttpTransfer*>(user);
  return Kept<int>(&self.thrown_, CURL_PREREQFUNC_ABORT, [&] {
    self.began_ = true;
    self.progress_.last_upload = self.progress_.window_start = self.OwnTime();
    const std::optional<IpAddress> ip = ParseIpAddress(address);
    const bool good = ip && self.Judge(*ip, static_cast<uint16_t>(port));
    return good || self.guard_ == nullptr ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  });
}

void HttpTransfer::ConfigureBody(CURL* easy) {
  const std::string& method = hop_.method;
  if (body_size_ > 0) {
    SetOption(easy, CURLOPT_POST, 1L);
    SetOption(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_size_));
    SetOption(easy, CURLOPT_READFUNCTION, &OnUpload);
    SetOption(easy, CURLOPT_READDATA, this);
    // What must not be done twice is not sent anew when a connection breaks.
    if (MayRepeat(request_) && (!request_.upload || request_.upload->rewind)) {
      SetOption(easy, CURLOPT_SEEKFUNCTION, &OnSeek);
      SetOption(easy, CURLOPT_SEEKDATA, this);
    }
  } else if (method == "POST" || method == "PUT" || method == "PATCH") {
    SetOption(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(0));
    SetOption(easy, CURLOPT_POSTFIELDS, "");
  }
  // Without a body nothing would tell libcurl that it must not.
  if (body_size_ == 0 && !MayRepeat(request_)) SetOption(easy, CURLOPT_FRESH_CONNECT, 1L);
  if (method == "HEAD") SetOption(easy, CURLOPT_NOBODY, 1L);
  SetOption(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void HttpTransfer::Configure(CURL* easy, Duration time_left) {
  easy_ = easy;
  SetOption(easy, CURLOPT_TIMEOUT_MS, Milliseconds(time_left));
  SetOption(easy, CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(request_.connect_timeout));
  ConfigureBody(easy);
  SetOption(easy, CURLOPT_ERRORBUFFER, detail_);
  SetOption(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  SetOption(easy, CURLOPT_WRITEDATA, this);
  SetOption(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  SetOption(easy, CURLOPT_HEADERDATA, this);
  SetOption(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SetOption(easy, CURLOPT_OPENSOCKETFUNCTION, &OnOpenSocket);
  SetOption(easy, CURLOPT_OPENSOCKETDATA, this);
  SetOption(easy, CURLOPT_PREREQFUNCTION, &OnRequest);
  SetOption(easy, CURLOPT_PREREQDATA, this);
}

std::string HttpTransfer::Overdue() {
  if (!began_) return "";  // libcurl's own timeout.
  const Steady::time_point now = OwnTime();
  curl_off_t up = 0;
  curl_off_t down = 0;
  curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &up);
  curl_easy_getinfo(easy_, CURLINFO_SIZE_DOWNLOAD_T, &down);
  const auto uploaded = static_cast<uint64_t>(up);
  if (uploaded != progress_.uploaded) {
    progress_.uploaded = uploaded;
    progress_.last_upload = now;
  }
  if (!answered_ && request_.first_byte_timeout > Duration::zero() &&
      now - progress_.last_upload >= request_.first_byte_timeout) {
    return fmt::format("no answer began within {}", FormatDuration(request_.first_byte_timeout));
  }
  const uint64_t bytes = uploaded + static_cast<uint64_t>(down);
  const bool moving = answered_ || uploaded < body_size_;
  const auto window = now - progress_.window_start;
  if (moving && window < request_.min_speed_window) return "";
  const double seconds = std::chrono::duration<double>(window).count();
  const uint64_t moved = bytes - std::min(bytes, progress_.window_bytes);
  progress_.window_start = now;
  progress_.window_bytes = bytes;
  if (!moving || request_.min_bytes_per_second == 0 ||
      static_cast<double>(moved) >= static_cast<double>(request_.min_bytes_per_second) * seconds) {
    return "";
  }
  return fmt::format("slower than {} bytes a second over {}", request_.min_bytes_per_second,
                     FormatDuration(request_.min_speed_window));
}

// How long libcurl may rest without an event. Timeouts of the whole transfer are its own.
int HttpTransfer::RestMilliseconds() const {
  Duration rest = std::chrono::seconds(1);
  if (request_.first_byte_timeout > Duration::zero() && !answered_) {
    rest = std::min(rest, request_.first_byte_timeout / 4);
  }
  if (request_.min_bytes_per_second > 0) rest = std::min(rest, request_.min_speed_window / 4);
  return static_cast<int>(Milliseconds(rest));
}

std::optional<CURLcode> HttpTransfer::Perform(CURLM* multi, std::stop_token stop) {
  const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
  while (!stop.stop_requested()) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    overdue_ = Overdue();
    if (!overdue_.empty()) return CURLE_OPERATION_TIMEDOUT;
    if (curl_multi_poll(multi, nullptr, 0, RestMilliseconds(), nullptr) != CURLM_OK) {
      return CURLE_FAILED_INIT;
    }
  }
  return std::nullopt;
}

Error HttpTransfer::FailureOf(CURLcode code) const {
  if (failed_) return *failed_;
  if (refused_ && (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK)) {
    return *refused_;
  }
  const std::string what = fmt::format("{} {}", hop_.method, hop_.target.shown);
  if (too_large_) return TooLargeError(what, request_.max_response_bytes);
  return ErrorOf(code, what, overdue_.empty() ? detail_ : overdue_);
}

Result<HttpResponse> HttpTransfer::Run(CURLM* multi, std::stop_token stop) {
  const SigpipeBlocked blocked;
  const Attached attached(multi, easy_);
  const std::optional<CURLcode> code = Perform(multi, stop);
  if (thrown_) std::rethrow_exception(thrown_);
  if (!code) {
    return Failure(StoppedError(fmt::format("{} {}", hop_.method, hop_.target.shown)));
  }
  if (*code != CURLE_OK) return Failure(FailureOf(*code));
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

}  // namespace bizond
