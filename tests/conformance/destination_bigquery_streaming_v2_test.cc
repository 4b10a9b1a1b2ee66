// The destination bigquery_streaming_v2, against the fake of BigQuery: how the conformance suite
// reads its rows back, and what only it does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/conformance/streaming_v2_fixture.h"

#ifndef BIZOND_NO_GRPC
namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<StoredRow> StreamedRows(const std::string& id) {
  std::vector<StoredRow> rows;
  BigQueryFake& fake = BigQueryFake::Get();
  if (!fake.Tables().contains("p1.d." + id)) return rows;
  for (const std::string& text : fake.Rows("p1.d." + id)) {
    const json row = json::parse(text);
    rows.push_back({row["_source_record_id"], row["_source_data"]});
  }
  return rows;
}

}  // namespace

DestinationFixture MakeBigQueryStreamingV2Fixture() {
  return {
      .place =
          [](const std::string&, const std::string& id) {
            UseBigQueryFake();
            BigQueryFake& fake = BigQueryFake::Get();
            if (id == "target") fake.Reset();  // A harness begins with it, and with nothing.
            // A test has no minutes between its runs.
            fake.SetOptions({{"job_seconds", 0}, {"metadata_updates_per_10s", 1'000'000}});
            fake.CreateDataset("d");
            fake.Send("POST", kBigQueryTables, TextTable(id));
            return Placement{StreamingV2Config().dump(), id};
          },
      .read = [](const TestTarget& target) { return StreamedRows(target.id); },
      .leftovers =
          [](const TestTarget&) {
            std::vector<std::string> found;
            const nlohmann::json tables = BigQueryFake::Get().Tables();
            for (const auto& [name, table] : tables.items()) {
              if (name.ends_with("_temp") || name.ends_with("_incremental")) found.push_back(name);
            }
            return found;
          },
      .drop =
          [](const TestTarget& target) {
            BigQueryFake::Get().Send("DELETE", kBigQueryTables + "/" + target.id);
          },
      .fences = true,
  };
}

namespace {

const Pages& SomePages() {
  static const Pages pages = {PlainRecords(1, 2000), PlainRecords(5000, 3), PlainRecords(6000, 40)};
  return pages;
}

const PublishMode kModes[] = {PublishMode::kReplace, PublishMode::kAppend, PublishMode::kDirect};

// Each answer is lost once, and each call is cut once: what happened is found, nothing is repeated.
TEST_F(StreamingV2Test, LostAnswersAndCutsChangeNothing) {
  const json faults[] = {
      {{"on", "grpc"}, {"method", "CreateWriteStream"}, {"cut", "after"}},
      {{"on", "grpc"}, {"method", "CreateWriteStream"}, {"cut", "before"}},
      {{"on", "grpc"}, {"method", "AppendRows"}, {"cut_after_requests", 1}},
      {{"on", "grpc"}, {"method", "AppendRows"}, {"cut_after_requests", 3}},
      {{"on", "grpc"}, {"method", "AppendRows"}, {"cut", "before"}},
      {{"on", "grpc"}, {"method", "FinalizeWriteStream"}, {"cut", "after"}},
      {{"on", "grpc"}, {"method", "BatchCommitWriteStreams"}, {"cut", "after"}},
      {{"on", "grpc"}, {"method", "BatchCommitWriteStreams"}, {"code", "INTERNAL"}},
      {{"on", "grpc"}, {"method", "FlushRows"}, {"cut", "after"}},
      {{"on", "grpc"}, {"method", "FlushRows"}, {"code", "ABORTED"}},
      {{"on", "rest"}, {"path", "/jobs$"}, {"cut", "after"}},
      {{"on", "rest"}, {"path", "/tables"}, {"method", "POST"}, {"cut", "after"}},
  };
  for (const PublishMode mode : kModes) {
    for (const json& fault : faults) {
      SCOPED_TRACE(testing::Message() << PublishModeName(mode) << " " << fault);
      DestinationHarness harness(kName, mode);
      harness.set_config([] {
        json config = StreamingV2Config();
        config["bq_max_rows_per_request"] = 300;
        return config.dump();
      }());
      fake_.Fault(fault);
      MustRun(&harness, "r1", SomePages());
      EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(SomePages()));
    }
  }
}

