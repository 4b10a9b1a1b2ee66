// `bizond run` into the fake of BigQuery: rows that a load job refuses.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/base/temporary_directory.h"
#include "tests/cli/command.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class BigQueryRunTest : public ::testing::Test {
 protected:
  BigQueryRunTest() {
    setenv("BIGQUERY_EMULATOR_HOST", fake_.RestUrl().c_str(), 1);
    fake_.Reset();
    fake_.SetOptions({{"job_seconds", 0}});
    fake_.CreateDataset("d");
    fake_.Fault({{"on", "load_row"},
                 {"path", "unfit"},  // No hexadecimal digits: ids are in the row, too.
                 {"times", 1000000},
                 {"message", "Invalid geography. Field: v; Value: unfit"}});
    directory_.Write("rows.jsonl",
                     "{\"id\":1,\"at\":1,\"v\":\"good\"}\n{\"id\":2,\"at\":2,\"v\":\"unfit\"}\n"
                     "{\"id\":3,\"at\":3,\"v\":\"good\"}\n");
  }
  ~BigQueryRunTest() override { fake_.Send("DELETE", "/_fake/faults"); }

  void Job(const std::string& on_error) {
    directory_.Write("job.yml",
                     "name: rows\nsource: {name: file, stream: rows, path: rows.jsonl, sync_mode: "
                     "incremental,\n  cursor_field: at, primary_key: id, on_error: " +
                         on_error +
                         "}\ndestination: {name: bigquery, config: {project_id: p1, dataset_id: d, "
                         "destination_id: t}}\n");
  }
  Outcome Bizond(const std::string& arguments) { return RunBizond(directory_.path(), arguments); }
  // Whatever file of the state has rejects.
  std::string Rejects() {
    std::string found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
      if (entry.path().string().find("rejects") == std::string::npos) continue;
      if (entry.is_regular_file()) found += directory_.Read(entry.path().string());
    }
    return found;
  }

  TemporaryDirectory directory_;
  BigQueryFake& fake_ = BigQueryFake::Get();
};

TEST_F(BigQueryRunTest, ARowThatBigQueryRefusesIsARejectWithItsReason) {
  Job("reject");
  const Outcome outcome = Bizond("run job.yml --json");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const json run = json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(run.is_object()) << outcome.out;
  EXPECT_EQ(run["rows_read"], 3);
  EXPECT_EQ(run["rows_written"], 2);
  EXPECT_EQ(run["rows_rejected"], 1);
  EXPECT_EQ(fake_.Rows("p1.d.t").size(), 2u);
  EXPECT_THAT(Rejects(), AllOf(HasSubstr("bigquery_row_refused"), HasSubstr("Field: v"),
                               HasSubstr(R"(\"id\":2)")));
}

// Killed between any two steps, the run goes on, and the row is rejected once.
TEST_F(BigQueryRunTest, AKilledRunRejectsItOnce) {
  for (const char* point : {"sync.after_flush", "sync.after_flush:2", "sync.after_checkpoint",
                            "sync.after_checkpoint:2", "sync.before_verify", "sync.after_intent",
                            "sync.after_finalize", "sync.after_record"}) {
    SCOPED_TRACE(point);
    fake_.Send("DELETE", "/bigquery/v2/projects/p1/datasets/d/tables/t");
    std::filesystem::remove_all(directory_.path() / "state");
    Job("reject");
    setenv("BIZOND_FAILPOINT", point, 1);
    EXPECT_NE(Bizond("run job.yml").exit_code, 0);
    unsetenv("BIZOND_FAILPOINT");
    const Outcome outcome = Bizond("run job.yml --json");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(fake_.Rows("p1.d.t").size(), 2u);
    const std::string rejects = Rejects();
    EXPECT_EQ(std::count(rejects.begin(), rejects.end(), '\n'), 1) << rejects;
  }
}

TEST_F(BigQueryRunTest, WithOnErrorFailItEndsTheRun) {
  Job("fail");
  const Outcome outcome = Bizond("run job.yml --json");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("bigquery_row_refused"), HasSubstr("Field: v"),
                                 HasSubstr("on_error: reject")));
  EXPECT_FALSE(fake_.Tables().contains("p1.d.t"));
  // The same job, told to reject, goes on.
  Job("reject");
  const Outcome again = Bizond("run job.yml --json");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(fake_.Rows("p1.d.t").size(), 2u);
}

}  // namespace
}  // namespace bizond
