// Against token servers and metadata servers of the loopback: where credentials are found, what is
// asked with them, and that neither a key nor a token is told.
#include "base/google/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>
#include <thread>

#include "base/log.h"
#include "tests/base/temporary_directory.h"
#include "tests/fakes/google/http_server.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kScope = "https://www.googleapis.com/auth/cloud-platform";

std::string CodeOf(const Result<std::string>& result) {
  return result ? "ok: " + *result : result.error().code;
}

class GoogleCredentials : public ::testing::Test {
 protected:
  std::string CodeOfFind(const GoogleAuth& auth = {}) {
    const auto found = FindGoogleCredentials(auth, &clock_);
    if (found) return "ok";
    last_error_ = found.error();
    EXPECT_EQ(found.error().kind, ErrorKind::kConfig);
    EXPECT_FALSE(found.error().remedy.empty());
    return found.error().code;
  }
  // As the operator's file.
  void UseFile(const json& content) {
    directory_.Write("credentials.json", content.dump());
    environment_.Set("GOOGLE_APPLICATION_CREDENTIALS",
                     (directory_.path() / "credentials.json").string());
  }
  std::shared_ptr<GoogleTokenSource> Source(const GoogleAuth& auth = {}) {
    auto found = FindGoogleCredentials(auth, &clock_);
    if (!found) throw std::runtime_error(Describe(found.error()));
    return *found;
  }
  // Moves time for `count` waits between tries.
  std::jthread Hasten(int count) {
    return std::jthread([this, count] {
      for (int i = 0; i < count; ++i) {
        clock_.AwaitWaiters(1);
        clock_.AdvanceToNextDeadline(clock_.Now() + minutes(1));
      }
    });
  }

  SimulatedClock clock_{UtcTime(std::chrono::sys_days(std::chrono::year(2026) / 12 / 1))};
  TemporaryDirectory directory_;
  NoCredentials environment_{directory_.path().string()};
  Error last_error_;
};

// Gives token-1-of-the-test, token-2-of-the-test, ...
GoogleServer::Handler Tokens(std::atomic<int>& count, const json& lifetime = 3600) {
  return [&count, lifetime](const httplib::Request&, httplib::Response& response) {
    AnswerJson(response, {{"access_token", "token-" + std::to_string(++count) + "-of-the-test"},
                          {"expires_in", lifetime},
                          {"token_type", "Bearer"}});
  };
}

