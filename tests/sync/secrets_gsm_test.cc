// gsm:// against a Secret Manager and a metadata server of the loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/google/secret_manager.h"
#include "base/log.h"
#include "sync/secrets.h"
#include "tests/base/temporary_directory.h"
#include "tests/fakes/google/http_server.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFull = "gsm://projects/acme/secrets/db-password/versions/3";
// "value-of-the-secret" in base64, and its CRC32C (Castagnoli) as the service writes it.
constexpr const char* kValue = "value-of-the-secret";
constexpr const char* kData = "dmFsdWUtb2YtdGhlLXNlY3JldA==";

std::string CodeOfSecret(const Result<std::string>& result) {
  return result ? "ok: " + *result : result.error().code;
}

class ManagedSecrets : public ::testing::Test {
 protected:
  ManagedSecrets() {
    environment_.Set("GCE_METADATA_HOST", server_.Host());
    environment_.Set("BIZOND_SECRET_MANAGER_ENDPOINT", server_.Url());
    policy_.allow_all = true;
  }
  void Serve(const httplib::Request& request, httplib::Response& response) {
    if (request.path.starts_with("/computeMetadata/")) {
      response.set_header("Metadata-Flavor", "Google");
      if (request.path.ends_with("project-id")) {
        return response.set_content("machine-project", "text/plain");
      }
      const std::string token = "canary-token-" + std::to_string(++tokens_);
      return AnswerJson(response, {{"access_token", token}, {"expires_in", 3600}});
    }
    EXPECT_EQ(request.get_header_value("Authorization"),
              "Bearer canary-token-" + std::to_string(tokens_));
    if (refused_ > 0) {
      --refused_;
      return AnswerJson(response, {{"error", {{"code", 401}}}}, 401);
    }
    if (status_ == 200) return AnswerJson(response, answer_);
    const std::string said = "no: " + request.get_header_value("Authorization");
    AnswerJson(response, {{"error", {{"code", status_}, {"message", said}}}}, status_);
  }
  SecretResolver Resolver() const { return SecretResolver(policy_); }
  std::string LastPath() const { return server_.requests().back().path; }

  TemporaryDirectory directory_;
  NoCredentials environment_{directory_.path().string()};
  json answer_ = {{"name", "n"}, {"payload", {{"data", kData}, {"dataCrc32c", "261246076"}}}};
  int status_ = 200;
  int refused_ = 0;
  std::atomic<int> tokens_ = 0;
  SecretPolicy policy_;
  GoogleServer server_{[this](const httplib::Request& request, httplib::Response& response) {
    Serve(request, response);
  }};
};

TEST_F(ManagedSecrets, EveryForm) {
  const SecretResolver resolver = Resolver();
  EXPECT_EQ(CodeOfSecret(resolver.ResolveOne(kFull)), std::string("ok: ") + kValue);
  EXPECT_EQ(LastPath(), "/v1/projects/acme/secrets/db-password/versions/3:access");
  EXPECT_TRUE(resolver.ResolveOne("gsm://db-password", "of-the-job"));
  EXPECT_EQ(LastPath(), "/v1/projects/of-the-job/secrets/db-password/versions/latest:access");
  EXPECT_TRUE(resolver.ResolveOne("gsm://db-password/versions/prod"));
  EXPECT_EQ(LastPath(), "/v1/projects/machine-project/secrets/db-password/versions/prod:access");
  environment_.Set("GOOGLE_CLOUD_PROJECT", "of-the-environment");
  EXPECT_TRUE(resolver.ResolveOne("gsm://db-password"));
  EXPECT_EQ(LastPath(),
            "/v1/projects/of-the-environment/secrets/db-password/versions/latest:access");
  EXPECT_EQ(tokens_, 1);
  EXPECT_EQ(Redact(kValue), "***");
}

