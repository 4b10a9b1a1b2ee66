// A token that Google no longer takes: another is asked for and the call repeated, once.
#include "destinations/google/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "destinations/google/bigquery_api.h"
#include "tests/base/temporary_directory.h"
#include "tests/fakes/bigquery_fake.h"
#include "tests/fakes/google/http_server.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A token endpoint that gives token-1, token-2, ..., and at all other paths a service that answers
// with the statuses that are set, in their order, and 200 from then on.
class GoogleTransportTest : public ::testing::Test {
 protected:
  GoogleTransportTest() {
    directory_.Write("credentials.json", ServiceAccountKey(server_.Url("/token")).dump());
    environment_.Set("GOOGLE_APPLICATION_CREDENTIALS",
                     (directory_.path() / "credentials.json").string());
    auto found = FindGoogleCredentials({}, &clock_);
    if (!found) throw std::runtime_error(Describe(found.error()));
    token_ = *found;
  }

  void Answer(const httplib::Request& request, httplib::Response& response) {
    if (request.path == "/token") {
      return AnswerJson(response, {{"access_token", "token-" + std::to_string(++tokens_)},
                                   {"expires_in", 3600},
                                   {"token_type", "Bearer"}});
    }
    seen_.push_back(request.get_header_value("Authorization") + " " + request.body);
    const int status = seen_.size() <= statuses_.size() ? statuses_[seen_.size() - 1] : 200;
    AnswerJson(response, {{"error", {{"message", "asked for"}}}}, status);
  }

  Result<HttpResponse> Post(GoogleTransport* transport, const std::string& body) {
    return transport->Send({.method = "POST", .url = server_.Url("/service"), .body = body}, {});
  }

  // No wait is needed here: one would never end.
  SimulatedClock clock_{UtcTime(std::chrono::sys_days(std::chrono::year(2026) / 12 / 1))};
  TemporaryDirectory directory_;
  NoCredentials environment_{directory_.path().string()};
  std::vector<int> statuses_;
  std::vector<std::string> seen_;
  int tokens_ = 0;
  GoogleServer server_{[this](const httplib::Request& request, httplib::Response& response) {
    Answer(request, response);
  }};
  std::shared_ptr<GoogleTokenSource> token_;
};

TEST_F(GoogleTransportTest, ARefusedTokenIsFollowedByAFreshOne) {
  GoogleTransport transport(token_, &clock_);
  statuses_ = {200, 401};
  ASSERT_TRUE(Post(&transport, "a"));
  const auto sent = Post(&transport, "b");
  ASSERT_TRUE(sent) << Describe(sent.error());
  ASSERT_TRUE(Post(&transport, "c"));
  EXPECT_THAT(seen_, ElementsAre("Bearer token-1 a", "Bearer token-1 b", "Bearer token-2 b",
                                 "Bearer token-2 c"));
  EXPECT_EQ(tokens_, 2);
}

TEST_F(GoogleTransportTest, ATokenThatIsNeverTakenIsNotAskedForEndlessly) {
  GoogleTransport transport(token_, &clock_);
  statuses_.assign(100, 401);
  const auto sent = Post(&transport, "a");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, "bigquery_unauthorized");
  EXPECT_EQ(sent.error().kind, ErrorKind::kPermanent);
  EXPECT_FALSE(sent.error().remedy.empty());
  EXPECT_THAT(seen_, ElementsAre("Bearer token-1 a", "Bearer token-2 a"));
  EXPECT_EQ(tokens_, 2);
  // Each call has its one fresh token.
  ASSERT_FALSE(Post(&transport, "b"));
  EXPECT_EQ(seen_.size(), 4U);
  EXPECT_EQ(tokens_, 3);
}

TEST_F(GoogleTransportTest, TwoCallersOfOneTokenAskForOneFreshOne) {
  GoogleTransport first(token_, &clock_);
  GoogleTransport second(token_, &clock_);
  ASSERT_TRUE(Post(&first, "a"));
  statuses_ = {200, 401};
  ASSERT_TRUE(Post(&first, "b"));
  token_->Invalidate("token-1");  // As the second would, whose call was on its way meanwhile.
  ASSERT_TRUE(Post(&second, "c"));
  EXPECT_EQ(seen_.back(), "Bearer token-2 c");
  EXPECT_EQ(tokens_, 2);
}

TEST_F(GoogleTransportTest, WithoutATokenA401IsFinal) {
  GoogleTransport transport(nullptr, &clock_);
  statuses_ = {401};
  const auto sent = Post(&transport, "a");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, "bigquery_unauthorized");
  EXPECT_THAT(seen_, ElementsAre(" a"));
}

// Each request of a load job that brings its data along, in its turn.
TEST_F(GoogleTransportTest, AnUploadOutlivesItsTokenAtEachOfItsCalls) {
  BigQueryFake& fake = BigQueryFake::Get();
  const BigQueryTableName table{"p1", "d", "t"};
  const json load = {
      {"load",
       {{"destinationTable", {{"projectId", "p1"}, {"datasetId", "d"}, {"tableId", "t"}}},
        {"sourceFormat", "NEWLINE_DELIMITED_JSON"}}}};
  for (int nth = 1; nth <= 4; ++nth) {
    SCOPED_TRACE(nth);
    fake.Reset();
    fake.SetOptions({{"job_seconds", 0}});
    fake.CreateDataset("d");
    const json schema = {{"fields", {{{"name", "id"}, {"type", "INTEGER"}}}}};
    BigQueryApi api("p1", "US", {.rest = fake.RestUrl()}, token_, &clock_);
    fake.Fault({{"on", "rest"}, {"nth", nth}, {"status", 401}, {"reason", "authError"}});
    const int tokens = tokens_;
    ASSERT_TRUE(api.CreateTable(table, {{"schema", schema}}, {}));
    ASSERT_TRUE(api.StartUpload("job", load, "{\"id\":1}\n{\"id\":2}\n", {}));
    const auto job = api.WaitForJob("job", {});
    ASSERT_TRUE(job) << Describe(job.error());
    EXPECT_FALSE(job->failure);
    EXPECT_THAT(fake.Rows("p1.d.t"), ElementsAre(R"({"id":1})", R"({"id":2})"));
    EXPECT_EQ(tokens_ - tokens, nth == 1 ? 2 : 1);  // The first of all asks for the first one.
    const json calls = fake.Calls();
    ASSERT_EQ(calls.size(), 6U);  // The test's own, four, and the one that was repeated.
    EXPECT_THAT(calls.back().at("authorization").get<std::string>(),
                HasSubstr("token-" + std::to_string(tokens_)));
  }
}

}  // namespace
}  // namespace bizond
