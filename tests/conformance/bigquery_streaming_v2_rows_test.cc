// The destination bigquery_streaming_v2: what a record becomes in a table, and what becomes of the
// table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/conformance/streaming_v2_fixture.h"

#ifndef BIZOND_NO_GRPC
namespace bizond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class StreamingV2RowsTest : public StreamingV2Test {};

TEST_F(StreamingV2RowsTest, EveryTypeArrivesAsItsValue) {
  const json columns = {
      {{"name", "id"}, {"type", "INT64"}, {"mode", "REQUIRED"}},
      {{"name", "text"}, {"type", "STRING"}},
      {{"name", "real"}, {"type", "FLOAT64"}},
      {{"name", "flag"}, {"type", "BOOL"}},
      {{"name", "raw"}, {"type", "BYTES"}},
      {{"name", "day"}, {"type", "DATE"}},
      {{"name", "moment"}, {"type", "TIMESTAMP"}},
      {{"name", "civil"}, {"type", "DATETIME"}},
      {{"name", "clock"}, {"type", "TIME"}},
      {{"name", "money"}, {"type", "NUMERIC"}},
      {{"name", "big"}, {"type", "BIGNUMERIC"}},
      {{"name", "doc"}, {"type", "JSON"}},
      {{"name", "tags"}, {"type", "STRING"}, {"mode", "REPEATED"}},
      {{"name", "nest"},
       {"type", "RECORD"},
       {"mode", "REPEATED"},
       {"fields",
        {{{"name", "day"}, {"type", "DATE"}},
         {{"name", "inner"},
          {"type", "RECORD"},
          {"fields", {{{"name", "n"}, {"type", "INTEGER"}, {"mode", "REPEATED"}}}}}}}},
      {{"name", "na\xc3\xafve-name"}, {"type", "INTEGER"}},
  };
  DestinationHarness harness(kName, PublishMode::kAppend);
  harness.PlaceIn("", "typed");
  fake_.Send("DELETE", kBigQueryTables + "/typed");
  harness.set_config(Schema(columns).dump());
  MustRun(&harness, "r1",
          {{R"({"id":-9223372036854775808,"text":"\u00e9\n","real":-2.5,"flag":true,)"
            R"("raw":"AAEC/w==","day":"1969-12-31","moment":"2026-01-02T03:04:05.000006+01:00",)"
            R"("civil":"2026-01-02 03:04:05","clock":"03:04:05.5","money":12.50,)"
            R"("big":"123456789012345678901234567890.5","doc":{"a":[1,"x"]},"tags":["a","","c"],)"
            R"("nest":[{"day":"2026-02-03","inner":{"n":[1,-2]}},{}],)"
            "\"na\xc3\xafve-name\":7}",
            R"({"id":1,"text":null,"tags":[]})"}});
  const auto rows = fake_.Rows("p1.d.typed");
  ASSERT_THAT(rows, SizeIs(2));
  const json row = json::parse(rows[0]);
  EXPECT_EQ(row["id"], INT64_MIN);
  EXPECT_EQ(row["text"], "\xc3\xa9\n");
  EXPECT_EQ(row["real"], -2.5);
  EXPECT_EQ(row["flag"], true);
  EXPECT_EQ(row["raw"], "AAEC/w==");
  EXPECT_EQ(row["day"], "1969-12-31");
  EXPECT_THAT(row["moment"].dump(), HasSubstr("2026-01-02T02:04:05.000006"));
  EXPECT_THAT(row["civil"].dump(), HasSubstr("2026-01-02T03:04:05"));
  EXPECT_THAT(row["clock"].dump(), HasSubstr("03:04:05.5"));
  EXPECT_THAT(row["money"].dump(), HasSubstr("12.5"));
  EXPECT_THAT(row["big"].dump(), HasSubstr("123456789012345678901234567890.5"));
  EXPECT_THAT(row["doc"].dump(), HasSubstr("x"));
  EXPECT_EQ(row["tags"], json({"a", "", "c"}));
  EXPECT_EQ(row["nest"][0]["day"], "2026-02-03");
  EXPECT_EQ(row["nest"][0]["inner"]["n"].dump(), "[1,-2]");
  EXPECT_EQ(row["nest"].size(), 2U);
  EXPECT_EQ(row["na\xc3\xafve-name"], 7);
  EXPECT_EQ(json::parse(rows[1])["text"], nullptr);
}

