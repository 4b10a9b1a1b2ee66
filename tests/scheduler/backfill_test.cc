// Backfills: what is refused, what is queued, how slices stand to the job's own runs, and what they
// leave in a target and in the store.
#include "scheduler/backfill.h"

#include "tests/scheduler/executor_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BackfillTest : public ExecutorFixture {
 protected:
  // in.jsonl by its `at` into a.json, or (merging) into the table t.
  static json Job(bool merges, const json& more = json::object()) {
    json job = FileJob("a", "in.jsonl");
    job["source"]["cursor_field"] = "at";
    if (merges) {
      job["source"]["primary_key"] = "id";
      job["destination"] = {
          {"name", "sqlite"},
          {"config", {{"path", "a.db"}, {"destination_id", "t"}, {"write", "merge"}}}};
    }
    job.merge_patch(more);
    return job;
  }
  static BackfillOptions Window(const std::string& from, const std::string& to,
                                const std::string& slice = "") {
    BackfillOptions options;
    options.from = from;
    options.to = to;
    options.slice = slice;
    options.allow_duplicates = true;
    return options;
  }
  void Row(int id, int at, const std::string& text) {
    Append("in.jsonl", "{\"id\":" + std::to_string(id) + ",\"at\":" + std::to_string(at) +
                           ",\"t\":\"" + text + "\"}\n");
  }
  BackfillPlan MustBackfill(const BackfillOptions& options) {
    const Result<BackfillPlan> plan = service_->Backfill("a", options);
    EXPECT_TRUE(plan) << Describe(plan.error());
    return plan.value_or(BackfillPlan{});
  }
  std::string Refused(const std::string& job, const BackfillOptions& options) {
    const Result<BackfillPlan> plan = service_->Backfill(job, options);
    return plan ? "accepted" : plan.error().code;
  }
  // The bytes of what the store knows of the stream.
  std::string State() {
    const auto state = Read([](const StoreReader& r) { return r.StreamState("a", "s"); });
    if (!state || !state->watermark) return "none";
    std::string text = EncodeWatermark(*state->watermark);
    for (const int64_t id : state->watermark->chunks) {
      text += Read([&](const StoreReader& r) { return r.GetChunk("a", "s", id); }).value_or("gone");
    }
    return text;
  }
  RunRow Must(const RunRow& run) {
    EXPECT_EQ(run.phase, RunPhase::kSucceeded) << Describe(run.error.value_or(Error{}));
    return run;
  }
  std::vector<RunRow> Claimable(int most) {
    ClaimBounds bounds;
    bounds.runs = most;
    return store_->Transact([&](StoreTx& tx) { return tx.ClaimReady(bounds, "n", clock_.Now()); })
        .value()
        .runs;
  }
};

TEST_F(BackfillTest, WhatMakesNoSenseIsRefusedAndNothingIsStored) {
  MustPut(Job(false));
  json full = Job(true, {{"name", "full"}, {"source", {{"sync_mode", "full_refresh"}}}});
  full["source"].erase("cursor_field");
  full["destination"]["config"] = {{"path", "f.db"}, {"destination_id", "f"}};
  MustPut(full);
  json stream = full;
  stream["name"] = "stream";
  stream["source"]["sync_mode"] = "stream";
  stream["destination"]["config"]["destination_id"] = "g";
  MustPut(stream);
  json positions = FileJob("positions", "p.jsonl");
  MustPut(positions);
  EXPECT_EQ(Refused("nobody", Window("1", "2")), "job_missing");
  for (const char* const job : {"full", "stream", "positions"}) {
    EXPECT_EQ(Refused(job, Window("1", "2")), "invalid_backfill") << job;
  }
  for (const auto& [from, to, slice] :
       std::vector<std::array<std::string, 3>>{{"2", "1", ""},
                                               {"1", "1", ""},
                                               {"1", "\"2027-01-01\"", ""},
                                               {"null", "2", ""},
                                               {"1", "1002", "1"},
                                               {"1", "5", "1d"}}) {
    EXPECT_EQ(Refused("a", Window(from, to, slice)), "invalid_backfill") << from << " " << to;
  }
  BackfillOptions doubling = Window("1", "2");
  doubling.allow_duplicates = false;
  EXPECT_EQ(Refused("a", doubling), "invalid_backfill");
  EXPECT_THAT(service_->Backfill("a", doubling).error().remedy, HasSubstr("allow_duplicates"));
  EXPECT_THAT(Runs("a"), IsEmpty());
  EXPECT_EQ(MustBackfill(Window("1", "1001", "1")).runs.size(), kSlicesMax);
}

