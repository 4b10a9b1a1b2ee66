// Against a server of a few lines on a socket of the loopback, which says exactly the bytes it is
// told.
#include "base/http_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/fs.h"

namespace bizond {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

// Answers every request of every connection, one connection at a time.
class TestServer {
 public:
  using Handler = std::function<std::string(const std::string& request)>;

  explicit TestServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_.get(), raw, size) != 0 || listen(listener_.get(), 8) != 0 ||
        getsockname(listener_.get(), raw, &size) != 0) {
      throw std::runtime_error("test server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](std::stop_token stop) { Serve(stop); });
  }
  ~TestServer() {
    thread_.request_stop();
    shutdown(listener_.get(), SHUT_RDWR);
    std::lock_guard lock(mutex_);
    if (current_ >= 0) shutdown(current_, SHUT_RDWR);
  }

  std::string Url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int connections() const { return connections_; }

 private:
  void Serve(std::stop_token stop) {
    while (!stop.stop_requested()) {
      const Fd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection.valid()) return;
      ++connections_;
      SetCurrent(connection.get(), stop);
      while (AnswerOne(connection.get())) {
      }
      SetCurrent(-1, stop);
    }
  }

  void SetCurrent(int fd, std::stop_token stop) {
    std::lock_guard lock(mutex_);
    current_ = fd;
    if (fd >= 0 && stop.stop_requested()) shutdown(fd, SHUT_RDWR);
  }

  bool AnswerOne(int fd) {
    std::string request;
    size_t body_size = 0;
    size_t head = std::string::npos;
    while (head == std::string::npos || request.size() < head + 4 + body_size) {
      char buffer[4096];
      const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return false;
      request.append(buffer, static_cast<size_t>(got));
      head = request.find("\r\n\r\n");
      const size_t length = request.find("Content-Length: ");
      if (length < head) body_size = std::stoul(request.substr(length + 16));
    }
    const std::string answer = handler_(request);
    if (answer == "hang") {
      char ignored;
      return recv(fd, &ignored, 1, 0) > 0;  // Until the client gives up.
    }
    return send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(answer.size()) &&
           answer.find("Connection: close") == std::string::npos;
  }

  const Handler handler_;
  Fd listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  int current_ = -1;  // Guarded by mutex_.
  std::jthread thread_;
};

std::string Answer(const std::string& body, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nX-Thing:  A b \r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n" + body;
}

Result<HttpResponse> Get(const std::string& url) {
  HttpClient client;
  HttpRequest request;
  request.url = url;
  return client.Send(request, {});
}

TEST(HttpClient, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  std::string seen;
  TestServer server([&](const std::string& request) {
    seen = request;
    return Answer("pong", "201 Created");
  });
  HttpClient client;
  HttpRequest request;
  request.method = "PUT";
  request.url = server.Url("/api/a%2Fb/../c?x=1");
  request.headers = {{"Content-Type", "application/json"}, {"If-Match", "\"1\""}, {"X-Empty", ""}};
  request.body = std::string("{\0}", 3);
  const Result<HttpResponse> response = client.Send(request, {});
  ASSERT_TRUE(response) << Describe(response.error());
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "pong");
  EXPECT_THAT(response->headers, Contains(Pair("x-thing", "A b")));
  EXPECT_THAT(response->headers, Contains(Pair("set-cookie", "a")));
  EXPECT_THAT(response->headers, Contains(Pair("set-cookie", "b")));
  EXPECT_THAT(seen, StartsWith("PUT /api/a%2Fb/../c?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nIf-Match: \"1\"\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nX-Empty:\r\n"));
  EXPECT_THAT(seen, Not(HasSubstr("Expect")));
  EXPECT_THAT(seen, ::testing::EndsWith(std::string("\r\n\r\n{\0}", 7)));
}

