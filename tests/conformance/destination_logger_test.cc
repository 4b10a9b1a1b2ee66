// The destination logger: how the conformance suite reads its rows back.
#include <gtest/gtest.h>

#include "tests/conformance/destination_harness.h"

namespace bizond {

DestinationFixture MakeLoggerFixture() {
  return {
      .place = {},
      .read =
          [](const TestTarget& target) {
            std::vector<StoredRow> rows;
            for (const std::string& line : *target.log) {
              const size_t key = line.find(" key=");
              const size_t at = line.find(" at=", key);
              const size_t data = line.find(" {", at);
              if (!line.starts_with("record ") || data == std::string::npos) continue;
              rows.push_back({line.substr(key + 5, at - key - 5), line.substr(data + 1)});
            }
            return rows;
          },
      .leftovers = {},
  };
}

namespace {

TEST(LoggerDestination, SaysWhereARecordStands) {
  DestinationHarness harness("logger", PublishMode::kAppend);
  ASSERT_TRUE(harness.Run("run", {{R"({"id":7})"}}));
  const std::string id = BizonIdMaker("run", "s").Make(0, 0);
  ASSERT_EQ(harness.log_lines().size(), 1U);
  EXPECT_EQ(harness.log_lines()[0].find("record " + id + " key=7 at="), 0U);
}

}  // namespace
}  // namespace bizond
