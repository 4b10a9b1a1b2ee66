// Verbs that need no daemon: what they print, and the codes they end with.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/base/temporary_directory.h"
#include "tests/cli/command.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class CommandTest : public ::testing::Test {
 protected:
  Outcome Bizond(const std::string& arguments) { return RunBizond(directory_.path(), arguments); }
  json Json(const std::string& arguments, int exit_code = 0) {
    return JsonOf(directory_.path(), arguments, exit_code);
  }

  TemporaryDirectory directory_;
};

constexpr const char* kRows =
    "{\"id\":1,\"at\":\"2026-01-01T00:00:00Z\"}\n{\"id\":2,\"at\":\"2026-01-02T00:00:00Z\"}\n";
constexpr const char* kJob =
    "name: rows\nsource:\n  {name: file, stream: rows, path: rows.jsonl, sync_mode: incremental,\n"
    "   cursor_field: at, primary_key: id}\ndestination: {name: file, config: {destination_id: "
    "out}}\n";

TEST_F(CommandTest, ASecondRunGoesOnWhereTheFirstEnded) {
  directory_.Write("rows.jsonl", kRows);
  directory_.Write("job.yml", kJob);
  EXPECT_EQ(Json("run job.yml")["rows_written"], 2);
  EXPECT_EQ(Json("run job.yml")["rows_written"], 0);
  std::ofstream(directory_.path() / "rows.jsonl", std::ios::app)
      << "{\"id\":3,\"at\":\"2026-01-02T00:00:00Z\"}\n";
  const json third = Json("run job.yml");
  EXPECT_EQ(third["rows_written"], 1) << "it ties with the last row";
  EXPECT_EQ(third["state"], "succeeded");
  const Outcome reset = Bizond("run job.yml --reset");
  EXPECT_EQ(reset.exit_code, 0) << reset.err;
  EXPECT_THAT(reset.out, HasSubstr("3 written"));
}

TEST_F(CommandTest, ExitCodesSayWhatWentWrong) {
  directory_.Write("bad.yml", "name: x\nsource: {name: fil}\ndestination: {name: file}\n");
  const Outcome invalid = Bizond("run bad.yml");
  EXPECT_EQ(invalid.exit_code, 3);
  EXPECT_THAT(invalid.err, HasSubstr("bad.yml:2:"));
  EXPECT_THAT(invalid.err, HasSubstr("file"));
  EXPECT_EQ(Bizond("run nothing.yml").exit_code, 3);
  EXPECT_EQ(Bizond("jobs list").exit_code, 4) << "nothing listens there";
  EXPECT_EQ(Bizond("").exit_code, 2);
  EXPECT_EQ(Bizond("jobs lst").exit_code, 2);
  EXPECT_EQ(Bizond("run").exit_code, 2);
  EXPECT_EQ(Bizond("run a.yml b.yml").exit_code, 2);
  EXPECT_EQ(Bizond("run a.yml --bogus").exit_code, 2);
  EXPECT_EQ(Bizond("schedule preview '99 * * * *'").exit_code, 3);
  EXPECT_EQ(Bizond("serve --listen 0.0.0.0:0").exit_code, 2) << "no token";
  EXPECT_EQ(Bizond("--version").exit_code, 0);
  directory_.Write("job.yml", kJob);
  EXPECT_EQ(Bizond("check job.yml").exit_code, 4) << "there is no source file";
  EXPECT_EQ(Bizond("run job.yml").exit_code, 1);
  directory_.Write("rows.jsonl", kRows);
  EXPECT_EQ(Bizond("check job.yml").exit_code, 0);
}

TEST_F(CommandTest, AProgramReadsADocumentOfWhatWentWrong) {
  directory_.Write("bad.yml", "name: x\nsource: {name: fil}\ndestination: {name: file}\n");
  for (const char* verb : {"run", "check", "plan"}) {
    const json document = Json(std::string(verb) + " bad.yml", 3);
    EXPECT_EQ(document["error"]["code"], "invalid_job") << verb;
    EXPECT_EQ(document["errors"][0]["line"], 2) << verb;
  }
  EXPECT_EQ(Json("check nothing.yml", 3)["error"]["code"], "file_missing");
}

