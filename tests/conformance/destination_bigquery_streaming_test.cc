// The destination bigquery_streaming: how the conformance suite reads its rows back, the tables
// that it makes and changes, and what becomes of rows that the service does not take at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "destinations/google/table_schema.h"
#include "tests/conformance/bigquery_streaming_world.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Of the suite's tables: the data as text, so that every byte of a record comes back.
json InsertAllTable(const std::string& id) {
  json fields = SchemaToRest(BizonSchema(true))["fields"];
  fields[2]["type"] = "STRING";
  return {{"tableReference", {{"tableId", id}}}, {"schema", {{"fields", fields}}}};
}

}  // namespace

DestinationFixture MakeBigQueryStreamingFixture() {
  const auto dataset = std::make_shared<std::string>();
  return {
      .place =
          [dataset](const std::string&, const std::string& id) {
            static int datasets = 0;
            BigQueryFake& fake = BigQueryFake::Get();
            setenv("BIGQUERY_EMULATOR_HOST", fake.RestUrl().c_str(), 1);
            fake.SetOptions({{"job_seconds", 0}});
            if (dataset->empty()) *dataset = "suite_" + std::to_string(++datasets);
            fake.CreateDataset(*dataset);
            // Refused where the name is none; the destination says so, too.
            if (id.find('\0') == id.npos) {
              fake.Send("POST", "/bigquery/v2/projects/p1/datasets/" + *dataset + "/tables",
                        InsertAllTable(id));
            }
            const json config = {
                {"project_id", "p1"}, {"dataset_id", *dataset}, {"table_prefix", ""}};
            return Placement{config.dump(), id};
          },
      .read =
          [dataset](const TestTarget& target) {
            std::vector<StoredRow> rows;
            const std::string table = "p1." + *dataset + "." + target.id;
            BigQueryFake& fake = BigQueryFake::Get();
            if (!fake.Tables().contains(table)) return rows;
            for (const std::string& line : fake.Rows(table)) {
              const json row = json::parse(line);
              rows.push_back({row.at("_source_record_id"), row.at("_source_data")});
            }
            return rows;
          },
      .leftovers =
          [dataset](const TestTarget&) {
            std::vector<std::string> found;
            const json tables = BigQueryFake::Get().Tables();
            for (const auto& [name, table] : tables.items()) {
              const bool staging = name.ends_with("_temp") || name.ends_with("_incremental");
              if (staging && name.starts_with("p1." + *dataset + ".")) found.push_back(name);
            }
            return found;
          },
      .drop =
          [dataset](const TestTarget& target) {
            BigQueryFake::Get().Send(
                "DELETE", "/bigquery/v2/projects/p1/datasets/" + *dataset + "/tables/" + target.id);
          },
  };
}

namespace {

class BigQueryStreamingTest : public ::testing::Test {
 protected:
  void Unnest(const json& columns, const json& clustering = json::array()) {
    world_.Configure({{"unnest", true},
                      {"record_schemas",
                       {{{"destination_id", "target"},
                         {"record_schema", columns},
                         {"clustering_keys", clustering}}}}});
  }
  // Makes the table before the destination sees it.
  void MakeTable(const json& fields, const std::string& id = "target") {
    world_.fake().CreateDataset("d");
    const HttpResponse made = world_.fake().Send(
        "POST", "/bigquery/v2/projects/p1/datasets/d/tables",
        {{"tableReference", {{"tableId", id}}}, {"schema", {{"fields", fields}}}});
    ASSERT_EQ(made.status, 200) << made.body;
  }
  void ExpectRecords(const Pages& pages) {
    EXPECT_EQ(world_.Records(), StreamingWorld::Expected(pages));
  }

