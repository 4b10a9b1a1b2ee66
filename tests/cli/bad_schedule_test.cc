// One table of schedules that make no sense, through every way into the daemon: each is refused by
// place, words and a remedy, and leaves nothing behind.
#include <gmock/gmock.h>

#include "scheduler/jobs_folder.h"
#include "tests/cli/in_process.h"
#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;

struct BadSchedule {
  const char* name;
  const char* block;
  const char* path;
  const char* message;
  const char* remedy;
  bool may_run = false;  // By hand, where the schedule does not count.
};

void PrintTo(const BadSchedule& bad, std::ostream* out) { *out << bad.block; }

constexpr BadSchedule kBadSchedules[] = {
    {"CronValue", R"({"cron": "0 24 * * *"})", "schedule.cron",
     "wrong hour at character 3: 24 is not within 0-23", "midnight is 0"},
    {"CronName", R"({"cron": "0 0 * * MOM"})", "schedule.cron",
     "wrong day of week at character 9: 'MOM' is not a day of week", "Did you mean MON"},
    {"CronFields", R"({"cron": "* * * *"})", "schedule.cron", "has 4 fields", "minute, hour"},
    {"CronNever", R"({"cron": "0 0 30 2 *"})", "schedule.cron", "can never fire",
     "`L` is its last"},
    {"CronNeverInZone", R"({"cron": "30 2 * 3 7L", "timezone": "Europe/Paris", "on_gap": "skip"})",
     "schedule.on_gap", "skip leaves out every time", "on_gap: next"},
    {"CronReboot", R"({"cron": "@reboot"})", "schedule.cron", "a start of the machine", "trigger"},
    {"Zone", R"({"cron": "@daily", "timezone": "Europe/Pariss"})", "schedule.timezone",
     "there is no time zone 'Europe/Pariss'", "Europe/Paris"},
    {"EveryNegative", R"({"every": "-5s"})", "schedule.every", "-5s", "90s"},
    {"EveryNegativeNumber", R"({"every": -5})", "schedule.every", "-5", "90s"},
    {"EveryZero", R"({"every": 0})", "schedule.every", "interval of 0s", "90s"},
    {"EveryMacroZero", R"({"cron": "@every 0s"})", "schedule.cron", "interval of 0s", "90s"},
    {"AtPast", R"({"at": "2020-01-01T00:00:00Z"})", "schedule.at",
     "2020-01-01T00:00:00.000Z has passed", "an instant to come", true},
    {"AtText", R"({"at": "tomorrow"})", "schedule.at", "tomorrow", "2026-"},
    {"JitterOfEvery", R"({"every": "1h", "jitter": "2h"})", "schedule.jitter",
     "2h is longer than the 1h", "at most 1h"},
    {"JitterOfRareNeighbours", R"({"cron": "0 0 1,31 * *", "jitter": "25h"})", "schedule.jitter",
     "is longer than the 1d", "at most 1d"},
    {"JitterNegative", R"({"every": "1h", "jitter": "-1s"})", "schedule.jitter", "-1s", "90s"},
    {"WindowWithoutWhen", R"({"catch_up": {"within": "6h"}})", "schedule", "nothing says when",
     "exactly one of cron, every, at"},
    {"WindowOfNothing", R"({"every": "1h", "catch_up": {"within": "0s"}})",
     "schedule.catch_up.within", "a window of nothing", "6h"},
    {"WindowOfAfter", R"({"after": "other", "catch_up": {"within": "6h"}})", "schedule.catch_up",
     "means nothing with 'after'", "cron, every or at"},
    {"KeysWithoutWhen", R"({"timezone": "Europe/Paris", "jitter": "5s"})", "schedule",
     "nothing says when", "exactly one of cron, every, at"},
    {"Empty", "{}", "schedule", "must not be empty", "Remove it"},
    {"TwoWhens", R"({"cron": "@daily", "every": "1h"})", "schedule", "cron and every contradict",
     "exactly one of"},
    {"Typo", R"({"corn": "@daily"})", "schedule.corn", "unknown key", "Did you mean cron?"},
};

class BadScheduleTest : public WebTest, public testing::WithParamInterface<BadSchedule> {
 protected:
  BadScheduleTest() {
    Start();
    verbs_.catalog = &catalog_;
    job_["schedule"] = json::parse(GetParam().block);
    directory_.Write("job.yml", job_.dump(1));
  }

  void ExpectWords(const std::string& said) const {
    EXPECT_THAT(said, HasSubstr(GetParam().message));
    EXPECT_THAT(said, HasSubstr(GetParam().remedy));
  }
  void ExpectNothingStored() { EXPECT_EQ(Get("/api/v1/jobs").body["items"].size(), 0U); }

  LocalVerbs verbs_;
  json job_ = Definition("bad");
};

TEST_P(BadScheduleTest, OverTheApi) {
  for (const Answer& answer :
       {Post("/api/v1/jobs", job_), Ask("PUT", "/api/v1/jobs/bad", job_.dump())}) {
    EXPECT_EQ(answer.status, 422) << answer.text;
    ASSERT_EQ(answer.body["errors"].size(), 1U) << answer.text;
    EXPECT_EQ(answer.body["errors"][0]["path"], GetParam().path);
    ExpectWords(answer.body["errors"][0]["message"].get<std::string>() +
                answer.body["errors"][0]["remedy"].get<std::string>());
  }
  EXPECT_EQ(Post("/api/v1/validate", job_).body["valid"], false);
  ExpectNothingStored();
}

TEST_P(BadScheduleTest, ByTheCommandLine) {
  const Outcome checked = RunBizond(directory_.path(), "check job.yml");
  EXPECT_EQ(checked.exit_code, 3) << checked.err;
  ExpectWords(checked.err);
  if (!GetParam().may_run) {
    const Outcome ran = RunBizond(directory_.path(), "run job.yml");
    EXPECT_EQ(ran.exit_code, 3) << ran.err;
    ExpectWords(ran.err);
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state"));
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "bad.json"));
  }
  const Outcome applied =
      CallCommandLine({"jobs", "apply", "-f", (directory_.path() / "job.yml").string(), "--url",
                       "127.0.0.1:" + std::to_string(server_->port())},
                      verbs_);
  EXPECT_EQ(applied.exit_code, 3) << applied.err;
  ExpectWords(applied.err);
  ExpectNothingStored();
}

TEST_P(BadScheduleTest, FromAFolder) {
  directory_.Write("jobs/bad.yml", job_.dump());
  testing::internal::CaptureStderr();
  JobsFolder folder(directory_.path() / "jobs", &*jobs_, store_.get(), &clock_);
  EXPECT_TRUE(folder.Start());
  folder.Stop();
  ExpectWords(testing::internal::GetCapturedStderr());
  ExpectNothingStored();
}

INSTANTIATE_TEST_SUITE_P(Table, BadScheduleTest, testing::ValuesIn(kBadSchedules),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace bizond
