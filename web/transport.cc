#include "web/transport.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "web/connections.h"

// How the library is built; before its only inclusion.
#define CPPHTTPLIB_LISTEN_BACKLOG 512
#define CPPHTTPLIB_HEADER_MAX_COUNT 64
#include <httplib.h>

namespace bizond {
namespace {

constexpr size_t kThreadStackBytes = 512 << 10;
constexpr size_t kConnectionsMax = 1200;
// What the rest of the process keeps open: databases, files of running syncs.
constexpr size_t kDescriptorsKept = 256;
constexpr size_t kRequestsPerConnectionMax = 1000;
constexpr int kIdleMs = 15'000;

// A thread for each connection, gone with it.
class ConnectionThreads final : public httplib::TaskQueue {
 public:
  bool enqueue(std::function<void()> serve) override {
    auto task = std::make_unique<Task>(Task{state_, std::move(serve)});
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kThreadStackBytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    Count(*state_, 1);
    pthread_t thread;
    const int failed = pthread_create(&thread, &attributes, &Run, task.get());
    pthread_attr_destroy(&attributes);
    if (failed != 0) {
      Count(*state_, -1);
      return false;
    }
    static_cast<void>(task.release());  // The thread's now.
    return true;
  }

  void shutdown() override {
    std::unique_lock lock(state_->mutex);
    state_->none.wait(lock, [&] { return state_->threads == 0; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable none;
    int threads = 0;  // Guarded by mutex.
  };
  struct Task {
    std::shared_ptr<State> state;
    std::function<void()> serve;
  };

  static void Count(State& state, int change) {
    std::lock_guard lock(state.mutex);
    state.threads += change;
    if (state.threads == 0) state.none.notify_all();
  }

  static void* Run(void* argument) {
    const std::unique_ptr<Task> task(static_cast<Task*>(argument));
    try {
      task->serve();
    } catch (const std::exception& error) {
      Log(LogLevel::kError, "web", "a connection ended by an exception", {{"what", error.what()}});
    }
    task->serve = nullptr;
    Count(*task->state, -1);
    return nullptr;
  }

  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

// The connection that this thread serves.
struct Serving {
  Connections* connections = nullptr;
  Connections::Handle connection;
  bool close = false;

  void Enter(ConnectionPhase phase) const { connections->Enter(connection, phase); }
};
thread_local Serving* serving = nullptr;

// The library's server with a connection loop of its own: it registers each connection with its
// phase, waits for the next request without polling, and keeps what was read ahead of a pipelined
// request.
class GuardedServer final : public httplib::Server {
 public:
  explicit GuardedServer(Connections* connections) : connections_(connections) {}

 private:
  bool process_and_close_socket(socket_t socket) override {
    Serving mine{connections_, connections_->Add(socket)};
    serving = &mine;
    {
      httplib::detail::SocketStream stream(socket, 10, 0, 5, 0);
      for (size_t left = kRequestsPerConnectionMax; left > 0 && !mine.close; --left) {
        if (!stream.is_readable() && !AwaitByte(socket)) break;
        mine.Enter(ConnectionPhase::kReading);
        bool closed = false;
        const bool served = process_request(stream, "", 0, "", 0, left == 1, closed, &Prepare);
        if (!served || closed) break;
        mine.Enter(ConnectionPhase::kIdle);
      }
    }
    ::shutdown(socket, SHUT_RDWR);
    connections_->Remove(mine.connection);
    ::close(socket);
    serving = nullptr;
    return true;
  }

  static bool AwaitByte(socket_t socket) {
    pollfd wanted{socket, POLLIN, 0};
    int ready;
    do {
      ready = ::poll(&wanted, 1, kIdleMs);
    } while (ready < 0 && errno == EINTR);
    return ready > 0 && (wanted.revents & POLLIN) != 0;
  }

  // The routes match the target themselves: here everything is one route. Nothing we send is worth
  // a part of.
  static void Prepare(httplib::Request& request) {
    request.path = "/";
    request.ranges.clear();
    // A request without either header has no body (RFC 9112, 6.3). The library would take the next
    // request of the connection for one.
    if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
      request.set_header("Content-Length", "0");
    }
  }

  Connections* const connections_;
};

std::string HttpDate(UtcTime now) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - day));
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
      time.seconds().count());
}

