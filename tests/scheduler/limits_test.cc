// Limits, pools and overlaps: what a definition may say, and what the scheduler makes of it.
#include "tests/scheduler/scheduler_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const json kToLogger = {{"name", "logger"}, {"config", nullptr}};

struct Combination {
  json schedule;
  json concurrency;
  json destination;
  const char* path;  // nullptr: accepted.
  const char* says;
};

class LimitsTest : public SchedulerFixture {
 protected:
  ParsedJob Check(const json& job) { return service_->Check(job.dump(), JobOrigin::kApi); }
  static json Bounded(const std::string& name, const json& concurrency) {
    return DummyJob(name, {{"concurrency", concurrency}});
  }
};

TEST_F(LimitsTest, ContradictionsAreRefusedWithTheirPlaceAndARemedy) {
  const auto every = [](const char* overlap, const json& catch_up) {
    return json{{"every", "1h"}, {"overlap", overlap}, {"catch_up", catch_up}};
  };
  const json kNone = nullptr;
  const Combination kCombinations[] = {
      {{{"every", "1h"}, {"catch_up", "all"}}, kNone, kNone, "schedule.overlap", "overlap: skip"},
      {every("skip", "all"), kNone, kNone, "schedule.overlap", "skipped"},
      {every("buffer_one", "all"), kNone, kNone, "schedule.overlap", "skipped"},
      {every("cancel_other", "all"), kNone, kNone, "schedule.overlap", "cancel"},
      {every("buffer_all", "all"), kNone, kNone, nullptr, ""},
      {every("allow_all", "all"), kNone, kToLogger, nullptr, ""},
      {every("skip", {{"within", "6h"}}), kNone, kNone, nullptr, ""},
      {every("allow_all", "last"), kNone, kNone, "schedule.overlap", "one staging"},
      {every("allow_all", "last"), {{"key", "k"}}, kToLogger, "schedule.overlap", "limit of 1"},
      {every("allow_all", "last"), {{"key", "k"}, {"limit", 2}}, kToLogger, nullptr, ""},
      {kNone, {{"limit", 2}}, kNone, "concurrency.limit", "names none"},
      {kNone, {{"limit", 1}, {"pool", "p"}}, kNone, "concurrency.limit", "names none"},
      {kNone, {{"key", "k"}, {"limit", 0}}, kNone, "concurrency.limit", ""},
      {kNone, {{"key", "k"}, {"limit", 2}, {"pool", "p"}, {"priority", 3}}, kNone, nullptr, ""},
  };
  for (const Combination& row : kCombinations) {
    json job = DummyJob("a");
    if (!row.schedule.is_null()) job["schedule"] = row.schedule;
    if (!row.concurrency.is_null()) job["concurrency"] = row.concurrency;
    if (!row.destination.is_null()) job["destination"] = {{"name", "logger"}};
    const ParsedJob parsed = Check(job);
    if (row.path == nullptr) {
      EXPECT_TRUE(parsed.spec) << job << (parsed.errors.empty() ? "" : parsed.errors[0].message);
      EXPECT_THAT(parsed.warnings, IsEmpty()) << job;
      continue;
    }
    ASSERT_THAT(parsed.errors, SizeIs(1)) << job;
    EXPECT_EQ(parsed.errors[0].path, row.path) << job;
    EXPECT_THAT(parsed.errors[0].message, HasSubstr(row.says)) << job;
    if (*row.says != '\0') {
      EXPECT_FALSE(parsed.errors[0].remedy.empty()) << job;
    }
  }
}

TEST_F(LimitsTest, AWatermarkForbidsAllowAll) {
  json job = DummyJob("a", {{"schedule", {{"every", "1h"}, {"overlap", "allow_all"}}}});
  job["destination"] = {{"name", "logger"}};
  job["source"]["sync_mode"] = "incremental";
  job["source"]["cursor_field"] = "id";
  const ParsedJob parsed = Check(job);
  ASSERT_THAT(parsed.errors, SizeIs(1));
  EXPECT_THAT(parsed.errors[0].message, HasSubstr("watermark"));
}