  StreamingWorld world_;
};

TEST_F(BigQueryStreamingTest, MakesTheDatasetAndTheTable) {
  world_.Configure({{"dataset_location", "EU"}, {"time_partitioning", {{"type", "HOUR"}}}});
  world_.MustRun({PlainRecords(1, 3)});
  ExpectRecords({PlainRecords(1, 3)});
  const json table = world_.Table();
  EXPECT_EQ(table.at("timePartitioning").at("type"), "HOUR");
  EXPECT_EQ(table.at("timePartitioning").at("field"), "_bizon_loaded_at");
  const auto schema = SchemaFromRest(table.at("schema"));
  ASSERT_TRUE(schema);
  EXPECT_EQ(*schema, BizonSchema(true));
  const json row = world_.Rows().at(0);
  EXPECT_EQ(row.at("_source_record_id"), "1");
  EXPECT_EQ(row.at("_bizon_id").get<std::string>().size(), 32U);
  EXPECT_EQ(row.at("_bizon_loaded_at"), "2025-12-01T00:00:00.000000Z");
  const HttpResponse dataset = world_.fake().Send("GET", "/bigquery/v2/projects/p1/datasets/d");
  EXPECT_EQ(json::parse(dataset.body).at("location"), "EU");
}

TEST_F(BigQueryStreamingTest, PrefixesTheNameUnlessThePlainTableIsThere) {
  world_.job().destination.destination_id.clear();
  world_.MustRun({PlainRecords(1, 2)});
  EXPECT_EQ(world_.Rows("p1.d._bizon_dummy_s").size(), 2U);
  MakeTable(SchemaToRest(BizonSchema(true))["fields"], "dummy_s");
  world_.MustRun({PlainRecords(3, 4)}, "r2");
  EXPECT_EQ(world_.Rows("p1.d.dummy_s").size(), 4U);
  EXPECT_EQ(world_.Rows("p1.d._bizon_dummy_s").size(), 2U);
}

TEST_F(BigQueryStreamingTest, UnnestsNestedRecords) {
  Unnest(json::parse(R"([{"name":"id","type":"INTEGER","mode":"REQUIRED"},
      {"name":"price","type":"NUMERIC"},{"name":"tags","type":"STRING","mode":"REPEATED"},
      {"name":"raw","type":"JSON"},
      {"name":"to","type":"RECORD","fields":[{"name":"zip","type":"STRING"}]}])"),
         {"id"});
  world_.MustRun({{R"({"id":9007199254740993,"price":0.10,"tags":["a","b"],"raw":{"x":[1]},)"
                   R"("to":{"zip":12}})",
                   R"({"id":2,"tags":null})"}});
  EXPECT_THAT(world_.Rows(),
              ElementsAre(json::parse(R"({"id":9007199254740993,"price":"0.1","tags":["a","b"],
                  "raw":"{\"x\":[1]}","to":{"zip":"12"}})"),
                          json::parse(R"({"id":2,"price":null,"tags":[],"raw":null,"to":null})")));
  EXPECT_EQ(world_.Table().at("clustering").at("fields"), json({"id"}));
  EXPECT_THAT(world_.rejects.rejects, IsEmpty());
}

TEST_F(BigQueryStreamingTest, AddsAndRelaxesColumns) {
  MakeTable(json::parse(R"([{"name":"id","type":"INTEGER","mode":"REQUIRED"},
      {"name":"old","type":"STRING","mode":"REQUIRED","policyTags":{"names":["t"]}}])"));
  Unnest(json::parse(R"([{"name":"ID","type":"INT64"},{"name":"new","type":"DATE"}])"));
  world_.MustRun({{R"({"id":1,"new":"2026-12-01"})", R"({"new":null})"}});
  EXPECT_THAT(world_.Rows(), ElementsAre(json::parse(R"({"id":1,"old":null,"new":"2026-12-01"})"),
                                         json::parse(R"({"id":null,"old":null,"new":null})")));
  EXPECT_EQ(world_.Table().at("schema").at("fields")[1].at("policyTags"), (json{{"names", {"t"}}}));
  world_.MustRun({{R"({"id":3})"}}, "r2");
  EXPECT_EQ(world_.Calls("PATCH", "/tables/target"), 1);
}

TEST_F(BigQueryStreamingTest, LooksAgainWhenTheTableChangesUnderIt) {
  MakeTable(json::parse(R"([{"name":"id","type":"INTEGER"}])"));
  Unnest(json::parse(R"([{"name":"id","type":"INTEGER"},{"name":"new","type":"STRING"}])"));
  world_.fake().Fault(
      {{"on", "rest"}, {"method", "PATCH"}, {"status", 412}, {"reason", "conditionNotMet"}});
  world_.MustRun({{R"({"id":1,"new":"x"})"}});
  EXPECT_THAT(world_.Rows(), ElementsAre(json::parse(R"({"id":1,"new":"x"})")));
}