TEST_F(BackfillTest, ADryRunSaysWhatItWouldDoAndStoresNothing) {
  Row(1, 5, "x");
  MustPut(Job(true, {{"source", {{"max_iterations", 3}}}}));
  Must(TriggerAndExecute("a"));
  BackfillOptions options = Window("1", "10", "4");
  options.dry_run = true;
  options.allow_duplicates = false;
  const BackfillPlan plan = MustBackfill(options);
  EXPECT_THAT(plan.slices, SizeIs(3));
  EXPECT_EQ(plan.write, "merge");
  EXPECT_THAT(plan.destination_ids, ElementsAre("t"));
  EXPECT_EQ(plan.id, "");
  EXPECT_THAT(plan.notes,
              ElementsAre(HasSubstr("beyond the watermark of s, 5"), HasSubstr("max_iterations")));
  EXPECT_THAT(Runs("a"), SizeIs(1));
}

TEST_F(BackfillTest, SlicesRunInTheirOrderOneAfterTheOtherBehindTheJobsOwnRuns) {
  MustPut(Job(false, {{"concurrency", {{"priority", 5}, {"key", "k"}}}}));
  BackfillOptions options = Window("0", "30", "10");
  options.pool = "slow";
  const BackfillPlan plan = MustBackfill(options);
  ASSERT_THAT(plan.runs, SizeIs(3));
  for (const RunRow& run : plan.runs) {
    const RunRow stored = Run(run.id);
    EXPECT_EQ(stored.trigger, "backfill");
    EXPECT_EQ(stored.backfill, plan.id);
    EXPECT_EQ(stored.priority, 4);
    EXPECT_EQ(stored.pool, "slow");
    EXPECT_EQ(stored.key, "k");
  }
  EXPECT_EQ(CursorWindow::Decode(Run(plan.runs[1].id).window)->from_token(), "10");
  ASSERT_THAT(Claimable(5), ElementsAre(::testing::Field(&RunRow::id, plan.runs[0].id)));
  const RunRow own = MustTrigger("a");
  const int64_t fence = Run(plan.runs[0].id).fence;
  JobFixture::Must([&](StoreTx& tx) {
    return tx.FinishRun(plan.runs[0].id, fence, RunPhase::kSucceeded, std::nullopt, clock_.Now());
  });
  ASSERT_THAT(Claimable(5), ElementsAre(::testing::Field(&RunRow::id, own.id)));
  JobFixture::Must([&](StoreTx& tx) {
    return tx.FinishRun(own.id, Run(own.id).fence, RunPhase::kSucceeded, std::nullopt,
                        clock_.Now());
  });
  ASSERT_THAT(Claimable(5), ElementsAre(::testing::Field(&RunRow::id, plan.runs[1].id)));
}

TEST_F(BackfillTest, ThePastIsMergedAgainAndTheWatermarkStandsToTheByte) {
  for (int i = 1; i <= 9; ++i) Row(i, i, "old");
  MustPut(Job(true));
  Must(TriggerAndExecute("a"));
  const std::string before = State();
  ASSERT_NE(before, "none");
  std::filesystem::remove(Data() / "in.jsonl");
  for (int i = 1; i <= 12; ++i) Row(i, i, "new");
  const BackfillPlan plan = MustBackfill(Window("3", "7", "2"));
  ASSERT_THAT(plan.runs, SizeIs(2));
  for (const RunRow& run : plan.runs) {
    const RunRow ended = Must(Execute(run.id));
    EXPECT_EQ(ended.counters.rows_read, 12U);
    EXPECT_EQ(ended.counters.rows_written, 2U);
    EXPECT_TRUE(ended.published);
  }
  EXPECT_EQ(State(), before);
  EXPECT_EQ(Must(TriggerAndExecute("a")).counters.rows_written, 3U + 1U)
      << "what is new, and the row at the watermark, which is another by now";
  EXPECT_NE(State(), before);
}