TEST(HttpClient, AnyStatusIsAResponseAndRedirectsAreNotFollowed) {
  TestServer server([](const std::string& request) {
    if (request.starts_with("HEAD"))
      return std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n");
    return std::string(
        "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_EQ(Get(server.Url()).value().status, 302);
  HttpClient client;
  HttpRequest request;
  request.method = "HEAD";
  request.url = server.Url();
  EXPECT_EQ(client.Send(request, {}).value().status, 404);
}

TEST(HttpClient, ABodyWithoutATypeGetsNoneAndAnEmptyPostSaysZero) {
  std::string seen;
  TestServer server([&](const std::string& request) {
    seen = request;
    return Answer("");
  });
  HttpClient client;
  HttpRequest request;
  request.method = "POST";
  request.url = server.Url();
  ASSERT_TRUE(client.Send(request, {}));
  EXPECT_THAT(seen, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(seen, Not(HasSubstr("Content-Type")));
}

TEST(HttpClient, KeepsItsConnectionAndForgetsTheRequestBefore) {
  std::string seen;
  TestServer server([&](const std::string& request) {
    seen = request;
    return Answer("ok");
  });
  HttpClient client;
  HttpRequest post;
  post.method = "POST";
  post.url = server.Url();
  post.body = "body";
  post.headers = {{"Authorization", "Bearer t"}};
  ASSERT_TRUE(client.Send(post, {}));
  HttpRequest get;
  get.url = server.Url();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.Send(get, {}).value().body, "ok");
  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(seen, StartsWith("GET / "));
  EXPECT_THAT(seen, Not(HasSubstr("Authorization")));
}

TEST(HttpClient, RefusesAnAnswerThatIsTooLarge) {
  TestServer server([](const std::string& request) {
    if (request.starts_with("GET /headers")) {
      std::string answer = "HTTP/1.1 200 OK\r\n";
      for (int i = 0; i < 100'000; ++i) answer += "X: 0123456789\r\n";
      return answer + "Connection: close\r\n\r\n";
    }
    return Answer(std::string(1000, 'x'));
  });
  HttpClient client;
  HttpRequest request;
  request.url = server.Url();
  request.max_response_bytes = 1000;
  EXPECT_TRUE(client.Send(request, {}));
  request.max_response_bytes = 999;
  const Error error = client.Send(request, {}).error();
  EXPECT_EQ(error.code, "response_too_large");
  EXPECT_EQ(error.kind, ErrorKind::kPermanent);
  EXPECT_FALSE(Get(server.Url("/headers")));
}

TEST(HttpClient, AStopEndsAHangingRequestAtOnce) {
  std::promise<void> arrived;
  TestServer server([&](const std::string&) {
    arrived.set_value();
    return std::string("hang");
  });
  HttpClient client;
  HttpRequest request;
  request.url = server.Url();
  std::stop_source stop;
  auto sending =
      std::async(std::launch::async, [&] { return client.Send(request, stop.get_token()); });
  arrived.get_future().get();
  RealClock clock;
  const Duration before = clock.Steady();
  stop.request_stop();
  const Result<HttpResponse> response = sending.get();
  EXPECT_LT(clock.Steady() - before, std::chrono::milliseconds(200));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::kStopped);
  EXPECT_EQ(client.Send(request, stop.get_token()).error().kind, ErrorKind::kStopped);
}

TEST(HttpClient, ATimeoutIsTransient) {
  TestServer server([](const std::string&) { return std::string("hang"); });
  HttpClient client;
  HttpRequest request;
  request.url = server.Url();
  request.timeout = std::chrono::milliseconds(50);
  const Error error = client.Send(request, {}).error();
  EXPECT_EQ(error.code, "http_timeout");
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
}

TEST(HttpClient, NobodyThereIsTransientAndSaysWhatToDo) {
  std::string url;
  {
    TestServer gone([](const std::string&) { return std::string(); });
    url = gone.Url("/path");
  }
  const Error error = Get(url).error();
  EXPECT_EQ(error.code, "connect_failed");
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
  EXPECT_THAT(error.message, HasSubstr(url));
  EXPECT_NE(error.remedy, "");
}

TEST(HttpClient, WhatIsNoHttpIsAnError) {
  TestServer server(
      [](const std::string&) { return std::string("SSH-2.0-x\r\nConnection: close\r\n"); });
  EXPECT_EQ(Get(server.Url()).error().code, "http_error");
  TestServer cut([](const std::string&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc");
  });
  EXPECT_EQ(Get(cut.Url()).error().kind, ErrorKind::kTransient);
}

TEST(HttpClient, RefusesRequestsThatWouldBeSomethingElse) {
  for (const std::string& url :
       {std::string(""), std::string("file:///etc/passwd"), std::string("gopher://h/"),
        std::string("http://"), std::string("http://h/\0x", 11)}) {
    const Result<HttpResponse> response = Get(url);
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().kind, ErrorKind::kConfig) << url;
  }
  HttpClient client;
  HttpRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers = {{"Authorization", "Bearer x\r\nX-Evil: 1"}};
  EXPECT_EQ(client.Send(request, {}).error().kind, ErrorKind::kConfig);
  request.headers = {{"Bad name", "x"}};
  EXPECT_EQ(client.Send(request, {}).error().kind, ErrorKind::kConfig);
  request.headers = {};
  request.method = "GET / HTTP/1.1\r\nX: ";
  EXPECT_EQ(client.Send(request, {}).error().kind, ErrorKind::kConfig);
}

TEST(HttpClient, AMessageNamesNoSecretOfTheUrl) {
  const Error error = Get("http://user:hunter22@127.0.0.1:1/path?token=hunter33#hunter44").error();
  EXPECT_THAT(error.message, HasSubstr("http://127.0.0.1:1/path"));
  EXPECT_THAT(Describe(error), Not(HasSubstr("hunter")));
}

TEST(HttpClient, AProxyOfTheEnvironmentIsNotAskedForTheLoopback) {
  TestServer server([](const std::string&) { return Answer("direct"); });
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  const Result<HttpResponse> response = Get(server.Url());
  unsetenv("http_proxy");
  ASSERT_TRUE(response) << Describe(response.error());
  EXPECT_EQ(response->body, "direct");
}

}  // namespace
}  // namespace bizond
