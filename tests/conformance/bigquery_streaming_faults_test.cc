// bigquery_streaming against a service that refuses, forgets and loses: every row is in the table
// once, or in the rejects.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/bigquery_streaming_world.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BigQueryStreamingFaults : public ::testing::Test {
 protected:
  void FaultOnInsert(json fault) {
    fault.update({{"on", "rest"}, {"path", "insertAll$"}});
    world_.fake().Fault(fault);
  }
  void FaultOnRow(const std::string& row, const std::string& reason, int times = 1) {
    world_.fake().Fault({{"on", "row"},
                         {"path", row},
                         {"times", times},
                         {"row_error", {{"reason", reason}, {"message", "asked for"}}}});
  }
  void ExpectRecords(const Pages& pages) {
    EXPECT_EQ(world_.Records(), StreamingWorld::Expected(pages));
  }
  static std::string Large(int id, size_t bytes) {
    return R"({"id":)" + std::to_string(id) + R"(,"v":")" + std::string(bytes, 'x') + R"("})";
  }

  StreamingWorld world_;
};

// Those that were stopped because of a bad one are sent again.
TEST_F(BigQueryStreamingFaults, RowsThatAreInvalidGoToTheRejects) {
  FaultOnRow(R"(\\"row (3|17)\\")", "invalid", 100);
  RecordPage page = PlainRecords(1, 20);
  world_.MustRun({page});
  ASSERT_EQ(world_.rejects.rejects.size(), 2U);
  EXPECT_EQ(world_.rejects.rejects[0].code, "bigquery_row_refused");
  EXPECT_EQ(world_.rejects.rejects[0].data, page[2]);
  EXPECT_EQ(world_.rejects.rejects[0].position, 2U);
  EXPECT_EQ(world_.rejects.rejects[1].data, page[16]);
  EXPECT_THAT(world_.rejects.rejects[1].reason, HasSubstr("asked for (invalid)"));
  page.erase(page.begin() + 16);
  page.erase(page.begin() + 2);
  ExpectRecords({page});
  EXPECT_EQ(world_.Calls("POST", "insertAll"), 2);
  EXPECT_EQ(world_.clock().slept(), Duration(0)) << "the innocent ones need not wait";
}

TEST_F(BigQueryStreamingFaults, RowsThatTheServiceFailsAreSentAgain) {
  FaultOnRow(R"(\\"row 5\\")", "backendError", 2);
  FaultOnRow(R"(\\"row 6\\")", "timeout", 3);
  world_.MustRun({PlainRecords(1, 20)});
  ExpectRecords({PlainRecords(1, 20)});
  EXPECT_THAT(world_.rejects.rejects, IsEmpty());
  EXPECT_GT(world_.clock().slept(), Duration(0));
}

TEST_F(BigQueryStreamingFaults, AFaultThatDoesNotPassEndsTheRunAndIsNoReject) {
  FaultOnRow(R"(\\"row 5\\")", "backendError", 1000);
  const Status done = world_.Run({PlainRecords(1, 20)});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "bigquery_unavailable");
  EXPECT_EQ(done.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(done.error().message, HasSubstr("asked for (backendError)"));
  EXPECT_THAT(world_.rejects.rejects, IsEmpty());
}

// A new column is not known everywhere at once: its rows are good.
TEST_F(BigQueryStreamingFaults, AColumnThatIsNotKnownYetIsWaitedFor) {
  world_.fake().Fault(
      {{"on", "row"},
       {"path", "row 2"},
       {"times", 4},
       {"row_error", {{"reason", "invalid"}, {"message", "no such field: _source_data."}}}});
  world_.MustRun({PlainRecords(1, 3)});
  ExpectRecords({PlainRecords(1, 3)});
  EXPECT_THAT(world_.rejects.rejects, IsEmpty());
}

TEST_F(BigQueryStreamingFaults, ANewTableThatIsNotFoundIsWaitedFor) {
  FaultOnInsert({{"times", 12}, {"status", 404}, {"reason", "notFound"}});
  world_.MustRun({PlainRecords(1, 5)});
  ExpectRecords({PlainRecords(1, 5)});
  EXPECT_GT(world_.clock().slept(), Duration(std::chrono::minutes(2)));
}

