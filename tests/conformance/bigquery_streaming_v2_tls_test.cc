// The destination bigquery_streaming_v2 as it speaks to Google: by TLS, and with a token. The fake
// of BigQuery does both; its authority is made for the one process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/base/temporary_directory.h"
#include "tests/conformance/destination_harness.h"
#include "tests/conformance/hasty_clock.h"
#include "tests/fakes/http_peer.h"
#include "tests/fakes/server_process.h"

#ifndef BIZOND_NO_GRPC
#include "destinations/bigquery_streaming_v2/streaming_v2_destination.h"

#ifdef __SANITIZE_ADDRESS__
// gRPC's resolver keeps what c-ares read of the system's settings, 30 bytes a process.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:ares_"; }
#endif

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// "token-1", and the next number once that is refused.
class CountedTokens final : public GoogleTokenSource {
 public:
  Result<std::string> AccessToken(std::stop_token) override { return Current(); }
  void Invalidate(std::string_view token) override {
    refused.emplace_back(token);
    if (token == Current()) ++number_;
  }
  std::vector<std::string> refused;

 private:
  std::string Current() const { return "token-" + std::to_string(number_); }
  int number_ = 1;
};

// A fake of its own, whose Storage Write API speaks TLS.
class TlsFake {
 public:
  TlsFake()
      : process_(BIZOND_SOURCE_DIR "/tests/fakes/bigquery/serve",
                 {"--project", "p1", "--tls-folder", folder_.path().string()}) {
    const json ports = json::parse(process_.ReadLine());
    peer_ = std::make_unique<HttpPeer>(ports.at("rest_port").get<int>());
    endpoints_.rest = peer_->url();
    endpoints_.write_api = "localhost:" + std::to_string(ports.at("grpc_port").get<int>());
  }

  const BigQueryEndpoints& endpoints() const { return endpoints_; }
  std::string Authority() const { return (folder_.path() / "ca.pem").string(); }
  // What is taken from now on; nullptr: anything.
  void Take(const json& token) { peer_->Ask("POST", "/_fake/options", {{"token", token}}); }
  // What the calls of the Write API showed, in their order.
  std::vector<std::string> Shown() {
    std::vector<std::string> shown;
    const json answer = peer_->Ask("GET", "/_fake/calls");
    for (const json& call : answer.at("calls")) {
      if (call.at("method") != "grpc") continue;
      shown.push_back(call.at("authorization").get<std::string>());
    }
    return shown;
  }
  void Reset() { peer_->Ask("POST", "/_fake/reset"); }
  size_t Rows() {
    const HttpResponse rows = peer_->Send("GET", "/_fake/rows?table=p1.d.t");
    EXPECT_EQ(rows.status, 200) << rows.body;
    return static_cast<size_t>(std::count(rows.body.begin(), rows.body.end(), '\n'));
  }

 private:
  TemporaryDirectory folder_;
  ServerProcess process_;
  std::unique_ptr<HttpPeer> peer_;
  BigQueryEndpoints endpoints_;
};

class StreamingV2TlsTest : public ::testing::Test {
 protected:
  // gRPC reads its variable once a process, so that the authority is the same for all.
  static TlsFake& Fake() {
    static TlsFake* const fake = [] {
      auto* const made = new TlsFake();
      setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", made->Authority().c_str(), 1);
      return made;
    }();
    return *fake;
  }

  StreamingV2TlsTest() { Fake().Reset(); }

  StreamingV2Destination Make(const BigQueryEndpoints& endpoints) {
    StreamingV2Options options;
    options.config.target = {"p1", "d", "t"};
    options.config.create_dataset = true;
    options.config.schema = BizonSchema(true);
    options.endpoints = endpoints;
    options.token = tokens_;
    options.state_dir = *Root::Open(folder_.path());
    return {std::move(options), clock_};
  }
  OpenRequest Request() {
    OpenRequest request;
    request.publisher = {"store", 0, "job", "s", "r1", 1};
    request.mode = PublishMode::kAppend;
    request.ids = BizonIdMaker("r1", "s");
    request.log = &log_;
    request.rejects = &rejects_;
    return request;
  }
  static Status Write(Destination* destination, int first, int count) {
    RecordBatch batch;
    for (const std::string& text : PlainRecords(first, count)) {
      Record record;
      record.data = batch.Store(text);
      record.position = static_cast<uint32_t>(batch.records().size());
      batch.records().push_back(record);
    }
    return destination->WriteRecords(batch);
  }