TEST_F(StreamingV2Test, TransientErrorsInAResponseAreSentAgain) {
  for (const PublishMode mode : kModes) {
    for (const int code : {8, 10, 13, 14}) {
      SCOPED_TRACE(testing::Message() << PublishModeName(mode) << " code " << code);
      DestinationHarness harness(kName, mode);
      json config = StreamingV2Config();
      config["bq_max_rows_per_request"] = 300;
      harness.set_config(config.dump());
      fake_.Fault(
          {{"on", "grpc"}, {"method", "AppendRows"}, {"in_band", {{"code", code}, {"nth", 3}}}});
      MustRun(&harness, "r1", SomePages());
      EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(SomePages()));
    }
  }
}

TEST_F(StreamingV2Test, RefusedRowsGoToTheRejectsAndTheOthersMoveUp) {
  for (const PublishMode mode : kModes) {
    SCOPED_TRACE(PublishModeName(mode));
    DestinationHarness harness(kName, mode);
    json config = StreamingV2Config();
    config["bq_max_rows_per_request"] = 10;
    harness.set_config(config.dump());
    const json bad = {{{"index", 2}, {"message", "no"}}, {{"index", 9}, {"message", "never"}}};
    fake_.Fault({{"on", "grpc"},
                 {"method", "AppendRows"},
                 {"in_band", {{"code", 3}, {"nth", 2}, {"row_errors", bad}}}});
    const RecordPage all = PlainRecords(1, 100);
    MustRun(&harness, "r1", {all});
    RecordPage kept = all;
    kept.erase(kept.begin() + 19);
    kept.erase(kept.begin() + 12);
    EXPECT_EQ(harness.Published(), DestinationHarness::Hashed({kept}));
    ASSERT_THAT(harness.rejects(), SizeIs(2));
    EXPECT_EQ(harness.rejects()[0].code, "row_refused");
    EXPECT_EQ(harness.rejects()[0].data, all[12]);
    EXPECT_EQ(harness.rejects()[0].position, 12U);
    EXPECT_THAT(harness.rejects()[0].reason, HasSubstr("no"));
    EXPECT_EQ(harness.rejects()[1].data, all[19]);
    EXPECT_EQ(harness.rejects()[1].position, 19U);
  }
}

// A death after every call, with rows refused on the way: the rows that stay are there once.
TEST_F(StreamingV2Test, SurvivesDeathsBetweenRefusedRows) {
  const Pages pages = {PlainRecords(1, 30), PlainRecords(100, 30), PlainRecords(200, 5)};
  for (const PublishMode mode : kModes) {
    for (int death = 1; death <= 13; ++death) {
      SCOPED_TRACE(testing::Message() << PublishModeName(mode) << ", death " << death);
      DestinationHarness harness(kName, mode);
      json config = StreamingV2Config();
      config["bq_max_rows_per_request"] = 7;
      harness.set_config(config.dump());
      // The source is read again after a death, and the service refuses other rows than before.
      fake_.Fault(
          {{"on", "grpc"},
           {"method", "AppendRows"},
           {"in_band",
            {{"code", 3}, {"nth", 2}, {"row_errors", {{{"index", 1}, {"message", "no"}}}}}}});
      harness.DieAfter(death);
      Status done = harness.Run("r1", pages);
      if (!done) {
        ASSERT_EQ(done.error().code, "died") << Describe(done.error());
        harness.DieAfter(0);
        harness.set_fence(2);
        done = harness.Run("r1", pages);
        ASSERT_TRUE(done) << Describe(done.error());
      }
      // The row was refused, or it was read again and taken; all others are there once.
      const auto found = harness.Published();
      std::vector<std::string> whole = DestinationHarness::Hashed(pages);
      std::vector<std::string> without = whole;
      const std::string refused = DestinationHarness::Hashed({{pages[0][8]}}).front();
      std::erase(without, refused);
      EXPECT_TRUE(found == whole || found == without) << found.size();
    }
  }
}

