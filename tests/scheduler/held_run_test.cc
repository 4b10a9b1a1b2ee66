// Runs that a check holds back: what is staged stays, nothing else of the job runs, and a person's
// word publishes exactly that or drops it.
#include <gmock/gmock.h>

#include "tests/scheduler/executor_fixture.h"
#include "tests/scheduler/instants.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HeldRunTest : public ExecutorFixture {
 protected:
  static json FullJob(const std::string& name, const json& checks) {
    json job = FileJob(name, "in.jsonl");
    job["source"]["sync_mode"] = "full_refresh";
    job["checks"] = checks;
    return job;
  }
  void Replace(const std::string& name, const std::string& text) const {
    std::ofstream(Data() / name, std::ios::binary | std::ios::trunc) << text;
  }
  bool IsThere(const std::string& name) const { return std::filesystem::exists(Data() / name); }
  // Four rows are published, and a run that found one is held.
  RunRow HoldDropped(const json& job) {
    MustPut(job);
    Replace("in.jsonl", kFour);
    EXPECT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
    Replace("in.jsonl", "{\"id\":9}\n");
    RunRow run = TriggerAndExecute("a");
    EXPECT_EQ(run.phase, RunPhase::kHeld);
    return run;
  }
  std::vector<RunRow> ClaimAll() {
    ClaimBounds bounds;
    bounds.runs = 8;
    return store_
        ->Transact([&](StoreTx& tx) { return tx.ClaimReady(bounds, "test", clock_.Now()); })
        .value()
        .runs;
  }

  static constexpr const char* kFour = "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n";
};

TEST_F(HeldRunTest, ADropIsPublishedOnceApprovedAsItWasStaged) {
  const RunRow held = HoldDropped(FullJob("a", {{"max_drop_percent", 50}}));
  EXPECT_EQ(held.error->code, "held_max_drop");
  EXPECT_THAT(held.error->message, HasSubstr("1 rows are staged, 75.0% fewer than the 4"));
  EXPECT_FALSE(held.published);
  EXPECT_EQ(held.counters.rows_written, 1U);
  EXPECT_EQ(Contents("a.json"), kFour) << "nothing is published";
  EXPECT_TRUE(IsThere("a_temp.json"));

  Open();  // As after a restart.
  EXPECT_TRUE(store_->Transact([&](StoreTx& tx) { return tx.AdoptOrphans("n", clock_.Now()); })
                  .value()
                  .empty());
  ASSERT_EQ(Run(held.id).phase, RunPhase::kHeld);
  Replace("in.jsonl", "{\"id\":7}\n{\"id\":8}\n");
  ASSERT_TRUE(service_->Approve(held.id));
  const RunRow ended = Execute(held.id);
  EXPECT_EQ(ended.phase, RunPhase::kSucceeded) << Describe(ended.error.value_or(Error{}));
  EXPECT_EQ(ended.attempt, 2);
  EXPECT_GT(ended.fence, held.fence);
  EXPECT_EQ(Contents("a.json"), "{\"id\":9}\n") << "not read again";
  EXPECT_FALSE(IsThere("a_temp.json"));
  EXPECT_EQ(service_->Approve(held.id).error().code, "run_not_held");

  // What was approved is what the next one is held against.
  Replace("in.jsonl", "{\"id\":5}\n");
  EXPECT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
}

TEST_F(HeldRunTest, AnApprovedAttemptThatIsCutOffGoesOnAsApproved) {
  const RunRow held = HoldDropped(FullJob("a", {{"max_drop_percent", 50}}));
  ASSERT_TRUE(service_->Approve(held.id));
  EXPECT_EQ(Execute(held.id, StopReason::kShutdown).phase, RunPhase::kQueued);
  Replace("in.jsonl", kFour);
  EXPECT_EQ(Execute(held.id).phase, RunPhase::kSucceeded);
  EXPECT_EQ(Contents("a.json"), "{\"id\":9}\n");
}

TEST_F(HeldRunTest, ACancelRemovesWhatIsStaged) {
  const RunRow held = HoldDropped(FullJob("a", {{"max_drop_percent", 50}}));
  ASSERT_TRUE(service_->Cancel(held.id));
  EXPECT_EQ(Execute(held.id).phase, RunPhase::kCancelled);
  EXPECT_FALSE(IsThere("a_temp.json"));
  EXPECT_EQ(Contents("a.json"), kFour);
  Replace("in.jsonl", kFour);
  EXPECT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
}

TEST_F(HeldRunTest, AnIncrementalRunKeepsItsWatermarkUntilItIsApproved) {
  json job = FileJob("a", "in.jsonl");
  job["checks"] = {{"min_rows", 2}};
  MustPut(job);
  Append("in.jsonl", "{\"id\":1}\n");
  const RunRow held = TriggerAndExecute("a");
  ASSERT_EQ(held.phase, RunPhase::kHeld);
  EXPECT_EQ(held.error->code, "held_min_rows");
  Append("in.jsonl", "{\"id\":2}\n{\"id\":3}\n");
  ASSERT_TRUE(service_->Approve(held.id));
  EXPECT_EQ(Execute(held.id).phase, RunPhase::kSucceeded);
  EXPECT_EQ(Contents("a.json"), "{\"id\":1}\n");
  EXPECT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
  EXPECT_EQ(Contents("a.json"), "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
  // One that finds nothing new adds nothing that could be wrong.
  EXPECT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
}

TEST_F(HeldRunTest, NothingElseOfTheJobBegins) {
  json job = FullJob("a", {{"max_drop_percent", 50}});
  job["schedule"] = {{"every", "1h"}, {"overlap", "buffer_all"}};
  const RunRow held = HoldDropped(job);
  clock_.Advance(std::chrono::hours(1));
  EXPECT_THAT(Fire(), IsEmpty());
  ASSERT_EQ(Occurrences("a").size(), 1U);
  EXPECT_EQ(Occurrences("a")[0].state, "skipped");
  EXPECT_EQ(Occurrences("a")[0].reason, "held");

  const RunRow waiting = MustTrigger("a");
  EXPECT_EQ(waiting.waits, RunWait::kJob);
  EXPECT_THAT(
      store_->Query([&](const StoreReader& reader) { return reader.HoldersFor(waiting, 9); })
          .value(),
      ElementsAre(held.id));
  EXPECT_THAT(ClaimAll(), IsEmpty());
  EXPECT_EQ(service_->Retry(held.id).error().code, "run_held");
  ASSERT_TRUE(service_->Approve(held.id));
  ASSERT_EQ(Execute(held.id).phase, RunPhase::kSucceeded);
  const std::vector<RunRow> next = ClaimAll();
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].id, waiting.id);
}

