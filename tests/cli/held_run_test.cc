// `bizond run` of a job whose checks hold a run back.
#include <gmock/gmock.h>

#include "tests/base/temporary_directory.h"
#include "tests/cli/command.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;

class HeldForegroundTest : public ::testing::Test {
 protected:
  HeldForegroundTest() {
    directory_.Write("rows.jsonl", kFour);
    directory_.Write("job.yml",
                     "name: rows\nsource: {name: file, stream: rows, path: rows.jsonl}\n"
                     "destination: {name: file, config: {destination_id: out, unnest: true}}\n"
                     "checks: {max_drop_percent: 50}\n");
    EXPECT_EQ(Bizond("run job.yml").exit_code, 0);
    directory_.Write("rows.jsonl", "{\"id\":9}\n");
  }
  Outcome Bizond(const std::string& arguments) { return RunBizond(directory_.path(), arguments); }

  static constexpr const char* kFour = "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n";
  TemporaryDirectory directory_;
};

TEST_F(HeldForegroundTest, ItStaysHeldUntilItIsApproved) {
  const Outcome held = Bizond("run job.yml");
  EXPECT_EQ(held.exit_code, 1);
  EXPECT_THAT(held.out, HasSubstr("held"));
  EXPECT_THAT(held.err, HasSubstr("--approve"));
  directory_.Write("rows.jsonl", kFour);
  EXPECT_EQ(JsonOf(directory_.path(), "run job.yml", 1)["error"]["code"], "held_max_drop");
  EXPECT_EQ(directory_.Read("out.json"), kFour);
  const auto approved = JsonOf(directory_.path(), "run job.yml --approve", 0);
  EXPECT_EQ(approved["state"], "succeeded");
  EXPECT_EQ(approved["attempt"], 2);
  EXPECT_EQ(directory_.Read("out.json"), "{\"id\":9}\n");
  const Outcome nothing = Bizond("run job.yml --approve");
  EXPECT_EQ(nothing.exit_code, 3);
  EXPECT_THAT(nothing.err, HasSubstr("run_not_held"));
  EXPECT_EQ(Bizond("run job.yml --approve --reset").exit_code, 2);
}

TEST_F(HeldForegroundTest, ItIsDroppedAndRunAnew) {
  EXPECT_EQ(Bizond("run job.yml").exit_code, 1);
  directory_.Write("rows.jsonl", "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
  EXPECT_EQ(Bizond("run job.yml --discard").exit_code, 0);
  EXPECT_EQ(directory_.Read("out.json"), "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
}

}  // namespace
}  // namespace bizond