WebRequest FromLibrary(const httplib::Request& from) {
  WebRequest request;
  request.method = from.method;
  request.path = from.target.substr(0, from.target.find('?'));
  request.headers.assign(from.headers.begin(), from.headers.end());
  return request;
}

void ToLibrary(WebResponse&& from, httplib::Response& response) {
  response.status = from.status;
  for (const auto& [name, value] : from.headers) response.set_header(name, value);
  if (from.stream) {
    response.set_chunked_content_provider(
        from.content_type, [stream = std::move(from.stream)](size_t, httplib::DataSink& sink) {
          std::string piece;
          if (stream->Next(&piece)) return sink.write(piece.data(), piece.size());
          sink.done();
          return true;
        });
  } else if (!from.content_type.empty()) {
    response.set_content(std::move(from.body), from.content_type);
  }
}

size_t HeaderBytes(const httplib::Request& request) {
  size_t bytes = 0;
  for (const auto& [name, value] : request.headers) bytes += name.size() + value.size() + 4;
  return bytes;
}

size_t ConnectionLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 128;
  const size_t open_max = static_cast<size_t>(limit.rlim_cur);
  return std::clamp<size_t>(open_max, kDescriptorsKept + 128, kDescriptorsKept + kConnectionsMax) -
         kDescriptorsKept;
}

}  // namespace

struct Transport::Impl {
  Impl(Clock* clock_in, Handlers handlers_in)
      : clock(clock_in),
        handlers(std::move(handlers_in)),
        connections(clock_in, ConnectionLimit()),
        server(&connections) {}

  using Answer = std::function<std::optional<WebResponse>()>;

  // False: `answer` had none.
  bool Respond(const Answer& answer, httplib::Response& response) const {
    serving->Enter(ConnectionPhase::kHandling);
    std::optional<WebResponse> result;
    try {
      result = answer();
    } catch (const std::exception& error) {
      Log(LogLevel::kError, "web", "a request ended by an exception", {{"what", error.what()}});
      result = handlers.fail(500, "");
    }
    if (!result) {
      serving->Enter(ConnectionPhase::kReading);
      return false;
    }
    serving->Enter(result->stream ? ConnectionPhase::kStreaming : ConnectionPhase::kAnswering);
    ToLibrary(std::move(*result), response);
    return true;
  }

  bool Admit(const httplib::Request& from, httplib::Response& response) const {
    return Respond(
        [&]() -> std::optional<WebResponse> {
          if (HeaderBytes(from) > kHeaderBytesMax) return handlers.fail(431, "");
          if (from.get_header_value_u64("Content-Length") > kBodyBytesMax) {
            return handlers.fail(413, "");
          }
          WebRequest request = FromLibrary(from);
          if (!ReadQuery(from, &request)) return handlers.fail(400, kBadQuery);
          return handlers.admit(request);
        },
        response);
  }

  void Handle(const httplib::Request& from, httplib::Response& response) const {
    Respond(
        [&]() -> std::optional<WebResponse> {
          WebRequest request = FromLibrary(from);
          if (!ReadQuery(from, &request)) return handlers.fail(400, kBadQuery);
          request.body = from.body;
          return handlers.handle(request);
        },
        response);
  }

  static bool ReadQuery(const httplib::Request& from, WebRequest* request) {
    const size_t mark = from.target.find('?');
    return mark == std::string::npos ||
           ParseQuery(std::string_view(from.target).substr(mark + 1), &request->query);
  }

