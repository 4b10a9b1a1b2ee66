// What became of a job's fires, over HTTP: filters, and the answer for a minute.
#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OccurrencesTest : public WebTest {
 protected:
  OccurrencesTest() {
    Start();
    json job = Definition("a");
    job["schedule"] = {{"cron", "*/5 * * * *"}};
    EXPECT_EQ(Post("/api/v1/jobs", job).status, 201);
  }

  static UtcTime Time(const std::string& clock) {
    return ParseUtc("2026-03-01T" + clock + "Z").value();
  }
  void Put(const std::string& clock, const char* state, const char* reason,
           const char* until = nullptr, const std::string& run = "") {
    ASSERT_TRUE(store_->Write([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(
          tx.InsertOccurrence({"a", Time(clock), state, reason, run, Time(clock),
                               until == nullptr ? std::nullopt : std::optional(Time(until))}));
      return {};
    }));
  }
  void PutRun(const std::string& id, const std::string& clock, bool scheduled,
              RunPhase end = RunPhase::kQueued) {
    ASSERT_TRUE(store_->Write([&](StoreTx& tx) -> Status {
      RunRow run;
      run.id = id;
      run.job = "a";
      run.job_version = 1;
      run.trigger = scheduled ? "schedule" : "api";
      run.queued_at = run.not_before = Time(clock);
      if (scheduled) run.nominal_at = Time(clock);
      BIZOND_RETURN_IF_ERROR(tx.InsertRun(run));
      if (IsActive(end)) return {};
      BIZOND_ASSIGN_OR_RETURN(const int64_t fence, tx.ClaimRun(id, "node", Time(clock)));
      std::optional<Error> error;
      if (end == RunPhase::kFailed) {
        error = Error{ErrorKind::kPermanent, "broken", "the pipe is broken", "mend it"};
      }
      return tx.FinishRun(id, fence, end, error, Time(clock));
    }));
  }
  Answer List(const std::string& query) { return Get("/api/v1/jobs/a/occurrences?" + query); }
  std::vector<std::string> Fires(const std::string& query) {
    std::vector<std::string> fires;
    const Answer answer = List(query);
    EXPECT_EQ(answer.status, 200) << answer.text;
    for (const json& fire : answer.body["items"]) {
      fires.push_back(fire["nominal_at"].get<std::string>().substr(11, 5));
    }
    return fires;
  }
  json AnswerAt(const std::string& clock) {
    const Answer answer = List("at=2026-03-01T" + clock + "Z");
    EXPECT_EQ(answer.status, 200) << answer.text;
    return answer.body["answer"];
  }
};

TEST_F(OccurrencesTest, AreFilteredAndSayWhy) {
  PutRun("r1", "10:00:00", true, RunPhase::kFailed);
  Put("10:00:00", "ran", "", nullptr, "r1");
  Put("10:05:00", "skipped", "overlap");
  Put("10:10:00", "missed", "downtime", "12:00:00");
  Put("12:05:00", "missed", "a reason of tomorrow");
  EXPECT_THAT(Fires("state=missed"), ElementsAre("12:05", "10:10"));
  EXPECT_THAT(Fires("state=skipped,missed&limit=2"), ElementsAre("12:05", "10:10"));
  EXPECT_THAT(Fires("reason=overlap"), ElementsAre("10:05"));
  EXPECT_THAT(Fires("from=2026-03-01T11:00:00Z&to=2026-03-01T11:01:00Z"), ElementsAre("10:10"));
  EXPECT_THAT(Fires("from=2026-03-01T12:06:00Z"), IsEmpty());
  const json all = List("").body["items"];
  EXPECT_THAT(all[0]["why"].get<std::string>(), HasSubstr("does not know"));
  EXPECT_THAT(all[1]["why"].get<std::string>(), HasSubstr("the daemon was not running"));
  EXPECT_THAT(all[2]["remedy"].get<std::string>(), HasSubstr("buffer_one"));
  EXPECT_EQ(all[3]["run_state"], "failed");
  EXPECT_EQ(all[3]["why"], "the pipe is broken");
  for (const char* const wrong :
       {"state=missing", "state=", "from=yesterday", "at=now", "at=2026-03-01T11:00:00Z&limit=3",
        "from=2026-03-01T11:00:00Z&to=2026-03-01T11:00:00Z"}) {
    EXPECT_EQ(List(wrong).code(), "invalid_parameter") << wrong;
  }
  EXPECT_EQ(Get("/api/v1/jobs/none/occurrences").code(), "job_missing");
  EXPECT_EQ(Get("/api/v1/jobs/none/occurrences?at=2026-03-01T11:00:00Z").code(), "job_missing");
}

