// What a person may do with runs: trigger, cancel, retry, reset, and the one run of a stream job.
#include "scheduler/job_service.h"
#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobServiceRunsTest : public JobFixture {
 protected:
  template <typename R>
  static std::string Code(const R& result) {
    return result ? "ok" : result.error().code;
  }
  static json Incremental(const std::string& name) {
    return DummyJob(name,
                    {{"source", {{"sync_mode", "incremental"}, {"cursor_field", "updated_at"}}}});
  }
  static json Stream(const std::string& name) {
    return DummyJob(name, {{"source", {{"sync_mode", "stream"}}}});
  }
  std::vector<std::string> Resets(const std::string& job) {
    return Read([&](const StoreReader& reader) { return reader.PendingResets(job); });
  }
  // A run of the job that published and ended so.
  void Publish(const std::string& run, RunPhase phase) {
    Must([&](StoreTx& tx) -> Status {
      BIZOND_ASSIGN_OR_RETURN(const int64_t fence, tx.ClaimRun(run, "test", clock_.Now()));
      BIZOND_RETURN_IF_ERROR(
          tx.RecordStream(run, fence, "creatures", {}, /*last=*/false, clock_.Now()));
      return tx.FinishRun(run, fence, phase, std::nullopt, clock_.Now());
    });
  }
};

TEST_F(JobServiceRunsTest, ATriggeredRunIsQueuedNowWithTheJobsPriority) {
  MustPut(DummyJob("a", {{"concurrency", {{"priority", 7}}}}));
  const int wakes = control_.wakes;
  TriggerOptions options;
  options.trigger = "cli";
  options.reset = true;
  const RunRow run = MustTrigger("a", options);
  EXPECT_EQ(control_.wakes, wakes + 1);
  const RunRow stored = Run(run.id);
  EXPECT_EQ(stored.phase, RunPhase::kQueued);
  EXPECT_EQ(stored.priority, 7);
  EXPECT_EQ(stored.trigger, "cli");
  EXPECT_TRUE(stored.reset);
  EXPECT_EQ(stored.job_version, 1);
  EXPECT_EQ(stored.queued_at, clock_.Now());
  EXPECT_EQ(stored.not_before, clock_.Now());
  EXPECT_EQ(Code(service_->Trigger("b", {})), "job_missing");
}

// Its rows cannot be taken back: a reset would double them.
TEST_F(JobServiceRunsTest, ADestinationThatOnlyAddsIsNotReset) {
  json job = Incremental("a");
  job["destination"] = {{"name", "bigquery_streaming"},
                        {"config", {{"project_id", "p"}, {"dataset_id", "d"}}}};
  MustPut(job);
  TriggerOptions options;
  options.reset = true;
  EXPECT_EQ(Code(service_->Trigger("a", options)), "replace_unsupported");
  EXPECT_EQ(Code(service_->RequestReset("a", "", false)), "replace_unsupported");
  EXPECT_THAT(Runs("a"), IsEmpty());
  EXPECT_THAT(Resets("a"), IsEmpty());
  job["source"]["reset"] = true;
  EXPECT_THAT(Put(job).error().message, ::testing::HasSubstr("a reset would double them"));
}

TEST_F(JobServiceRunsTest, OneKeyMakesOneRunOfItsJob) {
  MustPut(DummyJob("a"));
  MustPut(DummyJob("b"));
  TriggerOptions keyed;
  keyed.idempotency_key = "k";
  const RunRow first = MustTrigger("a", keyed);
  EXPECT_EQ(MustTrigger("a", keyed).id, first.id);
  Finish(first.id, RunPhase::kSucceeded);
  EXPECT_EQ(MustTrigger("a", keyed).id, first.id) << "also after its end";
  Open();
  EXPECT_EQ(MustTrigger("a", keyed).id, first.id) << "also after a restart";
  EXPECT_NE(MustTrigger("b", keyed).id, first.id) << "another job's keys are its own";
  keyed.idempotency_key = "l";
  EXPECT_NE(MustTrigger("a", keyed).id, first.id);
  EXPECT_THAT(Runs("a"), SizeIs(2));
}