TEST_F(GoogleCredentials, AServiceAccountSignsWhatGoogleAsksFor) {
  std::atomic<int> count = 0;
  GoogleServer server(Tokens(count));
  UseFile(ServiceAccountKey(server.Url("/token")));
  const Result<std::string> token = Source()->AccessToken({});
  ASSERT_TRUE(token) << Describe(token.error());
  EXPECT_EQ(*token, "token-1-of-the-test");
  const httplib::Request request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/token");
  EXPECT_EQ(request.get_param_value("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  const std::string jwt = request.get_param_value("assertion");
  EXPECT_TRUE(TheRsaKey().Signed(jwt));
  EXPECT_FALSE(RsaKey().Signed(jwt));
  const size_t dot = jwt.find('.');
  EXPECT_EQ(json::parse(RsaKey::Decode(jwt.substr(0, dot))),
            json({{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "key-1"}}));
  const int64_t now_s = std::chrono::floor<seconds>(clock_.Now()).time_since_epoch().count();
  EXPECT_EQ(json::parse(RsaKey::Decode(jwt.substr(dot + 1, jwt.rfind('.') - dot - 1))),
            json({{"iss", "sync@key-project.iam.gserviceaccount.com"},
                  {"scope", kScope},
                  {"aud", server.Url("/token")},
                  {"iat", now_s},
                  {"exp", now_s + 3600}}));
}

TEST_F(GoogleCredentials, AnAuthorizedUserRefreshes) {
  std::atomic<int> count = 0;
  GoogleServer server(Tokens(count, "3600"));
  directory_.Write("application_default_credentials.json",
                   json{{"type", "authorized_user"},
                        {"client_id", "id&1"},
                        {"client_secret", "client-secret-of-the-test"},
                        {"refresh_token", "1//refresh+token"},
                        {"quota_project_id", "billed"},
                        {"token_uri", server.Url("/token")}}
                       .dump());
  const auto source = Source();
  EXPECT_EQ(source->QuotaProject(), "billed");
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-1-of-the-test");
  const httplib::Request request = server.requests().at(0);
  EXPECT_EQ(request.get_param_value("grant_type"), "refresh_token");
  EXPECT_EQ(request.get_param_value("client_id"), "id&1");
  EXPECT_EQ(request.get_param_value("client_secret"), "client-secret-of-the-test");
  EXPECT_EQ(request.get_param_value("refresh_token"), "1//refresh+token");
  EXPECT_EQ(Redact("client-secret-of-the-test 1//refresh+token"), "*** ***");
}

TEST_F(GoogleCredentials, AMetadataServerIsOneByItsFlavor) {
  std::atomic<bool> flavored = true;
  GoogleServer server([&](const httplib::Request& request, httplib::Response& response) {
    EXPECT_EQ(request.get_header_value("Metadata-Flavor"), "Google");
    if (flavored) response.set_header("Metadata-Flavor", "Google");
    if (request.path == "/computeMetadata/v1/project/project-id") {
      response.set_content("machine-project", "application/text");
      return;
    }
    EXPECT_EQ(request.path, "/computeMetadata/v1/instance/service-accounts/default/token");
    EXPECT_EQ(request.get_param_value("scopes"), kScope);
    AnswerJson(response, {{"access_token", "token-of-the-machine"}, {"expires_in", 1800}});
  });
  environment_.Set("GCE_METADATA_HOST", server.Host());
  EXPECT_EQ(CodeOf(FindGoogleProject({})), "ok: machine-project");
  EXPECT_EQ(CodeOf(Source()->AccessToken({})), "ok: token-of-the-machine");
  flavored = false;
  EXPECT_EQ(CodeOf(FindGoogleProject({})), "google_credentials_missing");
  EXPECT_EQ(CodeOf(Source()->AccessToken({})), "google_credentials_missing");
}

TEST_F(GoogleCredentials, AMachineWithoutAServiceAccountHasNone) {
  GoogleServer server([&](const httplib::Request&, httplib::Response& response) {
    response.set_header("Metadata-Flavor", "Google");
    response.status = 404;
  });
  environment_.Set("GCE_METADATA_HOST", server.Host());
  const auto token = Source()->AccessToken({});
  EXPECT_EQ(CodeOf(token), "google_credentials_missing");
  EXPECT_THAT(token.error().remedy, HasSubstr("GOOGLE_APPLICATION_CREDENTIALS"));
}

TEST_F(GoogleCredentials, ASilentMetadataServerIsAskedThreeTimes) {
  const std::jthread time = Hasten(2);
  const auto token = Source()->AccessToken({});
  EXPECT_EQ(CodeOf(token), "google_token_unavailable");
  EXPECT_EQ(token.error().kind, ErrorKind::kTransient);
}

TEST_F(GoogleCredentials, TheOrderIsInlineThenNamedThenWellKnown) {
  std::atomic<int> count = 0;
  GoogleServer server(Tokens(count));
  directory_.Write("application_default_credentials.json",
                   ServiceAccountKey(server.Url("/well-known")).dump());
  ASSERT_TRUE(Source()->AccessToken({}));
  UseFile(ServiceAccountKey(server.Url("/named")));
  ASSERT_TRUE(Source()->AccessToken({}));
  environment_.Set("BIZOND_GOOGLE_TOKEN_URIS", "https://x/," + server.Url("/inline"));
  ASSERT_TRUE(Source({ServiceAccountKey(server.Url("/inline")).dump()})->AccessToken({}));
  std::vector<std::string> paths;
  for (const auto& request : server.requests()) paths.push_back(request.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"/well-known", "/named", "/inline"}));
  EXPECT_EQ(CodeOf(FindGoogleProject({})), "ok: key-project");
  environment_.Set("GOOGLE_CLOUD_PROJECT", "of-the-environment");
  EXPECT_EQ(CodeOf(FindGoogleProject({})), "ok: of-the-environment");
}

TEST_F(GoogleCredentials, AJobsKeyIsSentToGoogleOnly) {
  for (const char* const uri :
       {"http://127.0.0.1:8787/api/v1/jobs", "https://vault.internal/token",
        "https://googleapis.com.evil.example/token", "https://evilgoogleapis.com/token",
        "https://oauth2.googleapis.com@evil.example/token", "file:///etc/passwd",
        "http://oauth2.googleapis.com/token", "https://evil.example#.googleapis.com", "",
        "gopher://x.googleapis.com/"}) {
    EXPECT_EQ(CodeOfFind({ServiceAccountKey(uri).dump()}), "bad_google_credentials") << uri;
  }
  for (const char* const uri :
       {"https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"}) {
    EXPECT_EQ(CodeOfFind({ServiceAccountKey(uri).dump()}), "ok") << uri;
  }
  UseFile(ServiceAccountKey("https://proxy.of.the.operator/token"));
  EXPECT_EQ(CodeOfFind(), "ok");
  UseFile(ServiceAccountKey("http://proxy.of.the.operator/token"));
  EXPECT_EQ(CodeOfFind(), "bad_google_credentials");
}