TEST_F(BigQueryStreamingFaults, ATableThatWasDroppedIsSaid) {
  const auto made = world_.Make();
  ASSERT_TRUE((*made)->Open(world_.Request(), {}));
  ASSERT_TRUE(StreamingWorld::Write(made->get(), PlainRecords(1, 5)));
  world_.fake().Send("DELETE", "/bigquery/v2/projects/p1/datasets/d/tables/target");
  const auto flushed = (*made)->Flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, "bigquery_not_found");
  EXPECT_THAT(flushed.error().message, HasSubstr("is gone"));
  world_.MustRun({PlainRecords(1, 5)});
  ExpectRecords({PlainRecords(1, 5)});
}

// The rows are in, and the answer is lost: the insertIds keep them from being there twice.
TEST_F(BigQueryStreamingFaults, LostAnswersDoubleNothing) {
  FaultOnInsert({{"times", 3}, {"cut", "after"}});
  FaultOnInsert({{"nth", 4}, {"status", 503}, {"reason", "backendError"}});
  world_.MustRun({PlainRecords(1, 50)});
  ExpectRecords({PlainRecords(1, 50)});
  EXPECT_EQ(world_.Calls("POST", "insertAll"), 5);
}

// An attempt that dies is run again from the start, within the minute that BigQuery remembers.
TEST_F(BigQueryStreamingFaults, ARunThatIsRepeatedAtOnceDoublesNothing) {
  {
    const auto made = world_.Make();
    ASSERT_TRUE((*made)->Open(world_.Request(), {}));
    ASSERT_TRUE(StreamingWorld::Write(made->get(), PlainRecords(1, 30)));
    ASSERT_TRUE((*made)->Flush());
  }
  world_.MustRun({PlainRecords(1, 30), PlainRecords(31, 5)});
  ExpectRecords({PlainRecords(1, 35)});
  // Later they are there twice: at least once.
  world_.fake().Advance(120);
  world_.MustRun({PlainRecords(1, 30), PlainRecords(31, 5)});
  ExpectRecords({PlainRecords(1, 35), PlainRecords(1, 35)});
}

// The place of a row is the same, the row is another: it must not be taken for a repetition.
TEST_F(BigQueryStreamingFaults, AChangedRecordIsNoRepetition) {
  world_.MustRun({{R"({"id":1,"v":"old"})"}});
  world_.MustRun({{R"({"id":1,"v":"new"})"}});
  ExpectRecords({{R"({"id":1,"v":"old"})", R"({"id":1,"v":"new"})"}});
}

TEST_F(BigQueryStreamingFaults, AUsedUpQuotaEndsTheAttemptWithATimeToComeBack) {
  FaultOnInsert({{"status", 403}, {"reason", "quotaExceeded"}});
  const Status done = world_.Run({PlainRecords(1, 5)});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "bigquery_quota_exceeded");
  EXPECT_EQ(done.error().kind, ErrorKind::kTransient);
  EXPECT_TRUE(done.error().retry_after);
  world_.MustRun({PlainRecords(1, 5)});
  ExpectRecords({PlainRecords(1, 5)});
}

TEST_F(BigQueryStreamingFaults, ARequestThatIsTooLargeIsHalved) {
  world_.fake().SetOptions({{"insert_max_bytes", 4000}});
  world_.MustRun({PlainRecords(1, 100)});
  ExpectRecords({PlainRecords(1, 100)});
  EXPECT_THAT(world_.rejects.rejects, IsEmpty());
}

TEST_F(BigQueryStreamingFaults, ARowThatNoRequestTakesIsRejected) {
  world_.fake().SetOptions({{"insert_max_bytes", 3000}});
  RecordPage page = PlainRecords(1, 10);
  page.insert(page.begin() + 4, Large(99, 4000));
  world_.MustRun({page});
  ASSERT_EQ(world_.rejects.rejects.size(), 1U);
  EXPECT_EQ(world_.rejects.rejects[0].code, "row_too_large");
  EXPECT_EQ(world_.rejects.rejects[0].data, page[4]);
  ExpectRecords({PlainRecords(1, 10)});
}

