// What a Store promises of the slices of a backfill.
#include "tests/conformance/store_conformance.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;

constexpr char kWindow[] = R"({"from":"1","to":"2","type":"number"})";

class StoreSlices : public StoreConformance {
 protected:
  static RunRow Slice(const std::string& id, const std::string& job, int64_t second) {
    RunRow run = Queued(id, job, second);
    run.trigger = "backfill";
    run.window = kWindow;
    run.backfill = "b1";
    return run;
  }
  void EndSlice(const std::string& id, const std::string& job, int64_t second, RunPhase phase) {
    InsertRun(Slice(id, job, second));
    const int64_t fence = Claim(id);
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(
          tx.RecordStream(id, fence, "s", StreamRecord{}, /*last=*/false, At(second)));
      return tx.FinishRun(id, fence, phase, std::nullopt, At(second));
    });
  }
  std::string Reopen(const std::string& id) {
    return CodeOf([&](StoreTx& tx) { return tx.ReopenRun(id, At(500)); });
  }
  JobHistory HistoryOf(const std::string& job) {
    return Get([&](const StoreReader& r) { return r.History(job); });
  }
};

TEST_P(StoreSlices, ItsWindowStaysWithItThroughItsLifeAndInTheHistory) {
  InsertRun(Slice("r", "j", 1));
  InsertRun(Queued("plain", "k", 1));
  EXPECT_FALSE(Run("plain").IsSlice());
  const auto expect = [&](const RunRow& run) {
    EXPECT_EQ(run.window, kWindow);
    EXPECT_EQ(run.backfill, "b1");
  };
  expect(Run("r"));
  ClaimBounds bounds;
  bounds.runs = 5;
  const auto claimed =
      store_->Transact([&](StoreTx& tx) { return tx.ClaimReady(bounds, "n", At(2)); });
  ASSERT_EQ(claimed->runs.size(), 2U);
  for (const RunRow& run : claimed->runs) {
    if (run.id == "r") expect(run);
  }
  Open();
  Must([](StoreTx& tx) -> Status { return tx.AdoptOrphans("n", At(3)).map([](const auto&) {}); });
  expect(Run("r"));
  const int64_t fence = Claim("r");
  Must([&](StoreTx& tx) {
    return tx.FinishRun("r", fence, RunPhase::kSucceeded, std::nullopt, At(4));
  });
  while (store_->Retain(At(1000), 10).value() > 0) {
  }
  expect(Run("r"));
}

TEST_P(StoreSlices, ItLeavesTheWatermarkAndTheJobsHistoryAlone) {
  Must([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutJob(Job("j")));
    StreamStateRow state;
    state.stream = "s";
    state.watermark.emplace();
    state.watermark->cursor = "7";
    state.watermark->cursor_type = "number";
    state.watermark->boundary = "bytes";
    return tx.PutStreamState("j", state, At(1));
  });
  Ended("own", "j", 2, RunPhase::kFailed);
  EndSlice("slice", "j", 3, RunPhase::kSucceeded);
  const auto state = Get([](const StoreReader& r) { return r.StreamState("j", "s"); });
  EXPECT_EQ(state->watermark->cursor, "7");
  EXPECT_EQ(state->watermark->boundary, "bytes");
  EXPECT_THAT(Ids(HistoryOf("j").recent), ElementsAre("own"));
  EXPECT_FALSE(HistoryOf("j").last_success_at);
  EXPECT_TRUE(Run("slice").published);
}

TEST_P(StoreSlices, NeitherASliceNorTheJobsOwnRunIsLaterThanTheOther) {
  Ended("own", "j", 1, RunPhase::kFailed);
  EndSlice("slice 1", "j", 2, RunPhase::kSucceeded);
  EXPECT_EQ(Reopen("own"), "");
  Must([](StoreTx& tx) { return tx.CancelQueuedRun("own", std::nullopt, At(3)); });
  InsertRun(Slice("slice 2", "j", 3));
  Must([](StoreTx& tx) {
    return tx.CancelQueuedRun("slice 2", Error{ErrorKind::kPermanent, "x", "x", ""}, At(4));
  });
  InsertRun(Queued("later", "j", 5));
  const int64_t fence = Claim("later");
  Must([&](StoreTx& tx) {
    return tx.RecordStream("later", fence, "s", StreamRecord{}, /*last=*/true, At(6));
  });
  EXPECT_EQ(Reopen("slice 2"), "");
  EXPECT_EQ(Reopen("own"), "later_run_published");
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreSlices, testing::ValuesIn(StoreFactories()),
                         [](const auto& store) { return std::string(store.param.name); });

}  // namespace
}  // namespace bizond
