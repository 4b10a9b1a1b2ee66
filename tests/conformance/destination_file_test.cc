// The destination file: how the conformance suite reads its rows back, and what only it does.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/conformance/destination_harness.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

}  // namespace

DestinationFixture MakeFileFixture() {
  return {
      .place =
          [](const std::string& directory, const std::string& id) {
            return Placement{"{}", directory.empty() ? id : directory + "/" + id};
          },
      .read =
          [](const TestTarget& target) {
            // With an extension of its own the id is the file's name, else .json comes behind it.
            fs::path path = target.folder / target.id;
            if (!fs::path(target.id).has_extension()) path += ".json";
            std::vector<StoredRow> rows;
            for (const std::string& line : LinesOf(path)) {
              const json parsed = json::parse(line);
              rows.push_back({parsed["source_record_id"], parsed["source_data"]});
            }
            return rows;
          },
      .leftovers = {},
  };
}

namespace {

TEST(FileDestination, WritesTheObjectItselfWhereAsked) {
  DestinationHarness harness("file", PublishMode::kReplace);
  harness.set_config(R"({"source_data":"object"})");
  ASSERT_TRUE(harness.Run("run", {{R"({"id":1,"v":{"a":1.50}})"}}));
  const std::vector<std::string> lines = LinesOf(harness.folder() / "target.json");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].ends_with(R"("source_data":{"id":1,"v":{"a":1.50}}})")) << lines[0];
  EXPECT_EQ(json::parse(lines[0])["source_data"]["id"], 1);
}

TEST(FileDestination, UnnestedLinesAreTheRecordsAlone) {
  DestinationHarness harness("file", PublishMode::kAppend);
  harness.set_config(R"({"unnest":true})");
  ASSERT_TRUE(harness.Run("run", {PlainRecords(1, 3)}));
  EXPECT_EQ(LinesOf(harness.folder() / "target.json"), PlainRecords(1, 3));
}

TEST(FileDestination, RecordSchemasRefuseOtherKeys) {
  DestinationHarness harness("file", PublishMode::kReplace);
  harness.set_config(R"({"unnest":true,"record_schemas":[{"destination_id":"target",)"
                     R"("record_schema":[{"name":"id"},{"name":"v"}]}]})");
  ASSERT_TRUE(harness.Run("r1", {{R"({"id":1,"v":2})"}}));
  for (const char* record : {R"({"id":1,"v":2,"w":3})", R"({"id":1})"}) {
    harness.ForgetRun();
    const Status done = harness.Run("r2", {{record}});
    ASSERT_FALSE(done) << record;
    EXPECT_EQ(done.error().code, "schema_mismatch");
  }
  EXPECT_EQ(LinesOf(harness.folder() / "target.json").size(), 1U);
}

TEST(FileDestination, GoesOnInAFileThatBizonLeft) {
  DestinationHarness harness("file", PublishMode::kAppend);
  std::ofstream(harness.folder() / "target.v2.json") << "{\"bizon\":1}\n";
  harness.job().destination.on_target_changed = OnTargetChanged::kContinue;
  harness.PlaceIn("", "target.v2");
  ASSERT_TRUE(harness.Run("run", {PlainRecords(1, 1)}));
  EXPECT_EQ(LinesOf(harness.folder() / "target.v2.json").size(), 2U);
  EXPECT_FALSE(fs::exists(harness.folder() / "target.v2"));
}

TEST(FileDestination, KeepsTheTargetsPermissions) {
  DestinationHarness harness("file", PublishMode::kReplace);
  ASSERT_TRUE(harness.Run("r1", {PlainRecords(1, 1)}));
  fs::permissions(harness.folder() / "target.json", fs::perms(0640));
  ASSERT_TRUE(harness.Run("r2", {PlainRecords(1, 1)}));
  EXPECT_EQ(fs::status(harness.folder() / "target.json").permissions(), fs::perms(0640));
}

// What it would do to the other's staging, it must not.
TEST(FileDestination, RefusesANameThatIsAnothersStaging) {
  for (const char* id : {"target_temp", "target_incremental.json", "a_temp.b"}) {
    DestinationHarness harness("file", PublishMode::kReplace);
    harness.PlaceIn("", id);
    const auto made = harness.Make();
    ASSERT_FALSE(made) << id;
    EXPECT_EQ(made.error().code, "bad_destination_id");
  }
}

}  // namespace
}  // namespace bizond
