// Jobs as files: what a folder's changes do to the jobs in force.
#include "scheduler/jobs_folder.h"

#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JobsFolderTest : public JobFixture {
 protected:
  void SetUp() override {
    JobFixture::SetUp();
    std::filesystem::create_directories(Folder());
  }
  void TearDown() override { folder_.reset(); }
  std::filesystem::path Folder() const { return directory_.path() / "jobs"; }

  void Write(const std::string& file, const json& job) {
    directory_.Write("jobs/" + file, job.dump());
  }
  void Remove(const std::string& file) { std::filesystem::remove(Folder() / file); }
  void Start() {
    folder_ = std::make_unique<JobsFolder>(Folder(), service_.get(), store_.get(), &clock_);
    const Status started = folder_->Start();
    ASSERT_TRUE(started) << Describe(started.error());
    clock_.AwaitWaiters(1);
  }
  void Look() {
    clock_.Advance(seconds(1));
    clock_.AwaitWaiters(1);
  }
  void Restart() {
    folder_.reset();
    Open();
    Start();
  }
  std::vector<std::string> Jobs() {
    std::vector<std::string> names;
    const auto jobs = Read([](const StoreReader& reader) { return reader.ListJobs(Page{}); });
    names.reserve(jobs.items.size());
    for (const JobRow& job : jobs.items) names.push_back(job.name);
    return names;
  }

  std::unique_ptr<JobsFolder> folder_;
};

