// What a person may do with jobs, and what is refused with which code.
#include "scheduler/job_service.h"

#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

const json kIncremental = {
    {"source", {{"sync_mode", "incremental"}, {"cursor_field", "updated_at"}}}};

class JobServiceTest : public JobFixture {
 protected:
  template <typename R>
  static std::string Code(const R& result) {
    return result ? "ok" : result.error().code;
  }
  void GiveState(const std::string& job, const std::string& stream = "creatures") {
    Must([&](StoreTx& tx) {
      StreamStateRow row;
      row.stream = stream;
      row.watermark = Watermark{};
      row.watermark->cursor = "5";
      row.watermark->cursor_type = "number";
      return tx.PutStreamState(job, row, clock_.Now());
    });
  }
  size_t StatesOf(const std::string& job) {
    return Read([&](const StoreReader& reader) { return reader.StreamStates(job); }).size();
  }
};

TEST_F(JobServiceTest, PutCreatesThenReplacesThenLeavesAlone) {
  const Result<PutOutcome> first = Put(DummyJob("a"));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->created);
  EXPECT_TRUE(first->changed);
  EXPECT_EQ(first->row.version, 1);
  EXPECT_EQ(control_.wakes, 1);

  const Result<PutOutcome> same = Put(DummyJob("a"));
  ASSERT_TRUE(same);
  EXPECT_FALSE(same->created);
  EXPECT_FALSE(same->changed);
  EXPECT_EQ(control_.wakes, 1) << "nothing changed, and nobody needs to look";

  const Result<PutOutcome> changed = Put(DummyJob("a", {{"tags", {"x"}}}));
  ASSERT_TRUE(changed);
  EXPECT_FALSE(changed->created);
  EXPECT_TRUE(changed->changed);
  EXPECT_EQ(changed->row.version, 2);
}

TEST_F(JobServiceTest, CreatingWhatExistsIsRefused) {
  PutOptions create;
  create.must_not_exist = true;
  EXPECT_EQ(Code(Put(DummyJob("a"), create)), "ok");
  EXPECT_EQ(Code(Put(DummyJob("a", {{"tags", {"x"}}}), create)), "job_exists");
  EXPECT_EQ(Job("a")->version, 1);
}

TEST_F(JobServiceTest, AStaleVersionChangesNothing) {
  PutOptions options;
  options.if_version = 1;
  EXPECT_EQ(Code(Put(DummyJob("a"), options)), "precondition_failed") << "there is no job yet";
  EXPECT_FALSE(Job("a"));
  MustPut(DummyJob("a"));
  EXPECT_EQ(Code(Put(DummyJob("a", {{"tags", {"x"}}}), options)), "ok");
  EXPECT_EQ(Code(Put(DummyJob("a", {{"tags", {"y"}}}), options)), "precondition_failed");
  EXPECT_EQ(Code(service_->Delete("a", false, 1)), "precondition_failed");
  EXPECT_EQ(Job("a")->version, 2);
  EXPECT_EQ(Code(service_->Delete("a", false, 2)), "ok");
  EXPECT_FALSE(Job("a"));
}

TEST_F(JobServiceTest, AFilesJobBelongsToItsFile) {
  PutOptions by_file;
  by_file.managed_by = "file";
  by_file.origin = "/jobs/a.yml";
  MustPut(DummyJob("a"), by_file);
  EXPECT_EQ(Code(Put(DummyJob("a", {{"tags", {"x"}}}))), "managed_by_file");
  EXPECT_EQ(Code(service_->Delete("a")), "managed_by_file");
  EXPECT_EQ(Code(service_->Pause("a")), "ok");
  EXPECT_EQ(Code(service_->Resume("a")), "ok");
  EXPECT_EQ(Code(service_->Trigger("a", {})), "ok");
  EXPECT_EQ(Code(service_->Delete("a", /*by_file=*/true)), "ok");

  MustPut(DummyJob("b"));
  EXPECT_EQ(Code(Put(DummyJob("b"), by_file)), "job_exists") << "a file takes no job of the API";
}

