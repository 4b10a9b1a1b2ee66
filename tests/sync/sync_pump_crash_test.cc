// The pump dies at every step of its protocol, in every mode, and goes on: what is published is the
// truth, by content; nothing is lost and nothing stands twice.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <ostream>

#include "tests/sync/pump_world.h"

namespace bizond {
namespace {

using ::testing::IsEmpty;

enum class Truth { kAll, kNewestOfKey };

struct Mode {
  const char* name;
  std::function<void(PumpWorld&)> set_up;
  Truth truth = Truth::kAll;
  bool broken_rows = false;
};
void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }

void Incremental(PumpWorld& world) {
  world.job.source.sync_mode = SyncMode::kIncremental;
  world.job.source.cursor_field = "at";
}
void Merge(PumpWorld& world) {
  Incremental(world);
  world.job.source.primary_key = {"id"};
  world.job.destination.write = WriteMode::kMerge;
}
void Stream(PumpWorld& world) {
  world.job.source.sync_mode = SyncMode::kStream;
  world.stop_when_caught_up = true;
}

const Mode kModes[] = {
    {"full_refresh", [](PumpWorld&) {}, Truth::kAll, true},
    {"append", Incremental},
    {"append_spilling",
     [](PumpWorld& world) {
       Incremental(world);
       world.boundary_entries = 0;
     }},
    {"append_spilling_limited",
     [](PumpWorld& world) {
       Incremental(world);
       world.boundary_entries = 0;
       world.job.source.max_iterations = 2;
     }},
    {"append_asking",
     [](PumpWorld& world) {
       Incremental(world);
       world.asks_from_watermark = true;
     }},
    {"append_in_order_limited",
     [](PumpWorld& world) {
       Incremental(world);
       world.in_cursor_order = true;
       world.asks_from_watermark = true;
       world.job.source.max_iterations = 3;
     }},
    {"append_limited",
     [](PumpWorld& world) {
       Incremental(world);
       world.job.source.max_iterations = 2;
     }},
    {"append_by_position",
     [](PumpWorld& world) { world.job.source.sync_mode = SyncMode::kIncremental; }},
    {"by_position_limited",
     [](PumpWorld& world) {
       world.job.source.sync_mode = SyncMode::kIncremental;
       world.job.source.max_iterations = 2;
     }},
    {"merge", Merge, Truth::kNewestOfKey},
    {"reset",
     [](PumpWorld& world) {
       Incremental(world);
       world.reset = true;
     }},
    {"stream", Stream},
};

// Rows with ties across pages and runs, the same row twice, and rows that are no JSON.
void AddRows(PumpWorld& world, int first, int count, bool broken) {
  for (int i = first; i < first + count; ++i) {
    world.table.push_back(RowText(i % 7, i / 4, fmt::format("p{}", i)));
    if (i % 5 == 0) world.table.push_back(world.table.back());
    if (i % 6 == 0 && broken) world.table.push_back(fmt::format("!broken {}", i));
  }
}

std::vector<std::string> TruthOf(const PumpWorld& world, Truth truth) {
  std::vector<std::string> rows;
  std::map<int, std::pair<int, std::string>> newest;
  for (const std::string& row : world.table) {
    if (row[0] == '!') continue;
    rows.push_back(row);
    int id = 0;
    int at = 0;
    if (sscanf(row.c_str(), R"({"id":%d,"at":%d)", &id, &at) != 2) throw std::logic_error(row);
    auto& kept = newest[id];
    if (kept.second.empty() || at >= kept.first) kept = {at, row};
  }
  if (truth == Truth::kAll) return Sorted(rows);
  rows.clear();
  for (const auto& [id, kept] : newest) rows.push_back(kept.second);
  return Sorted(rows);
}

// Both sorted.
std::vector<std::string> Less(const std::vector<std::string>& a,
                              const std::vector<std::string>& b) {
  std::vector<std::string> rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest;
}

size_t BrokenRows(const PumpWorld& world) {
  size_t count = 0;
  for (const std::string& row : world.table) count += row[0] == '!' ? 1 : 0;
  return count;
}

void ExpectIdsAreUnique(const PumpWorld& world) {
  std::set<std::string> ids;
  for (const PublishedRow& row : world.target) {
    EXPECT_TRUE(ids.insert(row.id).second) << row.id << " stands twice: " << row.data;
  }
}

class SyncPumpCrash : public ::testing::TestWithParam<std::tuple<Mode, bool>> {
 protected:
  const Mode& mode() const { return std::get<0>(GetParam()); }