TEST_F(JobServiceRunsTest, CancelEndsAQueuedRunAndStopsARunningOne) {
  MustPut(DummyJob("a"));
  const RunRow queued = MustTrigger("a");
  EXPECT_EQ(Code(service_->Cancel(queued.id)), "ok");
  EXPECT_EQ(Run(queued.id).phase, RunPhase::kCancelled);
  EXPECT_THAT(control_.stopped(), IsEmpty());
  EXPECT_EQ(Code(service_->Cancel(queued.id)), "run_ended");
  EXPECT_EQ(Code(service_->Cancel("none")), "run_missing");

  const RunRow running = MustTrigger("a");
  Claim(running.id);
  EXPECT_EQ(Code(service_->Cancel(running.id)), "ok");
  EXPECT_EQ(Run(running.id).phase, RunPhase::kRunning) << "its worker ends it";
  EXPECT_EQ(Run(running.id).stop_request, StopRequest::kCancel);
  EXPECT_THAT(control_.stopped(), ElementsAre(running.id));
}

TEST_F(JobServiceRunsTest, ARetryIsAnotherAttemptOfTheSameRun) {
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  EXPECT_EQ(Code(service_->Retry(run.id)), "run_active");
  Finish(run.id, RunPhase::kFailed);
  clock_.Advance(seconds(5));
  const Result<RunRow> again = service_->Retry(run.id);
  ASSERT_TRUE(again) << Describe(again.error());
  EXPECT_EQ(again->id, run.id);
  EXPECT_EQ(again->phase, RunPhase::kQueued);
  EXPECT_EQ(again->not_before, clock_.Now());
  Finish(run.id, RunPhase::kSucceeded);
  EXPECT_EQ(Run(run.id).attempt, 2);
  EXPECT_EQ(Code(service_->Retry(run.id)), "run_ended");
  EXPECT_EQ(Code(service_->Retry("none")), "run_missing");
}

TEST_F(JobServiceRunsTest, ARetryIsRefusedOnceALaterRunHasPublished) {
  MustPut(DummyJob("a"));
  const RunRow old = MustTrigger("a");
  Finish(old.id, RunPhase::kFailed);
  clock_.Advance(seconds(1));
  const RunRow later = MustTrigger("a");
  Publish(later.id, RunPhase::kSucceeded);
  EXPECT_EQ(Code(service_->Retry(old.id)), "later_run_published");
  EXPECT_EQ(Run(old.id).phase, RunPhase::kFailed);
}

TEST_F(JobServiceRunsTest, ARunOfADeletedJobIsNotRetried) {
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  Finish(run.id, RunPhase::kFailed);
  EXPECT_EQ(Code(service_->Delete("a")), "ok");
  EXPECT_EQ(Code(service_->Retry(run.id)), "job_missing");
  EXPECT_EQ(Run(run.id).phase, RunPhase::kFailed);
}

TEST_F(JobServiceRunsTest, DeletingAJobCancelsWhatIsQueuedAndStopsWhatRuns) {
  MustPut(DummyJob("a"));
  const RunRow running = MustTrigger("a");
  Claim(running.id);
  const RunRow queued = MustTrigger("a");
  EXPECT_EQ(Code(service_->Delete("a")), "ok");
  EXPECT_EQ(Run(queued.id).phase, RunPhase::kCancelled);
  EXPECT_EQ(Run(running.id).stop_request, StopRequest::kCancel);
  EXPECT_THAT(control_.stopped(), ElementsAre(running.id));
  EXPECT_EQ(Code(service_->Delete("a")), "job_missing");
}

