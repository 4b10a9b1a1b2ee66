// The destination bigquery, when BigQuery and the network do not as they should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/conformance/destination_harness.h"
#include "tests/conformance/leaping_clock.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Bytes that do not compress, as a record.
std::string NoiseRecord(int id, size_t bytes) {
  std::string noise;
  uint32_t state = static_cast<uint32_t>(id) * 2654435761U + 1;
  while (noise.size() < bytes) {
    state = state * 1664525U + 1013904223U;
    noise += static_cast<char>('0' + (state >> 24) % 75);
    if (noise.back() == '\\' || noise.back() == '"') noise.back() = '_';
  }
  return R"({"id":)" + std::to_string(id) + R"(,"at":1,"v":")" + noise + R"("})";
}

class BigQueryFaults : public ::testing::Test {
 protected:
  ~BigQueryFaults() override { BigQueryFake::Get().Send("DELETE", "/_fake/faults"); }

  void Use(DestinationHarness* harness) { harness->set_clock(&clock_); }
  static BigQueryFake& fake() { return BigQueryFake::Get(); }
  // The job's configuration beside what the fixture gives.
  static void Configure(DestinationHarness* harness, const json& more) {
    json config = json::parse(harness->config());
    config.update(more);
    harness->set_config(config.dump());
  }
  static std::string Dataset(const DestinationHarness& harness) {
    return json::parse(harness.config())["dataset_id"];
  }
  static json Target(const DestinationHarness& harness) {
    return fake().Tables()["p1." + Dataset(harness) + ".target"];
  }
  static std::vector<std::string> Objects(const std::string& bucket) {
    std::vector<std::string> names;
    const json listed = json::parse(fake().Send("GET", "/storage/v1/b/" + bucket + "/o").body);
    for (const json& item : listed.value("items", json::array())) names.push_back(item["name"]);
    return names;
  }
  // A run that may fail, and others of the same run until one succeeds.
  static int RunUntilDone(DestinationHarness* harness, const std::string& run, const Pages& pages) {
    for (int attempt = 1; attempt < 5; ++attempt) {
      harness->set_fence(attempt + 10);
      const Status done = harness->Run(run, pages);
      if (done) return attempt;
      EXPECT_EQ(done.error().kind, ErrorKind::kTransient) << Describe(done.error());
    }
    return 0;
  }

  LeapingClock clock_;
};

TEST_F(BigQueryFaults, AFailedJobIsRunAgainUnderTheNextId) {
  for (const char* const kind : {"load", "copy"}) {
    SCOPED_TRACE(kind);
    DestinationHarness harness("bigquery", PublishMode::kAppend);
    Use(&harness);
    fake().Fault({{"on", "job"},
                  {"method", kind},
                  {"times", 2},
                  {"job_error", {{"reason", "jobBackendError"}, {"message", "try again"}}}});
    ASSERT_TRUE(harness.Run("r1", {PlainRecords(1, 5)}));
    EXPECT_EQ(harness.Published(), DestinationHarness::Hashed({PlainRecords(1, 5)}));
    std::string ids = fake().Jobs().dump();
    EXPECT_THAT(ids, HasSubstr("-a3"));
    fake().Send("DELETE", "/_fake/faults");
  }
}

// What a new id does not mend ends the attempt; the next attempt goes on with the same rows.
TEST_F(BigQueryFaults, AnotherAttemptGoesOnBehindAFailedJob) {
  for (const PublishMode mode :
       {PublishMode::kReplace, PublishMode::kAppend, PublishMode::kDirect}) {
    for (const char* const reason : {"quotaExceeded", "backendError", "stopped"}) {
      SCOPED_TRACE(testing::Message() << PublishModeName(mode) << ' ' << reason);
      DestinationHarness harness("bigquery", mode);
      Use(&harness);
      ASSERT_TRUE(harness.Run("r0", {PlainRecords(1, 2)}));
      fake().Fault({{"on", "job"},
                    {"method", "load"},
                    {"nth", 2},
                    {"job_error", {{"reason", reason}, {"message", "no"}}}});
      const Pages pages = {PlainRecords(10, 5), PlainRecords(20, 3)};
      const Status failed = harness.Run("r1", pages);
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().kind, ErrorKind::kTransient) << Describe(failed.error());
      EXPECT_EQ(failed.error().retry_after.has_value(), reason == std::string("quotaExceeded"));
      EXPECT_EQ(RunUntilDone(&harness, "r1", pages), 1);
      Pages expected = pages;
      if (mode != PublishMode::kReplace) expected.push_back(PlainRecords(1, 2));
      EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(expected));
      fake().Send("DELETE", "/_fake/faults");
    }
  }
}