TEST_F(JobsFolderTest, FilesAreAppliedAtTheStart) {
  Write("a.json", DummyJob("a"));
  Write("b.yml", DummyJob("b"));
  Write("c.yaml", DummyJob("c"));
  Start();
  EXPECT_THAT(Jobs(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(Job("a")->managed_by, "file");
  EXPECT_EQ(Job("a")->origin, (Folder() / "a.json").string());
}

TEST_F(JobsFolderTest, HiddenAndOtherFilesAreNoJobs) {
  Write(".a.yml", DummyJob("a"));
  Write("b.yml~", DummyJob("b"));
  Write("c.txt", DummyJob("c"));
  Write("README", DummyJob("d"));
  Write("below/e.yml", DummyJob("e"));
  std::filesystem::create_directories(Folder() / "f.yml");
  Start();
  EXPECT_THAT(Jobs(), IsEmpty());
}

TEST_F(JobsFolderTest, AnAtThatHasPassedIsRefusedInANewFileAndKeptInAnOldOne) {
  const auto at = [](Duration from_now, UtcTime now) {
    return json{{"schedule", {{"at", FormatUtc(now + from_now)}}}};
  };
  Write("past.yml", DummyJob("past", at(-seconds(60), clock_.Now())));
  Write("coming.yml", DummyJob("coming", at(seconds(60), clock_.Now())));
  Start();
  EXPECT_THAT(Jobs(), ElementsAre("coming"));
  clock_.Advance(seconds(120));
  Restart();
  EXPECT_THAT(Jobs(), ElementsAre("coming")) << "it has run at its time, and stays";
  Write("coming.yml", DummyJob("coming", at(-seconds(30), clock_.Now())));
  const std::string before = Job("coming")->definition;
  Look();
  EXPECT_EQ(Job("coming")->definition, before) << "the version in force stays";
}

TEST_F(JobsFolderTest, ChangesAreFollowed) {
  Start();
  EXPECT_THAT(Jobs(), IsEmpty());
  Write("a.yml", DummyJob("a"));
  Look();
  EXPECT_THAT(Jobs(), ElementsAre("a"));
  Write("a.yml", DummyJob("a", {{"tags", {"changed"}}}));
  Look();
  EXPECT_EQ(Job("a")->version, 2);
  Look();
  EXPECT_EQ(Job("a")->version, 2);
  Write("a.yml", DummyJob("renamed"));
  Look();
  EXPECT_THAT(Jobs(), ElementsAre("renamed"));
  Remove("a.yml");
  Look();
  EXPECT_THAT(Jobs(), IsEmpty());
}

TEST_F(JobsFolderTest, ABadFileKeepsTheVersionInForce) {
  Write("a.yml", DummyJob("a"));
  Start();
  directory_.Write("jobs/a.yml", "name: [");
  Look();
  EXPECT_THAT(Jobs(), ElementsAre("a"));
  EXPECT_EQ(Job("a")->version, 1);
  Write("other.yml", DummyJob("b"));
  Look();
  Remove("other.yml");
  Look();
  EXPECT_THAT(Jobs(), ElementsAre("a")) << "the removal of another file is none of this one's";
  Restart();
  EXPECT_THAT(Jobs(), ElementsAre("a")) << "also over a restart";
  Write("a.yml", DummyJob("a", {{"tags", {"good again"}}}));
  Look();
  EXPECT_EQ(Job("a")->version, 2);
}

TEST_F(JobsFolderTest, ANameBelongsToTheFirstFileThatHasIt) {
  Write("a.yml", DummyJob("same", {{"tags", {"first"}}}));
  Write("b.yml", DummyJob("same", {{"tags", {"second"}}}));
  Start();
  EXPECT_THAT(Jobs(), ElementsAre("same"));
  EXPECT_EQ(Job("same")->origin, (Folder() / "a.yml").string());
  EXPECT_EQ(Job("same")->version, 1);
  Remove("b.yml");
  Look();
  EXPECT_THAT(Jobs(), ElementsAre("same"));
}

// What a file says comes into force when the one that barred it is gone.
TEST_F(JobsFolderTest, ASecondFileOfANameTakesOverFromARemovedFirst) {
  Write("a.yml", DummyJob("same", {{"tags", {"first"}}}));
  Write("b.yml", DummyJob("same", {{"tags", {"second"}}}));
  Start();
  Remove("a.yml");
  Look();
  Look();
  ASSERT_THAT(Jobs(), ElementsAre("same"));
  EXPECT_EQ(Job("same")->origin, (Folder() / "b.yml").string());
}

TEST_F(JobsFolderTest, ARenamedFileKeepsItsJob) {
  Write("a.yml", DummyJob("a", {{"schedule", {{"every", "1h"}}}}));
  Start();
  const UtcTime created = Job("a")->created_at;
  std::filesystem::rename(Folder() / "a.yml", Folder() / "z.yml");
  Look();
  ASSERT_THAT(Jobs(), ElementsAre("a"));
  EXPECT_EQ(Job("a")->origin, (Folder() / "z.yml").string());
  EXPECT_EQ(Job("a")->created_at, created);
}

TEST_F(JobsFolderTest, AFileThatWentWhileNobodyLookedTakesItsJobAlong) {
  Write("a.yml", DummyJob("a"));
  Write("b.yml", DummyJob("b"));
  Start();
  MustPut(DummyJob("of the api"));
  folder_.reset();
  Remove("a.yml");
  Restart();
  EXPECT_THAT(Jobs(), ElementsAre("b", "of the api"));
  EXPECT_EQ(Job("b")->version, 1);
}

TEST_F(JobsFolderTest, AJobOfTheApiIsNotTakenByAFile) {
  MustPut(DummyJob("a"));
  Write("a.yml", DummyJob("a", {{"tags", {"x"}}}));
  Start();
  EXPECT_EQ(Job("a")->managed_by, "api");
  EXPECT_EQ(Job("a")->version, 1);
  Remove("a.yml");
  Look();
  EXPECT_THAT(Jobs(), ElementsAre("a"));
}

TEST_F(JobsFolderTest, APlainSecretIsKnownAndNeverStored) {
  json job = DummyJob("a");
  job["source"]["authentication"]["params"]["token"] = "a secret in plain";
  Write("a.yml", job);
  Start();
  ASSERT_THAT(Jobs(), ElementsAre("a"));
  EXPECT_EQ(Job("a")->definition.find("a secret in plain"), std::string::npos);
  const PlainSecrets::Values values = plain_secrets_.Get("a");
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values.begin()->second, "a secret in plain");
}

TEST_F(JobsFolderTest, AMissingFolderIsAnError) {
  std::filesystem::remove_all(Folder());
  JobsFolder folder(Folder(), service_.get(), store_.get(), &clock_);
  EXPECT_FALSE(folder.Start());
}

TEST_F(JobsFolderTest, AFolderThatGoesAwayLaterTakesNoJobs) {
  Write("a.yml", DummyJob("a"));
  Start();
  std::filesystem::rename(Folder(), directory_.path() / "elsewhere");
  Look();
  EXPECT_THAT(Jobs(), ElementsAre("a"));
}

}  // namespace
}  // namespace bizond