TEST_F(StreamingV2RowsTest, RowsThatDoNotFitAreRejectedWithColumnAndReason) {
  DestinationHarness harness(kName, PublishMode::kReplace);
  harness.PlaceIn("", "typed");
  fake_.Send("DELETE", kBigQueryTables + "/typed");
  harness.set_config(Schema({{{"name", "id"}, {"type", "INTEGER"}, {"mode", "REQUIRED"}},
                             {{"name", "v"}, {"type", "DATE"}}})
                         .dump());
  MustRun(&harness, "r1",
          {{R"({"id":1,"v":"2026-01-01"})", R"({"id":"x"})", R"({"v":null})",
            R"({"id":2,"v":"2026-02-30"})", R"({"id":3,"w":1})", R"({"id":4})"}});
  EXPECT_THAT(fake_.Rows("p1.d.typed"),
              ElementsAre(R"({"id":1,"v":"2026-01-01"})", R"({"id":4,"v":null})"));
  ASSERT_THAT(harness.rejects(), SizeIs(4));
  const char* const columns[] = {"'id'", "'id'", "'v'", "'w'"};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(harness.rejects()[i].code, "schema_mismatch");
    EXPECT_THAT(harness.rejects()[i].reason, HasSubstr(columns[i]));
  }
}

TEST_F(StreamingV2RowsTest, ARowBeyondTheLimitIsRejected) {
  DestinationHarness harness(kName, PublishMode::kAppend);
  const std::string large = R"({"id":2,"at":2,"v":")" + std::string(9 << 20, 'x') + R"("})";
  const std::string fits = R"({"id":3,"at":3,"v":")" + std::string(7 << 20, 'y') + R"("})";
  MustRun(&harness, "r1", {{PlainRecords(1, 1)[0], large, fits, fits}});
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed({{PlainRecords(1, 1)[0], fits, fits}}));
  ASSERT_THAT(harness.rejects(), SizeIs(1));
  EXPECT_EQ(harness.rejects()[0].code, "row_too_large");
  EXPECT_EQ(harness.rejects()[0].data.size(), size_t{64} << 10);
}

