// The pump's steady state takes nothing from the heap for a record: two syncs from file to file
// that differ only in length are counted, and the difference is divided by the records between
// them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <ostream>
#include <stdexcept>

#include "app/composition.h"
#include "destinations/google/json_rows.h"
#include "sync/job_parser.h"
#include "sync/record_parser.h"
#include "sync/run_log.h"
#include "sync/run_state.h"
#include "sync/sync_pump.h"
#include "tests/base/temporary_directory.h"

namespace {

std::atomic<uint64_t> allocations = 0;

void* Counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// Every form that is not replaced here calls one of these.
void* operator new(std::size_t size) { return Counted(size); }
void* operator new[](std::size_t size) { return Counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace bizond {
namespace {

class NoLog final : public RunLog {
 public:
  void Write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

class NoMemory final : public RunState {
 public:
  Result<StreamMemory> Load(std::string_view) override { return StreamMemory(); }
  Status SaveCheckpoint(std::string_view, const Checkpoint&) override { return {}; }
  Result<int64_t> PutChunk(std::string_view, std::string_view) override {
    throw std::logic_error("the boundary set is small");
  }
  Result<std::string> GetChunk(std::string_view, int64_t) override {
    throw std::logic_error("the boundary set is small");
  }
  Status DropCheckpoint(std::string_view) override { return {}; }
  Status RecordStream(std::string_view, const StreamRecord&, bool) override { return {}; }
  void ReportProgress(std::string_view, Stage, const Counters&) override {}
};

struct Tally {
  uint64_t rows = 0;
  uint64_t taken = 0;
};

Tally Sync(const std::string& source_keys, int rows) {
  TemporaryDirectory directory;
  {
    std::ofstream lines(directory.path() / "in.jsonl");
    for (int i = 0; i < rows; ++i) {
      lines
          << fmt::format(
                 R"({{"id":{},"at":{},"name":"record number {}","nested":{{"a":[1,2,3],"b":"é"}},"pad":"{}"}})",
                 i, i / 3, i, std::string(100, 'x'))
          << '\n';
    }
  }
  const std::string text = fmt::format(
      R"({{"name":"n","source":{{"name":"file","stream":"s","path":"in.jsonl","primary_key":"id"{}}},
      "destination":{{"name":"file","config":{{"destination_id":"out.jsonl"}}}}}})",
      source_keys);
  const Catalog& catalog = BuiltInCatalog();
  const ParsedJob parsed = ParseJob(text, catalog, JobOrigin::kFile);
  if (!parsed.spec) throw std::logic_error(parsed.errors.at(0).path + parsed.errors[0].message);
  const JobSpec& job = *parsed.spec;
  RealClock clock;
  const Roots roots = Roots::Open(directory.path(), {}).value();
  const auto source =
      catalog.FindSource("file")->open({job, "s", "", job.source.config, roots, clock}).value();
  const auto destination =
      catalog.FindDestination("file")
          ->open({job, "s", job.DestinationIdOf("s"), job.destination.config, roots, clock})
          .value();
  NoMemory state;
  NoLog log;
  const std::atomic<StopReason> reason = StopReason::kNone;
  PumpPlan plan;
  plan.job = &job;
  plan.publisher = {"store", 1, "n", "s", "run", 1};
  plan.rejects = {Root::Open(directory.path()).value(), "rejects.jsonl"};
  SyncPump pump(plan, {source.get(), destination.get(), &state, &log, &clock, &reason});
  const uint64_t before = allocations;
  const Result<Counters> done = pump.Run({});
  const uint64_t taken = allocations - before;
  if (!done) throw std::logic_error(Describe(done.error()));
  return {done->rows_written, taken};
}

struct Mode {
  const char* source_keys;
  double most;  // A page's own share included: what is kept of its place, its checkpoints.
};
void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.source_keys; }

class PumpAllocations : public ::testing::TestWithParam<Mode> {};

TEST_P(PumpAllocations, TakesNothingForARecord) {
  const Tally few = Sync(GetParam().source_keys, 20'000);
  const Tally many = Sync(GetParam().source_keys, 120'000);
  ASSERT_EQ(few.rows, 20'000);
  ASSERT_EQ(many.rows, 120'000);
  const double of_each = (static_cast<double>(many.taken) - static_cast<double>(few.taken)) /
                         static_cast<double>(many.rows - few.rows);
  RecordProperty("allocations_per_record", std::to_string(of_each));
  EXPECT_LT(of_each, GetParam().most)
      << few.taken << " for " << few.rows << ", " << many.taken << " for " << many.rows;
}

// A position by file is JSON text of each page: some fifty allocations a page, none a record.
INSTANTIATE_TEST_SUITE_P(Modes, PumpAllocations,
                         ::testing::Values(Mode{"", 0.01},
                                           Mode{R"(,"sync_mode":"incremental","cursor_field":"at")",
                                                0.01},
                                           Mode{R"(,"sync_mode":"incremental")", 0.02}));

// The rows of BigQuery, checked column by column, once the buffers have grown.
TEST(RowAllocations, TakesNothingForARecord) {
  using enum BigQueryType;
  const BigQuerySchema schema = {
      {.name = "id", .type = kInteger, .mode = ColumnMode::kRequired},
      {.name = "name", .type = kString},
      {.name = "at", .type = kTimestamp},
      {.name = "tags", .type = kString, .mode = ColumnMode::kRepeated},
      {.name = "to", .type = kRecord, .fields = {{.name = "price", .type = kNumeric}}},
      {.name = "more", .type = kJson}};
  RecordBatch batch;
  RecordParser parser("", {"id"});
  ASSERT_TRUE(parser.Add(
      batch.Store(R"({"ID":1,"name":"a \"b\"","at":"2026-12-01T00:00:00+01:00","tags":["x","y"],)"
                  R"("to":{"price":12.50},"more":{"deep":[1,null]}})"),
      0, &batch));
  for (const bool unnest : {true, false}) {
    for (const RowForm form : {RowForm::kLoad, RowForm::kInsertAll}) {
      JsonRows rows(unnest ? schema : BizonSchema(true), unnest, form, BizonIdMaker("r", "s"));
      rows.Begin(batch, UtcTime());
      std::string out;
      uint64_t before = 0;
      for (int i = 0; i < 1000; ++i) {
        if (i == 10) before = allocations;
        out.clear();
        ASSERT_FALSE(rows.Append(batch.records()[0], &out));
      }
      EXPECT_EQ(allocations - before, 0U) << unnest;
    }
  }
}

}  // namespace
}  // namespace bizond
