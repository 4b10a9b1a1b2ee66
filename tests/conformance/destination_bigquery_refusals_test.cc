// The destination bigquery, when a load job fails for the sake of some rows: those become rejects,
// the others arrive, once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "destinations/bigquery/gzip_buffer.h"
#include "destinations/bigquery/refused_rows.h"
#include "tests/conformance/destination_harness.h"
#include "tests/conformance/hasty_clock.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BigQueryRefusals : public ::testing::Test {
 protected:
  ~BigQueryRefusals() override { BigQueryFake::Get().Send("DELETE", "/_fake/faults"); }
  static BigQueryFake& fake() { return BigQueryFake::Get(); }
  // Rows whose line has the text are bad for BigQuery, whenever they are loaded.
  static void Refuse(const std::string& text) {
    fake().Fault({{"on", "load_row"},
                  {"path", text},
                  {"times", 1000000},
                  {"message", "Invalid value. Field: v; Value: " + text}});
  }
  static void UseBucket(DestinationHarness* harness, int files_per_job) {
    json config = json::parse(harness->config());
    config["gcs_buffer_bucket"] = "refusals";
    config["load_files_per_job"] = files_per_job;
    harness->set_config(config.dump());
  }
  static RecordPage Records(int first, int count) {
    RecordPage page;
    for (int i = first; i < first + count; ++i) {
      page.push_back(R"({"id":)" + std::to_string(i) + R"(,"at":1,"v":"<)" + std::to_string(i) +
                     R"(>"})");
    }
    return page;
  }
  static Pages Without(const Pages& pages, const std::set<std::string>& refused) {
    Pages kept;
    for (const RecordPage& page : pages) {
      kept.emplace_back();
      for (const std::string& record : page) {
        if (!refused.contains(KeyOf(record))) kept.back().push_back(record);
      }
    }
    return kept;
  }
  static std::set<std::string> Keys(const std::vector<RejectedRecord>& rejects) {
    std::set<std::string> keys;
    for (const RejectedRecord& reject : rejects) keys.insert(KeyOf(reject.data));
    return keys;
  }
};

TEST_F(BigQueryRefusals, BecomeRejectsAndTheRestArrives) {
  for (const PublishMode mode : {PublishMode::kReplace, PublishMode::kAppend}) {
    for (const int bucket : {0, 1, 3}) {
      SCOPED_TRACE(std::string(PublishModeName(mode)) + " " + std::to_string(bucket));
      DestinationHarness harness("bigquery", mode);
      if (bucket > 0) UseBucket(&harness, bucket);
      Refuse("<3>");
      Refuse("<12>");
      Refuse("<13>");
      const Pages pages = {Records(1, 5), Records(10, 5), Records(20, 5)};
      const Status done = harness.Run("r1", pages);
      ASSERT_TRUE(done) << Describe(done.error());
      EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(Without(pages, {"3", "12", "13"})));
      EXPECT_EQ(harness.rejects().size(), 3u);
      EXPECT_EQ(Keys(harness.rejects()), (std::set<std::string>{"3", "12", "13"}));
      for (const RejectedRecord& reject : harness.rejects()) {
        EXPECT_EQ(reject.code, "bigquery_row_refused");
        EXPECT_THAT(reject.reason, HasSubstr("Field: v"));
        EXPECT_THAT(reject.origin, HasSubstr("row "));
      }
      EXPECT_THAT(harness.Leftovers(), IsEmpty());
      fake().Send("DELETE", "/_fake/faults");
    }
  }
}

// BigQuery names a sample of them at a time.
TEST_F(BigQueryRefusals, MayBeMoreThanOneJobNames) {
  DestinationHarness harness("bigquery", PublishMode::kAppend);
  Refuse("<1[0-9]>");
  const Pages pages = {Records(1, 30)};
  const Status done = harness.Run("r1", pages);
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(harness.rejects().size(), 10u);
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed({Records(1, 9), Records(20, 11)}));
}

TEST_F(BigQueryRefusals, MayBeAllThereIs) {
  for (const PublishMode mode : {PublishMode::kReplace, PublishMode::kAppend}) {
    DestinationHarness harness("bigquery", mode);
    Refuse("<");
    const Status done = harness.Run("r1", {Records(1, 12)});
    ASSERT_TRUE(done) << Describe(done.error());
    EXPECT_EQ(harness.rejects().size(), 12u);
    EXPECT_THAT(harness.Published(), IsEmpty());
    EXPECT_THAT(harness.Leftovers(), IsEmpty());
    fake().Send("DELETE", "/_fake/faults");
  }
}

