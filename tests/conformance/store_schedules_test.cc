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

TEST_P(StoreConformance, OccurrencesAreFilteredInBothDatabases) {
  const auto put = [&](const char* job, int at, const char* state, const char* reason,
                       std::optional<UtcTime> until = std::nullopt) {
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({job, At(at), state, reason, "", At(at), until}));
      return {};
    });
  };
  put("j", 10, "ran", "");
  put("j", 20, "missed", "downtime", At(40));
  put("j", 50, "skipped", "overlap");
  put("other", 55, "missed", "suspend");
  put("j", 60, "missed", "suspend", At(80));
  put("j", 90, "ran", "");
  put("j", 100, "queued", "");
  // Seconds of the fires, newest first, in pages of two.
  const auto list = [&](OccurrenceFilter filter) {
    filter.job = "j";
    std::vector<int> seconds;
    Page page{2, ""};
    do {
      const auto rows = Get([&](const StoreReader& r) { return r.ListOccurrences(filter, page); });
      for (const OccurrenceRow& row : rows.items) {
        seconds.push_back(static_cast<int>((row.nominal_at - At(0)) / std::chrono::seconds(1)));
      }
      page.cursor = rows.next_cursor;
    } while (!page.cursor.empty());
    return seconds;
  };
  const auto between = [](int from, int to) {
    OccurrenceFilter filter;
    filter.from = At(from);
    filter.to = At(to);
    return filter;
  };
  const auto of = [](std::vector<std::string> states, const char* reason) {
    OccurrenceFilter filter;
    filter.states = std::move(states);
    filter.reason = reason;
    return filter;
  };
  const auto first = [&](int from) {
    const auto row = Get([&](const StoreReader& r) { return r.FirstOccurrence("j", At(from)); });
    return row ? static_cast<int>((row->nominal_at - At(0)) / std::chrono::seconds(1)) : -1;
  };
  for (const bool moved : {false, true}) {
    if (moved) {
      while (store_->Retain(At(55), 2).value() > 0) {
      }
    }
    EXPECT_THAT(list({}), ElementsAre(100, 90, 60, 50, 20, 10)) << moved;
    EXPECT_THAT(list(of({"missed"}, "")), ElementsAre(60, 20));
    EXPECT_THAT(list(of({"skipped", "missed"}, "")), ElementsAre(60, 50, 20));
    EXPECT_THAT(list(of({"ran", "queued"}, "")), ElementsAre(100, 90, 10));
    EXPECT_THAT(list(of({}, "suspend")), ElementsAre(60));
    EXPECT_THAT(list(of({"skipped"}, "suspend")), IsEmpty());
    EXPECT_THAT(list(between(50, 90)), ElementsAre(60, 50));
    EXPECT_THAT(list(between(40, 61)), ElementsAre(60, 50, 20)) << "its last fire is at 40";
    EXPECT_THAT(list(between(41, 60)), ElementsAre(50));
    EXPECT_THAT(list(between(70, 71)), ElementsAre(60)) << "within a row";
    EXPECT_THAT(list(between(81, 90)), IsEmpty());
    EXPECT_EQ(first(0), 10);
    EXPECT_EQ(first(11), 20);
    EXPECT_EQ(first(51), 60);
    EXPECT_EQ(first(101), -1);
  }
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