// ---- rows that are too large for insertAll ----

TEST_F(BigQueryStreamingFaults, LargeRowsGoByALoadJob) {
  const Pages pages = {{Large(1, 2'000'000)}, PlainRecords(10, 5), {Large(2, 1'000'000)}};
  world_.MustRun(pages);
  ExpectRecords(pages);
  const json jobs = world_.fake().Jobs();
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].at("configuration").at("load").at("writeDisposition"), "WRITE_APPEND");
  EXPECT_EQ(world_.Calls("POST", "insertAll"), 1);
}

// Quotes double in a JSON column's text: a record below the limit whose row is above it.
TEST_F(BigQueryStreamingFaults, ARowThatGrowsBeyondTheLimitGoesByALoadJobToo) {
  std::string quotes;
  for (int i = 0; i < 400'000; ++i) quotes += "\\\"";
  const Pages pages = {{R"({"id":1,"v":")" + quotes + R"("})"}, PlainRecords(2, 2)};
  world_.MustRun(pages);
  ExpectRecords(pages);
  EXPECT_EQ(world_.fake().Jobs().size(), 1U);
}

TEST_F(BigQueryStreamingFaults, ALoadJobIsDoneOnceHoweverOftenItIsSent) {
  const Pages pages = {{Large(1, 2'000'000), Large(2, 2'000'000)}};
  world_.fake().Fault({{"on", "rest"}, {"method", "PUT"}, {"path", "/upload/"}, {"cut", "after"}});
  world_.MustRun(pages);
  ExpectRecords(pages);
  world_.MustRun(pages);  // The attempt that follows a death.
  ExpectRecords(pages);
  EXPECT_EQ(world_.fake().Jobs().size(), 1U);
}

TEST_F(BigQueryStreamingFaults, AJobThatBigQueryFailsIsRunAgainUnderAnotherId) {
  world_.fake().Fault({{"on", "job"},
                       {"method", "load"},
                       {"times", 2},
                       {"job_error", {{"reason", "jobBackendError"}, {"message", "try again"}}}});
  const Pages pages = {{Large(1, 2'000'000)}};
  world_.MustRun(pages);
  ExpectRecords(pages);
  EXPECT_EQ(world_.fake().Jobs().size(), 3U);
}

TEST_F(BigQueryStreamingFaults, AnotherAttemptGoesOnBehindAFailedJob) {
  world_.fake().Fault({{"on", "job"},
                       {"method", "load"},
                       {"job_error", {{"reason", "quotaExceeded"}, {"message", "no"}}}});
  const Pages pages = {{Large(1, 2'000'000)}};
  const Status failed = world_.Run(pages);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "bigquery_quota_exceeded");
  world_.MustRun(pages);
  ExpectRecords(pages);
  EXPECT_EQ(world_.fake().Jobs().size(), 2U);
}

TEST_F(BigQueryStreamingFaults, OneBadLargeRowCostsNoOther) {
  world_.Configure({{"unnest", true},
                    {"record_schemas", json::parse(R"([{"destination_id":"target","record_schema":[
          {"name":"id","type":"INTEGER"},{"name":"place","type":"GEOGRAPHY"},
          {"name":"v","type":"STRING"}]}])")}});
  const std::string filler(1'000'000, 'x');
  RecordPage page;
  for (const char* place : {R"J("POINT(1 2)")J", R"J("{no geography")J", "null"}) {
    page.push_back(R"({"id":)" + std::to_string(page.size() + 1) + R"(,"place":)" + place +
                   R"(,"v":")" + filler + R"("})");
  }
  world_.MustRun({page});
  std::vector<int> ids;
  for (const json& row : world_.Rows()) ids.push_back(row.at("id"));
  EXPECT_THAT(ids, ::testing::UnorderedElementsAre(1, 3));
  ASSERT_EQ(world_.rejects.rejects.size(), 1U);
  EXPECT_EQ(world_.rejects.rejects[0].position, 1U);
  EXPECT_THAT(world_.rejects.rejects[0].reason, HasSubstr("geography"));
}

}  // namespace
}  // namespace bizond