  TemporaryDirectory folder_;
  ListLog log_;
  ListRejects rejects_;
  const std::shared_ptr<CountedTokens> tokens_ = std::make_shared<CountedTokens>();
  HastyClock clock_;
};

TEST_F(StreamingV2TlsTest, ARefusedTokenIsReplacedOnceAndTheWorkGoesOn) {
  Fake().Take("token-1");
  StreamingV2Destination destination = Make(Fake().endpoints());
  ASSERT_TRUE(destination.Open(Request(), {}));
  // Between two calls: the look at the table (REST, whose token is the same) is refused, then the
  // next stream of appends.
  ASSERT_TRUE(Write(&destination, 1, 20));
  const Result<std::string> mark = destination.Flush();
  ASSERT_TRUE(mark) << Describe(mark.error());
  EXPECT_THAT(tokens_->refused, IsEmpty());
  Fake().Take("token-2");
  ASSERT_TRUE(Write(&destination, 100, 20));
  EXPECT_THAT(tokens_->refused, ElementsAre("token-1"));
  Fake().Take("token-3");
  const Result<std::string> later = destination.Flush();
  ASSERT_TRUE(later) << Describe(later.error());
  EXPECT_THAT(tokens_->refused, ElementsAre("token-1", "token-2"));
  const Result<std::string> intent = destination.Prepare();
  ASSERT_TRUE(intent) << Describe(intent.error());
  const Result<std::string> done = destination.Finalize(*intent);
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(Fake().Rows(), 40U);
  // Three calls for the first stream; one with the token that REST had replaced and one that was
  // refused, and so on.
  const std::string first = "Bearer token-1", second = "Bearer token-2", third = "Bearer token-3";
  EXPECT_THAT(Fake().Shown(),
              ElementsAre(first, first, first, second, second, third, third, third));
}

TEST_F(StreamingV2TlsTest, ACallWhoseTokenIsRefusedGoesOnWithAnother) {
  Fake().Take("token-2");
  WriteChannel channel(Fake().endpoints(), tokens_, &clock_);
  const auto made = WriteApi(&channel).CreateStream("projects/p1/datasets/d/tables/none",
                                                    WriteStreamType::kPending, false, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "bigquery_not_found") << Describe(made.error());
  EXPECT_THAT(tokens_->refused, ElementsAre("token-1"));
  EXPECT_THAT(Fake().Shown(), ElementsAre("Bearer token-1", "Bearer token-2"));
}

TEST_F(StreamingV2TlsTest, ATokenThatIsRefusedTwiceIsTheEnd) {
  Fake().Take("another");
  WriteChannel channel(Fake().endpoints(), tokens_, &clock_);
  const auto made = WriteApi(&channel).CreateStream("projects/p1/datasets/d/tables/t",
                                                    WriteStreamType::kPending, false, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "bigquery_unauthorized") << Describe(made.error());
  EXPECT_THAT(made.error().message, HasSubstr("invalid authentication credentials"));
  EXPECT_THAT(Fake().Shown(), ElementsAre("Bearer token-1", "Bearer token-2"));
  EXPECT_EQ(clock_.slept(), Duration(0));
}

// A server whose authority nobody named gets no token, and is not asked again for minutes.
TEST_F(StreamingV2TlsTest, AnUnknownAuthorityIsRefused) {
  TlsFake stranger;
  WriteChannel channel(stranger.endpoints(), tokens_, &clock_);
  const auto made = WriteApi(&channel).CreateStream("projects/p1/datasets/d/tables/t",
                                                    WriteStreamType::kPending, false, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "tls_failed");
  EXPECT_EQ(made.error().kind, ErrorKind::kPermanent);
  EXPECT_THAT(made.error().message, HasSubstr("certificate"));
  EXPECT_THAT(made.error().remedy, HasSubstr("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"));
  EXPECT_THAT(stranger.Shown(), IsEmpty());
  EXPECT_EQ(clock_.slept(), Duration(0));
}

}  // namespace
}  // namespace bizond
#endif  // BIZOND_NO_GRPC