TEST_F(LimitsTest, AStreamThatHoldsAKeyIsWarnedOf) {
  json job = Bounded("a", {{"key", "k"}});
  job["source"]["sync_mode"] = "stream";
  const ParsedJob parsed = Check(job);
  for (const JobIssue& issue : parsed.warnings) {
    if (issue.path == "concurrency.key") return;
  }
  FAIL() << "no warning";
}

TEST_F(LimitsTest, ARunCarriesWhatItsVersionSays) {
  const json bounds = {{"pool", "p"}, {"key", "k"}, {"limit", 3}, {"priority", 4}};
  MustPut(Bounded("a", bounds));
  const RunRow run = MustTrigger("a");
  MustPut(DummyJob("a"));
  EXPECT_EQ(run.pool, "p");
  const RunRow stored = Run(run.id);
  EXPECT_EQ(stored.pool, "p");
  EXPECT_EQ(stored.key, "k");
  EXPECT_EQ(stored.key_limit, 3);
  EXPECT_EQ(stored.priority, 4);
  EXPECT_FALSE(stored.parallel);
  EXPECT_EQ(Run(MustTrigger("a").id).pool, kDefaultPool);
}

TEST_F(LimitsTest, OneSyncAtATimeAgainstADatabase) {
  MakeScheduler(4);
  for (const char* job : {"a", "b", "c"}) {
    MustPut(Bounded(job, {{"key", "warehouse"}}));
    MustTrigger(job);
  }
  MustPut(DummyJob("other"));
  MustTrigger("other");
  Start();
  executor_->AwaitBegun(2);
  Pass(seconds(5));
  EXPECT_THAT(executor_->inside(), SizeIs(2)) << "one of the key and the other job's";
  executor_->OpenGate();
  executor_->AwaitEnded(4);
  EXPECT_EQ(executor_->most_inside(), 2u);
}

TEST_F(LimitsTest, APoolTakesAsManyAsItsSize) {
  SchedulerOptions options;
  options.workers = 6;
  options.pools = {{"heavy", 2}};
  MakeScheduler(options);
  for (const char* job : {"a", "b", "c", "d"}) {
    MustPut(Bounded(job, {{"pool", "heavy"}}));
    MustTrigger(job);
  }
  Start();
  executor_->AwaitBegun(2);
  Pass(seconds(5));
  EXPECT_THAT(executor_->inside(), SizeIs(2));
  executor_->OpenGate();
  executor_->AwaitEnded(4);
  EXPECT_EQ(executor_->most_inside(), 2u);
}

TEST_F(LimitsTest, AllowAllRunsBesideEachOther) {
  MakeScheduler(4);
  json job = DummyJob("a", {{"schedule", {{"cron", "* * * * *"}, {"overlap", "allow_all"}}}});
  job["destination"] = {{"name", "logger"}};
  MustPut(job);
  Start();
  Pass(std::chrono::minutes(3));
  executor_->AwaitBegun(3);
  EXPECT_THAT(executor_->inside(), SizeIs(3));
  EXPECT_TRUE(executor_->doubled());
  for (const OccurrenceRow& row : Occurrences("a")) EXPECT_EQ(row.state, "queued");
}

TEST_F(LimitsTest, ThreadsAreMadeAsNeededAndEndWhenIdle) {
  MakeScheduler(4);
  for (const char* job : {"a", "b", "c"}) {
    MustPut(DummyJob(job));
    MustTrigger(job);
  }
  Start();
  executor_->AwaitBegun(3);
  EXPECT_EQ(scheduler_->threads(), 3u);
  executor_->OpenGate();
  executor_->AwaitEnded(3);
  AwaitRest();
  for (size_t i = 0; i < 2; ++i) {
    MustTrigger("a");
    executor_->AwaitEnded(4 + i);
    AwaitRest();
  }
  EXPECT_EQ(scheduler_->threads(), 3u) << "none was made while others had no work";
  // A thread that was told to leave does so in its own time; a later turn joins it.
  for (int i = 0; i < 100 && scheduler_->threads() > 0; ++i) Pass(std::chrono::minutes(2));
  EXPECT_EQ(scheduler_->threads(), 0u);
  MustTrigger("b");
  executor_->AwaitEnded(6);
}

}  // namespace
}  // namespace bizond
