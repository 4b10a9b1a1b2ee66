// The operator's file: what it may say of how long things are kept.
#include "app/server_config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/base/temporary_directory.h"

namespace bizond {
namespace {

using std::chrono::hours;

class ServerConfigTest : public ::testing::Test {
 protected:
  Result<ServerConfig> Read(const std::string& text) {
    const std::string file = (directory_.path() / "config.yml").string();
    std::ofstream(file) << text;
    return ReadServerConfig(file);
  }
  TemporaryDirectory directory_;
};

TEST_F(ServerConfigTest, TheHistoryIsKeptForAYearUnlessItIsSaidOtherwise) {
  EXPECT_EQ(Read("workers: 2")->history_retention, hours(24 * 365));
  EXPECT_EQ(Read("history_retention: 90d")->history_retention, hours(24 * 90));
  EXPECT_EQ(Read("history_retention: forever")->history_retention, std::nullopt);
  EXPECT_EQ(Read("{retention: 12h, history_retention: 12h}")->history_retention, hours(12));
}

TEST_F(ServerConfigTest, AHistoryThatIsShorterThanWhatIsHotIsRefused) {
  for (const char* const text : {"history_retention: 29d", "{retention: 400d}",
                                 "history_retention: 0s", "history_retention: soon"}) {
    EXPECT_FALSE(Read(text)) << text;
  }
  EXPECT_EQ(Read("history_retention: 29d").error().code, "invalid_config");
}

}  // namespace
}  // namespace bizond
