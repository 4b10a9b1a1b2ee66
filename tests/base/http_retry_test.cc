#include "base/http_retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/base/loopback_server.h"

namespace bizond {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr UtcTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 25) + hours(18)};

std::optional<Duration> DelayOf(int status,
                                std::vector<std::pair<std::string, std::string>> headers) {
  HttpResponse response;
  response.status = status;
  response.headers = std::move(headers);
  return ServerDelay(response, kNow);
}

TEST(ServerDelay, ReadsRetryAfter) {
  EXPECT_EQ(DelayOf(503, {{"retry-after", "120"}}), seconds(120));
  EXPECT_EQ(DelayOf(200, {{"retry-after", " 0 "}}), seconds(0));
  EXPECT_EQ(DelayOf(429, {{"retry-after", "1.7"}}), seconds(1));
  EXPECT_EQ(DelayOf(503, {{"retry-after", "Wed, 25 Nov 2026 18:01:30 GMT"}}), seconds(90));
  EXPECT_EQ(DelayOf(503, {{"retry-after", "Wednesday, 25-Nov-26 18:01:30 GMT"}}), seconds(90));
  EXPECT_EQ(DelayOf(503, {{"retry-after", "Wed, 25 Nov 2026 17:00:00 GMT"}}), seconds(0));
  // The server's clock is an hour behind: what it means is ten seconds.
  EXPECT_EQ(DelayOf(503, {{"date", "Wed, 25 Nov 2026 17:00:00 GMT"},
                          {"retry-after", "Wed, 25 Nov 2026 17:00:10 GMT"}}),
            seconds(10));
  EXPECT_EQ(DelayOf(503, {{"retry-after", "99999999999999999999999"}}), hours(24 * 365));
  for (const char* text : {"", "-1", "soon", "1e3", "\xff", "0x10"}) {
    EXPECT_EQ(DelayOf(503, {{"retry-after", text}}), std::nullopt) << text;
  }
}

TEST(ServerDelay, ReadsRateLimitsOfAllDrafts) {
  EXPECT_EQ(DelayOf(429, {{"ratelimit-reset", "30"}}), seconds(30));
  EXPECT_EQ(DelayOf(429, {{"x-ratelimit-reset", "7"}}), seconds(7));
  EXPECT_EQ(
      DelayOf(429, {{"x-ratelimit-reset", std::to_string(ToUnixMicros(kNow) / 1'000'000 + 42)}}),
      seconds(42));
  EXPECT_EQ(DelayOf(429, {{"ratelimit", "limit=100, remaining=0, reset=5"}}), seconds(5));
  EXPECT_EQ(DelayOf(429, {{"ratelimit", R"("default";r=0;t=11)"}}), seconds(11));
  EXPECT_EQ(DelayOf(429, {{"ratelimit", R"("hour, \;x";r=0;t=20, "day";r=50;t=40000)"}}),
            seconds(20));
  EXPECT_EQ(DelayOf(503, {{"ratelimit", R"("a";r=1;t=20,"b";r=2;t=30)"}}), seconds(30));
  // Retry-After comes first; a quota says nothing about an answer that is not about it.
  EXPECT_EQ(DelayOf(429, {{"ratelimit-reset", "30"}, {"retry-after", "3"}}), seconds(3));
  EXPECT_EQ(DelayOf(500, {{"ratelimit-reset", "30"}}), std::nullopt);
  EXPECT_EQ(DelayOf(200, {{"ratelimit", R"("default";r=0;t=11)"}}), std::nullopt);
  for (const char* text :
       {"", ";;;,,,", "\"", "t", "\"a\";t=", "\"a\";t=x", "\"a\";r=0", "=,=;="}) {
    EXPECT_EQ(DelayOf(429, {{"ratelimit", text}}), std::nullopt) << text;
  }
}

