// Runs of real connectors, from the claim to the end.
#include "tests/scheduler/executor_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using ExecutorTest = ExecutorFixture;

TEST_F(ExecutorTest, AFullRefreshReplacesItsFile) {
  MustPut(DummyJob("a"));
  for (int i = 0; i < 2; ++i) {
    const RunRow run = TriggerAndExecute("a");
    EXPECT_EQ(run.phase, RunPhase::kSucceeded) << Describe(run.error.value_or(Error{}));
    EXPECT_TRUE(run.published);
    EXPECT_EQ(run.counters.rows_written, 5u);
    EXPECT_EQ(Lines("a.json"), 5u);
    clock_.Advance(seconds(1));
  }
}

TEST_F(ExecutorTest, AnIncrementalRunAddsWhatIsNew) {
  Append("in.jsonl", "{\"id\":1}\n{\"id\":2}\n");
  MustPut(FileJob("a", "in.jsonl"));
  EXPECT_EQ(TriggerAndExecute("a").counters.rows_written, 2u);
  Append("in.jsonl", "{\"id\":3}\n");
  EXPECT_EQ(TriggerAndExecute("a").counters.rows_written, 1u);
  EXPECT_EQ(TriggerAndExecute("a").counters.rows_written, 0u);
  EXPECT_EQ(Contents("a.json"), "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
}

TEST_F(ExecutorTest, IncrementalIntoATable) {
  Append("in.jsonl", "{\"id\":1}\n{\"id\":2}\n");
  json job = FileJob("a", "in.jsonl");
  job["destination"] = {{"name", "sqlite"},
                        {"config", {{"path", "a.db"}, {"destination_id", "t"}}}};
  MustPut(job);
  EXPECT_EQ(TriggerAndExecute("a").counters.rows_written, 2u);
  Append("in.jsonl", "{\"id\":3}\n");
  const RunRow second = TriggerAndExecute("a");
  EXPECT_EQ(second.phase, RunPhase::kSucceeded) << Describe(second.error.value_or(Error{}));
  EXPECT_EQ(second.counters.rows_written, 1u);
}

TEST_F(ExecutorTest, WhatAStreamWarnsOfIsKeptWithTheRunOnce) {
  Append("in.jsonl", "{\"id\":1}\n");
  json job = FileJob("a", "in.jsonl");
  job["destination"]["config"]["on_target_changed"] = "continue";
  MustPut(job);
  EXPECT_THAT(TriggerAndExecute("a").warnings, IsEmpty());
  for (int run = 0; run < 2; ++run) {
    Append("a.json", "{\"by\":\"somebody else\"}\n");
    const RunRow warned = TriggerAndExecute("a");
    EXPECT_EQ(warned.phase, RunPhase::kSucceeded);
    ASSERT_THAT(warned.warnings, SizeIs(1));
    EXPECT_EQ(warned.warnings[0].code, "target_diverged");
    EXPECT_EQ(warned.warnings[0].stream, "s");
    EXPECT_THAT(warned.warnings[0].message, HasSubstr("a.json"));
    const RunLogPage log = logs_->Read("a", warned.id, 0, 100, LogLevel::kWarning).value();
    ASSERT_THAT(log.items, SizeIs(1)) << "the log has it as well";
    EXPECT_THAT(log.items[0].fields, HasSubstr("target_diverged"));
  }
  EXPECT_THAT(TriggerAndExecute("a").warnings, IsEmpty()) << "nothing was changed since";
}

TEST_F(ExecutorTest, AResetReplacesTheTargetOnce) {
  Append("in.jsonl", "{\"id\":1}\n");
  MustPut(FileJob("a", "in.jsonl"));
  TriggerAndExecute("a");
  std::ofstream(Data() / "in.jsonl", std::ios::trunc) << "{\"id\":8}\n{\"id\":9}\n";
  ASSERT_TRUE(service_->RequestReset("a", "s", false));
  EXPECT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
  EXPECT_EQ(Contents("a.json"), "{\"id\":8}\n{\"id\":9}\n");
  EXPECT_THAT(Read([](const StoreReader& reader) { return reader.PendingResets("a"); }), IsEmpty());
  EXPECT_EQ(TriggerAndExecute("a").counters.rows_written, 0u);
}

TEST_F(ExecutorTest, AResetOfOneStreamIsDoneAfterItsRun) {
  json job = TwoStreams("a");
  job["source"]["sync_mode"] = "incremental";
  job["source"]["cursor_field"] = "updated_at";
  MustPut(job);
  ASSERT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
  ASSERT_TRUE(service_->RequestReset("a", "creatures", false));
  const RunRow run = TriggerAndExecute("a");
  EXPECT_EQ(run.counters.rows_written, 5u) << "creatures again, no plants";
  EXPECT_THAT(Read([](const StoreReader& reader) { return reader.PendingResets("a"); }), IsEmpty());
  EXPECT_EQ(TriggerAndExecute("a").counters.rows_written, 0u);
}

TEST_F(ExecutorTest, AMissingSecretIsNotTriedAgain) {
  json job = DummyJob("a");
  job["source"]["authentication"]["params"]["token"] = "env://BIZOND_TEST_NO_SUCH_SECRET";
  MustPut(job);
  const RunRow run = TriggerAndExecute("a");
  EXPECT_EQ(run.phase, RunPhase::kFailed);
  ASSERT_TRUE(run.error);
  EXPECT_EQ(run.error->code, "secret_missing");
  EXPECT_EQ(run.error->kind, ErrorKind::kConfig);
  EXPECT_FALSE(std::filesystem::exists(Data() / "a.json"));
}

TEST_F(ExecutorTest, ASecretIsInNoRowOfTheStore) {
  ASSERT_EQ(setenv("BIZOND_TEST_SECRET_PATH", "hunter2hunter2", 1), 0);
  MustPut(FileJob("a", "${env://BIZOND_TEST_SECRET_PATH}/x.jsonl"));
  const RunRow run = TriggerAndExecute("a");
  ASSERT_TRUE(run.error);
  EXPECT_EQ(run.error->code, "file_missing");
  EXPECT_THAT(run.error->message, HasSubstr("***/x.jsonl"));
  for (const char* const file : {"bizond.db", "bizond.db-wal"}) {
    EXPECT_EQ(directory_.Read(std::string("state/") + file).find("hunter2hunter2"),
              std::string::npos)
        << file;
  }
}

TEST_F(ExecutorTest, AFailedRunSaysInWhichStage) {
  directory_.Write("data/x.jsonl.gz", "\x1f\x8b\x08 and then nothing of the kind");
  MustPut(FileJob("a", "x.jsonl.gz"));
  const RunRow run = TriggerAndExecute("a");
  ASSERT_TRUE(run.error);
  EXPECT_EQ(run.phase, RunPhase::kFailed);
  EXPECT_EQ(run.stage, Stage::kRead) << Describe(*run.error);
}

TEST_F(ExecutorTest, AnAttemptThatTookTooLongIsTriedAgainLater) {
  MustPut(DummyJob(
      "a", {{"timeout", "1h"},
            {"retry", {{"max_attempts", 2}, {"initial_backoff", "60s"}, {"max_backoff", "60s"}}}}));
  const RunRow run = MustTrigger("a");
  const RunRow first = Execute(run.id, StopReason::kTimeout);
  EXPECT_EQ(first.phase, RunPhase::kQueued);
  EXPECT_EQ(first.error->code, "timeout");
  EXPECT_GE(first.not_before, clock_.Now() + seconds(30));
  EXPECT_LE(first.not_before, clock_.Now() + seconds(60));
  const RunRow second = Execute(run.id, StopReason::kTimeout);
  EXPECT_EQ(second.phase, RunPhase::kFailed) << "max_attempts is 2";
  EXPECT_EQ(Read([&](const StoreReader& reader) { return reader.Attempts(run.id); }).size(), 2u);
}

TEST_F(ExecutorTest, AShutdownTakesNoAttemptAwayAndACancelEndsTheRun) {
  MustPut(DummyJob("a", {{"retry", {{"max_attempts", 1}}}}));
  const RunRow run = MustTrigger("a");
  for (int i = 0; i < 3; ++i) {
    const RunRow after = Execute(run.id, StopReason::kShutdown);
    EXPECT_EQ(after.phase, RunPhase::kQueued);
    EXPECT_FALSE(after.error);
    EXPECT_EQ(after.not_before, clock_.Now());
  }
  EXPECT_EQ(Execute(run.id).phase, RunPhase::kSucceeded);
  EXPECT_EQ(Execute(MustTrigger("a").id, StopReason::kCancel).phase, RunPhase::kCancelled);
}

TEST_F(ExecutorTest, ACancelThatTheProcessDidNotLiveToObeyIsObeyed) {
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Claim(run.id);
  ASSERT_TRUE(service_->Cancel(run.id));
  Open();
  Must([&](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.AdoptOrphans("next", clock_.Now()));
    return {};
  });
  EXPECT_EQ(Execute(run.id).phase, RunPhase::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(Data() / "a.json"));
}