TEST_F(BigQueryStreamingTest, AColumnOfAnotherTypeEndsTheRunBeforeItWrites) {
  MakeTable(json::parse(R"([{"name":"id","type":"STRING"}])"));
  Unnest(json::parse(R"([{"name":"id","type":"INTEGER"}])"));
  const Status done = world_.Run({{R"({"id":1})"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "schema_mismatch");
  const auto made = world_.Make();
  EXPECT_EQ((*made)->CheckConnection({}).error().code, "schema_mismatch");
  EXPECT_THAT(world_.Rows(), IsEmpty());
}

TEST_F(BigQueryStreamingTest, RejectsWhatDoesNotFitAndWritesTheRest) {
  Unnest(json::parse(R"([{"name":"id","type":"INTEGER","mode":"REQUIRED"}])"));
  const RecordPage page = {R"({"id":1})", R"({"id":"x"})", R"({"id":2})", R"({"other":1})",
                           R"({"id":3})"};
  world_.MustRun({page});
  EXPECT_THAT(world_.Rows(), ElementsAre(json{{"id", 1}}, json{{"id", 2}}, json{{"id", 3}}));
  ASSERT_EQ(world_.rejects.rejects.size(), 2U);
  EXPECT_EQ(world_.rejects.rejects[0].code, "schema_mismatch");
  EXPECT_EQ(world_.rejects.rejects[0].position, 1U);
  EXPECT_EQ(world_.rejects.rejects[0].data, page[1]);
  EXPECT_THAT(world_.rejects.rejects[1].reason, HasSubstr("the column 'other' is none"));
}

TEST_F(BigQueryStreamingTest, ARefusedRejectEndsTheRun) {
  class Refusing final : public RejectSink {
    Status Reject(uint64_t, RejectedRecord reject) override {
      return Fail(ErrorKind::kPermanent, reject.code, reject.reason, "mend it");
    }
  } refusing;
  Unnest(json::parse(R"([{"name":"id","type":"INTEGER"}])"));
  const auto made = world_.Make();
  OpenRequest request = world_.Request();
  request.rejects = &refusing;
  ASSERT_TRUE((*made)->Open(request, {}));
  const Status written = StreamingWorld::Write(made->get(), {R"({"id":"x"})"});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, "schema_mismatch");
}

TEST_F(BigQueryStreamingTest, SplitsByRowsAndByBytes) {
  world_.Configure({{"bq_max_rows_per_request", 7}});
  world_.MustRun({PlainRecords(1, 20)});
  EXPECT_EQ(world_.Calls("POST", "/insertAll"), 3);
  ExpectRecords({PlainRecords(1, 20)});
  // 12 of 800 KB: six make a request of less than 5 MiB, seven do not.
  RecordPage large;
  for (int i = 100; i < 112; ++i) {
    large.push_back(R"({"id":)" + std::to_string(i) + R"(,"v":")" + std::string(800'000, 'x') +
                    R"("})");
  }
  world_.Configure({{"bq_max_rows_per_request", 5000}});
  const int before = world_.Calls("POST", "/insertAll");
  world_.MustRun({large}, "r2");
  EXPECT_EQ(world_.Calls("POST", "/insertAll") - before, 2);
  for (const json& call : world_.fake().Calls()) {
    EXPECT_LE(call.at("body_bytes").get<size_t>(), size_t{5} << 20);
  }
  ExpectRecords({PlainRecords(1, 20), large});
}

// ---- modes ----

TEST_F(BigQueryStreamingTest, AStreamsRowsAreThereAtEachFlush) {
  world_.mode = PublishMode::kDirect;
  world_.job().source.sync_mode = SyncMode::kStream;
  const auto made = world_.Make();
  ASSERT_TRUE((*made)->Open(world_.Request(), {}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        StreamingWorld::Write(made->get(), PlainRecords(i * 10, 10), static_cast<uint64_t>(i)));
    ASSERT_TRUE((*made)->Flush());
    ExpectRecords({PlainRecords(0, (i + 1) * 10)});
  }
  EXPECT_GT((*made)->BytesWritten(), 1000U);
}

TEST_F(BigQueryStreamingTest, AFullRefreshAddsAndSaysSo) {
  world_.mode = PublishMode::kReplace;
  world_.job().source.sync_mode = SyncMode::kFullRefresh;
  world_.MustRun({PlainRecords(1, 2)});
  world_.MustRun({PlainRecords(1, 2)}, "r2");
  ExpectRecords({PlainRecords(1, 2), PlainRecords(1, 2)});
  EXPECT_THAT(world_.log.lines, ::testing::Contains(HasSubstr("adds its rows")));
}

TEST_F(BigQueryStreamingTest, AResetIsRefusedAndWritesNothing) {
  world_.mode = PublishMode::kReplace;
  const Status done = world_.Run({PlainRecords(1, 2)});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "replace_unsupported");
  EXPECT_EQ(done.error().kind, ErrorKind::kConfig);
  EXPECT_THAT(world_.Rows(), IsEmpty());
}

TEST_F(BigQueryStreamingTest, StopsWhenAsked) {
  std::stop_source stop;
  const auto made = world_.Make();
  ASSERT_TRUE((*made)->Open(world_.Request(), stop.get_token()));
  stop.request_stop();
  const Status written = StreamingWorld::Write(made->get(), PlainRecords(1, 5));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kStopped);
}

}  // namespace
}  // namespace bizond
