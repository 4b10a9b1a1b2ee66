#include "scheduler/occurrence_words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bizond {
namespace {

TEST(OccurrenceWordsTest, EveryReasonThatTheLedgerKnowsHasARow) {
  OccurrenceRow row;
  row.state = "missed";
  for (const char* const reason :
       {"overlap", "paused", "cancelled", "failed", "downtime", "suspend", "clock_step",
        "store_unavailable", "late", "changed", "deleted", "held"}) {
    row.reason = reason;
    const WhyRow* const why = WhyOf(row, nullptr);
    ASSERT_NE(why, nullptr);
    EXPECT_EQ(why->reason, reason);
    EXPECT_FALSE(why->remedy.empty());
  }
  row.state = "queued";
  row.reason = "";
  RunRow run;
  for (int wait = 0; wait <= static_cast<int>(RunWait::kPool); ++wait) {
    run.waits = static_cast<RunWait>(wait);
    EXPECT_EQ(WhyOf(row, &run)->reason, "waits_" + std::string(RunWaitName(run.waits)));
  }
  EXPECT_EQ(WhyOf(row, nullptr)->reason, "waits_upstream");
  run.phase = RunPhase::kRunning;
  EXPECT_EQ(WhyOf(row, &run)->reason, "waits_run");
}

TEST(OccurrenceWordsTest, TheTableIsSortedAndReadsAsSentences) {
  const auto rows = WhyRows();
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(),
                             [](const WhyRow& a, const WhyRow& b) { return a.reason < b.reason; }));
  for (const WhyRow& row : rows) {
    EXPECT_NE(row.why.back(), '.') << row.reason;
    EXPECT_TRUE(std::islower(static_cast<unsigned char>(row.why.front()))) << row.reason;
  }
}

TEST(OccurrenceWordsTest, WhatRanHasNothingToExplain) {
  OccurrenceRow row;
  row.state = "ran";
  EXPECT_EQ(WhyOf(row, nullptr), nullptr);
  const nlohmann::json shown = OccurrenceJson(row, std::nullopt);
  EXPECT_TRUE(shown["why"].is_null());
  EXPECT_TRUE(shown["run_state"].is_null());
}

}  // namespace
}  // namespace bizond