TEST_F(BigQueryFaults, ALoadThatBigQueryRefusesSaysWhy) {
  DestinationHarness harness("bigquery", PublishMode::kAppend);
  Use(&harness);
  fake().Fault({{"on", "job"},
                {"method", "load"},
                {"job_error", {{"reason", "invalid"}, {"message", "row 7: no such date"}}}});
  const Status failed = harness.Run("r1", {PlainRecords(1, 5)});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "bigquery_invalid");
  EXPECT_THAT(failed.error().message, HasSubstr("row 7: no such date"));
  EXPECT_THAT(harness.Published(), IsEmpty());
}

TEST_F(BigQueryFaults, AnUploadGoesOnWhereItWasCut) {
  DestinationHarness harness("bigquery", PublishMode::kAppend);
  Use(&harness);
  RecordPage page;
  for (int i = 0; i < 24; ++i) page.push_back(NoiseRecord(i, 1 << 20));
  fake().Fault({{"on", "rest"}, {"method", "PUT"}, {"cut_upload_after_bytes", 3 << 20}});
  fake().Fault({{"on", "rest"}, {"method", "PUT"}, {"nth", 3}, {"cut", "before"}});
  fake().Fault({{"on", "rest"}, {"method", "PUT"}, {"nth", 5}, {"status", 503}});
  const Status done = harness.Run("r1", {page});
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed({page}));
}

TEST_F(BigQueryFaults, JobsThatTakeTimeRunBesideTheReading) {
  DestinationHarness harness("bigquery", PublishMode::kAppend);
  Use(&harness);
  Configure(&harness, {{"async_load", true}, {"load_max_in_flight_jobs", 2}});
  fake().SetOptions({{"job_seconds", 30}});
  Pages pages;
  for (int i = 0; i < 6; ++i) pages.push_back(PlainRecords(i * 10, 4));
  const Status done = harness.Run("r1", pages);
  fake().SetOptions({{"job_seconds", 0}});
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(pages));
}

// What an attempt read and no mark knows is not there, whatever the source says by now.
TEST_F(BigQueryFaults, TheSourceMayChangeBetweenTwoAttempts) {
  for (const PublishMode mode : {PublishMode::kAppend, PublishMode::kDirect}) {
    for (const bool bucket : {false, true}) {
      for (int death = 1; death <= 12; ++death) {
        SCOPED_TRACE(testing::Message() << PublishModeName(mode) << ' ' << bucket << ' ' << death);
        DestinationHarness harness("bigquery", mode);
        Use(&harness);
        if (bucket) Configure(&harness, {{"gcs_buffer_bucket", "b1"}, {"load_files_per_job", 2}});
        harness.DieAfter(death);
        const Pages before = {PlainRecords(1, 5), PlainRecords(100, 5), PlainRecords(200, 5)};
        Pages after = {PlainRecords(1, 3), PlainRecords(110, 2), PlainRecords(230, 9)};
        if (harness.Run("r1", before)) {
          EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(before));
          continue;
        }
        harness.DieAfter(0);
        const size_t stored = harness.next_page();
        for (size_t i = 0; i < stored; ++i) after[i] = before[i];
        harness.set_fence(2);
        const Status done = harness.Run("r1", after);
        ASSERT_TRUE(done) << Describe(done.error());
        ASSERT_EQ(harness.Published(), DestinationHarness::Hashed(after));
        EXPECT_THAT(harness.Leftovers(), IsEmpty());
        if (bucket) {
          EXPECT_THAT(Objects("b1"), IsEmpty());
        }
      }
    }
  }
}

TEST_F(BigQueryFaults, ABucketHoldsTheFilesUntilTheyAreLoaded) {
  DestinationHarness harness("bigquery", PublishMode::kReplace);
  Use(&harness);
  Configure(
      &harness,
      {{"gcs_buffer_bucket", "b2"}, {"load_files_per_job", 2}, {"gcs_buffer_format", "parquet"}});
  Pages pages;
  for (int i = 0; i < 5; ++i) pages.push_back(PlainRecords(i * 10, 4));
  const Status done = harness.Run("r1", pages);
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(pages));
  EXPECT_THAT(Objects("b2"), IsEmpty());
  EXPECT_THAT(testing::PrintToString(harness.log_lines()), HasSubstr("NDJSON"));
  const Status discarded = [&]() -> Status {
    auto made = harness.Make();
    BIZOND_RETURN_IF_ERROR((*made)->Open(harness.Request("r2"), {}));
    BIZOND_RETURN_IF_ERROR(harness.Write(made->get(), PlainRecords(1, 5)));
    BIZOND_RETURN_IF_ERROR((*made)->Flush());
    EXPECT_EQ(Objects("b2").size(), 1U);
    return (*made)->Discard();
  }();
  EXPECT_TRUE(discarded) << Describe(discarded.error());
  EXPECT_THAT(Objects("b2"), IsEmpty());
}

