// Attempts that are taken away. A cancel between the attempts of a run whose publication is
// decided: the rows that are there are recorded, once, and what was not begun stays undone. A
// thread that hangs: it may write nothing more.
#include <gmock/gmock.h>

#include <atomic>

#include "tests/scheduler/executor_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;

std::atomic<bool> lose_answer{false};

// The file destination, but the answer to a publication that took place is lost once.
class ForgetfulDestination final : public Destination {
 public:
  explicit ForgetfulDestination(std::unique_ptr<Destination> inner) : inner_(std::move(inner)) {}

  Status CheckConnection(std::stop_token stop) override { return inner_->CheckConnection(stop); }
  Status WriteRecords(const RecordBatch& batch) override { return inner_->WriteRecords(batch); }
  bool ExactlyOnce() const override { return inner_->ExactlyOnce(); }
  std::string CanonicalTarget() const override { return inner_->CanonicalTarget(); }
  Status Open(const OpenRequest& request, std::stop_token stop) override {
    return inner_->Open(request, stop);
  }
  Result<std::string> Flush() override { return inner_->Flush(); }
  bool FollowsMarks() const override { return inner_->FollowsMarks(); }
  Status MarkStored() override { return inner_->MarkStored(); }
  Result<bool> Settle() override { return inner_->Settle(); }
  Result<std::string> Prepare() override { return inner_->Prepare(); }
  Result<std::string> Finalize(std::string_view intent) override {
    Result<std::string> receipt = inner_->Finalize(intent);
    if (!receipt || !lose_answer.exchange(false)) return receipt;
    return Fail(ErrorKind::kTransient, "timeout", "the answer is lost");
  }
  Status Cleanup() override { return inner_->Cleanup(); }
  Status Discard() override { return inner_->Discard(); }
  uint64_t BytesWritten() const override { return inner_->BytesWritten(); }

 private:
  const std::unique_ptr<Destination> inner_;
};

Result<std::unique_ptr<Destination>> OpenForgetful(const ConnectorArgs& args) {
  BIZOND_ASSIGN_OR_RETURN(std::unique_ptr<Destination> inner,
                          TestCatalog().FindDestination("file")->open(args));
  return std::make_unique<ForgetfulDestination>(std::move(inner));
}

class ExecutorCancelTest : public ExecutorFixture {
 protected:
  void SetUp() override {
    ExecutorFixture::SetUp();
    destination_ = *TestCatalog().FindDestination("file");
    destination_.open = OpenForgetful;
    catalog_ = TestCatalog();
    catalog_.destinations = {&destination_, 1};
    UseCatalog(&catalog_);
    lose_answer = true;
  }

  DestinationDescriptor destination_;
  Catalog catalog_;
};

TEST_F(ExecutorCancelTest, OfADecidedRunThatWaitsForItsRetryRecordsWhatIsPublished) {
  Append("in.jsonl", "{\"id\":1}\n{\"id\":2}\n");
  MustPut(FileJob("a", "in.jsonl"));
  const RunRow waiting = TriggerAndExecute("a");
  ASSERT_EQ(waiting.phase, RunPhase::kQueued) << Describe(waiting.error.value_or(Error{}));
  ASSERT_EQ(Contents("a.json"), "{\"id\":1}\n{\"id\":2}\n");

  ASSERT_TRUE(service_->Cancel(waiting.id));
  EXPECT_EQ(Execute(waiting.id).phase, RunPhase::kSucceeded);
  Append("in.jsonl", "{\"id\":3}\n");
  EXPECT_EQ(TriggerAndExecute("a").phase, RunPhase::kSucceeded);
  EXPECT_EQ(Contents("a.json"), "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
}

TEST_F(ExecutorCancelTest, TheOtherStreamsOfADecidedRunAreNotBegun) {
  MustPut(TwoStreams("a"));
  std::filesystem::create_directories(Data() / "a_plants.json");  // Where the file is to go.
  const RunRow waiting = TriggerAndExecute("a");
  ASSERT_EQ(waiting.phase, RunPhase::kQueued) << Describe(waiting.error.value_or(Error{}));
  std::filesystem::remove(Data() / "a_plants.json");

  ASSERT_TRUE(service_->Cancel(waiting.id));
  const RunRow ended = Execute(waiting.id);
  EXPECT_EQ(ended.phase, RunPhase::kCancelled);
  EXPECT_TRUE(ended.published);
  EXPECT_EQ(Lines("a_creatures.json"), 5u);
  EXPECT_FALSE(std::filesystem::exists(Data() / "a_plants.json"));
}

// The thread of an attempt hangs; the watchdog ends the attempt in its place, and what the thread
// does when it comes back after all is refused.
TEST_F(ExecutorCancelTest, AnAttemptThatIsLeftBehindMayWriteNothingMore) {
  Append("in.jsonl", "{\"id\":1}\n{\"id\":2}\n");
  MustPut(FileJob("b", "in.jsonl"));
  lose_answer = false;
  SyncExecutor executor = MakeExecutor();
  RunningAttempt hung;
  const std::string id = MustTrigger("b").id;
  Claim(id);
  hung.run = Run(id);
  hung.stage = Stage::kRead;
  hung.Stop(StopReason::kStall);
  executor.Abandon(hung);
  const RunRow waiting = Run(id);
  ASSERT_EQ(waiting.phase, RunPhase::kQueued);
  EXPECT_EQ(waiting.error->code, "stalled");
  EXPECT_THAT(waiting.error->message, ::testing::HasSubstr("in stage read"));

  RunningAttempt back;  // Nobody told its thread to stop.
  back.run = hung.run;
  executor.Execute(back);
  EXPECT_EQ(Run(id).phase, RunPhase::kQueued);
  EXPECT_FALSE(std::filesystem::exists(Data() / "b.json"));

  EXPECT_EQ(Execute(id).phase, RunPhase::kSucceeded);
  executor.Execute(back);
  EXPECT_EQ(Contents("b.json"), "{\"id\":1}\n{\"id\":2}\n");
}

}  // namespace
}  // namespace bizond
