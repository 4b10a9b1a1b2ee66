// What the pump does besides surviving: stops, flushes, bounds, boundaries, rejects.
#include "sync/sync_pump.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sync/pump_world.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

void MakeIncremental(PumpWorld& world) {
  world.job.source.sync_mode = SyncMode::kIncremental;
  world.job.source.cursor_field = "at";
}

void Fill(PumpWorld& world, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    world.table.push_back(RowText(i, i, fmt::format("p{}", i)));
  }
}

TEST(SyncPump, CancelPublishesNothingAndRemovesTheStaging) {
  for (int step = 1; step <= 40; ++step) {
    PumpWorld world;
    MakeIncremental(world);
    Fill(world, 0, 9);
    world.RunToTheEnd("first");
    const std::vector<std::string> before = world.Published();
    Fill(world, 9, 9);
    world.stop_at = step;
    const Result<Counters> cancelled = world.Attempt("second");
    if (cancelled) {
      EXPECT_EQ(world.Published(), Sorted(world.table)) << "after the intent it goes forward";
    } else {
      EXPECT_EQ(cancelled.error().kind, ErrorKind::kStopped);
      EXPECT_EQ(world.Published(), before) << "cancelled at step " << step;
      EXPECT_THAT(world.staging, IsEmpty());
    }
    EXPECT_THAT(world.broken, IsEmpty());
  }
}

TEST(SyncPump, CancelledStreamKeepsWhatItPublishedAndGoesOnBehindIt) {
  int torn = 0;
  for (int step = 1; step <= 45; ++step) {
    PumpWorld world;
    world.job.source.sync_mode = SyncMode::kStream;
    Fill(world, 0, 20);
    if (step > 40) world.stop_in_write = step - 40;
    if (step <= 40) world.stop_at = step;
    world.stop_when_caught_up = true;
    const Result<Counters> first = world.Attempt("first");
    ASSERT_FALSE(first);
    if (first.error().code == "cancelled_in_write") {
      // The cancel is still there when the next attempt begins.
      EXPECT_EQ(first.error().kind, ErrorKind::kTransient);
      world.stop_at = 1;
      ASSERT_FALSE(world.Attempt("first"));
      ++torn;
    }
    EXPECT_TRUE(world.recorded.contains("first") || world.target.empty());
    world.stop_at = world.stop_in_write = 0;
    world.RunToTheEnd("second");
    EXPECT_EQ(world.Published(), Sorted(world.table)) << "cancelled at step " << step;
    EXPECT_THAT(world.broken, IsEmpty());
  }
  EXPECT_GE(torn, 5);
}

TEST(SyncPump, MoreTiesThanPagesAreReadToTheirEnd) {
  PumpWorld world;
  MakeIncremental(world);
  world.in_cursor_order = true;
  world.asks_from_watermark = true;
  world.job.source.max_iterations = 1;
  for (int i = 0; i < 20; ++i) {
    world.table.push_back(RowText(i, i < 2 ? i : 2, fmt::format("p{}", i)));
  }
  for (int run = 0; run < 12; ++run) world.RunToTheEnd(fmt::format("run-{}", run));
  EXPECT_EQ(world.Published(), Sorted(world.table));
}

TEST(SyncPump, AtLeastOnceDestinationLosesNothing) {
  for (const bool thrown : {false, true}) {
    for (int step = 1; step <= 40; ++step) {
      PumpWorld world;
      MakeIncremental(world);
      world.exactly_once = false;
      world.dies_by_throw = thrown;
      Fill(world, 0, 10);
      world.RunToTheEnd("first");
      Fill(world, 10, 7);
      world.die_at = step;
      world.RunToTheEnd("second");
      EXPECT_THAT(world.Published(), IsSupersetOf(world.table)) << "died at step " << step;
      EXPECT_THAT(world.checkpoints, IsEmpty());
      EXPECT_THAT(world.broken, IsEmpty());
      // What the first run published is not read again.
      EXPECT_EQ(std::count(world.target.begin(), world.target.end(), world.target[0]), 1);
    }
  }
}

TEST(SyncPump, AtLeastOnceStreamGoesOnFromItsCheckpoint) {
  for (int step = 1; step <= 40; ++step) {
    PumpWorld world;
    world.job.source.sync_mode = SyncMode::kStream;
    world.exactly_once = false;
    Fill(world, 0, 20);
    world.die_at = step;
    world.stop_when_caught_up = true;
    world.RunToTheEnd("only");
    std::vector<std::string> rows = world.Published();
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    EXPECT_EQ(rows, Sorted(world.table)) << "died at step " << step;
  }
}

