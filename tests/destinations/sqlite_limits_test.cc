// A limit of the process that SQLite meets has the name and the kind that it has for any other
// file.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "destinations/sqlite/database.h"
#include "tests/base/temporary_directory.h"

namespace bizond {
namespace {

TEST(SqliteLimitsTest, TooManyOpenFilesIsSaidAndPasses) {
  TemporaryDirectory directory;
  RealClock clock;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(STDERR_FILENO);
  ASSERT_GE(next, 0);
  close(next);
  const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const auto refused = SqliteDatabase::Open((directory.path() / "t.db").string(), true, clock, {});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "too_many_files") << Describe(refused.error());
  EXPECT_EQ(refused.error().kind, ErrorKind::kTransient);
  EXPECT_TRUE(SqliteDatabase::Open((directory.path() / "t.db").string(), true, clock, {}));
}

}  // namespace
}  // namespace bizond
