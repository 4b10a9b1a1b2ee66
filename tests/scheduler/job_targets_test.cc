// Two jobs on one target, and a secret that nobody allowed, are found at submission.
#include "scheduler/job_targets.h"

#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;

class JobTargetsTest : public JobFixture {
 protected:
  void SetUp() override {
    JobFixture::SetUp();
    std::filesystem::create_directories(directory_.path() / "data");
    targets_.emplace(&TestCatalog(), &clock_, &secrets_,
                     Roots::Open(directory_.path() / "data", {}).value());
    service_ = std::make_unique<JobService>(store_.get(), &TestCatalog(), &clock_, &control_,
                                            &plain_secrets_, &*targets_);
  }
  static json JobInto(const std::string& name, const std::string& destination_id) {
    return DummyJob(name, {{"destination", {{"config", {{"destination_id", destination_id}}}}}});
  }
  std::string CodeOfPut(const json& job, const PutOptions& options = {}) {
    const auto put = Put(job, options);
    return put ? "ok" : put.error().code;
  }

  SecretResolver secrets_{SecretPolicy{false, {"TOKEN"}, {}, {}}, {{"TOKEN", "dummy_key"}}};
  std::optional<JobTargets> targets_;
};

TEST_F(JobTargetsTest, ASecondJobOnATargetIsRefused) {
  EXPECT_EQ(CodeOfPut(JobInto("a", "x")), "ok");
  EXPECT_EQ(CodeOfPut(JobInto("a", "x")), "ok") << "its own";
  EXPECT_EQ(CodeOfPut(JobInto("b", "x")), "target_taken");
  EXPECT_EQ(CodeOfPut(JobInto("b", "./x")), "target_taken") << "however it is spelled";
  EXPECT_FALSE(Job("b")) << "nothing is stored";
  ASSERT_TRUE(service_->Delete("a"));
  EXPECT_EQ(CodeOfPut(JobInto("b", "x")), "ok");
}

TEST_F(JobTargetsTest, AJobThatNeverRanGivesItsTargetUpWhenItNamesAnother) {
  EXPECT_EQ(CodeOfPut(JobInto("a", "typo")), "ok");
  EXPECT_EQ(CodeOfPut(JobInto("a", "x")), "ok");
  EXPECT_EQ(CodeOfPut(JobInto("b", "typo")), "ok");
  EXPECT_EQ(CodeOfPut(JobInto("a", "typo")), "target_taken");
  EXPECT_EQ(CodeOfPut(JobInto("c", "x")), "target_taken") << "a refused change frees nothing";
}

TEST_F(JobTargetsTest, TwoStreamsOfAJobDoNotShareOne) {
  json job = JobInto("a", "x");
  job["source"].erase("stream");
  job["source"]["streams"] = {"creatures", "plants"};
  EXPECT_EQ(CodeOfPut(job), "invalid_job") << "the job form itself asks for {stream}";
  job["destination"]["config"]["destination_id"] = "x_{stream}";
  EXPECT_EQ(CodeOfPut(job), "ok");
}

TEST_F(JobTargetsTest, AForbiddenSecretIsRefusedAndAMissingOneWaits) {
  json job = JobInto("a", "x");
  job["source"]["authentication"]["params"]["token"] = "env://HOME";
  EXPECT_EQ(CodeOfPut(job), "secret_forbidden");
  EXPECT_FALSE(Job("a"));
  secrets_ = SecretResolver{SecretPolicy{false, {"TOKEN"}, {}, {}}, {}};
  EXPECT_EQ(CodeOfPut(JobInto("a", "x")), "ok") << "it may be there when the job runs";
}

TEST_F(JobTargetsTest, AFilesJobIsAskedWhenItRuns) {
  EXPECT_EQ(CodeOfPut(JobInto("a", "x")), "ok");
  PutOptions by_file;
  by_file.managed_by = "file";
  EXPECT_EQ(CodeOfPut(JobInto("b", "x"), by_file), "ok");
}

}  // namespace
}  // namespace bizond
