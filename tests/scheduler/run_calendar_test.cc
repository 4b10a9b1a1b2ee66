#include "scheduler/run_calendar.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "scheduler/zone.h"
#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;

std::chrono::local_days Date(int year, unsigned month, unsigned day) {
  return std::chrono::local_days(std::chrono::year(year) / static_cast<int>(month) /
                                 static_cast<int>(day));
}

TEST(BeginOfDayTest, IsMidnightOrWhatComesInItsPlace) {
  const auto begin = [](const char* zone, std::chrono::local_days day) {
    return FormatUtc(BeginOfDay(*Zone::Find(zone).value(), day));
  };
  EXPECT_EQ(begin("UTC", Date(2026, 3, 29)), "2026-03-29T00:00:00.000Z");
  EXPECT_EQ(begin("Europe/Paris", Date(2026, 3, 29)), "2026-03-28T23:00:00.000Z");
  EXPECT_EQ(begin("Europe/Paris", Date(2026, 3, 30)), "2026-03-29T22:00:00.000Z") << "23 hours";
  EXPECT_EQ(begin("Europe/Paris", Date(2026, 10, 25)), "2026-10-24T22:00:00.000Z");
  EXPECT_EQ(begin("Europe/Paris", Date(2026, 10, 26)), "2026-10-25T23:00:00.000Z") << "25 hours";
  EXPECT_EQ(begin("Asia/Beirut", Date(2026, 3, 29)), "2026-03-28T22:00:00.000Z")
      << "midnight is in the gap: the day begins at 1";
  EXPECT_EQ(begin("Pacific/Apia", Date(2011, 12, 30)), begin("Pacific/Apia", Date(2011, 12, 31)))
      << "a day that never was";
  EXPECT_EQ(begin("Australia/Lord_Howe", Date(2026, 10, 5)), "2026-10-04T13:00:00.000Z");
}

class RunCalendarTest : public JobFixture {
 protected:
  json Calendar(const std::string& now, const CalendarRange& range) {
    return Read([&](const StoreReader& reader) {
      return RunCalendar(reader, "a", range, ParseUtc(now).value());
    });
  }
  void PutWith(const json& schedule) {
    ASSERT_TRUE(store_->Write([&](StoreTx& tx) -> Status {
      JobRow job;
      job.name = "a";
      job.managed_by = "api";
      job.definition = json{{"name", "a"}, {"schedule", schedule}}.dump();
      BIZOND_RETURN_IF_ERROR(tx.PutJob(job));
      return {};
    }));
  }
  void PutFire(const std::string& at, const char* state,
               std::optional<UtcTime> until = std::nullopt) {
    ASSERT_TRUE(store_->Write([&](StoreTx& tx) -> Status {
      const UtcTime nominal = ParseUtc(at).value();
      BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({"a", nominal, state, "", "", nominal, until}));
      return {};
    }));
  }
};

TEST_F(RunCalendarTest, DaysAreThoseOfTheZoneAcrossItsChanges) {
  PutWith({{"cron", "30 2 * * *"}, {"timezone", "Europe/Paris"}, {"on_fold", "both"}});
  PutFire("2026-03-27T01:30:00Z", "ran");
  PutFire("2026-03-28T22:59:59Z", "ran");
  PutFire("2026-03-28T23:00:00Z", "skipped");
  const json spring = Calendar("2026-03-29T00:00:00Z", {Date(2026, 3, 27), 5});
  ASSERT_EQ(spring["days"].size(), 5u);
  EXPECT_EQ(spring["timezone"], "Europe/Paris");
  EXPECT_EQ(spring["today"], "2026-03-29");
  EXPECT_EQ(spring["days"][0]["ran"], 1);
  EXPECT_EQ(spring["days"][0]["planned"], 0) << "what has passed is the ledger's";
  EXPECT_EQ(spring["days"][1]["ran"], 1);
  EXPECT_EQ(spring["days"][1]["hours"], 24.0);
  EXPECT_EQ(spring["days"][2]["skipped"], 1);
  EXPECT_EQ(spring["days"][2]["hours"], 23.0);
  EXPECT_EQ(spring["days"][2]["gap"], true);
  EXPECT_EQ(spring["days"][2]["planned"], 1);
  EXPECT_EQ(spring["days"][3]["gap"], false);
  const json autumn = Calendar("2026-10-27T00:00:00Z", {Date(2026, 10, 25), 2});
  EXPECT_EQ(autumn["days"][0]["hours"], 25.0);
  EXPECT_EQ(autumn["days"][0]["fold"], true) << "also of a day that has passed";
  EXPECT_EQ(autumn["days"][0]["planned"], 0);
  const json coming = Calendar("2026-10-24T12:00:00Z", {Date(2026, 10, 25), 1});
  EXPECT_EQ(coming["days"][0]["planned"], 2);
  const json usual = Calendar("2026-11-26T12:00:00Z", {});
  EXPECT_EQ(usual["days"].size(), 35u);
  EXPECT_EQ(usual["days"][0]["date"], "2026-11-02") << "a Monday";
}

TEST_F(RunCalendarTest, AScheduleOfEverySecondIsCountedOnlySoFar) {
  PutWith({{"every", "1s"}});
  ASSERT_TRUE(store_->Write([&](StoreTx& tx) -> Status {
    const UtcTime first = ParseUtc("2026-03-01T00:00:00Z").value();
    for (int second = 0; second < 6000; ++second) {
      const UtcTime at = first + std::chrono::seconds(second);
      BIZOND_RETURN_IF_ERROR(
          tx.InsertOccurrence({"a", at, second == 5999 ? "skipped" : "ran", "overlap", "", at}));
    }
    return {};
  }));
  PutFire("2026-03-02T00:00:00Z", "missed", ParseUtc("2026-03-04T00:00:00Z").value());
  const json days = Calendar("2026-03-05T12:00:00Z", {Date(2026, 3, 1), 62})["days"];
  EXPECT_EQ(days[0]["ran"], 5000);
  EXPECT_EQ(days[0]["more"], true);
  EXPECT_EQ(days[0]["skipped"], 1) << "what did not run is counted for itself";
  EXPECT_EQ(days[1]["missed"], 1);
  EXPECT_EQ(days[2]["missed"], 0);
  EXPECT_EQ(days[2]["missed_in_a_row"], true);
  EXPECT_EQ(days[4]["missed_in_a_row"], false);
  EXPECT_EQ(days[61]["planned"], 1500);
  EXPECT_EQ(days[61]["more"], true);
}

}  // namespace
}  // namespace bizond