TEST_F(OccurrencesTest, AMinuteIsAnsweredWhateverIsInIt) {
  PutRun("r1", "10:00:00", true, RunPhase::kSucceeded);
  Put("10:00:00", "ran", "", nullptr, "r1");
  Put("10:05:00", "skipped", "paused");
  Put("10:10:00", "missed", "downtime", "12:00:00");
  PutRun("asked", "10:02:10", false);
  EXPECT_EQ(AnswerAt("10:00:59")["text"], "It ran.");
  const json paused = AnswerAt("10:05:20");
  EXPECT_EQ(paused["outcome"], "skipped");
  EXPECT_EQ(paused["text"], "It did not run: the job was paused.");
  EXPECT_EQ(paused["remedy"], "bizond jobs resume NAME");
  EXPECT_EQ(paused["before"]["state"], "ran");
  EXPECT_EQ(paused["after"]["state"], "missed");
  const json within = AnswerAt("11:30:00");
  EXPECT_EQ(within["outcome"], "missed");
  EXPECT_THAT(within["text"].get<std::string>(),
              HasSubstr("from 2026-03-01T10:10:00.000Z to 2026-03-01T12:00:00.000Z"));
  const json between = AnswerAt("10:02:00");
  EXPECT_EQ(between["outcome"], "nothing");
  EXPECT_THAT(between["text"].get<std::string>(), HasSubstr("A run was asked for"));
  EXPECT_EQ(between["runs"][0]["id"], "asked");
  EXPECT_EQ(between["before"]["nominal_at"], "2026-03-01T10:00:00.000Z");
  EXPECT_EQ(between["after"]["nominal_at"], "2026-03-01T10:05:00.000Z");
  EXPECT_THAT(AnswerAt("09:00:00")["text"].get<std::string>(), HasSubstr("not there yet"));
  // To come: as the schedule says.
  const Answer planned = List("at=2199-01-01T00:05:30Z");
  EXPECT_EQ(planned.body["answer"]["outcome"], "planned");
  EXPECT_THAT(planned.body["answer"]["text"].get<std::string>(),
              HasSubstr("at 2199-01-01T00:05:00.000Z"));
  const Answer off = List("at=2199-01-01T00:06:00Z");
  EXPECT_EQ(off.body["answer"]["outcome"], "nothing");
  EXPECT_EQ(off.body["answer"]["after"]["state"], "planned");
  EXPECT_EQ(off.body["answer"]["after"]["nominal_at"], "2199-01-01T00:10:00.000Z");
}

TEST_F(OccurrencesTest, WhatWasPrunedIsNotTakenForNothing) {
  Put("10:00:00", "skipped", "overlap");
  Put("12:00:00", "skipped", "overlap");
  while (store_->Retain(Time("11:30:00"), 10).value() > 0) {
  }
  while (store_->Prune(Time("11:00:00"), 10).value() > 0) {
  }
  const json answer = AnswerAt("10:00:00");
  EXPECT_EQ(answer["outcome"], "unknown");
  EXPECT_THAT(answer["text"].get<std::string>(), HasSubstr("older than 2026-03-01T11:00:00.000Z"));
  EXPECT_EQ(AnswerAt("12:00:00")["outcome"], "skipped");
}

TEST_F(OccurrencesTest, ACalendarIsShownByDay) {
  Put("10:00:00", "ran", "");
  Put("10:05:00", "skipped", "overlap");
  const Answer answer = Get("/api/v1/jobs/a/calendar?from=2026-03-01&days=2");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.body["timezone"], "UTC");
  EXPECT_EQ(answer.body["days"][0]["ran"], 1);
  EXPECT_EQ(answer.body["days"][0]["skipped"], 1);
  EXPECT_EQ(answer.body["days"][1]["date"], "2026-03-02");
  EXPECT_EQ(Get("/api/v1/jobs/a/calendar").body["days"].size(), 35U);
  for (const char* const wrong : {"from=yesterday", "from=2026-03-01T00:00:00Z", "days=63"}) {
    EXPECT_EQ(Get(std::string("/api/v1/jobs/a/calendar?") + wrong).code(), "invalid_parameter");
  }
  EXPECT_EQ(Get("/api/v1/jobs/none/calendar").code(), "job_missing");
}

TEST_F(OccurrencesTest, SeveralFiresOfAMinuteAndADeletedJobAreAnsweredToo) {
  for (int second = 10; second < 40; ++second) {
    Put("10:00:" + std::to_string(second), second == 20 ? "skipped" : "ran",
        second == 20 ? "overlap" : "");
  }
  PutRun("waits", "10:01:00", true);
  Put("10:01:00", "queued", "", nullptr, "waits");
  EXPECT_THAT(AnswerAt("10:01:00")["text"].get<std::string>(), HasSubstr("has not ended yet: it"));
  const json answer = AnswerAt("10:00:00");
  EXPECT_EQ(answer["outcome"], "skipped");
  EXPECT_THAT(answer["text"].get<std::string>(),
              HasSubstr("30 fires in this minute: 29 ran, 1 skipped. The one at "
                        "2026-03-01T10:00:20.000Z: It did not run"));
  EXPECT_EQ(Ask("DELETE", "/api/v1/jobs/a").status, 204);
  EXPECT_EQ(AnswerAt("10:00:00")["outcome"], "skipped");
  EXPECT_THAT(AnswerAt("10:30:00")["text"].get<std::string>(), HasSubstr("deleted since"));
}

}  // namespace
}  // namespace bizond