TEST(SyncPump, FlushesByBytes) {
  PumpWorld world;
  MakeIncremental(world);
  Fill(world, 0, 60);
  const size_t page_bytes = 3 * world.table[0].size();
  world.job.destination.buffer_bytes = 4 * page_bytes;
  world.RunToTheEnd("small");
  EXPECT_GE(world.flushes, 5);
  EXPECT_LE(world.flushes, 7);
  PumpWorld large;
  MakeIncremental(large);
  Fill(large, 0, 60);
  large.job.destination.buffer_bytes = 1 << 20;
  large.RunToTheEnd("large");
  EXPECT_EQ(large.flushes, 1);
}

// Only what is committed counts as progress, so that there must be some before the watchdog looks.
TEST(SyncPump, FlushesTwiceWithinTheStallTimeout) {
  PumpWorld world;
  MakeIncremental(world);
  Fill(world, 0, 60);  // 20 pages.
  world.page_takes = std::chrono::minutes(1);
  world.job.destination.buffer_flush_timeout = Duration(0);
  world.job.stall_timeout = std::chrono::minutes(8);
  world.RunToTheEnd("slow");
  EXPECT_GE(world.flushes, 5);  // Every four minutes.
  EXPECT_LE(world.flushes, 7);
}

TEST(SyncPump, ReadsAheadByNoMoreThanItsBytes) {
  PumpWorld world;
  world.page_rows = 20;
  for (int i = 0; i < 2000; ++i) world.table.push_back(RowText(i, i, std::string(1000, 'x')));
  // A page holds an arena block of 256 KiB: three fit in the queue, one is read and one written.
  world.queue_bytes = 900 << 10;
  world.RunToTheEnd("run");
  EXPECT_EQ(world.target.size(), 2000);
  EXPECT_LE(world.pages_ahead_most, 5);
}

TEST(SyncPump, UpperBoundIsFixedForTheRun) {
  PumpWorld world;
  MakeIncremental(world);
  Fill(world, 0, 12);
  world.job.destination.buffer_bytes = 1;
  // Dies behind the first checkpoint.
  while (world.last_upper_bound.empty()) {
    ++world.die_at;
    ASSERT_FALSE(world.Attempt("run"));
  }
  ASSERT_EQ(world.last_upper_bound, "12");
  world.die_at = 0;
  Fill(world, 12, 12);
  world.RunToTheEnd("run");
  EXPECT_EQ(world.target.size(), 12) << "rows that came after the run began wait for the next one";
  world.RunToTheEnd("next");
  EXPECT_EQ(world.Published(), Sorted(world.table));
}

TEST(SyncPump, TiesThatComeLaterAndUpdatesWithTheSameCursorComeThrough) {
  PumpWorld world;
  MakeIncremental(world);
  world.table = {RowText(1, 5, "a"), RowText(2, 7, "b"), RowText(3, 7, "c")};
  world.RunToTheEnd("first");
  world.table.push_back(RowText(4, 7, "d"));  // A tie.
  world.table[1] = RowText(2, 7, "b, anew");  // The same cursor, another content.
  world.table.push_back(RowText(3, 7, "c"));  // The same row once more.
  world.RunToTheEnd("second");
  EXPECT_EQ(world.last_record.counters.rows_written, 3);
  EXPECT_EQ(world.last_record.counters.rows_deduplicated, 1);
  EXPECT_EQ(world.last_record.counters.rows_filtered, 1);
  world.RunToTheEnd("third");
  EXPECT_EQ(world.last_record.counters.rows_written, 0);
  EXPECT_EQ(world.target.size(), 6);
  EXPECT_EQ(world.LastWatermark().cursor, "7");
}

TEST(SyncPump, RowsBelowTheWatermarkAreFiltered) {
  PumpWorld world;
  MakeIncremental(world);
  world.table = {RowText(1, 5, "a"), RowText(2, 7, "b")};
  world.RunToTheEnd("first");
  world.table.push_back(RowText(3, 6, "late"));
  world.RunToTheEnd("second");
  EXPECT_EQ(world.last_record.counters.rows_filtered, 2);
  EXPECT_EQ(world.target.size(), 2);
}

TEST(SyncPump, RowsInsideTheLookbackComeLateAndOnce) {
  PumpWorld world;
  MakeIncremental(world);
  world.job.source.cursor.lookback = std::chrono::minutes(10);
  const auto row = [](int id, const char* at) {
    return fmt::format(R"({{"id":{},"at":"2020-01-01T{}Z"}})", id, at);
  };
  world.table = {row(1, "00:00:00"), row(2, "00:09:00"), row(3, "00:12:00")};
  world.RunToTheEnd("first");
  world.table.push_back(row(4, "00:05:00"));  // Inside.
  world.table.push_back(row(5, "00:01:00"));  // Below.
  for (const char* run : {"second", "third"}) world.RunToTheEnd(run);
  EXPECT_EQ(world.Published(),
            Sorted({world.table[0], world.table[1], world.table[2], world.table[3]}));
}

