// The helper that starts the fake of BigQuery. What the fake itself does is shown by Google's own
// clients (tests/fakes/bigquery/honest.py).
#include "tests/fakes/bigquery_fake.h"

#include <gmock/gmock.h>

namespace bizond {
namespace {

using ::testing::ElementsAre;

class BigQueryFakeTest : public ::testing::Test {
 protected:
  BigQueryFakeTest() {
    fake_.Reset();
    fake_.CreateDataset("d");
    EXPECT_EQ(fake_
                  .Send("POST", kTables,
                        {{"tableReference", {{"tableId", "t"}}},
                         {"schema",
                          {{"fields",
                            {{{"name", "id"}, {"type", "INTEGER"}, {"mode", "REQUIRED"}},
                             {{"name", "name"}, {"type", "STRING"}}}}}}})
                  .status,
              200);
  }

  int Insert(int64_t id) {
    return fake_
        .Send("POST", kTables + "/t/insertAll",
              {{"rows", nlohmann::json::array({{{"json", {{"id", id}}}}})}})
        .status;
  }

  const std::string kTables = "/bigquery/v2/projects/p1/datasets/d/tables";
  BigQueryFake& fake_ = BigQueryFake::Get();
};

TEST_F(BigQueryFakeTest, GivesRowsAndForgetsThem) {
  EXPECT_EQ(Insert(7), 200);
  EXPECT_EQ(Insert(8), 200);
  EXPECT_THAT(fake_.Rows("p1.d.t"),
              ElementsAre(R"({"id":7,"name":null})", R"({"id":8,"name":null})"));
  EXPECT_TRUE(fake_.Tables().at("p1.d.t").contains("streamingBuffer"));
  fake_.FlushStreamingBuffer();
  EXPECT_FALSE(fake_.Tables().at("p1.d.t").contains("streamingBuffer"));
  fake_.Reset();
  EXPECT_TRUE(fake_.Tables().empty());
  EXPECT_TRUE(fake_.Calls().empty());
}

TEST_F(BigQueryFakeTest, AFaultMeetsTheCallThatWasMeant) {
  fake_.Fault({{"on", "rest"},
               {"path", "insertAll$"},
               {"nth", 2},
               {"status", 503},
               {"reason", "backendError"}});
  EXPECT_EQ(Insert(1), 200);
  EXPECT_EQ(Insert(2), 503);
  EXPECT_EQ(Insert(3), 200);
  EXPECT_THAT(fake_.Rows("p1.d.t"),
              ElementsAre(R"({"id":1,"name":null})", R"({"id":3,"name":null})"));
  EXPECT_EQ(fake_.Calls().back().at("status"), 200);
}

TEST_F(BigQueryFakeTest, ItsClockEndsJobs) {
  fake_.SetOptions({{"job_seconds", 3600}});
  const nlohmann::json table = {{"projectId", "p1"}, {"datasetId", "d"}, {"tableId", "t"}};
  nlohmann::json copy = table;
  copy["tableId"] = "u";
  const nlohmann::json configuration = {{"sourceTable", table}, {"destinationTable", copy}};
  EXPECT_EQ(fake_
                .Send("POST", "/bigquery/v2/projects/p1/jobs",
                      {{"configuration", {{"copy", configuration}}}})
                .status,
            200);
  EXPECT_EQ(fake_.Jobs().at(0).at("status").at("state"), "RUNNING");
  fake_.Advance(3601);
  EXPECT_EQ(fake_.Jobs().at(0).at("status").at("state"), "DONE");
  EXPECT_TRUE(fake_.Tables().contains("p1.d.u"));
}

}  // namespace
}  // namespace bizond