TEST_F(BackfillTest, AppendDoublesWhatWasAskedToBeDoubledAndNothingElse) {
  for (int i = 1; i <= 4; ++i) Row(i, i, "x");
  MustPut(Job(false));
  Must(TriggerAndExecute("a"));
  EXPECT_EQ(Lines("a.json"), 4U);
  const std::string before = State();
  const BackfillPlan plan = MustBackfill(Window("2", "4"));
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("doubled")));
  Must(Execute(plan.runs.at(0).id));
  EXPECT_EQ(Lines("a.json"), 6U);
  EXPECT_EQ(State(), before);
  EXPECT_EQ(Must(TriggerAndExecute("a")).counters.rows_written, 0U);
}

TEST_F(BackfillTest, AResetIsLeftToTheNextRunAndASliceReadsAllItsPages) {
  for (int i = 1; i <= 4; ++i) Row(i, i, "x");
  MustPut(Job(true, {{"source", {{"max_iterations", 1}}}}));
  Must(TriggerAndExecute("a"));
  ASSERT_TRUE(service_->RequestReset("a", "", false));
  const BackfillPlan plan = MustBackfill(Window("1", "3"));
  EXPECT_EQ(Must(Execute(plan.runs.at(0).id)).counters.rows_written, 2U);
  EXPECT_THAT(Read([](const StoreReader& r) { return r.PendingResets("a"); }), SizeIs(1));
  EXPECT_EQ(Must(TriggerAndExecute("a")).counters.rows_written, 4U) << "all four are there again";
}

TEST_F(BackfillTest, AFireGoesBetweenSlicesUnderEveryOverlap) {
  for (const char* const overlap : {"skip", "buffer_one", "cancel_other"}) {
    SCOPED_TRACE(overlap);
    MustPut(Job(false, {{"schedule", {{"every", "1h"}, {"overlap", overlap}}}}));
    const BackfillPlan plan = MustBackfill(Window("0", "4", "1"));
    const int64_t fence = Claim(plan.runs[0].id);
    clock_.Advance(hours(1));
    const std::vector<RunRow> made = Fire();
    ASSERT_THAT(made, SizeIs(1));
    EXPECT_EQ(Run(plan.runs[0].id).stop_request, StopRequest::kNone);
    EXPECT_EQ(Run(plan.runs[3].id).phase, RunPhase::kQueued);
    JobFixture::Must([&](StoreTx& tx) {
      return tx.FinishRun(plan.runs[0].id, fence, RunPhase::kSucceeded, std::nullopt, clock_.Now());
    });
    ASSERT_TRUE(service_->Delete("a"));
  }
}

TEST_F(BackfillTest, AnotherBackfillIsRefusedWaitsOrTakesThePlace) {
  MustPut(Job(false));
  const BackfillPlan first = MustBackfill(Window("0", "3", "1"));
  EXPECT_EQ(Refused("a", Window("0", "1")), "backfill_active");
  BackfillOptions waits = Window("5", "7", "1");
  waits.overlap = BackfillOverlap::kBufferAll;
  const BackfillPlan second = MustBackfill(waits);
  EXPECT_EQ(Run(first.runs[2].id).phase, RunPhase::kQueued);
  Claim(first.runs[0].id);
  BackfillOptions takes = Window("8", "9");
  takes.overlap = BackfillOverlap::kCancelOther;
  const BackfillPlan third = MustBackfill(takes);
  EXPECT_THAT(control_.stopped(), ElementsAre(first.runs[0].id));
  EXPECT_EQ(Run(first.runs[0].id).stop_request, StopRequest::kCancel);
  EXPECT_EQ(Run(first.runs[2].id).phase, RunPhase::kCancelled);
  EXPECT_EQ(Run(second.runs[1].id).phase, RunPhase::kCancelled);
  EXPECT_EQ(Run(third.runs[0].id).phase, RunPhase::kQueued);
}

