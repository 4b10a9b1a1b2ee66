#include "tests/scheduler/ledger_judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/time.h"
#include "scheduler/fire.h"

namespace bizond {
namespace {

using std::chrono::hours;

bool IsIn(const std::vector<Away>& stretches, UtcTime at) {
  return std::any_of(stretches.begin(), stretches.end(),
                     [&](const Away& away) { return away.from < at && at <= away.to; });
}

}  // namespace

std::vector<OccurrenceRow> LedgerJudge::Ledger(const std::string& job) {
  std::vector<OccurrenceRow> rows;
  Page page;
  page.limit = 1000;
  do {
    auto got =
        store_->Query([&](const StoreReader& reader) { return reader.ListOccurrences(job, page); });
    EXPECT_TRUE(got) << Describe(got.error());
    if (!got) return rows;
    rows.insert(rows.end(), got->items.begin(), got->items.end());
    page.cursor = got->next_cursor;
  } while (!page.cursor.empty());
  return {rows.rbegin(), rows.rend()};
}

// Exactly one row for each nominal instant, and none for any other.
void LedgerJudge::CheckRows(const SimulatedJob& job, const std::vector<UtcTime>& expected,
                            const std::vector<OccurrenceRow>& rows, UtcTime end) {
  size_t row = 0;
  for (const UtcTime nominal : expected) {
    ASSERT_LT(row, rows.size()) << job.name << ": no row for " << FormatUtc(nominal);
    const OccurrenceRow& found = rows[row];
    if (found.until) {
      ASSERT_LE(found.nominal_at, nominal);
      ASSERT_GE(*found.until, nominal) << job.name << " " << FormatUtc(nominal);
      if (*found.until == nominal) ++row;
      continue;
    }
    ASSERT_EQ(FormatUtc(found.nominal_at), FormatUtc(nominal)) << job.name << " " << job.schedule;
    ++row;
  }
  // What a leap had run, or skipped, in the years to come is true, too.
  for (; row < rows.size(); ++row) {
    EXPECT_GT(rows[row].nominal_at, end) << job.name;
    EXPECT_TRUE(IsIn(back_, rows[row].nominal_at)) << job.name;
    EXPECT_NE(rows[row].state, "missed") << job.name;
  }
}

// Each scheduled run has its occurrence, and each occurrence that says so its run.
void LedgerJudge::CheckRuns(const SimulatedJob& job, const std::vector<OccurrenceRow>& rows) {
  std::map<std::string, UtcTime> by_run;
  for (const OccurrenceRow& row : rows) {
    const bool has_run = row.state == "ran" || row.state == "queued" ||
                         (row.state == "skipped" && row.reason == "cancelled");
    EXPECT_EQ(row.run_id.empty(), !has_run) << job.name << " " << row.state << row.reason;
    if (!row.run_id.empty()) by_run[row.run_id] = row.nominal_at;
  }
  RunFilter filter;
  filter.job = job.name;
  Page page;
  page.limit = 1000;
  size_t scheduled = 0;
  do {
    auto runs =
        store_->Query([&](const StoreReader& reader) { return reader.ListRuns(filter, page); });
    ASSERT_TRUE(runs) << Describe(runs.error());
    for (const RunRow& run : runs->items) {
      if (run.trigger != "schedule") continue;
      ++scheduled;
      ASSERT_TRUE(by_run.contains(run.id)) << job.name << ": a run without an occurrence";
      EXPECT_EQ(by_run[run.id], run.nominal_at) << job.name;
    }
    page.cursor = runs->next_cursor;
  } while (!page.cursor.empty());
  EXPECT_EQ(scheduled, by_run.size()) << job.name;
}

// What the policies say of a row, where the wall clock showed its instant once only.
void LedgerJudge::CheckPolicies(const SimulatedJob& job, const std::vector<OccurrenceRow>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const OccurrenceRow& row = rows[i];
    if (row.until || IsIn(back_, row.nominal_at)) continue;
    const std::string where = job.name + " at " + FormatUtc(row.nominal_at) + " " + row.state +
                              ":" + row.reason + " " + job.schedule.dump();
    EXPECT_EQ(IsIn(job.pauses, row.nominal_at), row.reason == "paused") << where;
    if (row.reason == "paused") continue;
    const auto away = std::find_if(aways_.begin(), aways_.end(), [&](const Away& stretch) {
      return stretch.from < row.nominal_at && row.nominal_at <= stretch.to;
    });
    if (away == aways_.end()) {
      EXPECT_NE(row.state, "missed") << where;
      continue;
    }
    const bool newest = i + 1 == rows.size() || rows[i + 1].nominal_at > away->to;
    const Duration late = away->to - row.nominal_at;
    const bool run = job.catch_up == "all"      ? true
                     : job.catch_up == "last"   ? newest
                     : job.catch_up == "within" ? late <= hours(48)
                                                : newest && late <= kOnTime;
    EXPECT_EQ(row.state == "missed", !run) << where;
  }
}

void LedgerJudge::Judge(const std::vector<SimulatedJob>& jobs, UtcTime end) {
  std::map<std::string, cron_oracle::BruteForce> oracles;
  for (const SimulatedJob& job : jobs) {
    oracles.try_emplace(job.zone, job.zone, ToUnixMicros(begin_) / 1'000'000 + 1800,
                        ToUnixMicros(end) / 1'000'000 + 1, 1800);
  }
  size_t fires = 0;
  for (const SimulatedJob& job : jobs) {
    std::vector<UtcTime> expected;
    for (const auto& fire : oracles.at(job.zone).Fires(job.cron, !job.skip_gaps, job.both_folds)) {
      expected.push_back(FromUnixMicros(fire.second * 1'000'000));
    }
    const std::vector<OccurrenceRow> rows = Ledger(job.name);
    CheckRows(job, expected, rows, end);
    CheckRuns(job, rows);
    CheckPolicies(job, rows);
    fires += expected.size();
    if (testing::Test::HasFatalFailure()) return;
  }
  std::printf("%zu schedules, %zu nominal fires, %zu absences, %zu steps back\n", jobs.size(),
              fires, aways_.size(), back_.size());
}

}  // namespace bizond