  // What the library refuses by itself has a status and no body.
  void Complete(httplib::Response& response) const {
    if (!response.body.empty() || response.content_provider_) return;
    // Every request matches a route of the library's: only a body that did not arrive leaves 404.
    const int status = response.status == 404 ? 400 : response.status;
    ToLibrary(handlers.fail(status, status == 400 ? kBroken : ""), response);
  }

  void SetUp(std::vector<std::pair<std::string, std::string>> headers) {
    using httplib::Request;
    using httplib::Response;
    server.new_task_queue = [] { return new ConnectionThreads; };
    // Not the library's SO_REUSEPORT, with which two daemons would share one port.
    server.set_socket_options(
        [](socket_t socket) { httplib::set_socket_opt(socket, SOL_SOCKET, SO_REUSEADDR, 1); });
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(kRequestsPerConnectionMax);
    server.set_keep_alive_timeout(kIdleMs / 1000);
    server.set_payload_max_length(kBodyBytesMax);
    server.set_default_headers(httplib::Headers(headers.begin(), headers.end()));
    server.set_pre_routing_handler([this](const Request& request, Response& response) {
      return Admit(request, response) ? httplib::Server::HandlerResponse::Handled
                                      : httplib::Server::HandlerResponse::Unhandled;
    });
    const auto handle = [this](const Request& request, Response& response) {
      Handle(request, response);
    };
    server.Post("/", handle).Put("/", handle).Delete("/", handle);
    server.set_error_handler([this](const Request&, Response& response) {
      Complete(response);
      return httplib::Server::HandlerResponse::Handled;
    });
    server.set_post_routing_handler([this](const Request&, Response& response) {
      response.set_header("Date", HttpDate(clock->Now()));
      if (response.get_header_value("Connection") == "close") serving->close = true;
    });
  }

  static constexpr std::string_view kBadQuery = "The query does not decode.";
  static constexpr std::string_view kBroken =
      "The request is not HTTP/1.1, one of its headers is over 8 KiB, it has more than 100 of "
      "them, "
      "or its body did not arrive.";

  Clock* const clock;
  const Handlers handlers;
  Connections connections;
  GuardedServer server;
  std::thread listener;
  int port = 0;
};

Transport::Transport(Clock* clock, Handlers handlers,
                     std::vector<std::pair<std::string, std::string>> headers)
    : impl_(std::make_unique<Impl>(clock, std::move(handlers))) {
  impl_->SetUp(std::move(headers));
}

Transport::~Transport() { Stop(); }

Status Transport::Start(const std::string& host, int port) {
  errno = 0;
  const int bound = port == 0                                ? impl_->server.bind_to_any_port(host)
                    : impl_->server.bind_to_port(host, port) ? port
                                                             : -1;
  if (bound < 0) {
    const int reason = errno;
    if (reason == EADDRINUSE) {
      return Fail(ErrorKind::kConfig, "address_in_use",
                  fmt::format("port {} of {} is taken by another program", port, host),
                  fmt::format("see which with: ss -ltnp 'sport = :{}'; or listen elsewhere with "
                              "--listen {}:PORT",
                              port, host));
    }
    return Fail(ErrorKind::kConfig, "cannot_listen",
                fmt::format("cannot listen on {} port {}: {}", host, port,
                            reason == 0 ? "no such address here" : strerror(reason)),
                "name an address of this machine with --listen HOST:PORT");
  }
  impl_->port = bound;
  impl_->listener = std::thread([impl = impl_.get()] { impl->server.listen_after_bind(); });
  impl_->server.wait_until_ready();
  return {};
}

void Transport::Stop() {
  if (!impl_->listener.joinable()) return;
  impl_->server.stop();
  impl_->connections.Close(false);
  if (!impl_->connections.AwaitNone(std::chrono::milliseconds(600))) impl_->connections.Close(true);
  impl_->listener.join();
}

int Transport::port() const { return impl_->port; }
size_t Transport::connections() const { return impl_->connections.size(); }

}  // namespace bizond