TEST_F(BigQueryFaults, KeepsLayoutAndAddsColumns) {
  const json first = {{"destination_id", "target"},
                      {"clustering_keys", {"v"}},
                      {"record_schema",
                       {{{"name", "id"}, {"type", "INTEGER"}, {"mode", "REQUIRED"}},
                        {{"name", "at"}, {"type", "INTEGER"}},
                        {{"name", "v"}, {"type", "STRING"}}}}};
  json second = first;
  second["record_schema"][0]["mode"] = "NULLABLE";
  second["record_schema"].push_back({{"name", "late"}, {"type", "STRING"}});
  second.erase("clustering_keys");
  DestinationHarness harness("bigquery", PublishMode::kAppend);
  Use(&harness);
  Configure(&harness, {{"unnest", true}, {"record_schemas", {first}}});
  const Status begun = harness.Run("r1", {{R"({"id":1,"at":1,"v":"a"})"}});
  ASSERT_TRUE(begun) << Describe(begun.error());
  Configure(&harness, {{"record_schemas", {second}}, {"time_partitioning", "MONTH"}});
  const Status added = harness.Run("r2", {{R"({"id":2,"at":1,"v":"b","late":"c"})"}});
  ASSERT_TRUE(added) << Describe(added.error());
  EXPECT_EQ(Target(harness)["numRows"], "2");
  EXPECT_EQ(Target(harness)["schema"]["fields"].size(), 4U);
  harness.set_mode(PublishMode::kReplace);
  const Status replaced = harness.Run("r3", {{R"({"id":3,"at":1,"v":"b","late":"c"})"}});
  ASSERT_TRUE(replaced) << Describe(replaced.error());
  EXPECT_EQ(Target(harness)["numRows"], "1");
  EXPECT_EQ(Target(harness)["clustering"]["fields"], json::array({"v"}));
  EXPECT_EQ(Target(harness)["timePartitioning"]["type"], "DAY");
}

TEST_F(BigQueryFaults, ARecordThatFitsNoColumnIsRejectedAlone) {
  DestinationHarness harness("bigquery", PublishMode::kAppend);
  Use(&harness);
  Configure(&harness,
            {{"unnest", true},
             {"record_schemas",
              {{{"destination_id", "target"},
                {"record_schema",
                 {{{"name", "id"}, {"type", "INTEGER"}}, {{"name", "d"}, {"type", "DATE"}}}}}}}});
  const Status done =
      harness.Run("r1", {{R"({"id":1,"d":"2026-01-01"})", R"({"id":2,"d":"soon"})"}});
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(Target(harness)["numRows"], "1");
  ASSERT_EQ(harness.rejects().size(), 1U);
  EXPECT_EQ(harness.rejects()[0].code, "schema_mismatch");
  EXPECT_THAT(harness.rejects()[0].reason, HasSubstr("d"));
}

TEST_F(BigQueryFaults, NoticesWhatOthersDidToTheTarget) {
  const auto load_a_row = [](const std::string& dataset) {
    fake().Send(
        "POST", "/bigquery/v2/projects/p1/jobs",
        {{"configuration",
          {{"copy",
            {{"sourceTable", {{"projectId", "p1"}, {"datasetId", dataset}, {"tableId", "target"}}},
             {"destinationTable",
              {{"projectId", "p1"}, {"datasetId", dataset}, {"tableId", "target"}}},
             {"writeDisposition", "WRITE_APPEND"}}}}}});
  };
  for (const PublishMode mode : {PublishMode::kAppend, PublishMode::kDirect}) {
    DestinationHarness harness("bigquery", mode);
    Use(&harness);
    ASSERT_TRUE(harness.Run("r1", {PlainRecords(1, 5)}));
    load_a_row(Dataset(harness));
    fake().Advance(1);
    const Status changed = harness.Run("r2", {PlainRecords(10, 5)});
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, "target_diverged");
    EXPECT_THAT(changed.error().message, HasSubstr("10 rows instead of 5"));
  }
}

TEST_F(BigQueryFaults, WarnsBeforeTheDaysQuotaBites) {
  DestinationHarness harness("bigquery", PublishMode::kDirect);
  Use(&harness);
  ASSERT_TRUE(harness.Run("r1", {PlainRecords(1, 1)}));
  json receipt = json::parse(*harness.receipt);
  receipt["loaded"][1] = 1199;
  harness.receipt = receipt.dump();
  const auto warnings = [&harness] {
    const std::vector<std::string>& lines = harness.log_lines();
    return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("1500 changes") != std::string::npos;
    });
  };
  EXPECT_EQ(warnings(), 0);
  ASSERT_TRUE(harness.Run("r2", {PlainRecords(10, 1), PlainRecords(11, 1)}));
  EXPECT_EQ(warnings(), 1);
  ASSERT_TRUE(harness.Run("r3", {PlainRecords(20, 1)}));
  EXPECT_EQ(warnings(), 2) << "each run of the day says it";
  EXPECT_THAT(harness.warnings(), ElementsAre("bigquery_quota_near", "bigquery_quota_near"));
}

}  // namespace
}  // namespace bizond
