// TLS against a server in this process, with certificates that openssl(1) makes for the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/http_client.h"
#include "tests/base/loopback_server.h"
#include "tests/base/temporary_directory.h"

namespace bizond {
namespace {

class HttpTls : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return directory_.path() / name; }

  // A certificate that signs itself, in NAME.crt and NAME.key.
  void Make(const std::string& name, const std::string& subject_names) const {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" +
        name + " -addext subjectAltName=" + subject_names + " -keyout " + Path(name + ".key") +
        " -out " + Path(name + ".crt") + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  ServerCertificate Of(const std::string& name) const {
    return {Path(name + ".crt"), Path(name + ".key"), ""};
  }
  static Result<HttpResponse> Get(const std::string& url, HttpClientOptions options) {
    HttpClient client(std::move(options));
    HttpRequest request;
    request.url = url;
    return client.Send(request, {});
  }
  static std::string Ok(const std::string&) { return HttpAnswer("ok"); }

  TemporaryDirectory directory_;
};

TEST_F(HttpTls, OnlyATrustedCertificateForThatHostWillDo) {
  Make("right", "IP:127.0.0.1");
  Make("wrong", "DNS:other.example");
  LoopbackServer right(Ok, Of("right"));
  LoopbackServer wrong(Ok, Of("wrong"));
  const Result<HttpResponse> response = Get(right.Url(), {.ca_file = Path("right.crt")});
  ASSERT_TRUE(response) << Describe(response.error());
  EXPECT_EQ(response->body, "ok");
  const Result<HttpResponse> failed[] = {
      Get(right.Url(), {}),                              // The system does not know it.
      Get(right.Url(), {.ca_file = Path("wrong.crt")}),  // Another authority.
      Get(wrong.Url(), {.ca_file = Path("wrong.crt")}),  // Another host's certificate.
      Get(right.Url("/", "localhost"), {.ca_file = Path("right.crt")}),
  };
  for (const auto& outcome : failed) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "tls_failed") << Describe(outcome.error());
    EXPECT_EQ(outcome.error().kind, ErrorKind::kPermanent);
  }
  EXPECT_EQ(right.requests(), 1);
  EXPECT_EQ(wrong.requests(), 0);
  const Error missing = Get(right.Url(), {.ca_file = Path("missing.crt")}).error();
  EXPECT_EQ(missing.code, "tls_failed");
  EXPECT_EQ(missing.kind, ErrorKind::kConfig);
}

TEST_F(HttpTls, AClientCertificateIsShownToTheFirstOriginAlone) {
  Make("server", "IP:127.0.0.1");
  Make("client", "DNS:client");
  ServerCertificate asking = Of("server");
  asking.client_ca = Path("client.crt");
  LoopbackServer server(Ok, asking);
  HttpClientOptions options{.ca_file = Path("server.crt"),
                            .client_certificate_file = Path("client.crt"),
                            .client_key_file = Path("client.key")};
  const Result<HttpResponse> response = Get(server.Url(), options);
  ASSERT_TRUE(response) << Describe(response.error());
  EXPECT_FALSE(Get(server.Url(), {.ca_file = Path("server.crt")}));
  LoopbackServer first(
      [&](const std::string&) {
        return HttpAnswer("", "302 Found", "Location: " + server.Url() + "\r\n");
      },
      Of("server"));
  HttpClient client(options);
  HttpRequest request;
  request.url = first.Url();
  request.max_redirects = 1;
  EXPECT_FALSE(client.Send(request, {}));
  EXPECT_EQ(server.requests(), 1);
  options.client_key_file = Path("server.key");
  const Error mismatch = Get(server.Url(), options).error();
  EXPECT_EQ(mismatch.code, "tls_failed");
  EXPECT_EQ(mismatch.kind, ErrorKind::kConfig);
}

TEST_F(HttpTls, NoRedirectLeadsFromTlsToPlain) {
  Make("server", "IP:127.0.0.1");
  LoopbackServer plain(Ok);
  LoopbackServer server(
      [&](const std::string&) {
        return HttpAnswer("", "302 Found", "Location: " + plain.Url() + "\r\n");
      },
      Of("server"));
  HttpClient client({.ca_file = Path("server.crt")});
  HttpRequest request;
  request.url = server.Url();
  request.max_redirects = 5;
  EXPECT_EQ(client.Send(request, {}).error().code, "redirect_refused");
  EXPECT_EQ(plain.connections(), 0);
}

TEST_F(HttpTls, AHandshakeThatHangsEndsWithTheConnectTimeout) {
  // It waits for the end of a request's head, which a handshake has not.
  LoopbackServer plain(Ok);
  HttpClient client;
  HttpRequest request;
  request.url = "https://127.0.0.1:" + std::to_string(plain.port()) + "/";
  request.connect_timeout = std::chrono::milliseconds(60);
  EXPECT_EQ(client.Send(request, {}).error().code, "http_timeout");
}

}  // namespace
}  // namespace bizond