TEST(HttpRetrier, KnowsWhichStatusesMayGoAway) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 599}) {
    EXPECT_TRUE(IsTransientStatus(status)) << status;
  }
  for (const int status : {200, 304, 400, 401, 404, 409, 422, 501, 505, 600}) {
    EXPECT_FALSE(IsTransientStatus(status)) << status;
  }
}

class HttpRetrierTest : public ::testing::Test {
 protected:
  // Sends, and notes every wait while time is moved to its end.
  Result<HttpResponse> Send(const HttpRequest& request, HttpRetryPolicy policy = {}) {
    waits_.clear();
    HttpRetrier retrier(client_, clock_, policy, [this] { return random_; });
    auto sending = std::async(std::launch::async, [&] {
      Result<HttpResponse> result = retrier.Send(request, stop_.get_token());
      // A waiter of its own that is never due, so that AwaitWaiters returns at the end, too.
      done_ = true;
      clock_.SleepFor(kLongestSleep, over_.get_token());
      return result;
    });
    while (true) {
      clock_.AwaitWaiters(1);
      if (done_) break;
      const Duration before = clock_.Steady();
      clock_.AdvanceToNextDeadline(UtcTime::max());
      waits_.push_back(clock_.Steady() - before);
    }
    over_.request_stop();
    Result<HttpResponse> result = sending.get();
    over_ = {};
    done_ = false;
    return result;
  }

  HttpRequest Get(const LoopbackServer& server) {
    HttpRequest request;
    request.url = server.Url();
    return request;
  }

  SimulatedClock clock_{kNow};
  HttpClient client_;
  double random_ = 0.5;
  std::vector<Duration> waits_;
  std::stop_source stop_;
  std::stop_source over_;
  std::atomic<bool> done_ = false;
};

TEST_F(HttpRetrierTest, WaitsLongerEachTimeUpToACap) {
  std::atomic<int> left = 5;
  LoopbackServer server([&](const std::string&) {
    return left-- > 0 ? HttpAnswer("busy", "503 Busy") : HttpAnswer("ok");
  });
  const HttpRetryPolicy policy{.max_attempts = 10, .max_delay = seconds(3)};
  const Result<HttpResponse> response = Send(Get(server), policy);
  ASSERT_TRUE(response) << Describe(response.error());
  EXPECT_EQ(response->body, "ok");
  EXPECT_THAT(waits_, ElementsAre(milliseconds(250), milliseconds(500), seconds(1),
                                  milliseconds(1500), milliseconds(1500)));
}

TEST_F(HttpRetrierTest, GivesTheLastAnswerBackWhenItGivesUp) {
  LoopbackServer server([](const std::string&) { return HttpAnswer("why", "500 Oh"); });
  const Result<HttpResponse> response = Send(Get(server), {.max_attempts = 3});
  EXPECT_EQ(response.value().body, "why");
  EXPECT_EQ(server.requests(), 3);
  EXPECT_EQ(waits_.size(), 2U);
}

TEST_F(HttpRetrierTest, ConnectionErrorsAreTriedAgainToo) {
  std::atomic<int> left = 2;
  LoopbackServer server(
      [&](const std::string&) { return left-- > 0 ? std::string("cut") : HttpAnswer("ok"); });
  EXPECT_EQ(Send(Get(server)).value().body, "ok");
  EXPECT_EQ(waits_.size(), 2U);
  HttpRequest nobody;
  nobody.url = "http://127.0.0.1:1/";
  const Result<HttpResponse> response = Send(nobody, {.max_attempts = 3});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "connect_failed");
  EXPECT_THAT(response.error().message, HasSubstr("(attempt 3)"));
}