TEST_F(ManagedSecrets, WhatNamesNoSecret) {
  const SecretResolver resolver = Resolver();
  for (const char* const reference :
       {"gsm://projects/acme/secrets/x", "gsm://projects/acme/secrets/../versions/1",
        "gsm://projects/../secrets/x/versions/1", "gsm://a/b", "gsm://a/versions/",
        "gsm://a/versions/1/", "gsm:///", "gsm://a?b", "gsm://a%2Fb", "gsm://a b",
        "gsm://projects/acme/secrets/x/versions/1:destroy#", "gsm://a\nb"}) {
    EXPECT_EQ(CodeOfSecret(resolver.ResolveOne(reference, "acme")), "bad_secret_reference")
        << reference;
  }
  EXPECT_EQ(CodeOfSecret(resolver.ResolveOne("gsm://a", "x/../y")), "bad_secret_reference");
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(ManagedSecrets, OnlyWhatTheOperatorAllowsIsAskedFor) {
  policy_.allow_all = false;
  EXPECT_EQ(CodeOfSecret(Resolver().ResolveOne("gsm://db-password")), "secret_forbidden");
  policy_.gsm = {"projects/acme/secrets/db-*", "projects/acme/secrets/pinned/versions/2", "*",
                 "projects/*"};
  const SecretResolver resolver = Resolver();
  for (const char* const reference :
       {"gsm://projects/acme/secrets/other/versions/1",
        "gsm://projects/evil/secrets/db-x/versions/1", "gsm://pinned/versions/3", "gsm://pinned"}) {
    EXPECT_EQ(CodeOfSecret(resolver.ResolveOne(reference, "acme")), "secret_forbidden")
        << reference;
  }
  EXPECT_TRUE(server_.requests().empty());
  EXPECT_TRUE(resolver.ResolveOne(kFull));
  EXPECT_TRUE(resolver.ResolveOne("gsm://db-x", "acme"));
  EXPECT_TRUE(resolver.ResolveOne("gsm://pinned/versions/2", "acme"));
}

TEST_F(ManagedSecrets, AJobsProjectIsUsed) {
  JobSpec job;
  job.definition = R"({"secrets": {"gsm": {"project_id": "of-the-job"}}})";
  EXPECT_EQ(SecretProjectOf(job), "of-the-job");
  const auto resolved = Resolver().Resolve(R"({"dsn": "u:${gsm://db-password}@h"})", job);
  ASSERT_TRUE(resolved) << Describe(resolved.error());
  EXPECT_EQ(*resolved, R"({"dsn":"u:value-of-the-secret@h"})");
  EXPECT_THAT(LastPath(), HasSubstr("/projects/of-the-job/"));
  for (const char* const other : {"{}", R"({"secrets": {"gsm": null}})", "[]", "", "1"}) {
    job.definition = other;
    EXPECT_EQ(SecretProjectOf(job), "") << other;
  }
}

TEST_F(ManagedSecrets, ARefusalIsToldByItsKindAndWithoutTheToken) {
  const SecretResolver resolver = Resolver();
  const struct {
    int status;
    const char* code;
    ErrorKind kind;
  } cases[] = {{400, "secret_missing", ErrorKind::kConfig},
               {404, "secret_missing", ErrorKind::kConfig},
               {403, "secret_denied", ErrorKind::kConfig},
               {429, "secret_unavailable", ErrorKind::kTransient},
               {503, "secret_unavailable", ErrorKind::kTransient}};
  for (const auto& each : cases) {
    status_ = each.status;
    const auto value = resolver.ResolveOne(kFull);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, each.code);
    EXPECT_EQ(value.error().kind, each.kind);
    EXPECT_THAT(Describe(value.error()), Not(HasSubstr("canary")));
  }
}

TEST_F(ManagedSecrets, ARefusedTokenIsAskedForAnewOnce) {
  refused_ = 1;
  EXPECT_EQ(CodeOfSecret(Resolver().ResolveOne(kFull)), std::string("ok: ") + kValue);
  EXPECT_EQ(tokens_, 2);
  refused_ = 5;
  EXPECT_EQ(CodeOfSecret(Resolver().ResolveOne(kFull)), "secret_denied");
  EXPECT_EQ(refused_, 3);
}

TEST_F(ManagedSecrets, AnswersThatMakeNoSense) {
  const SecretResolver resolver = Resolver();
  for (const json& answer : {json("x"), json::array(), json::object(), json{{"payload", 1}},
                             json{{"payload", {{"data", "!!!!"}}}},
                             json{{"payload", {{"data", kData}, {"dataCrc32c", "261246077"}}}}}) {
    answer_ = answer;
    EXPECT_EQ(CodeOfSecret(resolver.ResolveOne(kFull)), "secret_unavailable") << answer;
  }
  answer_ = {{"payload", {{"data", std::string(88000, 'A')}}}};
  EXPECT_EQ(CodeOfSecret(resolver.ResolveOne(kFull)), "secret_missing");
  answer_ = {{"payload", {{"data", "/w=="}}}};
  EXPECT_EQ(CodeOfSecret(resolver.ResolveOne(kFull)), "secret_missing");
  answer_ = {{"payload", json::object()}};
  EXPECT_EQ(CodeOfSecret(resolver.ResolveOne(kFull)), "ok: ");
  environment_.Set("BIZOND_SECRET_MANAGER_ENDPOINT", "http://elsewhere.example");
  EXPECT_EQ(CodeOfSecret(resolver.ResolveOne(kFull)), "bad_secret_reference");
}

TEST_F(ManagedSecrets, ADeafServiceIsToldAsTransient) {
  environment_.Set("BIZOND_SECRET_MANAGER_ENDPOINT", "http://127.0.0.1:1");
  const auto value = Resolver().ResolveOne(kFull);
  EXPECT_EQ(CodeOfSecret(value), "secret_unavailable");
  EXPECT_EQ(value.error().kind, ErrorKind::kTransient);
}

}  // namespace
}  // namespace bizond