TEST_F(CommandTest, NoPageIsNotALimit) {
  directory_.Write("rows.jsonl", kRows);
  directory_.Write("job.yml", kJob);
  const Outcome none = Bizond("run job.yml --max-iterations 0");
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("from 1"));
  EXPECT_EQ(Bizond("run job.yml --max-iterations 1").exit_code, 0);
}

TEST_F(CommandTest, AnEditOfTheTargetWaitsForThePublicationThatWasDecided) {
  directory_.Write("rows.jsonl", kRows);
  directory_.Write("job.yml", kJob);
  std::string elsewhere = kJob;
  elsewhere.replace(elsewhere.find("out}}"), 3, "new");
  directory_.Write("edited.yml", elsewhere);
  setenv("BIZOND_FAILPOINT", "sync.after_intent", 1);
  EXPECT_NE(Bizond("run job.yml").exit_code, 0);
  unsetenv("BIZOND_FAILPOINT");
  EXPECT_THAT(Bizond("run edited.yml").err, HasSubstr("state_conflict"));
  EXPECT_EQ(Json("run job.yml")["rows_written"], 0) << "the run that was cut off published them";
  EXPECT_EQ(Json("run edited.yml --state reset")["rows_written"], 2);
}

TEST_F(CommandTest, APlanWritesNothing) {
  directory_.Write("rows.jsonl", kRows);
  directory_.Write("job.yml", kJob);
  const json plan = Json("plan job.yml");
  EXPECT_EQ(plan["streams"][0]["records"].size(), 2u);
  EXPECT_EQ(plan["streams"][0]["exactly_once"], true);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "out.json"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state"));
}

TEST_F(CommandTest, SecretsAreCheckedAndNeverShown) {
  directory_.Write(
      "job.yml",
      "name: s\nsource: {name: dummy, stream: plants, authentication: {type: api_key,\n"
      "  params: {token: 'env://PLANT_TOKEN'}}}\ndestination: {name: logger}\n");
  EXPECT_EQ(Bizond("secrets check job.yml").exit_code, 3);
  directory_.Write(".env", "PLANT_TOKEN=hunter2hunter2\n");
  const Outcome found = Bizond("secrets check job.yml");
  EXPECT_EQ(found.exit_code, 0) << found.err;
  EXPECT_EQ((found.out + found.err).find("hunter2"), std::string::npos);
  EXPECT_EQ(Bizond("run job.yml").exit_code, 0) << ".env is found by itself";
}

TEST_F(CommandTest, TheCatalogueIsListed) {
  EXPECT_EQ(Json("source list")["items"].size(), 2u);
  EXPECT_EQ(Json("stream list dummy")["items"].size(), 2u);
  EXPECT_EQ(Json("destination list")["items"].size(), 6u);
  EXPECT_TRUE(Json("connectors show destination/sqlite")["schema"].is_object());
  EXPECT_EQ(Bizond("connectors show destination/sqlit").exit_code, 2);
  EXPECT_EQ(Json("explain target_diverged")["code"], "target_diverged");
  const json preview = Json(
      "schedule preview '30 2 * * *' --timezone Europe/Paris --from 2026-03-28T12:00:00Z --count "
      "1");
  EXPECT_EQ(preview["items"][0]["gap"], true);
  EXPECT_THAT(Bizond("schedule preview '0 3 * * *' --count 2").out, HasSubstr("T03:00:00"));
}

TEST_F(CommandTest, ABackupIsTakenAndPutBack) {
  EXPECT_EQ(Bizond("backup copy.db").exit_code, 1) << "there is no store";
  directory_.Write("rows.jsonl", kRows);
  directory_.Write("job.yml", kJob);
  ASSERT_EQ(Bizond("run job.yml").exit_code, 0);
  const Outcome backup = Bizond("backup copy.db --state-dir state/run/rows");
  EXPECT_EQ(backup.exit_code, 0) << backup.err;
  EXPECT_EQ(Bizond("restore copy.db --state-dir restored").exit_code, 0);
  const json doctor = Json("doctor --state-dir restored");
  EXPECT_EQ(doctor["ok"], true) << doctor.dump();
  directory_.Write("copy.db", "not a database");
  EXPECT_EQ(Bizond("restore copy.db --state-dir restored").exit_code, 1);
}

}  // namespace
}  // namespace bizond