// The commit, and the query job, happened; what comes after did not.
TEST_F(StreamingV2Test, APublicationThatWasHalfDoneIsBroughtToItsEnd) {
  const json faults[] = {
      {{"on", "rest"},
       {"method", "PATCH"},
       {"nth", 2},
       {"status", 403},
       {"reason", "accessDenied"}},
      {{"on", "rest"},
       {"method", "POST"},
       {"path", "/jobs$"},
       {"status", 403},
       {"reason", "accessDenied"}},
      {{"on", "grpc"}, {"method", "BatchCommitWriteStreams"}, {"code", "PERMISSION_DENIED"}},
  };
  for (const PublishMode mode : {PublishMode::kReplace, PublishMode::kAppend}) {
    for (const json& fault : faults) {
      SCOPED_TRACE(testing::Message() << PublishModeName(mode) << " " << fault);
      DestinationHarness harness(kName, mode);
      fake_.Fault(fault);
      Status done = harness.Run("r1", SomePages());
      if (!done) {
        EXPECT_EQ(done.error().code, "bigquery_access_denied") << Describe(done.error());
        harness.set_fence(2);
        done = harness.Run("r1", SomePages());
      }
      ASSERT_TRUE(done) << Describe(done.error());
      EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(SomePages()));
      EXPECT_THAT(harness.Leftovers(), IsEmpty());
      MustRun(&harness, "r2", {});
    }
  }
}

// A failed job's id is used up: the attempt that follows begins another.
TEST_F(StreamingV2Test, AnotherAttemptGoesOnBehindAFailedQueryJob) {
  for (const char* const reason : {"quotaExceeded", "backendError", "stopped"}) {
    SCOPED_TRACE(reason);
    DestinationHarness harness(kName, PublishMode::kReplace);
    fake_.Fault({{"on", "job"},
                 {"method", "query"},
                 {"job_error", {{"reason", reason}, {"message", "no"}}}});
    const Status failed = harness.Run("r1", SomePages());
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::kTransient) << Describe(failed.error());
    harness.set_fence(2);
    MustRun(&harness, "r1", SomePages());
    EXPECT_EQ(harness.Published(), DestinationHarness::Hashed(SomePages()));
  }
}

TEST_F(StreamingV2Test, StreamedRowsAreShownWithTheirCheckpoint) {
  DestinationHarness harness(kName, PublishMode::kDirect);
  auto made = harness.Make();
  ASSERT_TRUE((*made)->Open(harness.Request("r1"), {}));
  ASSERT_TRUE((*made)->Flush());
  ASSERT_TRUE(harness.Write(made->get(), PlainRecords(1, 5)));
  const Result<std::string> mark = (*made)->Flush();
  ASSERT_TRUE(mark);
  EXPECT_THAT(harness.Published(), IsEmpty());
  ASSERT_TRUE((*made)->MarkStored());
  EXPECT_THAT(harness.Published(), SizeIs(5));
  ASSERT_TRUE(harness.Write(made->get(), PlainRecords(6, 5)));
  const Result<std::string> second = (*made)->Flush();
  ASSERT_TRUE(second);
  ASSERT_TRUE(harness.Write(made->get(), PlainRecords(100, 7)));
  ASSERT_TRUE((*made)->Flush());
  made->reset();
  // The second mark was stored, its rows were not shown yet; what is behind it never is.
  OpenRequest request = harness.Request("r1");
  request.mark = *second;
  made = harness.Make();
  ASSERT_TRUE((*made)->Open(request, {}));
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed({PlainRecords(1, 10)}));
}