TEST_F(JobServiceRunsTest, AResetIsAskedForAndTakenBack) {
  MustPut(Incremental("a"));
  EXPECT_EQ(Code(service_->RequestReset("a", "", false)), "ok");
  EXPECT_THAT(Resets("a"), ElementsAre(""));
  EXPECT_EQ(Code(service_->RequestReset("a", "", true)), "ok");
  EXPECT_THAT(Resets("a"), IsEmpty());
  EXPECT_EQ(Code(service_->RequestReset("a", "creatures", false)), "ok");
  EXPECT_THAT(Resets("a"), ElementsAre("creatures"));
  EXPECT_EQ(Code(service_->RequestReset("a", "dragons", false)), "invalid_job");
  EXPECT_EQ(Code(service_->RequestReset("b", "", false)), "job_missing");
  MustPut(DummyJob("full"));
  EXPECT_EQ(Code(service_->RequestReset("full", "", false)), "invalid_job");
}

TEST_F(JobServiceRunsTest, TakingOneStreamsResetBackLeavesTheOthers) {
  json job = Incremental("a");
  job["source"].erase("stream");
  job["source"]["streams"] = {"creatures", "plants"};
  job["destination"]["config"]["destination_id"] = "a_{stream}";
  MustPut(job);
  EXPECT_EQ(Code(service_->RequestReset("a", "creatures", false)), "ok");
  EXPECT_EQ(Code(service_->RequestReset("a", "plants", false)), "ok");
  EXPECT_EQ(Code(service_->RequestReset("a", "creatures", true)), "ok");
  EXPECT_THAT(Resets("a"), ElementsAre("plants"));
}

TEST_F(JobServiceRunsTest, AStreamJobHasOneRunFromItsCreationOn) {
  MustPut(Stream("s"));
  ASSERT_THAT(Runs("s"), SizeIs(1));
  const std::string first = Runs("s")[0].id;
  EXPECT_EQ(Code(service_->Trigger("s", {})), "stream_job");
  Claim(first);
  EXPECT_EQ(Code(service_->Trigger("s", {})), "stream_job");
  MustPut(Stream("s"));
  EXPECT_THAT(Runs("s"), SizeIs(1)) << "the same definition begins nothing";

  EXPECT_EQ(Code(service_->Pause("s")), "ok");
  EXPECT_THAT(control_.stopped(), ElementsAre(first));
  EXPECT_EQ(Run(first).stop_request, StopRequest::kCancel);
}

TEST_F(JobServiceRunsTest, PausingAStreamEndsItsQueuedRunAndResumingBeginsOne) {
  MustPut(Stream("s"));
  const std::string first = Runs("s")[0].id;
  EXPECT_EQ(Code(service_->Pause("s")), "ok");
  EXPECT_EQ(Run(first).phase, RunPhase::kCancelled);
  EXPECT_EQ(Code(service_->Resume("s")), "ok");
  EXPECT_EQ(Code(service_->Resume("s")), "ok") << "twice is once";
  ASSERT_THAT(Runs("s"), SizeIs(2));
  EXPECT_EQ(Runs("s")[0].phase, RunPhase::kQueued);
  Finish(Runs("s")[0].id, RunPhase::kFailed);
  EXPECT_EQ(Code(service_->Trigger("s", {})), "ok") << "a stream that ended may be started";
}

TEST_F(JobServiceRunsTest, AJobThatBecomesAStreamBegins) {
  MustPut(DummyJob("s"));
  EXPECT_THAT(Runs("s"), IsEmpty());
  MustPut(Stream("s"));
  EXPECT_THAT(Runs("s"), SizeIs(1));
}

TEST_F(JobServiceRunsTest, PausingDoesNotTouchWhatIsQueued) {
  MustPut(DummyJob("a"));
  const RunRow run = MustTrigger("a");
  EXPECT_EQ(Code(service_->Pause("a")), "ok");
  EXPECT_TRUE(Job("a")->paused);
  EXPECT_EQ(Run(run.id).phase, RunPhase::kQueued);
  EXPECT_EQ(Code(service_->Trigger("a", {})), "ok") << "a paused job runs when it is asked to";
  EXPECT_EQ(Code(service_->Resume("a")), "ok");
  EXPECT_FALSE(Job("a")->paused);
  EXPECT_EQ(Code(service_->Pause("b")), "job_missing");
  EXPECT_EQ(Code(service_->Resume("b")), "job_missing");
}

}  // namespace
}  // namespace bizond
