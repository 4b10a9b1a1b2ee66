// No statement goes through a whole table where an index would do: SQLite counts the rows that each
// steps over without one (SQLITE_STMTSTATUS_FULLSCAN_STEP).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <map>
#include <mutex>

#include "tests/store/store_fixture.h"

namespace bizond {
namespace {

using ::testing::IsEmpty;

constexpr int kJobs = 5;
constexpr int kEndedEach = 100;
constexpr int kQueued = 300;
// What reads a page of an index from its beginning is no scan of all.
constexpr int kStepsMost = 150;

std::mutex scans_mutex;
bool watching = false;                // Guarded by scans_mutex.
std::map<std::string, int> scanning;  // Guarded by scans_mutex. Steps by statement.

int OnProfile(unsigned, void*, void* statement, void*) {
  auto* const one = static_cast<sqlite3_stmt*>(statement);
  const int steps = sqlite3_stmt_status(one, SQLITE_STMTSTATUS_FULLSCAN_STEP, /*resetFlg=*/1);
  std::lock_guard lock(scans_mutex);
  if (watching && steps > kStepsMost) scanning[sqlite3_sql(one)] = steps;
  return 0;
}

int OnOpen(sqlite3* database, const char**, const struct sqlite3_api_routines*) {
  return sqlite3_trace_v2(database, SQLITE_TRACE_PROFILE, OnProfile, nullptr);
}

class QueryPlans : public StoreFiles {
 protected:
  void SetUp() override {
    ASSERT_EQ(sqlite3_auto_extension(reinterpret_cast<void (*)()>(OnOpen)), SQLITE_OK);
    store_ = Open();
    ASSERT_TRUE(store_->Write([](StoreTx& tx) -> Status {
      for (int job = 0; job < kJobs; ++job) {
        const std::string name = fmt::format("job-{}", job);
        BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, name));
        for (int i = 0; i < kEndedEach; ++i) {
          BIZOND_RETURN_IF_ERROR(PutEndedRun(tx, fmt::format("ended-{}-{:03}", job, i), name, i));
        }
      }
      for (int i = 0; i < kQueued; ++i) {
        BIZOND_RETURN_IF_ERROR(tx.InsertRun(QueuedRun(fmt::format("queued-{:03}", i), "job-0")));
      }
      return {};
    }));
    std::lock_guard lock(scans_mutex);
    scanning.clear();
    watching = true;
  }
  void TearDown() override {
    {
      std::lock_guard lock(scans_mutex);
      watching = false;
    }
    store_.reset();
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(OnOpen));
  }
  static RunRow QueuedRun(const std::string& id, const std::string& job) {
    RunRow run;
    run.id = id;
    run.job = job;
    run.job_version = 1;
    run.trigger = "api";
    run.queued_at = run.not_before = StoreTime(1000);
    return run;
  }
  static std::map<std::string, int> Scanning() {
    std::lock_guard lock(scans_mutex);
    return scanning;
  }

  std::unique_ptr<Store> store_;
};

TEST_F(QueryPlans, NoQuestionGoesThroughAllRuns) {
  ASSERT_TRUE(store_->Read([](const StoreReader& reader) -> Status {
    for (const std::optional<RunPhase> phase :
         {std::optional<RunPhase>(), std::optional(RunPhase::kQueued),
          std::optional(RunPhase::kSucceeded), std::optional(RunPhase::kFailed)}) {
      for (const char* const job : {"", "job-1"}) {
        RunFilter filter;
        filter.job = job;
        filter.phase = phase;
        BIZOND_RETURN_IF_ERROR(reader.ListRuns(filter, {10, ""}));
      }
    }
    BIZOND_RETURN_IF_ERROR(reader.History("job-1"));
    BIZOND_RETURN_IF_ERROR(reader.HeldRun("job-1"));
    BIZOND_RETURN_IF_ERROR(reader.ActiveRuns("job-1"));
    BIZOND_RETURN_IF_ERROR(reader.Attempts("ended-1-000"));
    BIZOND_RETURN_IF_ERROR(reader.CountFires("job-1", StoreTime(0), StoreTime(50), 1000));
    BIZOND_RETURN_IF_ERROR(reader.AnyReady(StoreTime(2000)));
    BIZOND_RETURN_IF_ERROR(reader.LastEventId());
    BIZOND_RETURN_IF_ERROR(reader.StoppingRuns());
    return {};
  }));
  EXPECT_THAT(Scanning(), IsEmpty());
}

TEST_F(QueryPlans, NoStepOfARunGoesThroughAllRuns) {
  ASSERT_TRUE(store_->Write([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.InsertRun(QueuedRun("new", "job-1")));
    ClaimBounds bounds;
    bounds.runs = 2;
    BIZOND_ASSIGN_OR_RETURN(const ClaimedRuns claimed,
                            tx.ClaimReady(bounds, "node", StoreTime(2000)));
    for (const RunRow& run : claimed.runs) {
      BIZOND_RETURN_IF_ERROR(
          tx.FinishRun(run.id, run.fence, RunPhase::kFailed, std::nullopt, StoreTime(2001)));
      BIZOND_RETURN_IF_ERROR(tx.ReopenRun(run.id, StoreTime(2002)));
      BIZOND_RETURN_IF_ERROR(tx.CancelQueuedRun(run.id, std::nullopt, StoreTime(2003)));
    }
    return claimed.runs.size() == 2 ? Status{} : Fail(ErrorKind::kPermanent, "few", "claimed");
  }));
  EXPECT_THAT(Scanning(), IsEmpty());
}

}  // namespace
}  // namespace bizond