TEST(SyncPump, ALookbackThatIsWidenedDoublesNothing) {
  PumpWorld world;
  MakeIncremental(world);
  const auto row = [](int id, const char* at) {
    return fmt::format(R"({{"id":{},"at":"2020-01-01T{}Z"}})", id, at);
  };
  world.table = {row(1, "00:00:00"), row(2, "00:09:00"), row(3, "00:12:00")};
  world.RunToTheEnd("without");
  world.job.source.cursor.lookback = std::chrono::minutes(10);
  world.RunToTheEnd("with");
  EXPECT_EQ(world.Published(), Sorted(world.table));
  world.table.push_back(row(4, "00:30:00"));
  world.RunToTheEnd("later");
  world.table.push_back(row(5, "00:25:00"));
  world.RunToTheEnd("late");
  EXPECT_EQ(world.Published(), Sorted(world.table));
}

TEST(SyncPump, NullKeysOfAMergeAreRejectedOrFail) {
  PumpWorld world;
  MakeIncremental(world);
  world.job.source.primary_key = {"id"};
  world.job.destination.write = WriteMode::kMerge;
  world.table = {RowText(1, 1, "a"), R"({"id":null,"at":2,"n":"no key"})"};
  const Result<Counters> failed = world.Attempt("fails");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "null_key");
  EXPECT_THAT(world.target, IsEmpty());
  world.job.source.on_error = OnError::kReject;
  world.RunToTheEnd("rejects");
  EXPECT_EQ(world.Published(), std::vector<std::string>{world.table[0]});
  EXPECT_THAT(world.Rejects("rejects"), ElementsAre(world.table[1]));
  EXPECT_EQ(world.last_record.counters.rows_rejected, 1);
}

TEST(SyncPump, RejectsStandUnderTheCheckpoints) {
  for (int step = 1; step <= 60; ++step) {
    PumpWorld world;
    MakeIncremental(world);
    world.job.source.cursor.on_null = OnNullCursor::kReject;
    for (int i = 0; i < 9; ++i) {
      world.table.push_back(RowText(i, i, "x"));
      world.table.push_back(fmt::format(R"({{"id":{},"n":"no cursor"}})", i));
    }
    world.die_at = step;
    world.RunToTheEnd("run");
    EXPECT_EQ(world.Rejects("run").size(), 9) << "died at step " << step;
    EXPECT_EQ(world.target.size(), 9) << "died at step " << step;
    world.RunToTheEnd("again");
    EXPECT_THAT(world.Rejects("again"), IsEmpty()) << "they were rejected already";
  }
}

TEST(SyncPump, RowsThatTheTargetRefusesAreRejectedOnceWhereverItDies) {
  PumpWorld whole;
  for (int step = 0; step == 0 || step <= whole.steps; ++step) {
    PumpWorld world;
    MakeIncremental(world);
    world.job.source.on_error = OnError::kReject;
    world.job.destination.buffer_bytes = 1;
    world.refuses = "p1";
    Fill(world, 0, 16);
    world.die_at = step;
    world.RunToTheEnd("run");
    EXPECT_EQ(world.Rejects("run").size(), 7) << "dies at " << step;
    EXPECT_EQ(world.Published().size(), 9);
    EXPECT_EQ(world.last_record.counters.rows_rejected, 7);
    EXPECT_EQ(world.last_record.counters.rows_written, 9);
    EXPECT_THAT(world.broken, IsEmpty());
    if (step == 0) whole.steps = world.steps;
  }
}

TEST(SyncPump, ARowThatTheTargetRefusesFailsTheRunWithoutAWordOnRejects) {
  PumpWorld world;
  world.refuses = "p4";
  Fill(world, 0, 9);
  const Result<Counters> failed = world.Attempt("run");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "row_refused");
  EXPECT_EQ(failed.error().kind, ErrorKind::kPermanent);
  EXPECT_THAT(world.target, IsEmpty());
  EXPECT_THAT(world.Rejects("run"), IsEmpty());
}

TEST(SyncPump, CountsThatDoNotAddUpPublishNothing) {
  PumpWorld world;
  Fill(world, 0, 6);
  world.rows_read_too_many = 1;
  const Result<Counters> failed = world.Attempt("run");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "count_mismatch");
  EXPECT_THAT(world.target, IsEmpty());
}

TEST(SyncPump, ATargetThatSomebodyChangedFailsOrIsReplaced) {
  PumpWorld world;
  MakeIncremental(world);
  Fill(world, 0, 6);
  world.RunToTheEnd("first");
  world.receipt = "of another time";
  const Result<Counters> failed = world.Attempt("second");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "target_diverged");
  world.job.destination.on_target_changed = OnTargetChanged::kReset;
  world.target.push_back({"x", "", "", "somebody's"});
  world.RunToTheEnd("third");
  EXPECT_EQ(world.Published(), Sorted(world.table));
  EXPECT_EQ(world.LastWatermark().cursor, "5");
}

}  // namespace
}  // namespace bizond