TEST_F(HttpRetrierTest, WhatMustNotBeRepeatedIsNot) {
  LoopbackServer server([](const std::string& request) {
    return request.starts_with("GET") ? HttpAnswer("", "404 No") : HttpAnswer("", "503 Busy");
  });
  HttpRequest post = Get(server);
  post.method = "POST";
  post.body = "x";
  EXPECT_EQ(Send(post).value().status, 503);
  EXPECT_EQ(Send(Get(server)).value().status, 404);
  EXPECT_EQ(server.requests(), 2);
  post.repeatable = true;
  EXPECT_EQ(Send(post, {.max_attempts = 2}).value().status, 503);
  EXPECT_EQ(server.requests(), 4);
  HttpRequest refused = Get(server);
  refused.url = "file:///etc/passwd";
  EXPECT_FALSE(Send(refused));
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(HttpRetrierTest, WaitsAsLongAsTheServerWantsAndNoLongerThanItMay) {
  std::atomic<int> left = 1;
  std::string wish = "60";
  LoopbackServer server([&](const std::string&) {
    return left-- > 0 ? HttpAnswer("", "429 Slow", "Retry-After: " + wish + "\r\n")
                      : HttpAnswer("ok");
  });
  EXPECT_EQ(Send(Get(server)).value().status, 200);
  EXPECT_THAT(waits_, ElementsAre(seconds(60) + milliseconds(250)));
  left = 1;
  wish = "301";
  EXPECT_EQ(Send(Get(server)).value().status, 429);
  EXPECT_THAT(waits_, IsEmpty());
  left = 1;
  wish = "200";
  EXPECT_EQ(Send(Get(server), {.deadline = seconds(200)}).value().status, 429);
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(HttpRetrierTest, AStopEndsTheWait) {
  LoopbackServer server([](const std::string&) { return HttpAnswer("", "503 Busy"); });
  HttpRetrier retrier(client_, clock_);
  auto sending =
      std::async(std::launch::async, [&] { return retrier.Send(Get(server), stop_.get_token()); });
  clock_.AwaitWaiters(1);
  stop_.request_stop();
  const Result<HttpResponse> response = sending.get();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::kStopped);
}

TEST_F(HttpRetrierTest, UploadsAndSinksBeginAnew) {
  std::atomic<int> left = 2;
  std::string seen;
  LoopbackServer server([&](const std::string& request) {
    seen = request;
    return left-- > 0 ? std::string(
                            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf")
                      : HttpAnswer("the whole");
  });
  std::string sunk;
  bool given = false;
  HttpRequest request = Get(server);
  request.method = "POST";
  request.repeatable = true;
  request.upload = HttpUpload{.size = 2,
                              .read = [&](char* buffer, size_t) -> Result<size_t> {
                                if (std::exchange(given, true)) return 0;
                                return std::string("up").copy(buffer, 2);
                              },
                              .rewind = [&]() -> Status {
                                given = false;
                                return {};
                              }};
  request.sink = HttpSink{.write = [&](std::string_view bytes) -> Status {
                            sunk += bytes;
                            return {};
                          },
                          .restart = nullptr};
  // Half is written and cannot be taken back.
  const Result<HttpResponse> half = Send(request);
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code, "connection_lost");
  EXPECT_EQ(sunk, "half");
  sunk.clear();
  given = false;
  request.sink->restart = [&]() -> Status {
    sunk.clear();
    return {};
  };
  ASSERT_TRUE(Send(request));
  EXPECT_EQ(sunk, "the whole");
  EXPECT_TRUE(seen.ends_with("\r\n\r\nup"));
  // Without a way back an upload is sent once.
  left = 1;
  given = false;
  request.upload->rewind = nullptr;
  EXPECT_FALSE(Send(request));
}

TEST_F(HttpRetrierTest, ASinksOwnErrorIsNotTheConnections) {
  LoopbackServer server([](const std::string&) { return HttpAnswer("body"); });
  HttpRequest request = Get(server);
  request.sink = HttpSink{.write = [](std::string_view) -> Status {
                            return Fail(ErrorKind::kTransient, "disk_full", "no room");
                          },
                          .restart = []() -> Status { return {}; }};
  const Result<HttpResponse> response = Send(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "disk_full");
  EXPECT_EQ(server.requests(), 1);
}

}  // namespace
}  // namespace bizond