  // Runs that take up what is there; a limited one needs several.
  void CatchUp(PumpWorld& world, const std::string& name) {
    const int runs = world.job.source.max_iterations ? 12 : 1;
    for (int i = 0; i < runs; ++i) world.RunToTheEnd(fmt::format("{}-{}", name, i));
  }

  // A first run, a second one that dies as `plan` says, a third one with more rows.
  void Tell(PumpWorld& world, const std::function<void()>& plan) {
    world.dies_by_throw = std::get<1>(GetParam());
    mode().set_up(world);
    AddRows(world, 0, 9, mode().broken_rows);
    CatchUp(world, "first");
    AddRows(world, 9, 8, mode().broken_rows);
    plan();
    CatchUp(world, "second");
    if (world.job.source.sync_mode == SyncMode::kFullRefresh) {
      EXPECT_EQ(world.Rejects("second-0").size(), BrokenRows(world));
    }
    AddRows(world, 17, 5, mode().broken_rows);
    CatchUp(world, "third");
  }

  void ExpectTruth(const PumpWorld& world, const std::string& where) {
    const std::vector<std::string> published = world.Published();
    const std::vector<std::string> truth = TruthOf(world, mode().truth);
    EXPECT_THAT(Less(truth, published), IsEmpty()) << "lost: " << where;
    EXPECT_THAT(Less(published, truth), IsEmpty()) << "doubled: " << where;
    EXPECT_THAT(world.broken, IsEmpty()) << where;
    EXPECT_THAT(world.staging, IsEmpty()) << where;
    ExpectIdsAreUnique(world);
    const Counters& counters = world.last_record.counters;
    EXPECT_EQ(counters.rows_read, counters.rows_written + counters.rows_rejected +
                                      counters.rows_deduplicated + counters.rows_filtered);
  }
};

TEST_P(SyncPumpCrash, PublishesTheTruthUndisturbed) {
  PumpWorld world;
  Tell(world, [] {});
  ExpectTruth(world, "undisturbed");
}

TEST_P(SyncPumpCrash, DiesAtEveryStep) {
  int died_at = 0;
  bool died = true;
  while (died && !HasFailure()) {
    PumpWorld world;
    ++died_at;
    Tell(world, [&] {
      world.die_at = died_at;
      died = !world.Attempt("second-0");
      world.die_at = 0;
    });
    ExpectTruth(world, fmt::format("died at step {}", died_at));
    ASSERT_LT(died_at, 500);
    // A stream's attempt never ends by itself.
    if (died_at > 60 && world.job.source.sync_mode == SyncMode::kStream) break;
  }
  EXPECT_GT(died_at, 15);
}

TEST_P(SyncPumpCrash, DiesAgainAndAgain) {
  const bool limited = std::string_view(mode().name).ends_with("limited");
  for (unsigned seed = 1; seed <= 20 && !HasFailure(); ++seed) {
    PumpWorld world;
    world.chance.seed(seed);
    if (!limited) world.page_rows = 1 + world.chance() % 5;
    world.job.destination.buffer_bytes = 1 + world.chance() % 600;
    Tell(world, [&] {
      for (int deaths = 0; deaths < 6; ++deaths) {
        world.die_at = 1 + static_cast<int>(world.chance() % 40);
        if (world.Attempt("second-0")) break;
      }
      world.die_at = 0;
    });
    ExpectTruth(world, fmt::format("seed {}", seed));
  }
}

TEST_P(SyncPumpCrash, IsShutDownAtEveryStep) {
  for (int step = 1; step <= 50 && !HasFailure(); step += 2) {
    PumpWorld world;
    Tell(world, [&] {
      world.stop_at = step;
      world.stop_reason = StopReason::kShutdown;
      const Result<Counters> result = world.Attempt("second-0");
      if (!result) {
        EXPECT_EQ(result.error().kind, ErrorKind::kStopped) << Describe(result.error());
      }
      world.stop_at = 0;
      world.stop_reason = StopReason::kCancel;
    });
    ExpectTruth(world, fmt::format("shut down at step {}", step));
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, SyncPumpCrash,
                         ::testing::Combine(::testing::ValuesIn(kModes), ::testing::Bool()),
                         [](const ::testing::TestParamInfo<std::tuple<Mode, bool>>& test) {
                           return std::string(std::get<0>(test.param).name) +
                                  (std::get<1>(test.param) ? "_thrown" : "_error");
                         });

}  // namespace
}  // namespace bizond
