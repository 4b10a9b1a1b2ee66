// `bizond plan` and `bizond check`: what they print of a destination before a run.
#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/base/temporary_directory.h"
#include "tests/cli/command.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    directory_.Write("rows.jsonl", "{\"id\":1,\"at\":\"2026-01-01T00:00:00Z\"}\n");
    setenv("BIGQUERY_EMULATOR_HOST", fake_.RestUrl().c_str(), 1);
    setenv("STORAGE_EMULATOR_HOST", fake_.RestUrl().c_str(), 1);
    fake_.Reset();
    fake_.SetOptions({{"job_seconds", 0}});
    fake_.CreateDataset("d");
  }

  void Job(const std::string& destination, const std::string& mode = "incremental") {
    directory_.Write(
        "job.yml", "name: rows" + std::to_string(++jobs_) +
                       "\nsource: {name: file, stream: rows, path: rows.jsonl, sync_mode: " + mode +
                       ",\n  cursor_field: at, primary_key: id}\ndestination: " + destination +
                       "\n");
  }
  Outcome Bizond(const std::string& arguments) { return RunBizond(directory_.path(), arguments); }
  json Json(const std::string& arguments, int exit_code = 0) {
    return JsonOf(directory_.path(), arguments, exit_code);
  }

  static constexpr const char* kBatch = "{name: bigquery, config: {project_id: p1, dataset_id: d}}";
  int jobs_ = 0;  // Another destination is another job.
  TemporaryDirectory directory_;
  BigQueryFake& fake_ = BigQueryFake::Get();
};

TEST_F(PlanTest, ShowsTheTablesAndTheJobs) {
  Job(kBatch);
  const json plan = Json("plan job.yml")["streams"][0];
  EXPECT_EQ(plan["places"][0]["role"], "staging");
  EXPECT_EQ(plan["places"][1]["name"], "p1.d._bizon_file_rows");
  EXPECT_EQ(plan["places"][1]["exists"], false);
  EXPECT_EQ(plan["places"][1]["columns"][0],
            json::parse(R"({"name": "_source_record_id", "type": "STRING", "mode": "NULLABLE"})"));
  EXPECT_EQ(plan["steps"][0]["what"], "load job");
  EXPECT_EQ(plan["steps"][1]["properties"]["writeDisposition"], "WRITE_APPEND");
  EXPECT_EQ(plan["records"].size(), 1u);
  const Outcome shown = Bizond("plan job.yml");
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("target table p1.d._bizon_file_rows: new, made by the copy"),
                    HasSubstr("partitioning: DAY of _bizon_loaded_at"),
                    HasSubstr("column _source_data STRING NULLABLE"),
                    HasSubstr("columns: the target's"), HasSubstr("{\"id\":1")));
  EXPECT_THAT(shown.err, HasSubstr("nothing was written"));
  EXPECT_TRUE(fake_.Tables().empty());
  EXPECT_TRUE(fake_.Jobs().empty());

  EXPECT_EQ(Bizond("run job.yml").exit_code, 0);
  EXPECT_THAT(Bizond("plan job.yml").out, HasSubstr("exists, appended to by the copy"));
}

TEST_F(PlanTest, ShowsWhatBecomesOfFilesAndTables) {
  Job("{name: file, config: {destination_id: out}}", "full_refresh");
  EXPECT_THAT(Bizond("plan job.yml").out, HasSubstr("out.json: new, made"));
  EXPECT_EQ(Bizond("run job.yml").exit_code, 0);
  EXPECT_THAT(Bizond("plan job.yml").out,
              AllOf(HasSubstr("out.json: exists, replaced"), HasSubstr("rename: the staging")));
  Job("{name: sqlite, config: {path: w.db, table: t, write: merge}}");
  EXPECT_THAT(Bizond("plan job.yml").out,
              AllOf(HasSubstr("w.db (new)"), HasSubstr("target table t: new, made")));
  EXPECT_EQ(Bizond("run job.yml").exit_code, 0);
  EXPECT_THAT(Bizond("plan job.yml").out, HasSubstr("target table t: exists, merged into by id"));
}

TEST_F(PlanTest, EndsWithWhatTheRunWouldRefuse) {
  Job("{name: bigquery, config: {project_id: p1, dataset_id: none}}");
  EXPECT_EQ(Json("plan job.yml", 3)["error"]["code"], "bigquery_not_found");
}

TEST_F(PlanTest, CheckNamesThePermissionThatIsMissing) {
  Job(kBatch);
  const json all = Json("check job.yml");
  EXPECT_EQ(all["ok"], true);
  EXPECT_EQ(all["permissions"][0]["permission"], "bigquery.jobs.create");
  EXPECT_EQ(all["permissions"][0]["state"], "granted");
  fake_.SetOptions({{"denied", {"bigquery.jobs.create"}}});
  const json missing = Json("check job.yml", 4);
  EXPECT_EQ(missing["ok"], false);
  EXPECT_EQ(missing["permissions"][0]["state"], "missing");
  EXPECT_EQ(missing["permissions"][0]["error"]["code"], "permission_missing");
  const Outcome shown = Bizond("check job.yml");
  EXPECT_EQ(shown.exit_code, 4);
  EXPECT_THAT(shown.out, HasSubstr("bigquery.jobs.create on project p1 missing"));
  EXPECT_THAT(shown.err,
              HasSubstr("gcloud projects add-iam-policy-binding p1 --member=serviceAccount:ACCOUNT "
                        "--role=roles/bigquery.jobUser"));
  // Where the dataset may not even be looked for, the destination's own check fails, too.
  fake_.SetOptions({{"denied", {"bigquery.datasets.get"}}});
  EXPECT_THAT(Bizond("check job.yml").err,
              HasSubstr("fake@example.com lacks bigquery.datasets.get on the dataset p1.d"));
}

TEST_F(PlanTest, CheckSaysTheAccountOfAKey) {
  Job("{name: bigquery, config: {project_id: p1, dataset_id: d, authentication: "
      "{service_account_key: 'file://key.json'}}}");
  directory_.Write(
      "key.json", R"({"type": "service_account", "client_email": "a@p1.iam.gserviceaccount.com"})");
  fake_.SetOptions({{"denied", {"bigquery.jobs.create"}}});
  const Outcome shown = Bizond("check job.yml");
  EXPECT_EQ(shown.exit_code, 4);
  EXPECT_THAT(shown.err, AllOf(HasSubstr("a@p1.iam.gserviceaccount.com lacks"),
                               HasSubstr("--member=serviceAccount:a@p1.iam.gserviceaccount.com"),
                               Not(HasSubstr("ACCOUNT"))));
}

TEST_F(PlanTest, DestinationsSayWhetherTheyReplace) {
  const json listed = Json("destination list");
  for (const json& item : listed["items"]) {
    EXPECT_EQ(item["replace"], item["name"] != "bigquery_streaming") << item;
  }
}

}  // namespace
}  // namespace bizond
