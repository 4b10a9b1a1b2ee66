// A fault at every call of a run, one after the other, for all destinations of BigQuery: refused
// with 500, 503 or 429, cut before or after it took effect, or late. What is exactly once stays so,
// and what is at least once loses nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/conformance/destination_harness.h"
#include "tests/conformance/leaping_clock.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

constexpr int kAttemptsMost = 4;
constexpr int kCallsMost = 200;  // No run here has as many.

// Of a request, and of a call of the Storage Write API.
const json& RestFaults() {
  static const json faults = {{{"status", 500}, {"reason", "internalError"}},
                              {{"status", 503}, {"reason", "backendError"}},
                              {{"status", 502}},  // A proxy's page, which is no JSON.
                              {{"status", 429}, {"reason", "rateLimitExceeded"}},
                              {{"status", 429}, {"retry_after", 3}},
                              {{"cut", "before"}},
                              {{"cut", "after"}},
                              {{"delay_ms", 5}}};
  return faults;
}
[[maybe_unused]] const json& GrpcFaults() {
  static const json faults = {
      {{"code", "INTERNAL"}}, {{"code", "UNAVAILABLE"}}, {{"code", "RESOURCE_EXHAUSTED"}},
      {{"cut", "before"}},    {{"cut", "after"}},        {{"delay_ms", 5}}};
  return faults;
}

struct PlanCase {
  std::string_view destination;
  PublishMode mode;
  bool bucket = false;
};

std::ostream& operator<<(std::ostream& out, const PlanCase& shown) {
  out << shown.destination << ' ' << PublishModeName(shown.mode);
  return shown.bucket ? out << " by a bucket" : out;
}

std::string NameOfPlan(const ::testing::TestParamInfo<PlanCase>& info) {
  std::string name = std::string(info.param.destination) + "_";
  name += PublishModeName(info.param.mode);
  return info.param.bucket ? name + "_bucket" : name;
}

class BigQueryFaultPlan : public ::testing::TestWithParam<PlanCase> {
 protected:
  ~BigQueryFaultPlan() override { fake_.Send("DELETE", "/_fake/faults"); }

  static bool exactly_once() { return GetParam().destination != "bigquery_streaming"; }
  static Pages Rows() {
    RecordPage second = PlainRecords(50, 4);
    // By insertAll's side entrance, a load job.
    if (!exactly_once()) second.push_back(R"({"id":9,"v":")" + std::string(1 << 20, 'x') + R"("})");
    return {PlainRecords(10, 5), std::move(second)};
  }

  // Whether some call met the fault; the run may need another attempt for it.
  bool RunWith(const json& fault) {
    SCOPED_TRACE(fault.dump());
    const Pages pages = Rows();
    fake_.Reset();  // Or each run would be slower than the one before.
    DestinationHarness harness(GetParam().destination, GetParam().mode);
    harness.set_clock(&clock_);
    harness.job().source.sync_mode =
        GetParam().mode == PublishMode::kReplace ? SyncMode::kFullRefresh : SyncMode::kIncremental;
    json config = json::parse(harness.config());
    if (GetParam().bucket) config["gcs_buffer_bucket"] = "plan";
    if (GetParam().destination != "bigquery") config["bq_max_rows_per_request"] = 3;
    harness.set_config(config.dump());
    fake_.Fault(fault);
    Status done;
    for (int attempt = 1; attempt <= kAttemptsMost; ++attempt) {
      harness.set_fence(attempt);
      done = harness.Run("r1", pages);
      if (done) break;
      EXPECT_EQ(done.error().kind, ErrorKind::kTransient) << Describe(done.error());
    }
    EXPECT_TRUE(done) << Describe(done.error());
    EXPECT_THAT(harness.rejects(), IsEmpty());
    EXPECT_THAT(harness.Leftovers(), IsEmpty());
    ExpectRows(harness.Published(), DestinationHarness::Hashed(pages));
    // The next run finds what this one left.
    const Status next = harness.Run("r2", {PlainRecords(90, 1)});
    EXPECT_TRUE(next) << Describe(next.error());
    return json::parse(fake_.Send("GET", "/_fake/faults").body)["faults"][0]["fired"] > 0;
  }

  static void ExpectRows(const std::vector<std::string>& found,
                         const std::vector<std::string>& expected) {
    if (exactly_once()) {
      EXPECT_EQ(found, expected);
      return;
    }
    const std::set<std::string> distinct(found.begin(), found.end());
    EXPECT_EQ(distinct, std::set<std::string>(expected.begin(), expected.end()));
  }

  // At the first call, at the second, ... until no call is left to meet it.
  void AtEveryCall(const std::string& on, const json& faults) {
    for (const json& kind : faults) {
      int nth = 1;
      for (; nth < kCallsMost && !HasFailure(); ++nth) {
        json fault = {{"on", on}, {"nth", nth}};
        fault.update(kind);
        if (!RunWith(fault)) break;
      }
      EXPECT_GT(nth, 5) << kind << " met next to nothing";
      EXPECT_LT(nth, kCallsMost);
    }
  }

  BigQueryFake& fake_ = BigQueryFake::Get();
  LeapingClock clock_;
};

TEST_P(BigQueryFaultPlan, AnyRequestMayFailOnce) { AtEveryCall("rest", RestFaults()); }

constexpr PlanCase kOverRest[] = {
    {"bigquery", PublishMode::kReplace},
    {"bigquery", PublishMode::kAppend},
    {"bigquery", PublishMode::kAppend, /*bucket=*/true},
    {"bigquery", PublishMode::kDirect},
    {"bigquery_streaming", PublishMode::kReplace},
    {"bigquery_streaming", PublishMode::kAppend},
};
INSTANTIATE_TEST_SUITE_P(Rest, BigQueryFaultPlan, ::testing::ValuesIn(kOverRest), NameOfPlan);

#ifndef BIZOND_NO_GRPC
class StorageWriteFaultPlan : public BigQueryFaultPlan {};

TEST_P(StorageWriteFaultPlan, AnyCallMayFailOnce) { AtEveryCall("grpc", GrpcFaults()); }

// One AppendRows call takes many requests: each is refused in its turn, or the last one that was
// answered before the call is cut.
TEST_P(StorageWriteFaultPlan, AnyAppendMayFailOnce) {
  for (int call = 1; call <= 2; ++call) {
    for (int nth = 1; nth <= 2; ++nth) {
      const json at = {{"on", "grpc"}, {"method", "AppendRows"}, {"nth", call}};
      for (const int code : {8, 10, 13, 14}) {
        json fault = at;
        fault["in_band"] = {{"code", code}, {"nth", nth}};
        RunWith(fault);
      }
      json cut = at;
      cut["cut_after_requests"] = nth;
      RunWith(cut);
    }
  }
}

constexpr PlanCase kOverGrpc[] = {
    {"bigquery_streaming_v2", PublishMode::kReplace},
    {"bigquery_streaming_v2", PublishMode::kAppend},
    {"bigquery_streaming_v2", PublishMode::kDirect},
};
INSTANTIATE_TEST_SUITE_P(Grpc, BigQueryFaultPlan, ::testing::ValuesIn(kOverGrpc), NameOfPlan);
INSTANTIATE_TEST_SUITE_P(Grpc, StorageWriteFaultPlan, ::testing::ValuesIn(kOverGrpc), NameOfPlan);
#endif  // BIZOND_NO_GRPC

}  // namespace
}  // namespace bizond