TEST_F(BigQueryRefusals, AreAnErrorWithOnErrorFail) {
  class Refusing final : public RejectSink {
   public:
    Status Reject(uint64_t, RejectedRecord reject) override {
      return Fail(ErrorKind::kPermanent, reject.code, reject.data);
    }
  } refusing;
  DestinationHarness harness("bigquery", PublishMode::kAppend);
  Refuse("<2>");
  const auto made = harness.Make();
  ASSERT_TRUE(made) << made.error().message;
  OpenRequest request = harness.Request("r1");
  request.rejects = &refusing;
  ASSERT_TRUE((*made)->Open(request, {}));
  ASSERT_TRUE(harness.Write(made->get(), Records(1, 3)));
  ASSERT_TRUE((*made)->Flush());
  Status failed = (*made)->MarkStored();
  if (failed) {
    const auto settled = (*made)->Settle();
    ASSERT_FALSE(settled);
    failed = tl::make_unexpected(settled.error());
  }
  EXPECT_EQ(failed.error().code, "bigquery_row_refused");
  EXPECT_THAT(failed.error().message, HasSubstr(R"("id":2)"));
  EXPECT_THAT(harness.Published(), IsEmpty());
}

// A stream's loads go to the target itself, and nothing takes the place of one.
TEST_F(BigQueryRefusals, EndAStream) {
  DestinationHarness harness("bigquery", PublishMode::kDirect);
  Refuse("<2>");
  const Status failed = harness.Run("r1", {Records(1, 3)});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "bigquery_invalid");
  EXPECT_THAT(failed.error().message, HasSubstr("Field: v"));
  EXPECT_THAT(harness.Published(), IsEmpty());
}

// A death after every call: what stays is there once, what is refused is rejected at the end.
TEST_F(BigQueryRefusals, AreTheSameAfterEveryDeath) {
  const Pages pages = {Records(1, 4), Records(10, 4), Records(20, 4)};
  const std::set<std::string> bad = {"2", "11", "23"};
  for (const bool bucket : {false, true}) {
    for (int calls = 1;; ++calls) {
      SCOPED_TRACE(std::to_string(calls) + (bucket ? " bucket" : ""));
      DestinationHarness harness("bigquery", PublishMode::kAppend);
      if (bucket) UseBucket(&harness, 2);
      HastyClock clock;
      harness.set_clock(&clock);
      ASSERT_TRUE(harness.Run("r0", {Records(100, 2)}));
      Refuse("<2>");
      Refuse("<11>");
      Refuse("<23>");
      harness.DieAfter(calls);
      const Status first = harness.Run("r1", pages);
      harness.DieAfter(0);
      if (!first) {
        ASSERT_EQ(first.error().code, "died") << Describe(first.error());
        const Status second = harness.Run("r1", pages);
        ASSERT_TRUE(second) << Describe(second.error());
      }
      fake().Send("DELETE", "/_fake/faults");
      Pages expected = Without(pages, bad);
      expected.push_back(Records(100, 2));
      EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(expected));
      EXPECT_EQ(Keys(harness.rejects()), bad);
      EXPECT_THAT(harness.Leftovers(), IsEmpty());
      // The next run finds the target as it was left.
      const Status next = harness.Run("r2", {Records(200, 2)});
      EXPECT_TRUE(next) << Describe(next.error());
      if (first) break;
    }
  }
}

// A table that was mended in between takes the rows, in the same run.
TEST_F(BigQueryRefusals, AreTakenByATableThatWasMended) {
  DestinationHarness harness("bigquery", PublishMode::kAppend);
  Refuse("<2>");
  const Pages pages = {Records(1, 4)};
  // Dies when the job has failed, and no mark names another.
  harness.DieAfter(5);
  const Status died = harness.Run("r1", pages);
  ASSERT_FALSE(died);
  fake().Send("DELETE", "/_fake/faults");
  harness.DieAfter(0);
  const Status done = harness.Run("r1", pages);
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(pages));
}