TEST_F(GoogleCredentials, WhatIsNoKeySaysWhy) {
  const auto expect = [&](const json& key, const char* part) {
    EXPECT_EQ(CodeOfFind({key.is_string() ? key.get<std::string>() : key.dump()}),
              "bad_google_credentials");
    EXPECT_THAT(last_error_.message, HasSubstr(part));
    EXPECT_THAT(Describe(last_error_), Not(HasSubstr("CANARY")));
  };
  json key = ServiceAccountKey("https://oauth2.googleapis.com/token");
  expect("CANARY {", "not the JSON");
  expect("[]", "not the JSON");
  expect(std::string(70000, 'x'), "64 KiB");
  for (const char* const type :
       {"external_account", "impersonated_service_account", "authorized_user"}) {
    key["type"] = type;
    expect(key, type);
  }
  key["type"] = 1;
  expect(key, "(none)");
  key["type"] = "service_account";
  for (const char* const member : {"client_email", "private_key", "token_uri"}) {
    json without = key;
    without.erase(member);
    expect(without, member);
  }
  key["private_key"] = "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n";
  expect(key, "no unencrypted PEM key");
  key["private_key"] = RsaKey(1024).pem;
  expect(key, "2048");
  environment_.Set("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json");
  EXPECT_EQ(CodeOfFind(), "google_credentials_missing");
  EXPECT_THAT(last_error_.message, HasSubstr("/nowhere/key.json"));
}

TEST_F(GoogleCredentials, ATokenIsAskedForAnewBeforeItExpires) {
  std::atomic<int> count = 0;
  std::atomic<int> status = 200;
  GoogleServer server([&](const httplib::Request& request, httplib::Response& response) {
    if (status == 200) return Tokens(count)(request, response);
    response.status = status;
  });
  UseFile(ServiceAccountKey(server.Url("/token")));
  const auto source = Source();
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-1-of-the-test");
  clock_.Advance(minutes(55));
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-1-of-the-test");
  status = 503;
  clock_.Advance(minutes(2));
  {
    // It is good for three minutes yet.
    const std::jthread time = Hasten(2);
    EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-1-of-the-test");
  }
  EXPECT_EQ(server.requests().size(), 4U);
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-1-of-the-test");
  EXPECT_EQ(server.requests().size(), 4U);
  status = 200;
  clock_.Advance(seconds(10));
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-2-of-the-test");
  source->Invalidate("token-1-of-the-test");
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-2-of-the-test");
  source->Invalidate("token-2-of-the-test");
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-3-of-the-test");
  status = 503;
  clock_.Advance(minutes(61));
  const std::jthread time = Hasten(2);
  EXPECT_EQ(CodeOf(source->AccessToken({})), "google_token_unavailable");
}

TEST_F(GoogleCredentials, AShortTokenServesForHalfOfItsLife) {
  std::atomic<int> count = 0;
  GoogleServer server(Tokens(count, 100));
  UseFile(ServiceAccountKey(server.Url("/token")));
  const auto source = Source();
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-1-of-the-test");
  clock_.Advance(seconds(49));
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-1-of-the-test");
  clock_.Advance(seconds(2));
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-2-of-the-test");
}

TEST_F(GoogleCredentials, ManyThreadsShareOneRequest) {
  constexpr int kThreads = 20;
  std::latch all(kThreads);
  std::atomic<int> count = 0;
  GoogleServer server([&](const httplib::Request& request, httplib::Response& response) {
    all.wait();
    Tokens(count)(request, response);
  });
  UseFile(ServiceAccountKey(server.Url("/token")));
  const auto source = Source();
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        const auto mine = Source();
        EXPECT_EQ(mine, source);
        all.count_down();
        if (CodeOf(mine->AccessToken({})) == "ok: token-1-of-the-test") ++good;
      });
    }
  }
  EXPECT_EQ(good, kThreads);
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_NE(Source({"", {"https://www.googleapis.com/auth/bigquery"}}), source);
}