TEST_F(StreamingV2RowsTest, NewColumnsAreAddedAndRequiredOnesRelaxed) {
  DestinationHarness harness(kName, PublishMode::kAppend);
  harness.PlaceIn("", "typed");
  fake_.Send("DELETE", kBigQueryTables + "/typed");
  harness.set_config(Schema({{{"name", "id"}, {"type", "INTEGER"}},
                             {{"name", "old"}, {"type", "STRING"}, {"mode", "REQUIRED"}}})
                         .dump());
  MustRun(&harness, "r1", {{R"({"id":1,"old":"a"})"}});
  harness.set_config(
      Schema({{{"name", "id"}, {"type", "INTEGER"}}, {{"name", "late"}, {"type", "STRING"}}})
          .dump());
  MustRun(&harness, "r2", {{R"({"id":2,"late":"b"})"}});
  EXPECT_THAT(fake_.Rows("p1.d.typed"), ElementsAre(R"({"id":1,"old":"a","late":null})",
                                                    R"({"id":2,"old":null,"late":"b"})"));
  harness.set_config(Schema({{{"name", "id"}, {"type", "STRING"}}}).dump());
  const Status done = harness.Run("r3", {{R"({"id":3})"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "schema_mismatch");
}

// Somebody relaxes a column and adds two while a run goes on: rows are judged and written as the
// table is now, from the next stream on.
TEST_F(StreamingV2RowsTest, ATableThatIsChangedDuringARunIsFollowed) {
  const json id = {{"name", "id"}, {"type", "INTEGER"}};
  const json old = {{"name", "old"}, {"type", "STRING"}, {"mode", "REQUIRED"}};
  const json relaxed = {{"name", "old"}, {"type", "STRING"}, {"mode", "NULLABLE"}};
  const json late = {{"name", "late"}, {"type", "STRING"}, {"mode", "NULLABLE"}};
  json marked = late;
  marked["name"] = "marked";
  marked["defaultValueExpression"] = "'by default'";
  for (const PublishMode mode : {PublishMode::kAppend, PublishMode::kDirect}) {
    SCOPED_TRACE(PublishModeName(mode));
    DestinationHarness harness(kName, mode);
    harness.PlaceIn("", "typed");
    fake_.Send("DELETE", kBigQueryTables + "/typed");
    harness.set_config(Schema({id, old}).dump());
    const auto destination = *harness.Make();
    ASSERT_TRUE(destination->Open(harness.Request("r1"), {}));
    uint64_t iteration = 0;
    const auto write = [&](const std::string& row) {
      ASSERT_TRUE(harness.Write(destination.get(), {row}, iteration++));
      const auto mark = destination->Flush();
      ASSERT_TRUE(mark) << Describe(mark.error());
      ASSERT_TRUE(destination->MarkStored());
    };
    write(R"({"id":1,"old":"a"})");
    write(R"({"id":2})");
    EXPECT_THAT(harness.rejects(), SizeIs(1)) << "the column is required yet";
    ASSERT_EQ(fake_
                  .Send("PATCH", kBigQueryTables + "/typed",
                        {{"schema", {{"fields", {id, relaxed, late, marked}}}}})
                  .status,
              200);
    write(R"({"id":3,"old":"c"})");  // A stream that lasts is told of the change by its answer.
    write(R"({"id":4})");
    const auto intent = destination->Prepare();
    ASSERT_TRUE(intent) << Describe(intent.error());
    ASSERT_TRUE(destination->Finalize(*intent));
    EXPECT_THAT(harness.rejects(), SizeIs(1));
    const std::vector<std::string> rows = fake_.Rows("p1.d.typed");
    ASSERT_THAT(rows, SizeIs(3));
    EXPECT_EQ(json::parse(rows[1])["old"], "c");
    EXPECT_EQ(json::parse(rows[2])["id"], 4);
    // Columns that no row has get NULL (0), and where there is one, their default (2).
    const std::vector<json> appends = Appends();
    EXPECT_EQ(appends.front()["default_missing"], 0);
    EXPECT_EQ(appends.back()["default_missing"], 2);
  }
}

TEST_F(StreamingV2RowsTest, AFullRefreshKeepsPartitioningAndClustering) {
  DestinationHarness harness(kName, PublishMode::kReplace);
  fake_.Send("DELETE", kBigQueryTables + "/target");
  json table = TextTable("target");
  table["timePartitioning"] = {{"type", "HOUR"}, {"field", "_bizon_loaded_at"}};
  table["clustering"] = {{"fields", {"_bizon_id"}}};
  ASSERT_EQ(fake_.Send("POST", kBigQueryTables, table).status, 200);
  MustRun(&harness, "r1", {PlainRecords(1, 5)});
  MustRun(&harness, "r2", {PlainRecords(3, 5)});
  EXPECT_EQ(harness.Published(), DestinationHarness::Hashed({PlainRecords(3, 5)}));
  const json now = fake_.Tables()["p1.d.target"];
  EXPECT_EQ(now["timePartitioning"]["type"], "HOUR");
  EXPECT_EQ(now["timePartitioning"]["field"], "_bizon_loaded_at");
  EXPECT_EQ(now["clustering"]["fields"], json({"_bizon_id"}));
}

TEST_F(StreamingV2RowsTest, MakesTheDatasetAndTheTable) {
  DestinationHarness harness(kName, PublishMode::kAppend);
  fake_.Reset();
  MustRun(&harness, "r1", {PlainRecords(1, 3)});
  EXPECT_THAT(harness.Published(), SizeIs(3));
  const json now = fake_.Tables()["p1.d.target"];
  EXPECT_EQ(now["timePartitioning"]["field"], "_bizon_loaded_at");
}

}  // namespace
}  // namespace bizond
#endif  // BIZOND_NO_GRPC