// Mended after any death: a row is published once, or it was refused; none is there twice.
TEST_F(BigQueryRefusals, NeverComeTwice) {
  const Pages pages = {Records(1, 4), Records(10, 4)};
  for (int calls = 1;; ++calls) {
    SCOPED_TRACE(calls);
    DestinationHarness harness("bigquery", PublishMode::kAppend);
    Refuse("<2>");
    Refuse("<11>");
    harness.DieAfter(calls);
    const Status first = harness.Run("r1", pages);
    fake().Send("DELETE", "/_fake/faults");
    harness.DieAfter(0);
    if (!first) {
      const Status second = harness.Run("r1", pages);
      ASSERT_TRUE(second) << Describe(second.error());
    }
    const std::vector<std::string> published = harness.Published();
    const std::set<std::string> once(published.begin(), published.end());
    EXPECT_EQ(once.size(), published.size());
    for (const std::string& row : DestinationHarness::Hashed(Without(pages, {"2", "11"}))) {
      EXPECT_TRUE(once.contains(row)) << row;
    }
    const std::set<std::string> refused = Keys(harness.rejects());
    for (const char* key : {"2", "11"}) {
      const bool there = std::any_of(once.begin(), once.end(), [&](const std::string& row) {
        return row.starts_with(std::string(key) + " ");
      });
      EXPECT_TRUE(there || refused.contains(key)) << key << " is lost";
    }
    if (first) break;
  }
}

// ---- what a job says, and the file without its rows ----

BigQueryJob Failed(const json& errors) {
  BigQueryJob job;
  job.done = true;
  job.failure = Error{};
  job.failure_reason = "invalid";
  job.resource = {{"status", {{"errors", errors}}}};
  return job;
}

TEST(RefusedRows, AreReadFromEitherForm) {
  const auto rows = RefusedRowsOf(Failed(json::parse(R"([
      {"reason": "invalid", "message": "too many errors, giving up. Rows: 9; errors: 2."},
      {"reason": "invalid", "location": "file-00000000",
       "message": "JSON parsing error in row starting at position 140: No such field: x."},
      {"reason": "invalid", "location": "gs://b/n",
       "message": "Failed to parse; line_number: 3 byte_offset_to_start_of_line: 280 column: 1"},
      {"reason": "backendError", "message": "row starting at position 5"},
      {"reason": "invalid", "message": "row starting at position x"}, 7])")));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].position, 140u);
  EXPECT_EQ(rows[1].position, 280u);
  EXPECT_EQ(rows[1].location, "gs://b/n");
  EXPECT_THAT(RefusedRowsOf(Failed("none")), IsEmpty());
  EXPECT_THAT(RefusedRowsOf(Failed(nullptr)), IsEmpty());
}

std::string Joined(const std::vector<std::string>& pieces) {
  return std::accumulate(pieces.begin(), pieces.end(), std::string());
}

std::string Gzip(const std::string& text) {
  GzipBuffer buffer;
  buffer.Write(text);
  return Joined(buffer.Finish());
}

TEST(RefusedRows, LeaveAFile) {
  const std::string long_row(200'000, 'x');
  const std::string text = "first\n" + long_row + "\nthird\nlast\n";
  const auto sifted =
      SiftFile("f", Gzip(text),
               {{6, "why"}, {7, "within a row"}, {6 + 200'001 + 6, "end"}, {99'999'999, ""}});
  ASSERT_TRUE(sifted) << Describe(sifted.error());
  EXPECT_EQ(sifted->rows, 2u);
  ASSERT_EQ(sifted->refused.size(), 2u);
  EXPECT_EQ(sifted->refused[0].number, 2u);
  EXPECT_EQ(sifted->refused[0].text, std::string(64 << 10, 'x'));
  EXPECT_EQ(sifted->refused[0].reason, "why");
  EXPECT_EQ(sifted->refused[1].number, 4u);
  EXPECT_EQ(sifted->refused[1].text, "last");
  EXPECT_EQ(Joined(sifted->pieces), Gzip("first\nthird\n"));
  EXPECT_EQ(SiftFile("f", "no gzip", {}).error().code, "staging_lost");
  EXPECT_EQ(SiftFile("f", Gzip(text).substr(0, 40), {}).error().code, "staging_lost");
}

}  // namespace
}  // namespace bizond
