// Who is answered, and what a hostile or slow client can do.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A connection that sends what it likes.
class RawClient {
 public:
  explicit RawClient(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void Send(std::string_view text) const {
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // Until `wanted` was read, or the server hung up.
  std::string ReadUntil(std::string_view wanted) {
    char buffer[4096];
    while (read_.find(wanted) == std::string::npos) {
      const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      read_.append(buffer, static_cast<size_t>(got));
    }
    return read_;
  }

 private:
  int socket_;
  bool connected_ = false;
  std::string read_;
};

class GuardTest : public WebTest {
 protected:
  std::string Raw(std::string_view request) {
    RawClient client(server_->port());
    client.Send(request);
    return client.ReadUntil("\r\n\r\n");
  }
};

TEST_F(GuardTest, ForeignHostsAndForeignPagesAreRefused) {
  WebOptions options;
  options.allowed_hosts = {"sync.example.org"};
  Start(options);
  EXPECT_EQ(Get("/api/v1/jobs", {{"Host", "evil.example"}}).status, 421);
  EXPECT_EQ(Get("/api/v1/jobs", {{"Host", "sync.example.org"}}).status, 200);
  const json job = Definition("j");
  EXPECT_EQ(Post("/api/v1/jobs", job, {{"Origin", "https://evil.example"}}).status, 403);
  EXPECT_EQ(Post("/api/v1/jobs", job, {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  EXPECT_EQ(Post("/api/v1/jobs", job, {{"Sec-Fetch-Site", "same-origin"}}).status, 201);
}

TEST_F(GuardTest, ATokenIsAskedForWhereOneIsSet) {
  WebOptions options;
  options.token = "correct horse";
  Start(options);
  const Answer refused = Get("/api/v1/jobs");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.Header("www-authenticate"), "Bearer");
  EXPECT_EQ(Get("/api/v1/jobs", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(Get("/api/v1/jobs", {{"Authorization", "Bearer correct horse"}}).status, 200);
  EXPECT_EQ(Get("/api/v1/nothing").status, 401) << "what there is is nobody's business";
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/").status, 200) << "the page asks for the token";
}

TEST_F(GuardTest, AnOpenAddressWithoutATokenIsRefused) {
  WebParts parts;
  parts.store = store_.get();
  parts.clock = &clock_;
  WebOptions options;
  options.host = "0.0.0.0";
  options.port = 0;
  WebServer server(parts, options);
  const Status status = server.Start();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "token_required");
}

TEST_F(GuardTest, MethodsMediaTypesAndSizes) {
  Start();
  const Answer method = Ask("PATCH", "/api/v1/jobs", "{}");
  EXPECT_EQ(method.status, 405);
  EXPECT_THAT(method.Header("allow"), HasSubstr("POST"));
  EXPECT_EQ(Ask("POST", "/api/v1/jobs", "x", {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(Ask("POST", "/api/v1/jobs", std::string((1 << 20) + 1, 'x')).status, 413);
  const std::string long_value(6'000, 'x');
  EXPECT_EQ(
      Get("/api/v1/jobs", {{"X-A", long_value}, {"X-B", long_value}, {"X-C", long_value}}).status,
      431);
  EXPECT_EQ(Get("/nothing").status, 404);
  EXPECT_EQ(Ask("HEAD", "/api/v1/jobs").status, 200);
}

TEST_F(GuardTest, ThePageIsServedWithAPolicyThatAllowsNoInlineScript) {
  Start();
  const Answer page = Get("/", {{"Accept-Encoding", "br, gzip;q=0.8"}});
  EXPECT_EQ(page.Header("content-encoding"), "gzip");
  for (const char* plain : {"identity", "gzip;q=0, br", ""}) {
    const Answer answer = Get("/", {{"Accept-Encoding", plain}});
    EXPECT_EQ(answer.Header("content-encoding"), "") << plain;
    EXPECT_THAT(answer.text, HasSubstr("<!doctype html>")) << plain;
  }
  EXPECT_THAT(page.Header("content-security-policy"), HasSubstr("script-src 'self'"));
  EXPECT_THAT(page.Header("content-security-policy"), Not(HasSubstr("unsafe")));
  EXPECT_EQ(page.Header("x-content-type-options"), "nosniff");
  EXPECT_EQ(Get("/assets/../../etc/passwd").status, 404);
  EXPECT_EQ(Get("/assets/%2e%2e%2fetc%2fpasswd").status, 404);
}

TEST_F(GuardTest, BrokenRequestsGetAnAnswerAndHarmNothing) {
  Start();
  for (const std::string_view request :
       {"GET /api/v1/jobs?q=%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /api/v1/jobs HTTP/1.1\r\n\r\n",
        "GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        "\x16\x03\x01\r\n\r\n"}) {
    EXPECT_THAT(Raw(request), HasSubstr(" 400 ")) << request;
  }
  EXPECT_THAT(Raw("GET /api/v1/jobs/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr(" 404 "));
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(Ask("POST", "/api/v1/jobs", deep).status, 422);
  Submit("j");
  EXPECT_EQ(Ask("POST", "/api/v1/jobs/j/reset", deep).status, 400);
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(GuardTest, ARequestWithoutALengthHasNoBody) {
  Start();
  Submit("j");
  RawClient client(server_->port());
  client.Send(
      "DELETE /api/v1/jobs/j HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "POST /api/v1/jobs/j/pause HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\"status\":\"ok\""), HasSubstr("job_missing"));
}

TEST_F(GuardTest, SlowClientsDoNotStopTheOthers) {
  Start();
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 300; ++i) {
    slow.push_back(std::make_unique<RawClient>(server_->port()));
    ASSERT_TRUE(slow.back()->connected()) << i;
    slow.back()->Send("GET /healthz HTTP/1.1\r\nHost: loc");
  }
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(GuardTest, EventsComeAsTheyHappenAndGoOnAfterABreak) {
  Start();
  constexpr std::string_view kFollow =
      "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n";
  RawClient first(server_->port());
  first.Send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(first.ReadUntil(": hello"), HasSubstr("text/event-stream"));
  Submit("seen");
  EXPECT_THAT(first.ReadUntil("\"name\":\"seen\""), HasSubstr("event: job"));
  Post("/api/v1/jobs/seen/runs", json::object());
  EXPECT_THAT(first.ReadUntil("\"state\":\"queued\""), HasSubstr("event: run"));
  LiveRun live;
  live.run_id = "r";
  live.job = "seen";
  live.counters.rows_read = 7;
  live.at = clock_.Now();
  server_->Progress(live);
  EXPECT_THAT(first.ReadUntil("\"rows_read\":7"), HasSubstr("event: progress"));
  RawClient second(server_->port());
  second.Send(kFollow);
  EXPECT_THAT(second.ReadUntil("event: run"), HasSubstr("\"name\":\"seen\""));
  EXPECT_EQ(Get("/api/v1/events", {{"Last-Event-ID", "x"}}).status, 400);
  server_->Stop();
  EXPECT_THAT(second.ReadUntil("never comes"), HasSubstr("event: run")) << "the stream ends";
}

}  // namespace
}  // namespace bizond
