// What HttpClient does with bodies, limits, redirects and the guard, against sockets that answer
// too much, too slowly, too little, or elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>

#include "base/http_client.h"
#include "base/http_transfer.h"
#include "tests/base/loopback_server.h"

namespace bizond {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

HttpRequest RequestFor(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

std::string Redirect(const std::string& location, const std::string& status = "302 Found") {
  return HttpAnswer("away", status, "Location: " + location + "\r\n");
}

std::string Gzip(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Error ErrorOf(HttpClient& client, const HttpRequest& request) {
  const Result<HttpResponse> response = client.Send(request, {});
  EXPECT_FALSE(response);
  return response ? Error{} : response.error();
}

TEST(HttpTransfer, TheLimitHoldsAfterDecompression) {
  std::string asked;
  LoopbackServer server([&](const std::string& request) {
    asked = request;
    return HttpAnswer(Gzip(std::string(8'000'000, '0')), "200 OK", "Content-Encoding: gzip\r\n");
  });
  HttpClient client;
  HttpRequest request = RequestFor(server.Url());
  request.max_response_bytes = 8'000'000;
  const Result<HttpResponse> whole = client.Send(request, {});
  ASSERT_TRUE(whole) << Describe(whole.error());
  EXPECT_EQ(whole->body.size(), 8'000'000U);
  EXPECT_THAT(asked, HasSubstr("\r\nAccept-Encoding: deflate, gzip"));
  request.max_response_bytes = 7'999'999;
  EXPECT_EQ(ErrorOf(client, request).code, "response_too_large");
  // A sink's bytes are counted as well, and none comes beyond the limit.
  uint64_t sunk = 0;
  request.sink = HttpSink{.write = [&](std::string_view bytes) -> Status {
                            sunk += bytes.size();
                            return {};
                          },
                          .restart = nullptr};
  EXPECT_EQ(ErrorOf(client, request).code, "response_too_large");
  EXPECT_LE(sunk, 7'999'999U);
  EXPECT_EQ(client.sunk_bytes(), sunk);
}

TEST(HttpTransfer, GarbageInsteadOfGzipAndAnEndlessHeaderAreErrors) {
  LoopbackServer server([](const std::string& request) {
    if (request.starts_with("GET /long")) {
      return "HTTP/1.1 200 OK\r\nX: " + std::string(400'000, 'x') + "\r\nConnection: close\r\n\r\n";
    }
    return HttpAnswer("not gzip at all", "200 OK", "Content-Encoding: gzip\r\n");
  });
  HttpClient client;
  EXPECT_EQ(ErrorOf(client, RequestFor(server.Url())).code, "http_error");
  EXPECT_EQ(ErrorOf(client, RequestFor(server.Url("/long"))).code, "http_error");
}

TEST(HttpTransfer, ASinkGetsGoodAnswersAndTheBodyOfOthersStays) {
  LoopbackServer server([](const std::string& request) {
    return request.starts_with("GET /good") ? HttpAnswer(std::string(300'000, 'g'))
                                            : HttpAnswer("why", "500 Oh");
  });
  HttpClient client;
  std::string sunk;
  HttpRequest request = RequestFor(server.Url("/good"));
  request.sink = HttpSink{.write = [&](std::string_view bytes) -> Status {
                            sunk += bytes;
                            return {};
                          },
                          .restart = nullptr};
  EXPECT_EQ(client.Send(request, {}).value().body, "");
  EXPECT_EQ(sunk, std::string(300'000, 'g'));
  request.url = server.Url("/bad");
  EXPECT_EQ(client.Send(request, {}).value().body, "why");
  EXPECT_EQ(sunk.size(), 300'000U);
  EXPECT_EQ(client.sunk_bytes(), 0U);
}

TEST(HttpTransfer, AnErrorOrAnExceptionOfASinkEndsTheRequest) {
  LoopbackServer server([](const std::string&) { return HttpAnswer("body"); });
  HttpClient client;
  HttpRequest request = RequestFor(server.Url());
  request.sink = HttpSink{.write = [](std::string_view) -> Status {
                            return Fail(ErrorKind::kTransient, "disk_full", "no room");
                          },
                          .restart = nullptr};
  EXPECT_EQ(ErrorOf(client, request).code, "disk_full");
  request.sink->write = [](std::string_view) -> Status { throw std::logic_error("mine"); };
  EXPECT_THROW(static_cast<void>(client.Send(request, {})), std::logic_error);
  request.sink.reset();
  EXPECT_EQ(client.Send(request, {}).value().body, "body");
}

TEST(HttpTransfer, SendsViewsAndStreams) {
  std::string seen;
  LoopbackServer server([&](const std::string& request) {
    seen = request;
    return HttpAnswer("");
  });
  const std::string bytes(3'000'000, 'u');
  HttpClient client;
  HttpRequest request = RequestFor(server.Url());
  request.method = "PUT";
  request.body_view = bytes;
  ASSERT_TRUE(client.Send(request, {}));
  EXPECT_THAT(seen, StartsWith("PUT / HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nContent-Length: 3000000\r\n"));
  EXPECT_EQ(seen.substr(seen.find("\r\n\r\n") + 4), bytes);

  request.body_view.reset();
  size_t at = 0;
  request.upload = HttpUpload{.size = bytes.size(),
                              .read = [&](char* buffer, size_t room) -> Result<size_t> {
                                const size_t size =
                                    std::min<size_t>({room, 1000, bytes.size() - at});
                                bytes.copy(buffer, size, at);
                                at += size;
                                return size;
                              },
                              .rewind = nullptr};
  ASSERT_TRUE(client.Send(request, {}));
  EXPECT_EQ(seen.substr(seen.find("\r\n\r\n") + 4), bytes);
  // The stream is used up: the second time it ends too early.
  EXPECT_THAT(ErrorOf(client, request).message, HasSubstr("the body ended after 0 of 3000000"));
  request.upload->read = [](char*, size_t) -> Result<size_t> {
    return Fail(ErrorKind::kPermanent, "io_error", "broken");
  };
  EXPECT_EQ(ErrorOf(client, request).code, "io_error");
}

TEST(HttpTransfer, WaitsOnlySoLongForTheFirstByte) {
  LoopbackServer server([](const std::string& request) {
    return request.starts_with("GET /begins") ? std::string("HTTP/1.1 200 OK\r\n|hang")
                                              : std::string("hang");
  });
  HttpClient client;
  HttpRequest request = RequestFor(server.Url());
  request.first_byte_timeout = milliseconds(60);
  const Error error = ErrorOf(client, request);
  EXPECT_EQ(error.code, "http_timeout");
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
  EXPECT_THAT(error.message, HasSubstr("no answer began within 60ms"));
  // One that began is not meant.
  request.url = server.Url("/begins");
  request.timeout = milliseconds(200);
  EXPECT_THAT(ErrorOf(client, request).message, Not(HasSubstr("no answer began")));
}

TEST(HttpTransfer, AnAnswerThatDripsIsGivenUp) {
  LoopbackServer server([](const std::string&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n12345|hang");
  });
  HttpClient client;
  HttpRequest request = RequestFor(server.Url());
  request.min_bytes_per_second = 1000;
  request.min_speed_window = milliseconds(60);
  const Error error = ErrorOf(client, request);
  EXPECT_EQ(error.code, "http_timeout");
  EXPECT_THAT(error.message, HasSubstr("slower than 1000 bytes a second"));
  // While the other side only thinks nothing moves that could be slow.
  LoopbackServer thinking([](const std::string&) { return std::string("hang"); });
  request.url = thinking.Url();
  request.timeout = milliseconds(200);
  EXPECT_THAT(ErrorOf(client, request).message, Not(HasSubstr("slower")));
}

TEST(HttpTransfer, WhatMustNotBeDoneTwiceIsNotSentTwice) {
  std::atomic<int> seen = 0;
  LoopbackServer server([&](const std::string& request) {
    if (request.starts_with("GET")) return HttpAnswer("kept");
    ++seen;
    return std::string("cut");
  });
  HttpClient client;
  HttpRequest post = RequestFor(server.Url());
  post.method = "POST";
  for (const std::string body : {"", "body"}) {
    seen = 0;
    ASSERT_TRUE(client.Send(RequestFor(server.Url()), {}));  // A connection to reuse.
    post.body = body;
    EXPECT_EQ(ErrorOf(client, post).code, "connection_lost");
    EXPECT_EQ(seen, 1) << "'" << body << "'";
  }
  // What may be is sent anew, by libcurl itself, when a kept connection turns out to be gone.
  post.repeatable = true;
  seen = 0;
  ASSERT_TRUE(client.Send(RequestFor(server.Url()), {}));
  EXPECT_EQ(ErrorOf(client, post).code, "connection_lost");
  EXPECT_EQ(seen, 2);
}

TEST(HttpTransfer, FollowsRedirectsAndForgetsSecretsOnTheWay) {
  std::string there;
  LoopbackServer other([&](const std::string& request) {
    there = request;
    return HttpAnswer("there");
  });
  std::string here;
  LoopbackServer server([&](const std::string& request) {
    here = request;
    if (request.starts_with("GET /first")) return Redirect("second?x=1");
    return Redirect(other.Url("/third"));
  });
  HttpClient client;
  HttpRequest request = RequestFor(server.Url("/first"));
  request.headers = {{"Authorization", "Bearer t"}, {"X-Api-Key", "k"}, {"Accept", "text/x"}};
  request.max_redirects = 2;
  const Result<HttpResponse> response = client.Send(request, {});
  ASSERT_TRUE(response) << Describe(response.error());
  EXPECT_EQ(response->body, "there");
  EXPECT_THAT(here, StartsWith("GET /second?x=1 HTTP"));
  EXPECT_THAT(here, HasSubstr("Authorization: Bearer t"));
  EXPECT_THAT(there, StartsWith("GET /third HTTP"));
  EXPECT_THAT(there, HasSubstr("Accept: text/x"));
  EXPECT_THAT(there, Not(HasSubstr("Bearer")));
  EXPECT_THAT(there, Not(HasSubstr("X-Api-Key")));
  request.max_redirects = 1;
  const Error error = ErrorOf(client, request);
  EXPECT_EQ(error.code, "too_many_redirects");
  EXPECT_EQ(error.kind, ErrorKind::kPermanent);
}

TEST(HttpTransfer, ARedirectKeepsOrDropsTheBodyAsItsStatusSays) {
  std::string last;
  LoopbackServer server([&](const std::string& request) {
    last = request;
    const size_t digit = request.find(" /3");
    if (digit == std::string::npos) return HttpAnswer("end");
    return Redirect("/end", request.substr(digit + 2, 3) + " X");
  });
  const struct {
    const char* method;
    const char* path;
    const char* then;
    bool body;
  } kCases[] = {{"POST", "/301", "GET /end", false}, {"POST", "/302", "GET /end", false},
                {"PUT", "/302", "PUT /end", true},   {"PUT", "/303", "GET /end", false},
                {"POST", "/307", "POST /end", true}, {"POST", "/308", "POST /end", true}};
  HttpClient client;
  for (const auto& row : kCases) {
    HttpRequest request = RequestFor(server.Url(row.path));
    request.method = row.method;
    request.headers = {{"Content-Type", "text/x"}};
    request.body = "payload";
    request.max_redirects = 1;
    ASSERT_TRUE(client.Send(request, {})) << row.path;
    EXPECT_THAT(last, StartsWith(row.then)) << row.path;
    EXPECT_EQ(last.ends_with("payload"), row.body) << row.path;
    EXPECT_EQ(last.find("Content-Type") != std::string::npos, row.body) << row.path;
  }
  // A stream that cannot be rewound cannot go to another place.
  HttpRequest request = RequestFor(server.Url("/307"));
  request.method = "POST";
  request.max_redirects = 1;
  request.upload = HttpUpload{.size = 1,
                              .read = [](char* buffer, size_t) -> Result<size_t> {
                                *buffer = 'x';
                                return 1;
                              },
                              .rewind = nullptr};
  EXPECT_EQ(ErrorOf(client, request).code, "redirect_refused");
  int rewound = 0;
  request.upload->rewind = [&]() -> Status {
    ++rewound;
    return {};
  };
  ASSERT_TRUE(client.Send(request, {}));
  EXPECT_EQ(rewound, 1);
  EXPECT_TRUE(last.ends_with("\r\n\r\nx"));
}

TEST(HttpTransfer, ABrokenPipeDoesNotEndTheProcess) {
  auto* const before = std::signal(SIGPIPE, SIG_DFL);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  {
    const SigpipeBlocked blocked;
    EXPECT_EQ(write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
  }
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  close(ends[1]);
  std::signal(SIGPIPE, before);
}

class HttpGuard : public ::testing::Test {
 protected:
  std::shared_ptr<const AddressGuard> Allowing(const std::vector<std::string>& entries) {
    return std::make_shared<const AddressGuard>(AddressGuard::Allowing(entries).value());
  }

  LoopbackServer server_{[](const std::string&) { return HttpAnswer("secret of the loopback"); }};
  std::string port_ = std::to_string(server_.port());
};

TEST_F(HttpGuard, NoSpellingLeadsToTheLoopback) {
  HttpClient client({.guard = std::make_shared<const AddressGuard>()});
  for (const std::string host : {"127.0.0.1",
                                 "127.1",
                                 "0x7f.1",
                                 "0x7f000001",
                                 "2130706433",
                                 "0177.0.0.1",
                                 "127.0.0.2",
                                 "localhost",
                                 "LOCALHOST",
                                 "0.0.0.0",
                                 "0",
                                 "[::1]",
                                 "[::]",
                                 "[::ffff:127.0.0.1]",
                                 "[::ffff:7f00:1]",
                                 "[64:ff9b::7f00:1]",
                                 "[2002:7f00:1::]",
                                 "user@127.0.0.1",
                                 "169.254.169.254",
                                 "[fd00:ec2::254]",
                                 "10.0.0.1",
                                 "[fe80::1]",
                                 "%31%32%37.0.0.1"}) {
    const Error error = ErrorOf(client, RequestFor("http://" + host + ":" + port_ + "/"));
    EXPECT_EQ(error.code, "address_refused") << host << ": " << Describe(error);
    EXPECT_EQ(error.kind, ErrorKind::kPermanent) << host;
  }
  EXPECT_EQ(server_.connections(), 0);
}

TEST_F(HttpGuard, ARedirectIsJudgedLikeTheFirstUrl) {
  LoopbackServer first([this](const std::string&) { return Redirect(server_.Url("/meta")); });
  HttpRequest request = RequestFor(first.Url());
  request.max_redirects = 5;
  HttpClient client({.guard = Allowing({"127.0.0.1:" + std::to_string(first.port())})});
  const Error error = ErrorOf(client, request);
  EXPECT_EQ(error.code, "address_refused");
  EXPECT_THAT(error.message, HasSubstr("127.0.0.1 port " + port_));
  EXPECT_EQ(server_.connections(), 0);
}

TEST_F(HttpGuard, WhatTheOperatorAllowsIsReached) {
  for (const std::string& entry : {std::string("127.0.0.0/8"), "127.0.0.1:" + port_}) {
    HttpClient client({.guard = Allowing({entry})});
    EXPECT_TRUE(client.Send(RequestFor(server_.Url()), {})) << entry;
    EXPECT_TRUE(client.Send(RequestFor(server_.Url()), {})) << entry;  // Its connection kept.
    EXPECT_TRUE(client.Send(RequestFor(server_.Url("/", "localhost")), {})) << entry;
  }
  HttpClient by_name({.guard = Allowing({"localhost:" + port_})});
  EXPECT_TRUE(by_name.Send(RequestFor(server_.Url("/", "localhost")), {}));
  EXPECT_EQ(ErrorOf(by_name, RequestFor(server_.Url())).code, "address_refused");
}

TEST_F(HttpGuard, ThroughAProxyTheUrlIsJudgedAndTheProxyIsNot) {
  std::string asked;
  LoopbackServer proxy([&](const std::string& request) {
    asked = request;
    return HttpAnswer("by proxy");
  });
  setenv("http_proxy", proxy.Url().c_str(), 1);
  HttpClient client({.guard = std::make_shared<const AddressGuard>()});
  unsetenv("http_proxy");
  const Result<HttpResponse> response = client.Send(RequestFor("http://name.invalid/x"), {});
  ASSERT_TRUE(response) << Describe(response.error());
  EXPECT_EQ(response->body, "by proxy");
  EXPECT_THAT(asked, StartsWith("GET http://name.invalid/x HTTP/1.1"));
  for (const std::string url : {"http://10.0.0.1/", "http://[fd00::1]/", "http://0xa9fea9fe/",
                                "http://a.localhost/", "http://127.0.0.1/"}) {
    EXPECT_EQ(ErrorOf(client, RequestFor(url)).code, "address_refused") << url;
  }
  EXPECT_EQ(proxy.requests(), 1);
}

TEST(HttpTransfer, AwaitsItsTurnAtTheHost) {
  LoopbackServer server([](const std::string&) { return HttpAnswer("ok"); });
  SimulatedClock clock{UtcTime{}};
  HostLimits limits(clock);
  HttpClient client({.limits = &limits});
  HttpClient another({.limits = &limits});
  HttpRequest request = RequestFor(server.Url());
  request.rate = {.per_second = 1};
  ASSERT_TRUE(client.Send(request, {}));
  std::stop_source stop;
  std::jthread stopper([&] {
    clock.AwaitWaiters(1);
    stop.request_stop();
  });
  const Result<HttpResponse> second = another.Send(request, stop.get_token());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kStopped);
  clock.Advance(seconds(1));
  EXPECT_TRUE(another.Send(request, {}));
  EXPECT_EQ(server.requests(), 2);
}

}  // namespace
}  // namespace bizond