TEST_F(ExecutorTest, OneFailingStreamMakesTheRunPartialAndARetryFinishesIt) {
  MustPut(TwoStreams("a"));
  std::filesystem::create_directories(Data() / "a_plants.json");  // Where the file is to go.
  const RunRow run = TriggerAndExecute("a");
  EXPECT_EQ(run.phase, RunPhase::kPartial) << Describe(run.error.value_or(Error{}));
  EXPECT_EQ(Lines("a_creatures.json"), 5u);
  const auto streams = Read([&](const StoreReader& reader) { return reader.RunStreams(run.id); });
  ASSERT_THAT(streams, SizeIs(2));
  EXPECT_EQ(streams[0].state, "recorded");
  EXPECT_EQ(streams[1].state, "failed");

  std::filesystem::remove(Data() / "a_plants.json");
  ASSERT_TRUE(service_->Retry(run.id));
  EXPECT_EQ(Execute(run.id).phase, RunPhase::kSucceeded);
  EXPECT_EQ(Lines("a_plants.json"), 5u);
}

TEST_F(ExecutorTest, ATargetHasOneJob) {
  MustPut(DummyJob("a"));
  json thief = DummyJob("b");
  thief["destination"]["config"]["destination_id"] = "a";
  MustPut(thief);
  EXPECT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
  const RunRow run = TriggerAndExecute("b");
  EXPECT_EQ(run.phase, RunPhase::kFailed);
  EXPECT_EQ(run.error->code, "target_taken");
  EXPECT_THAT(run.error->message, HasSubstr("a"));
}

}  // namespace
}  // namespace bizond
