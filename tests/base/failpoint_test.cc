#include "base/failpoint.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <set>
#include <stdexcept>

namespace bizond {
namespace {

// In a child process, so that it may die and reads the variable for the first time.
void Pass(const char* variable, std::string_view name, int times) {
  setenv("BIZOND_FAILPOINT", variable, 1);
  int exit_code = 0;
  try {
    for (int i = 0; i < times; ++i) internal::HitFailpoint(name);
  } catch (const std::logic_error&) {
    exit_code = 7;
  }
  std::_Exit(exit_code);
}

TEST(FailpointDeathTest, KillsWhereItsNameIsPassed) {
  for (const std::string_view name : FailpointNames()) {
    EXPECT_EXIT(Pass(std::string(name).c_str(), name, 1), ::testing::KilledBySignal(SIGKILL), "");
  }
}

TEST(FailpointDeathTest, KillsTheNthTimeOnly) {
  EXPECT_EXIT(Pass("sync.after_open:3", "sync.after_open", 2), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(Pass("sync.after_open:3", "sync.after_open", 3), ::testing::KilledBySignal(SIGKILL),
              "");
  EXPECT_EXIT(Pass("sync.after_open", "sync.after_flush", 9), ::testing::ExitedWithCode(0), "");
}

TEST(FailpointDeathTest, WhatIsNotListedThrows) {
  for (const char* variable : {"", "sync.after_lunch", "sync.after_open:", "sync.after_open:0",
                               "sync.after_open:2x", "sync.after_open:-1"}) {
    EXPECT_EXIT(Pass(variable, "sync.after_open", 1), ::testing::ExitedWithCode(7), "") << variable;
  }
  EXPECT_EXIT(Pass("sync.after_open", "sync.after_lunch", 1), ::testing::ExitedWithCode(7), "");
}

TEST(Failpoint, CostsNothingWithoutTheVariable) {
  ASSERT_FALSE(internal::failpoint_armed);
  EXPECT_NO_THROW(Failpoint("sync.after_open"));
}

TEST(Failpoint, NamesAreListedOnce) {
  const std::set<std::string_view> names(FailpointNames().begin(), FailpointNames().end());
  EXPECT_EQ(names.size(), FailpointNames().size());
}

}  // namespace
}  // namespace bizond
