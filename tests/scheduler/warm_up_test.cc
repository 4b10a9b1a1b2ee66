// What comes due soon is compiled before it does, some at a time, and never in the way of a fire.
#include "scheduler/warm_up.h"

#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

class WarmUpTest : public JobFixture {
 protected:
  JobRow Due(const std::string& name, Duration in) {
    JobRow job = MustPut(DummyJob(name, {{"schedule", {{"every", "1h"}}}}));
    Must([&](StoreTx& tx) { return tx.PutSchedule({name, clock_.Now() + in, std::nullopt, ""}); });
    return job;
  }
  bool IsReady(const JobRow& job) { return cache_.Find(job.name, job.version) != nullptr; }
  int TurnsUntilDone() {
    int turns = 1;
    while (warm_up_->Turn()) ++turns;
    return turns;
  }
  void SetUp() override {
    JobFixture::SetUp();
    warm_up_ = std::make_unique<WarmUp>(store_.get(), &cache_, &clock_);
  }
  void TearDown() override { warm_up_.reset(); }

  JobCache cache_{&TestCatalog()};
  std::unique_ptr<WarmUp> warm_up_;
};

TEST_F(WarmUpTest, WhatIsDueWithinTwoMinutesIsReadyAndTheRestIsNot) {
  const JobRow soon = Due("soon", std::chrono::seconds(90));
  const JobRow later = Due("later", std::chrono::minutes(10));
  EXPECT_EQ(TurnsUntilDone(), 1);
  EXPECT_TRUE(IsReady(soon));
  EXPECT_FALSE(IsReady(later));
}

TEST_F(WarmUpTest, ItLooksAgainAMinuteLaterAndNotBefore) {
  EXPECT_EQ(TurnsUntilDone(), 1);
  const JobRow job = Due("job", std::chrono::seconds(100));
  clock_.Advance(std::chrono::seconds(59));
  EXPECT_FALSE(warm_up_->Turn());
  EXPECT_FALSE(IsReady(job));
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_FALSE(warm_up_->Turn());
  EXPECT_TRUE(IsReady(job));
}

TEST_F(WarmUpTest, ATurnReadiesSomeAndTheEarliestFirst) {
  std::vector<JobRow> jobs;
  jobs.reserve(60);
  for (int i = 0; i < 60; ++i) {
    jobs.push_back(Due("job" + std::to_string(i), std::chrono::seconds(100 - i)));
  }
  EXPECT_TRUE(warm_up_->Turn());
  EXPECT_TRUE(IsReady(jobs[59]));
  EXPECT_FALSE(IsReady(jobs[0]));
  TurnsUntilDone();
  for (const JobRow& job : jobs) EXPECT_TRUE(IsReady(job)) << job.name;
}

TEST_F(WarmUpTest, AJobThatIsGoneOrNotUnderstoodIsPassedOver) {
  Must([&](StoreTx& tx) -> Status {
    JobRow broken;
    broken.name = "broken";
    broken.definition = R"({"name": "broken", "source": {"name": "gone"}})";
    broken.managed_by = "api";
    BIZOND_RETURN_IF_ERROR(tx.PutJob(broken));
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"broken", clock_.Now(), std::nullopt, ""}));
    return tx.PutSchedule({"missing", clock_.Now(), std::nullopt, ""});
  });
  const JobRow job = Due("sound", std::chrono::seconds(1));
  EXPECT_EQ(TurnsUntilDone(), 1);
  EXPECT_TRUE(IsReady(job));
}

}  // namespace
}  // namespace bizond
