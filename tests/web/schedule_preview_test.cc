// The preview of schedules, over HTTP.
#include <gmock/gmock.h>

#include "tests/web/web_fixture.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;

class SchedulePreviewTest : public WebTest {
 protected:
  SchedulePreviewTest() { Start(); }

  Answer Preview(const std::string& query) {
    return Get("/api/v1/schedules/preview?from=2026-03-28T12:00:00Z&" + query);
  }
  std::string FirstAt(const std::string& query) {
    const Answer answer = Preview(query);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return answer.body["items"][0]["at"];
  }
};

TEST_F(SchedulePreviewTest, MarksGapsAndFoldsByThePolicies) {
  const json gap = Preview("cron=0+2+*+*+*&timezone=Europe/Paris&count=1").body;
  EXPECT_EQ(gap["items"][0]["gap"], true);
  EXPECT_EQ(gap["items"][0]["local"], "2026-03-29T03:00:00+02:00");
  EXPECT_EQ(gap["items"].size(), 1U);
  EXPECT_EQ(gap["depends_on_job"], false);
  EXPECT_EQ(gap["timezone"], "Europe/Paris");
  const json skip =
      Preview("cron=0+2+*+*+*&timezone=Europe/Paris&count=1&on_gap=skip").body["items"][0];
  EXPECT_EQ(skip["at"], "2026-03-30T00:00:00.000Z");
  const json both = Get("/api/v1/schedules/preview?cron=0+2+*+*+*&timezone=Europe/Paris"
                        "&from=2026-10-24T12:00:00Z&count=2&on_fold=both")
                        .body["items"];
  EXPECT_EQ(both[0]["at"], "2026-10-25T00:00:00.000Z");
  EXPECT_EQ(both[1]["at"], "2026-10-25T01:00:00.000Z");
  EXPECT_EQ(both[1]["fold"], true);
}

TEST_F(SchedulePreviewTest, DrawsFromTheNameOfTheJob) {
  const std::string a = FirstAt("cron=H+H+*+*+*&job=a");
  EXPECT_EQ(FirstAt("cron=H+H+*+*+*&job=a"), a);
  EXPECT_NE(FirstAt("cron=H+H+*+*+*&job=b"), a);
  EXPECT_NE(FirstAt("every=1h&job=a"), FirstAt("every=1h&job=b"));
  EXPECT_EQ(FirstAt("every=1h&job=a"), FirstAt("cron=@every+1h&job=a"));
  for (const char* query : {"cron=H+H+*+*+*", "every=90s", "cron=@daily&jitter=1h"}) {
    const json answer = Preview(query).body;
    EXPECT_EQ(answer["depends_on_job"], true) << query;
    EXPECT_TRUE(answer["job"].is_null());
  }
}

TEST_F(SchedulePreviewTest, AJobsOwnScheduleIsWhatItsRowHolds) {
  json job = Definition("flights of H");
  job["schedule"] = {{"cron", "H H * * *"}, {"timezone", "Europe/Paris"}, {"jitter", "1h"}};
  ASSERT_EQ(Post("/api/v1/jobs", job).status, 201);
  const json stored = Get("/api/v1/jobs/flights%20of%20H").body;
  const json own = Get("/api/v1/schedules/preview?job=flights+of+H").body;
  EXPECT_EQ(own["items"][0]["at"], stored["next_at"]);
  EXPECT_EQ(own["job"], "flights of H");
  for (const json& fire : own["items"]) {
    EXPECT_GE(fire["starts_at"].get<std::string>(), fire["at"].get<std::string>());
    EXPECT_NE(fire["starts_at"], fire["at"]) << "one of 3,600,000 draws";
  }
  Submit("unscheduled");
  EXPECT_EQ(Preview("job=unscheduled").status, 422);
  EXPECT_EQ(Preview("job=nobody").code(), "job_missing");
  EXPECT_EQ(Preview("job=nobody&cron=@daily").status, 200) << "it need not be there yet";
}

TEST_F(SchedulePreviewTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(Preview("cron=99+*+*+*+*").code(), "invalid_cron");
  EXPECT_EQ(Preview("cron=99+*+*+*+*").status, 422);
  EXPECT_EQ(Preview("cron=@daily&every=1h").status, 422);
  const Answer zone = Preview("cron=@daily&timezone=Europe/Pariss");
  EXPECT_EQ(zone.status, 422);
  EXPECT_THAT(zone.text, HasSubstr("Europe/Paris"));
  EXPECT_EQ(Preview("cron=@hourly&jitter=2h").status, 422);
  EXPECT_EQ(Preview("cron=@daily&on_gap=both").status, 422);
  for (const char* query :
       {"", "timezone=Europe/Paris", "job=a&timezone=Europe/Paris", "cron=@daily&count=0",
        "cron=@daily&count=1001", "cron=@daily&count=x"}) {
    EXPECT_EQ(Preview(query).status, 400) << query;
  }
  EXPECT_EQ(Get("/api/v1/schedules/preview?cron=@daily&from=yesterday").status, 400);
}

}  // namespace
}  // namespace bizond
