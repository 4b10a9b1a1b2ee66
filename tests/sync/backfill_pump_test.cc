// Slices of a backfill die at every step and go on: the window is published once, the rest of the
// target stays, and the watermark with its boundary set is the same to the byte.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/sync/pump_world.h"

namespace bizond {
namespace {

using ::testing::IsEmpty;

// A row as the test has it; ids and instants are drawn, so that the truth needs no parser.
struct Known {
  int id;
  int at;
  std::string text;
};

// A table with ties, whose past is corrected after the first run.
class BackfillWorld {
 public:
  BackfillWorld(bool merges, uint32_t seed) : merges_(merges), chance_(seed) {
    world.job.source.sync_mode = SyncMode::kIncremental;
    world.job.source.cursor_field = "at";
    world.boundary_entries = seed % 2 == 0 ? 0 : world.boundary_entries;
    world.asks_from_watermark = seed % 3 == 0;
    world.chance.seed(seed);
    if (merges) {
      world.job.source.primary_key = {"id"};
      world.job.destination.write = WriteMode::kMerge;
    }
    int at = 0;
    for (int id = 0; id < 20; ++id) {
      Put({id, at, ""}, "old");
      at += id % 2 == 1 ? 1 : static_cast<int>(chance_() % 2);
    }
    last_at_ = rows_.back().at;
    world.RunToTheEnd("first");
    published_ = rows_;
    for (Known& row : rows_) {
      // Another one at the watermark itself would be the job's own next run's, too.
      if (row.at < last_at_ && chance_() % 2 == 0) row.text = RowText(row.id, row.at, "new");
    }
    Show();
  }

  void Put(Known row, const std::string& payload) {
    row.text = RowText(row.id, row.at, payload);
    rows_.push_back(row);
    Show();
  }
  void Slice(const std::string& run, int from, int to) {
    world.window = CursorWindow::Make(std::to_string(from), std::to_string(to)).value();
    world.RunToTheEnd(run);
    world.window.reset();
    for (const Known& row : rows_) {
      if (row.at < from || row.at >= to) continue;
      if (merges_) std::erase_if(published_, [&](const Known& old) { return old.id == row.id; });
      published_.push_back(row);
    }
  }
  std::vector<std::string> Truth() const {
    std::vector<std::string> texts;
    texts.reserve(published_.size());
    for (const Known& row : published_) texts.push_back(row.text);
    return Sorted(std::move(texts));
  }
  // A new row behind the last one, and the job's own next run.
  void GoOn(const std::string& run) {
    Put({1000, last_at_ + 1, ""}, "next");
    published_.push_back(rows_.back());
    world.RunToTheEnd(run);
  }
  int last_at() const { return last_at_; }

  PumpWorld world;

 private:
  void Show() {
    world.table.clear();
    for (const Known& row : rows_) world.table.push_back(row.text);
  }

  const bool merges_;
  std::mt19937 chance_;
  int last_at_ = 0;
  std::vector<Known> rows_;       // The source's.
  std::vector<Known> published_;  // What the target is to hold.
};

class BackfillPump : public ::testing::TestWithParam<bool> {};

TEST_P(BackfillPump, ASliceThatDiesAnywhereIsPublishedOnceAndMovesNothing) {
  for (int die_at = 1; die_at <= 70; ++die_at) {
    BackfillWorld backfill(GetParam(), static_cast<uint32_t>(die_at));
    PumpWorld& world = backfill.world;
    const auto watermark = world.watermark;
    const auto chunks = world.chunks;
    const auto told = world.told;
    const int middle = backfill.last_at() / 2;
    world.die_at = die_at;
    world.dies_by_throw = die_at % 2 == 0;
    backfill.Slice("slice 1", 1, middle);
    backfill.Slice("slice 2", middle, backfill.last_at() + 1);
    ASSERT_THAT(world.broken, IsEmpty()) << "died at step " << die_at;
    ASSERT_EQ(world.Published(), backfill.Truth()) << "died at step " << die_at;
    ASSERT_EQ(world.watermark, watermark) << "to the byte";
    ASSERT_EQ(world.chunks, chunks);
    ASSERT_EQ(world.told, told);
    ASSERT_FALSE(world.last_record.watermark);
    backfill.GoOn("after");
    ASSERT_THAT(world.broken, IsEmpty());
    ASSERT_EQ(world.Published(), backfill.Truth()) << "the job's own run sees no backfill";
  }
}

INSTANTIATE_TEST_SUITE_P(Writes, BackfillPump, ::testing::Values(false, true),
                         [](const auto& row) { return row.param ? "Merge" : "Append"; });

TEST(BackfillPumpAlone, WhatLiesOutsideIsCountedAsFiltered) {
  BackfillWorld backfill(/*merges=*/true, 1);
  backfill.Slice("slice", 0, 3);
  const Counters& counters = backfill.world.last_record.counters;
  EXPECT_EQ(counters.rows_read, 20U);
  EXPECT_GT(counters.rows_filtered, 0U);
  EXPECT_EQ(counters.rows_filtered + counters.rows_written, 20U);
}

TEST(BackfillPumpAlone, AJobThatNeverRanHasNoWatermarkAfterwardsEither) {
  PumpWorld world;
  world.job.source.sync_mode = SyncMode::kIncremental;
  world.job.source.cursor_field = "at";
  for (int i = 0; i < 9; ++i) world.table.push_back(RowText(i, i, "x"));
  world.window = CursorWindow::Make("2", "5").value();
  world.RunToTheEnd("slice");
  EXPECT_THAT(world.broken, IsEmpty());
  EXPECT_EQ(world.Published().size(), 3U);
  EXPECT_FALSE(world.watermark);
}

TEST(BackfillPumpAlone, ATargetThatWasChangedIsNotReplacedByAPartOfTheSource) {
  BackfillWorld backfill(/*merges=*/true, 1);
  PumpWorld& world = backfill.world;
  world.job.destination.on_target_changed = OnTargetChanged::kReset;
  world.receipt = "of somebody else";
  world.window = CursorWindow::Make("0", "3").value();
  const std::vector<std::string> before = world.Published();
  const Result<Counters> counters = world.Attempt("slice");
  ASSERT_FALSE(counters);
  EXPECT_EQ(counters.error().code, "target_diverged");
  EXPECT_EQ(world.Published(), before);
}

}  // namespace
}  // namespace bizond
