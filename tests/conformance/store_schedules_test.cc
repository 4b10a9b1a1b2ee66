// Schedules and their ledger: what a scheduler needs when the clock was wrong.
#include "tests/conformance/store_conformance.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(StoreConformance, SchedulesAreListedByNameInPortions) {
  Must([](StoreTx& tx) -> Status {
    for (const char* const job : {"c", "a", "b"}) {
      BIZOND_RETURN_IF_ERROR(tx.PutSchedule({job, At(5), std::nullopt, ""}));
    }
    return {};
  });
  const auto names = [&](std::string_view after, int limit) {
    std::vector<std::string> jobs;
    for (const ScheduleRow& row :
         Get([&](const StoreReader& r) { return r.ListSchedules(after, limit); })) {
      jobs.push_back(row.job);
    }
    return jobs;
  };
  EXPECT_THAT(names("", 2), ElementsAre("a", "b"));
  EXPECT_THAT(names("b", 2), ElementsAre("c"));
  EXPECT_THAT(names("c", 2), IsEmpty());
}

TEST_P(StoreConformance, MarksOfTheSchedulerAreKept) {
  const auto marks = [&] {
    return Get([](const StoreReader& r) { return r.GetSchedulerMarks(); });
  };
  EXPECT_FALSE(marks().fired_until);
  EXPECT_EQ(marks().tzdata, "");
  Must([](StoreTx& tx) { return tx.PutSchedulerMarks({At(9), "2026a"}); });
  Open();
  EXPECT_EQ(marks().fired_until, At(9));
  EXPECT_EQ(marks().tzdata, "2026a");
}

TEST_P(StoreConformance, MissedFiresToComeAreForgottenAndNoOthers) {
  const auto put = [&](int at, const char* state, const char* reason,
                       std::optional<UtcTime> until = std::nullopt) {
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({"j", At(at), state, reason, "", At(0), until}));
      return {};
    });
  };
  put(1, "missed", "downtime");
  put(2, "missed", "clock_step", At(4));
  put(5, "missed", "clock_step", At(7));
  put(8, "missed", "clock_step");
  put(9, "ran", "");
  put(10, "skipped", "overlap");
  put(11, "skipped", "paused");
  Must([](StoreTx& tx) { return tx.UndoMissed("j", At(6)); });
  Must([](StoreTx& tx) { return tx.UndoMissed("another", At(0)); });
  const auto second = [](UtcTime at) {
    return std::to_string((at - At(0)) / std::chrono::seconds(1));
  };
  std::vector<std::string> left;
  for (const OccurrenceRow& row :
       Get([](const StoreReader& r) { return r.ListOccurrences("j", Page{}); }).items) {
    left.push_back(second(row.nominal_at) + " " + row.state +
                   (row.until ? " " + second(*row.until) : ""));
  }
  EXPECT_THAT(left, ElementsAre("10 skipped", "9 ran", "5 missed 6", "2 missed 4", "1 missed"));
}

TEST_P(StoreConformance, AClockSetBackIsNotWaitedOut) {
  RunRow at_once = Queued("at_once", "a", 100);
  RunRow asked_for_later = Queued("later", "b", 100);
  asked_for_later.not_before = At(500);
  RunRow scheduled = Queued("scheduled", "c", 100);
  scheduled.nominal_at = At(90);
  scheduled.not_before = At(130);
  for (const RunRow& run : {at_once, asked_for_later, scheduled}) InsertRun(run);
  InsertRun(Queued("retry", "d", 100));
  const int64_t fence = Claim("retry");
  Must([&](StoreTx& tx) { return tx.RequeueRun("retry", fence, std::nullopt, At(110), At(100)); });
  Must([](StoreTx& tx) { return tx.PullQueuedRuns(At(40), std::chrono::seconds(60)); });
  EXPECT_EQ(Run("at_once").not_before, At(40));
  EXPECT_EQ(Run("scheduled").not_before, At(70));
  EXPECT_EQ(Run("retry").not_before, At(50));
  EXPECT_EQ(Run("later").not_before, At(500)) << "somebody named that instant";
}

TEST_P(StoreConformance, WhoPublishedLaterIsToldByTheFenceNotTheClock) {
  Ended("r1", "j", 100, RunPhase::kFailed);
  InsertRun(Queued("r2", "j", 20));  // The clock was set back in between.
  const int64_t fence = Claim("r2");
  Must(
      [&](StoreTx& tx) { return tx.RecordStream("r2", fence, "s", StreamRecord{}, true, At(21)); });
  EXPECT_EQ(CodeOf([](StoreTx& tx) { return tx.ReopenRun("r1", At(22)); }), "later_run_published");
}

}  // namespace
}  // namespace bizond