TEST_F(JobServiceTest, AChangeOfTheSourceNeedsAWordOnTheState) {
  MustPut(DummyJob("a", kIncremental));
  json other = DummyJob("a", kIncremental);
  other["source"]["stream"] = "plants";
  EXPECT_EQ(Code(Put(other)), "ok") << "no state, no question";
  other = DummyJob("a", kIncremental);
  EXPECT_EQ(Code(Put(other)), "ok");
  GiveState("a");

  json harmless = other;
  harmless["source"]["max_iterations"] = 3;
  harmless["retry"]["max_attempts"] = 2;
  harmless["schedule"]["every"] = "1h";
  EXPECT_EQ(Code(Put(harmless)), "ok");

  struct Change {
    const char* pointer;
    json value;
  };
  const Change kChanges[] = {{"/source/stream", "plants"},
                             {"/source/cursor_field", "id"},
                             {"/destination/config/destination_id", "elsewhere"},
                             {"/source/rows", 7}};
  const int64_t version = Job("a")->version;
  for (const Change& change : kChanges) {
    json changed = harmless;
    changed[json::json_pointer(change.pointer)] = change.value;
    EXPECT_EQ(Code(Put(changed)), "state_conflict") << change.pointer;
    EXPECT_EQ(Job("a")->version, version) << change.pointer;
  }
  EXPECT_EQ(StatesOf("a"), 1u);
}

TEST_F(JobServiceTest, StateIsKeptOrForgottenAsAsked) {
  MustPut(DummyJob("a", kIncremental));
  GiveState("a");
  Must([&](StoreTx& tx) { return tx.ClaimTarget({"file:a.json", "a", "creatures"}); });
  json changed = DummyJob("a", kIncremental);
  changed["source"]["stream"] = "plants";
  PutOptions options;
  options.state = StateChange::kKeep;
  EXPECT_EQ(Code(Put(changed, options)), "ok");
  EXPECT_EQ(StatesOf("a"), 1u);
  options.state = StateChange::kReset;
  EXPECT_EQ(Code(Put(DummyJob("a", kIncremental), options)), "ok");
  EXPECT_EQ(StatesOf("a"), 0u);
  const auto targets = Read([](const StoreReader& reader) { return reader.Targets("a"); });
  EXPECT_THAT(targets, IsEmpty());
}

TEST_F(JobServiceTest, InvalidJobsStoreNothing) {
  const json kSchedules[] = {{{"cron", "* * *"}},
                             {{"every", "1h"}, {"cron", "* * * * *"}},
                             {{"every", "1h"}, {"timezone", "Mars/Olympus"}},
                             {{"after", "a"}},
                             {{"after", {"b", "c"}}},
                             {{"after", "b"}, {"jitter", "1s"}},
                             {{"at", "2020-01-01T00:00:00Z"}},
                             {{"every", "1h"}, {"unknown", 1}}};
  for (const json& schedule : kSchedules) {
    EXPECT_EQ(Code(Put(DummyJob("a", {{"schedule", schedule}}))), "invalid_job") << schedule;
  }
  EXPECT_EQ(Code(Put(DummyJob("a", {{"surplus", 1}}))), "invalid_job");
  json plain = DummyJob("a");
  plain["source"]["authentication"]["params"]["token"] = "a secret in plain";
  EXPECT_EQ(Code(Put(plain)), "invalid_job");
  json stream = DummyJob("a", {{"schedule", {{"every", "1h"}}}});
  stream["source"]["sync_mode"] = "stream";
  EXPECT_EQ(Code(Put(stream)), "invalid_job");
  const auto jobs = Read([](const StoreReader& reader) { return reader.ListJobs(Page{}); });
  EXPECT_THAT(jobs.items, IsEmpty());
  EXPECT_EQ(Read([](const StoreReader& reader) { return reader.LastEventId(); }), 0);
}

TEST_F(JobServiceTest, AnAtThatHasPassedIsRefusedOnlyWhenItIsSubmitted) {
  const std::string text = DummyJob("a", {{"schedule", {{"at", "2020-01-01T00:00:00Z"}}}}).dump();
  EXPECT_FALSE(service_->Check(text, JobOrigin::kFile).spec);
  EXPECT_TRUE(service_->Check(text, JobOrigin::kFile, /*submitted=*/false).spec);
  // A job whose time has come may be sent again: with other tags, but not with another past.
  const ParsedJob stored = service_->Check(text, JobOrigin::kFile, /*submitted=*/false);
  ASSERT_TRUE(service_->Put(*stored.spec, {}));
  json again = json::parse(text);
  again["tags"] = {"x"};
  EXPECT_TRUE(service_->Check(again.dump(), JobOrigin::kApi).spec);
  again["schedule"]["at"] = "2020-01-02T00:00:00Z";
  EXPECT_FALSE(service_->Check(again.dump(), JobOrigin::kApi).spec);
}