TEST_F(StreamingV2Test, StreamsOfMoreThanADayAreStagingThatIsLost) {
  DestinationHarness harness(kName, PublishMode::kAppend);
  harness.DieAfter(6);  // Behind the intent.
  const Status died = harness.Run("r1", {PlainRecords(1, 3)});
  ASSERT_FALSE(died);
  ASSERT_EQ(died.error().code, "died");
  fake_.Advance(25 * 3600);
  harness.DieAfter(0);
  const Status done = harness.Run("r1", {PlainRecords(1, 3)});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "staging_lost") << Describe(done.error());
  EXPECT_THAT(done.error().message, HasSubstr("24 hours"));
  EXPECT_THAT(harness.Published(), IsEmpty());
}

TEST_F(StreamingV2Test, AnIdleConnectionIsOpenedAgain) {
  DestinationHarness harness(kName, PublishMode::kDirect);
  auto made = harness.Make();
  ASSERT_TRUE((*made)->Open(harness.Request("r1"), {}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(harness.Write(made->get(), PlainRecords(1 + 5 * i, 5)));
    ASSERT_TRUE((*made)->Flush());
    ASSERT_TRUE((*made)->MarkStored());
    fake_.Send("POST", "/_fake/close_appends");
  }
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed({PlainRecords(1, 15)}));
}

TEST_F(StreamingV2Test, EveryWaitEndsWithTheStopToken) {
  const json faults[] = {
      {{"on", "grpc"}, {"method", "CreateWriteStream"}, {"delay_ms", 20'000}},
      {{"on", "grpc"}, {"method", "AppendRows"}, {"delay_ms", 20'000}},
      {{"on", "grpc"}, {"method", "AppendRows"}, {"in_band", {{"code", 14}, {"times", 1000}}}},
      {{"on", "grpc"}, {"method", "FinalizeWriteStream"}, {"delay_ms", 20'000}},
      {{"on", "grpc"}, {"method", "CreateWriteStream"}, {"code", "UNAVAILABLE"}, {"times", 1000}},
  };
  for (const json& fault : faults) {
    SCOPED_TRACE(fault.dump());
    DestinationHarness harness(kName, PublishMode::kAppend);
    std::stop_source stop;
    auto made = harness.Make();
    ASSERT_TRUE((*made)->Open(harness.Request("r1"), stop.get_token()));
    fake_.Fault(fault);
    std::jthread stopper([&] {
      // Raised once the call that waits has begun.
      const auto begun = [&] {
        return !fake_.Calls().empty() && fake_.Calls().back().contains("fault");
      };
      while (!begun()) std::this_thread::yield();
      stop.request_stop();
    });
    Status done = harness.Write(made->get(), PlainRecords(1, 5));
    if (done) done = (*made)->Flush().map([](const std::string&) {});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kStopped) << Describe(done.error());
  }
}

TEST_F(StreamingV2Test, EveryCallNamesWhatItIsAbout) {
  DestinationHarness harness(kName, PublishMode::kReplace);
  MustRun(&harness, "r1", {PlainRecords(1, 3)});
  int calls = 0;
  for (const json& call : fake_.Calls()) {
    if (call["method"] != "grpc") continue;
    ++calls;
    EXPECT_THAT(call["request_params"].dump(),
                HasSubstr("projects/p1/datasets/d/tables/target_temp"))
        << call;
  }
  EXPECT_GE(calls, 4);
  EXPECT_THAT(Appends(), SizeIs(1));
}

TEST_F(StreamingV2Test, NoticesATableThatWasMadeAnew) {
  DestinationHarness harness(kName, PublishMode::kAppend);
  MustRun(&harness, "r1", {PlainRecords(1, 3)});
  const json before = fake_.Tables()["p1.d.target"];
  fake_.Send("DELETE", kBigQueryTables + "/target");
  fake_.Advance(5);
  json again = TextTable("target");
  again["labels"] = before["labels"];
  ASSERT_EQ(fake_.Send("POST", kBigQueryTables, again).status, 200);
  const Status done = harness.Run("r2", {PlainRecords(4, 3)});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "target_diverged") << Describe(done.error());
}

}  // namespace
}  // namespace bizond
#endif  // BIZOND_NO_GRPC
