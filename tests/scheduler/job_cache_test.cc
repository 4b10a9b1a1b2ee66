// Definitions that are parsed once, and a bound in bytes that holds.
#include "scheduler/job_cache.h"

#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using JobCacheTest = JobFixture;

TEST_F(JobCacheTest, AVersionIsParsedOnceAndTheNextOneAnew) {
  JobCache cache(&TestCatalog());
  const JobRow first = MustPut(DummyJob("a", {{"schedule", {{"cron", "5 * * * *"}}}}));
  EXPECT_EQ(cache.Find("a", first.version), nullptr);
  const auto one = cache.Get(first);
  ASSERT_TRUE(one) << Describe(one.error());
  EXPECT_EQ((*one)->spec.name, "a");
  ASSERT_TRUE((*one)->schedule);
  EXPECT_EQ((*one)->schedule->Next(ParseUtc("2026-12-01T00:00:00Z").value())->at,
            ParseUtc("2026-12-01T00:05:00Z"));
  EXPECT_EQ(cache.Get(first).value(), *one) << "the same object";
  EXPECT_EQ(cache.Find("a", first.version), *one);
  const JobRow second = MustPut(DummyJob("a"));
  ASSERT_NE(second.version, first.version);
  EXPECT_FALSE(cache.Get(second).value()->schedule);
  EXPECT_TRUE(cache.Get(first).value()->schedule) << "both are there";
}

TEST_F(JobCacheTest, WhatIsNotUnderstoodIsAnErrorEachTime) {
  JobCache cache(&TestCatalog());
  JobRow job = MustPut(DummyJob("a"));
  job.definition = R"({"name": "a", "source": {"name": "gone"}})";
  EXPECT_FALSE(cache.Get(job));
  EXPECT_FALSE(cache.Get(job));
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST_F(JobCacheTest, TheBoundHoldsAndTheLatestStay) {
  constexpr size_t kBound = 40'000;
  JobCache cache(&TestCatalog(), kBound);
  const JobRow kept = MustPut(DummyJob("kept"));
  ASSERT_TRUE(cache.Get(kept));
  size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(cache.Get(MustPut(DummyJob("job-" + std::to_string(i)))));
    ASSERT_NE(cache.Find("kept", kept.version), nullptr) << "it was asked for before " << i;
    most = std::max(most, cache.bytes());
  }
  EXPECT_LE(most, kBound);
  EXPECT_GT(most, kBound / 2);
  EXPECT_EQ(cache.Find("job-1", 1), nullptr);
}

TEST_F(JobCacheTest, AnEntryLargerThanTheBoundIsUsableAndNotKept) {
  JobCache cache(&TestCatalog(), 100);
  const auto job = cache.Get(MustPut(DummyJob("a")));
  ASSERT_TRUE(job);
  EXPECT_EQ((*job)->spec.name, "a");
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace bizond