TEST_F(BackfillTest, ACancelTakesBackItsSlicesAndNobodyElsesRuns) {
  MustPut(Job(false));
  const BackfillPlan first = MustBackfill(Window("0", "3", "1"));
  BackfillOptions waits = Window("5", "7", "1");
  waits.overlap = BackfillOverlap::kBufferAll;
  const BackfillPlan second = MustBackfill(waits);
  const RunRow own = MustTrigger("a");
  Finish(first.runs[0].id, RunPhase::kSucceeded);
  Claim(first.runs[1].id);
  EXPECT_EQ(service_->CancelBackfill("a", first.id).value(), 2U);
  EXPECT_EQ(Run(first.runs[0].id).phase, RunPhase::kSucceeded);
  EXPECT_THAT(control_.stopped(), ElementsAre(first.runs[1].id));
  EXPECT_EQ(Run(first.runs[2].id).phase, RunPhase::kCancelled);
  EXPECT_EQ(Run(second.runs[0].id).phase, RunPhase::kQueued);
  EXPECT_EQ(service_->CancelBackfill("a", "").value(), 3U) << "the stopping one, too";
  EXPECT_EQ(Run(own.id).phase, RunPhase::kQueued);
  EXPECT_EQ(service_->CancelBackfill("nobody", "").error().code, "job_missing");
}

// A slice is no news of the job: not its health, its last success or a fire of the job after it.
TEST_F(BackfillTest, ASliceSaysNothingOfHowFarTheJobHasCome) {
  MustPut(Job(false));
  MustPut(DummyJob("follower", {{"schedule", {{"after", "a"}}}}));
  const BackfillPlan plan = MustBackfill(Window("0", "1"));
  Finish(plan.runs[0].id, RunPhase::kSucceeded);
  EXPECT_THAT(Occurrences("follower"), IsEmpty());
  const JobHistory history = Read([](const StoreReader& r) { return r.History("a"); });
  EXPECT_FALSE(history.last_success_at);
  EXPECT_THAT(history.recent, IsEmpty());
  EXPECT_THAT(Runs("a"), SizeIs(1)) << "but it is one of its runs";
  Finish(MustTrigger("a").id, RunPhase::kSucceeded);
  EXPECT_THAT(Occurrences("follower"), SizeIs(1));
}

TEST_F(BackfillTest, AFailedSliceIsRetriedWhateverWasPublishedSince) {
  for (int i = 1; i <= 4; ++i) Row(i, i, "x");
  MustPut(Job(true));
  const BackfillPlan plan = MustBackfill(Window("1", "3", "1"));
  Finish(plan.runs[0].id, RunPhase::kFailed);
  const RunRow own = MustTrigger("a");
  Finish(own.id, RunPhase::kFailed);
  clock_.Advance(seconds(1));
  Must(Execute(plan.runs[1].id));
  ASSERT_TRUE(service_->Retry(own.id)) << "a slice is no later run";
  Must(Execute(own.id));
  const auto retried = service_->Retry(plan.runs[0].id);
  ASSERT_TRUE(retried) << Describe(retried.error());
  EXPECT_EQ(Must(Execute(plan.runs[0].id)).counters.rows_written, 1U);
}

TEST_F(BackfillTest, SlicesSurviveARestart) {
  for (int i = 1; i <= 4; ++i) Row(i, i, "x");
  MustPut(Job(true));
  const BackfillPlan plan = MustBackfill(Window("1", "3", "1"));
  Open();
  for (const RunRow& run : plan.runs) {
    EXPECT_EQ(Must(Execute(run.id)).counters.rows_written, 1U);
  }
}

TEST_F(BackfillTest, EndsAreReadAsTheTypeOfTheWatermark) {
  Row(1, 5, "x");
  MustPut(Job(true));
  Must(TriggerAndExecute("a"));
  EXPECT_EQ(MustBackfill(Window("\"1\"", "\"12\"")).slices[0].to_token(), "12");
  EXPECT_EQ(service_->CancelBackfill("a", "").value(), 1U);
  EXPECT_EQ(Refused("a", Window("\"2027-01-01\"", "\"2027-02-01\"")), "invalid_backfill");
}

}  // namespace
}  // namespace bizond