TEST_F(HeldRunTest, AnotherTargetWaitsForTheWordAndAnotherScheduleDoesNot) {
  json job = FullJob("a", {{"max_drop_percent", 50}});
  const RunRow held = HoldDropped(job);
  json moved = job;
  moved["destination"]["config"]["destination_id"] = "b";
  PutOptions keep;
  keep.state = StateChange::kKeep;
  EXPECT_EQ(Put(moved, keep).error().code, "run_held");
  job["checks"] = {{"max_drop_percent", 90}};
  MustPut(job);
  EXPECT_EQ(Run(held.id).phase, RunPhase::kHeld) << "it ends with its own version";
  ASSERT_TRUE(service_->Cancel(held.id));
  EXPECT_EQ(Execute(held.id).phase, RunPhase::kCancelled);
  MustPut(moved, keep);
}

TEST_F(HeldRunTest, ADeletedJobsStagingGoes) {
  const RunRow held = HoldDropped(FullJob("a", {{"max_drop_percent", 50}}));
  const RunRow waiting = MustTrigger("a");
  ASSERT_TRUE(service_->Delete("a"));
  EXPECT_EQ(Run(waiting.id).phase, RunPhase::kCancelled);
  EXPECT_EQ(Execute(held.id).phase, RunPhase::kCancelled);
  EXPECT_FALSE(IsThere("a_temp.json"));
  EXPECT_EQ(Contents("a.json"), kFour);
}

TEST_F(HeldRunTest, EachHeldStreamIsApproved) {
  json job = TwoStreams("a");
  job["checks"] = {{"min_rows", 6}};
  MustPut(job);
  const RunRow held = TriggerAndExecute("a");
  ASSERT_EQ(held.phase, RunPhase::kHeld);
  EXPECT_FALSE(IsThere("a_creatures.json"));
  EXPECT_FALSE(IsThere("a_plants.json"));
  const auto streams = Read([&](const StoreReader& reader) { return reader.RunStreams(held.id); });
  ASSERT_EQ(streams.size(), 2U);
  for (const RunStreamRow& stream : streams) {
    EXPECT_EQ(stream.state, "held");
    EXPECT_EQ(stream.counters.rows_written, 5U);
    EXPECT_EQ(stream.error->code, "held_min_rows");
  }
  ASSERT_TRUE(service_->Approve(held.id));
  EXPECT_EQ(Execute(held.id).phase, RunPhase::kSucceeded);
  EXPECT_EQ(Lines("a_plants.json"), 5U);
  EXPECT_EQ(Lines("a_creatures.json"), 5U);
}

TEST_F(HeldRunTest, AResetThatWasAskedForSinceIsTheNextRuns) {
  json job = FileJob("a", "in.jsonl");
  job["checks"] = {{"min_rows", 2}};
  MustPut(job);
  Append("in.jsonl", "{\"id\":1}\n");
  const RunRow held = TriggerAndExecute("a");
  ASSERT_TRUE(service_->RequestReset("a", "", false));
  ASSERT_TRUE(service_->Approve(held.id));
  ASSERT_EQ(Execute(held.id).phase, RunPhase::kSucceeded);
  EXPECT_THAT(store_->Query([](const StoreReader& r) { return r.PendingResets("a"); }).value(),
              ElementsAre(""));
}

TEST_F(HeldRunTest, ChecksThatMeanNothingAreRefused) {
  const auto refused = [&](const json& job) {
    const Result<PutOutcome> put = Put(job);
    return put ? std::string("accepted") : put.error().message;
  };
  EXPECT_THAT(refused(FullJob("a", {{"min_rows", -1}})), HasSubstr("checks.min_rows"));
  EXPECT_THAT(refused(FullJob("a", {{"max_drop_percent", 101}})),
              HasSubstr("checks.max_drop_percent"));
  EXPECT_THAT(refused(FullJob("a", {{"freshness", "soon"}})), HasSubstr("checks.freshness"));
  EXPECT_THAT(refused(FullJob("a", {{"freshness", "0s"}})), HasSubstr("checks.freshness"));
  EXPECT_THAT(refused(FullJob("a", {{"min_row", 1}})), HasSubstr("checks.min_row"));
  json logger = DummyJob("a", {{"checks", {{"min_rows", 1}}}});
  logger["destination"] = {{"name", "logger"}, {"config", json::object()}};
  EXPECT_THAT(refused(logger), HasSubstr("checks.min_rows: the destination logger stages nothing"));
}

}  // namespace
}  // namespace bizond