TEST_F(GoogleCredentials, WhenTheAskerIsStoppedAnotherGoesOn) {
  std::atomic<int> requests = 0;
  std::atomic<int> count = 0;
  std::latch arrived(1);
  std::latch ended(1);
  GoogleServer server([&](const httplib::Request& request, httplib::Response& response) {
    if (++requests == 1) {
      arrived.count_down();
      ended.wait();
    }
    Tokens(count)(request, response);
  });
  UseFile(ServiceAccountKey(server.Url("/token")));
  const auto source = Source();
  std::stop_source stop;
  {
    std::jthread asker([&] {
      const auto stopped = source->AccessToken(stop.get_token());
      ASSERT_FALSE(stopped);
      EXPECT_EQ(stopped.error().kind, ErrorKind::kStopped);
    });
    arrived.wait();
    std::jthread other(
        [&] { EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: token-1-of-the-test"); });
    stop.request_stop();
  }
  ended.count_down();
  EXPECT_FALSE(source->AccessToken(stop.get_token()));
  EXPECT_TRUE(source->AccessToken({}));
}

TEST_F(GoogleCredentials, ARefusalIsAMatterOfConfigurationAndTellsNoSecret) {
  std::string assertion;
  GoogleServer server([&](const httplib::Request& request, httplib::Response& response) {
    assertion = request.get_param_value("assertion");
    AnswerJson(response,
               {{"error", "invalid_grant"},
                {"error_description", "Invalid JWT Signature.\n" + assertion + TheRsaKey().pem}},
               400);
  });
  UseFile(ServiceAccountKey(server.Url("/token")));
  const auto token = Source()->AccessToken({});
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "google_token_refused");
  EXPECT_EQ(token.error().kind, ErrorKind::kConfig);
  EXPECT_THAT(token.error().message, HasSubstr("invalid_grant Invalid JWT Signature.\\n***"));
  EXPECT_THAT(token.error().remedy, HasSubstr("clock"));
  EXPECT_THAT(Describe(token.error()), Not(HasSubstr(assertion.substr(0, 40))));
  EXPECT_THAT(Describe(token.error()), Not(HasSubstr(TheRsaKey().pem.substr(40, 40))));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(GoogleCredentials, NeitherKeyNorTokenIsLogged) {
  std::atomic<int> count = 100;
  GoogleServer server(Tokens(count));
  const std::string key = ServiceAccountKey(server.Url("/token")).dump();
  environment_.Set("BIZOND_GOOGLE_TOKEN_URIS", server.Url("/token"));
  const auto token = Source({key})->AccessToken({});
  ASSERT_TRUE(token);
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    const LogField fields[] = {{"token", *token}, {"pem", TheRsaKey().pem}, {"key", key}};
    const std::string line =
        FormatLogLine(format, clock_.Now(), LogLevel::kInfo, "test", "Bearer " + *token, fields);
    EXPECT_THAT(line, Not(HasSubstr("of-the-test")));
    EXPECT_THAT(line, Not(HasSubstr(TheRsaKey().pem.substr(40, 40))));
  }
}

TEST_F(GoogleCredentials, AnswersThatMakeNoSense) {
  std::string body;
  GoogleServer server([&](const httplib::Request&, httplib::Response& response) {
    response.set_content(body, "application/json");
  });
  UseFile(ServiceAccountKey(server.Url("/token")));
  const auto source = Source();
  for (const char* const each :
       {"", "{", "[]", "null", R"({"access_token": 1})", R"({"access_token": ""})",
        R"({"access_token": "a\r\nX-Evil: 1", "expires_in": 3600})",
        R"({"access_token": "a", "expires_in": -5})", R"({"access_token": "a", "expires_in": "x"})",
        R"({"access_token": "a", "expires_in": null})"}) {
    body = each;
    const std::jthread time = Hasten(2);
    EXPECT_EQ(CodeOf(source->AccessToken({})), "google_token_unavailable") << each;
  }
  body = R"({"access_token": "good", "expires_in": 1e300})";
  EXPECT_EQ(CodeOf(source->AccessToken({})), "ok: good");
}

TEST_F(GoogleCredentials, ARedirectIsNotFollowed) {
  GoogleServer server([&](const httplib::Request&, httplib::Response& response) {
    response.status = 307;
    response.set_header("Location", "http://127.0.0.1:1/elsewhere");
  });
  UseFile(ServiceAccountKey(server.Url("/token")));
  EXPECT_EQ(CodeOf(Source()->AccessToken({})), "google_token_refused");
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(TemporarySecretTest, IsForgottenWithTheLastWhoHoldsIt) {
  {
    const TemporarySecret one("temporary-\"secret\"");
    {
      const TemporarySecret two("temporary-\"secret\"");
    }
    EXPECT_EQ(Redact("a temporary-\"secret\"."), "a ***.");
    EXPECT_EQ(Redact(R"(a temporary-\"secret\".)"), "a ***.");
  }
  EXPECT_EQ(Redact("a temporary-\"secret\"."), "a temporary-\"secret\".");
  {
    const TemporarySecret one("permanent-secret");
    RegisterSecret("permanent-secret");
  }
  EXPECT_EQ(Redact("permanent-secret"), "***");
}

}  // namespace
}  // namespace bizond