TEST_F(JobServiceTest, AWrongScheduleIsSaidWhereItStands) {
  const std::string head =
      "name: a\nsource: {name: file, stream: s, path: p}\ndestination: {name: logger}\nschedule:\n";
  struct Wrong {
    const char* block;
    const char* path;
    int line;
    int column;
  };
  const Wrong kWrongs[] = {
      {"  cron: '* * * * *'\n  timezone: Europe/Pariz\n", "schedule.timezone", 6, 13},
      {"  timezone: UTC\n  cron: '61 * * * *'\n", "schedule.cron", 6, 9},
      {"  overlap: skip\n  every: 0s\n", "schedule.every", 6, 10},
      {"  every: 1h\n  catch_up:\n    within: 0s\n", "schedule.catch_up.within", 7, 13},
      {"  overlap: skip\n  at: yesterday\n", "schedule.at", 6, 7},
  };
  for (const Wrong& wrong : kWrongs) {
    const ParsedJob parsed = service_->Check(head + wrong.block, JobOrigin::kApi);
    ASSERT_EQ(parsed.errors.size(), 1u) << wrong.block;
    EXPECT_EQ(parsed.errors[0].path, wrong.path);
    EXPECT_EQ(parsed.errors[0].line, wrong.line) << wrong.path;
    EXPECT_EQ(parsed.errors[0].column, wrong.column) << wrong.path;
    EXPECT_EQ(parsed.errors[0].message.find("schedule"), std::string::npos);
  }
}

TEST_F(JobServiceTest, AChangedScheduleIsPlannedAnewAndARemovedOneGoes) {
  MustPut(DummyJob("a", {{"schedule", {{"cron", "0 * * * *"}}}}));
  EXPECT_EQ(ScheduleOf("a")->next_at, ParseUtc("2026-12-01T01:00:00Z").value());
  MustPut(DummyJob("a", {{"schedule", {{"cron", "30 * * * *"}}}}));
  EXPECT_EQ(ScheduleOf("a")->next_at, ParseUtc("2026-12-01T00:30:00Z").value());
  MustPut(DummyJob("a"));
  EXPECT_FALSE(ScheduleOf("a"));
}

TEST_F(JobServiceTest, StateIsPutOnlyWhilePausedAndIdle) {
  MustPut(DummyJob("a", kIncremental));
  Watermark watermark;
  watermark.cursor = "7";
  watermark.cursor_type = "number";
  const auto put = [&](const char* job, const char* stream, std::optional<Watermark> wanted) {
    return service_->ChangeState(job, [&](const auto&) -> Result<std::vector<StreamWatermark>> {
      return std::vector<StreamWatermark>{{stream, wanted}};
    });
  };
  EXPECT_EQ(Code(put("a", "creatures", watermark)), "not_paused");
  const RunRow run = MustTrigger("a");
  EXPECT_EQ(Code(service_->Pause("a")), "ok");
  EXPECT_EQ(Code(put("a", "creatures", watermark)), "not_paused");
  Finish(run.id, RunPhase::kSucceeded);
  EXPECT_EQ(Code(put("a", "creatures", watermark)), "ok");
  const auto state =
      Read([](const StoreReader& reader) { return reader.StreamState("a", "creatures"); });
  ASSERT_TRUE(state && state->watermark);
  EXPECT_EQ(state->watermark->cursor, "7");
  EXPECT_EQ(Code(put("a", "creatures", std::nullopt)), "ok");
  EXPECT_EQ(Code(put("b", "creatures", watermark)), "job_missing");
  EXPECT_EQ(Code(put("a", "dragons", watermark)), "invalid_job")
      << "a stream that the job does not have";
}

}  // namespace
}  // namespace bizond
