#include "base/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "base/clock.h"
#include "tests/base/loopback_server.h"

namespace bizond {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

std::string Answer(const std::string& body, const std::string& status = "200 OK") {
  return HttpAnswer(body, status, "X-Thing:  A b \r\nSet-Cookie: a\r\nset-cookie: b\r\n");
}

Result<HttpResponse> Get(const std::string& url) {
  HttpClient client;
  HttpRequest request;
  request.url = url;
  return client.Send(request, {});
}

TEST(HttpClient, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  std::string seen;
  LoopbackServer server([&](const std::string& request) {
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
  LoopbackServer server([](const std::string& request) {
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
  LoopbackServer server([&](const std::string& request) {
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
  LoopbackServer server([&](const std::string& request) {
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
  LoopbackServer server([](const std::string& request) {
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
  LoopbackServer server([&](const std::string&) {
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
  LoopbackServer server([](const std::string&) { return std::string("hang"); });
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
    LoopbackServer gone([](const std::string&) { return std::string(); });
    url = gone.Url("/path");
  }
  const Error error = Get(url).error();
  EXPECT_EQ(error.code, "connect_failed");
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
  EXPECT_THAT(error.message, HasSubstr(url));
  EXPECT_NE(error.remedy, "");
}

TEST(HttpClient, WhatIsNoHttpIsAnError) {
  LoopbackServer server(
      [](const std::string&) { return std::string("SSH-2.0-x\r\nConnection: close\r\n"); });
  EXPECT_EQ(Get(server.Url()).error().code, "http_error");
  LoopbackServer cut([](const std::string&) {
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
  LoopbackServer server([](const std::string&) { return Answer("direct"); });
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  const Result<HttpResponse> response = Get(server.Url());
  unsetenv("http_proxy");
  ASSERT_TRUE(response) << Describe(response.error());
  EXPECT_EQ(response->body, "direct");
}

}  // namespace
}  // namespace bizond
