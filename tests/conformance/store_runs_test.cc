// What a Store promises of runs, attempts, checkpoints and the history.
#include <set>

#include "tests/conformance/store_conformance.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(StoreConformance, ClaimIsForOneAndItsFenceGrows) {
  InsertRun(Queued("r1", "j"));
  InsertRun(Queued("r2", "j"));
  const int64_t first = Claim("r1");
  const int64_t second = Claim("r2");
  EXPECT_GT(second, first);
  EXPECT_EQ(CodeOf([](StoreTx& tx) -> Status {
              BIZOND_RETURN_IF_ERROR(tx.ClaimRun("r1", "n", At(1)));
              return {};
            }),
            "conflict");
  EXPECT_EQ(Run("r1").attempt, 1);
  EXPECT_EQ(Run("r1").fence, first);
}

TEST_P(StoreConformance, EveryWriteOfAStaleAttemptIsFenced) {
  InsertRun(Queued("r", "j"));
  const int64_t stale = Claim("r");
  Must([&](StoreTx& tx) { return tx.RequeueRun("r", stale, std::nullopt, At(2), At(2)); });
  const int64_t live = Claim("r");
  const Error error{ErrorKind::kTransient, "x", "x", ""};
  const std::vector<std::function<Status(StoreTx&, int64_t)>> writes = {
      [&](StoreTx& tx, int64_t f) { return tx.SaveCheckpoint("r", f, "s", Checkpoint{}); },
      [&](StoreTx& tx, int64_t f) { return tx.DropCheckpoint("r", f, "s"); },
      [&](StoreTx& tx, int64_t f) { return tx.FailStream("r", f, "s", Counters{}, error); },
      [&](StoreTx& tx, int64_t f) {
        return tx.RecordStream("r", f, "s", StreamRecord{}, false, At(3));
      },
      [&](StoreTx& tx, int64_t f) { return tx.RequeueRun("r", f, error, At(3), At(3)); },
      [&](StoreTx& tx, int64_t f) { return tx.AddWarning("r", f, {"c", "s", "m", "r"}); },
      [&](StoreTx& tx, int64_t f) { return tx.FinishRun("r", f, RunPhase::kFailed, error, At(3)); },
  };
  for (size_t i = 0; i < writes.size(); ++i) {
    EXPECT_EQ(CodeOf([&](StoreTx& tx) { return writes[i](tx, stale); }), "fenced") << i;
  }
  EXPECT_EQ(Run("r").phase, RunPhase::kRunning);
  EXPECT_THAT(Get([](const StoreReader& r) { return r.RunStreams("r"); }), IsEmpty());
  Must([&](StoreTx& tx) { return writes.back()(tx, live); });
  EXPECT_EQ(CodeOf([&](StoreTx& tx) { return writes[0](tx, live); }), "fenced");
}

TEST_P(StoreConformance, WarningsAreKeptOneACodeAndStreamAndAreBounded) {
  InsertRun(Queued("r", "j"));
  const int64_t fence = Claim("r");
  const auto warn = [&](const RunWarningRow& warning) {
    Must([&](StoreTx& tx) { return tx.AddWarning("r", fence, warning); });
  };
  EXPECT_THAT(Run("r").warnings, IsEmpty());
  std::string large(5000, 'x');
  large.replace(4095, 2, "\u00e9");  // The cut falls into it.
  warn({"quota", "s", "1200 changes", "fewer"});
  warn({"quota", "t", large, ""});
  warn({"quota", "s", "1201 \xff changes", "fewer"});
  const int64_t next = [&] {
    Must([&](StoreTx& tx) { return tx.RequeueRun("r", fence, std::nullopt, At(2), At(2)); });
    return Claim("r");
  }();
  Open();  // They outlive the process, and the attempt.
  std::vector<RunWarningRow> kept = Run("r").warnings;
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].message, "1201 \ufffd changes");
  EXPECT_EQ(kept[0].remedy, "fewer");
  EXPECT_EQ(kept[1].stream, "t");
  EXPECT_EQ(kept[1].message, std::string(4095, 'x') + "...");
  for (size_t i = 0; i < 2 * kRunWarningsMax; ++i) {
    Must([&](StoreTx& tx) { return tx.AddWarning("r", next, {std::to_string(i), "s", "m", ""}); });
  }
  kept = Run("r").warnings;
  EXPECT_EQ(kept.size(), kRunWarningsMax);
  EXPECT_EQ(kept[0].code, "quota") << "the first stay";
  // The history has them, too.
  Must([&](StoreTx& tx) {
    return tx.FinishRun("r", next, RunPhase::kSucceeded, std::nullopt, At(3));
  });
  ASSERT_TRUE(store_->Retain(At(1000), 10));
  EXPECT_EQ(Run("r").warnings.size(), kRunWarningsMax);
}

TEST_P(StoreConformance, CheckpointComesBackAsItWasAndGoesWithTheRun) {
  InsertRun(Queued("r", "j"));
  const int64_t fence = Claim("r");
  Checkpoint checkpoint;
  checkpoint.iterations = 7;
  checkpoint.pagination = R"({"page":"\u0000é"})";
  checkpoint.mark = "m";
  checkpoint.counters = {1, 2, 3, 4, 5, 6};
  Must([&](StoreTx& tx) { return tx.SaveCheckpoint("r", fence, "s", checkpoint); });
  Open();  // It outlives the process.
  EXPECT_EQ(Get([](const StoreReader& r) { return r.GetCheckpoint("r", "s"); }), checkpoint);
  EXPECT_EQ(Run("r").counters, checkpoint.counters);
  EXPECT_EQ(Run("r").stage, Stage::kRead);
  Must([&](StoreTx& tx) {
    return tx.FinishRun("r", fence, RunPhase::kFailed, std::nullopt, At(3));
  });
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.GetCheckpoint("r", "s"); }));
}

TEST_P(StoreConformance, ChunksOfABoundarySetLiveAsLongAsTheyAreNamed) {
  const auto chunk = [&](int64_t id) {
    return Get([&](const StoreReader& r) { return r.GetChunk("j", "s", id); });
  };
  const auto put = [&](const std::string& run, int64_t fence, std::string_view bytes) {
    int64_t id = 0;
    Must([&](StoreTx& tx) -> Status {
      BIZOND_ASSIGN_OR_RETURN(id, tx.PutChunk(run, fence, "s", bytes));
      return {};
    });
    return id;
  };
  Must([](StoreTx& tx) -> Status { return tx.PutJob(Job("j")).map([](const JobRow&) {}); });
  InsertRun(Queued("r", "j"));
  const int64_t fence = Claim("r");
  const std::string bytes("\0\xff'chunk", 8);
  const int64_t named = put("r", fence, bytes);
  const int64_t forgotten = put("r", fence, "x");
  EXPECT_EQ(CodeOf([&](StoreTx& tx) -> Status {
              return tx.PutChunk("r", fence - 1, "s", "x").map([](int64_t) {});
            }),
            "fenced");
  Open();  // It outlives the process.
  EXPECT_EQ(chunk(named), bytes);
  EXPECT_FALSE(Get([&](const StoreReader& r) { return r.GetChunk("j", "other", named); }));
  Checkpoint checkpoint;
  checkpoint.chunks = {named};
  Must([&](StoreTx& tx) { return tx.SaveCheckpoint("r", fence, "s", checkpoint); });
  EXPECT_EQ(Get([](const StoreReader& r) { return r.GetCheckpoint("r", "s"); }), checkpoint);
  EXPECT_EQ(chunk(named), bytes);
  EXPECT_FALSE(chunk(forgotten));

  StreamRecord record;
  record.watermark = Watermark{};
  record.watermark->chunks = {named, forgotten};
  EXPECT_EQ(
      CodeOf([&](StoreTx& tx) { return tx.RecordStream("r", fence, "s", record, true, At(5)); }),
      "bad_watermark");
  record.watermark->chunks = {named};
  Must([&](StoreTx& tx) { return tx.RecordStream("r", fence, "s", record, true, At(5)); });
  EXPECT_EQ(chunk(named), bytes) << "it is the watermark's";

  InsertRun(Queued("q", "j"));
  const int64_t later = Claim("q");
  const int64_t of_failed = put("q", later, "y");
  Must([&](StoreTx& tx) {
    return tx.FinishRun("q", later, RunPhase::kFailed, std::nullopt, At(6));
  });
  EXPECT_FALSE(chunk(of_failed));
  EXPECT_EQ(chunk(named), bytes);
  Must([](StoreTx& tx) { return tx.ForgetStreamStates("j"); });
  EXPECT_FALSE(chunk(named));
}

TEST_P(StoreConformance, RecordOfTheLastStreamEndsTheRunInOneTransaction) {
  Must([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutJob(Job("j")));
    BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({"j", At(0), "queued", "", "r", At(0)}));
    RunRow run = Queued("r", "j");
    run.nominal_at = At(0);
    return tx.InsertRun(run);
  });
  const int64_t fence = Claim("r");
  StreamRecord record;
  record.counters = {10, 9, 1, 0, 0, 100};
  record.receipt = "receipt";
  record.watermark = Watermark{};
  record.watermark->cursor = "\"2026\"";
  record.watermark->boundary = std::string("\0\xff", 2);
  record.watermark_before = "1";
  record.watermark_after = "2";
  Must([&](StoreTx& tx) { return tx.RecordStream("r", fence, "s1", record, false, At(5)); });
  EXPECT_EQ(Run("r").phase, RunPhase::kRunning);
  Must([&](StoreTx& tx) { return tx.RecordStream("r", fence, "s2", record, true, At(6)); });
  const RunRow run = Run("r");
  EXPECT_EQ(run.phase, RunPhase::kSucceeded);
  EXPECT_TRUE(run.published);
  EXPECT_EQ(run.counters.rows_read, 20u);
  EXPECT_EQ(run.finished_at, At(6));
  const auto state = Get([](const StoreReader& r) { return r.StreamState("j", "s2"); });
  EXPECT_EQ(state->watermark, record.watermark);
  EXPECT_EQ(state->receipt, "receipt");
  const auto streams = Get([](const StoreReader& r) { return r.RunStreams("r"); });
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[0].state, "recorded");
  EXPECT_EQ(streams[0].watermark_after, "2");
  EXPECT_EQ(
      Get([](const StoreReader& r) { return r.ListOccurrences("j", {1, ""}); }).items[0].state,
      "ran");
  EXPECT_EQ(Get([](const StoreReader& r) { return r.History("j"); }).last_success_at, At(6));
}

TEST_P(StoreConformance, FailedStreamMakesTheRunPartial) {
  InsertRun(Queued("r", "j"));
  const int64_t fence = Claim("r");
  const Error error{ErrorKind::kPermanent, "file_missing", "no \"x\"", "ls",
                    std::chrono::milliseconds(5)};
  Must([&](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.FailStream("r", fence, "a", Counters{}, error));
    return tx.RecordStream("r", fence, "b", StreamRecord{}, true, At(5));
  });
  EXPECT_EQ(Run("r").phase, RunPhase::kPartial);
  EXPECT_EQ(Get([](const StoreReader& r) { return r.RunStreams("r"); })[0].error, error);
}

TEST_P(StoreConformance, RetryIsAnotherAttemptUntilALaterRunHasPublished) {
  Ended("r1", "j", 1, RunPhase::kFailed);
  Must([](StoreTx& tx) { return tx.ReopenRun("r1", At(5)); });
  EXPECT_EQ(Run("r1").phase, RunPhase::kQueued);
  EXPECT_EQ(CodeOf([](StoreTx& tx) { return tx.ReopenRun("r1", At(5)); }), "conflict");
  Must([](StoreTx& tx) { return tx.CancelQueuedRun("r1", std::nullopt, At(6)); });
  InsertRun(Queued("r2", "j", 9));
  const int64_t fence = Claim("r2");
  Must([&](StoreTx& tx) { return tx.RecordStream("r2", fence, "s", StreamRecord{}, true, At(9)); });
  EXPECT_EQ(CodeOf([](StoreTx& tx) { return tx.ReopenRun("r1", At(10)); }), "later_run_published");
  EXPECT_EQ(CodeOf([](StoreTx& tx) { return tx.ReopenRun("r2", At(10)); }), "conflict");
  EXPECT_EQ(CodeOf([](StoreTx& tx) { return tx.ReopenRun("no", At(10)); }), "not_found");
}

TEST_P(StoreConformance, ARetryWaitsForTheRunThatHasBegun) {
  Ended("r1", "j", 1, RunPhase::kFailed);
  InsertRun(Queued("r2", "j", 9));
  const int64_t fence = Claim("r2");
  const auto reopen = [](StoreTx& tx) { return tx.ReopenRun("r1", At(10)); };
  EXPECT_EQ(CodeOf(reopen), "run_active");
  Must([&](StoreTx& tx) { return tx.RequeueRun("r2", fence, std::nullopt, At(99), At(10)); });
  EXPECT_EQ(CodeOf(reopen), "run_active") << "it goes on at 99";
  Must([](StoreTx& tx) { return tx.CancelQueuedRun("r2", std::nullopt, At(11)); });
  Must(reopen);
}

TEST_P(StoreConformance, ACancelLeavesADecidedRunQueuedToEndWhatHasBegun) {
  for (const bool decided : {false, true}) {
    const std::string id = decided ? "decided" : "open";
    InsertRun(Queued(id, id));
    const int64_t fence = Claim(id);
    Checkpoint checkpoint;
    checkpoint.intent = decided ? "{}" : "";
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(tx.SaveCheckpoint(id, fence, "s", checkpoint));
      return tx.RequeueRun(id, fence, std::nullopt, At(99), At(5));
    });
    Must([&](StoreTx& tx) { return tx.CancelQueuedRun(id, std::nullopt, At(6)); });
    const RunRow run = Run(id);
    EXPECT_EQ(run.phase, decided ? RunPhase::kQueued : RunPhase::kCancelled);
    EXPECT_EQ(run.stop_request, decided ? StopRequest::kCancel : StopRequest::kNone);
    const auto left = Get([&](const StoreReader& r) { return r.GetCheckpoint(id, "s"); });
    EXPECT_EQ(left.has_value(), decided);
  }
  EXPECT_EQ(Run("decided").not_before, At(6)) << "not at the end of its backoff";
}

TEST_P(StoreConformance, OrphansOfAnEarlierBootAreQueuedWithTheirCheckpoint) {
  InsertRun(Queued("r", "j"));
  const int64_t fence = Claim("r");
  Must([&](StoreTx& tx) { return tx.SaveCheckpoint("r", fence, "s", Checkpoint{}); });
  const auto adopt = [&] {
    return *store_->Transact([](StoreTx& tx) { return tx.AdoptOrphans("node", At(20)); });
  };
  EXPECT_THAT(adopt(), IsEmpty());  // This boot runs it.
  Open();
  EXPECT_THAT(Ids(adopt()), ElementsAre("r"));  // The node's name is the same.
  EXPECT_EQ(Run("r").phase, RunPhase::kQueued);
  EXPECT_TRUE(Get([](const StoreReader& r) { return r.GetCheckpoint("r", "s"); }));
  const auto attempts = Get([](const StoreReader& r) { return r.Attempts("r"); });
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].finished_at, At(20));
  EXPECT_THAT(adopt(), IsEmpty());
  EXPECT_GT(Claim("r"), fence);
}

TEST_P(StoreConformance, StopIsAskedOfActiveRunsOnly) {
  InsertRun(Queued("r", "j"));
  Must([](StoreTx& tx) { return tx.RequestStop("r", StopRequest::kCancel); });
  EXPECT_EQ(Run("r").stop_request, StopRequest::kCancel);
  Must([](StoreTx& tx) { return tx.CancelQueuedRun("r", std::nullopt, At(1)); });
  EXPECT_EQ(CodeOf([](StoreTx& tx) { return tx.RequestStop("r", StopRequest::kCancel); }),
            "conflict");
}

TEST_P(StoreConformance, RunListsFilterAndPageWhileRunsComeIn) {
  for (int i = 0; i < 40; ++i) {
    Ended("r" + std::to_string(100 + i), i % 2 == 0 ? "even" : "odd", i,
          i % 3 == 0 ? RunPhase::kFailed : RunPhase::kSucceeded);
  }
  InsertRun(Queued("r900", "even", 900));
  std::vector<std::string> seen;
  Page page{7, ""};
  do {
    const auto got = Get([&](const StoreReader& r) {
      return r.ListRuns({"even", std::nullopt, std::nullopt, std::nullopt}, page);
    });
    for (const RunRow& run : got.items) seen.push_back(run.id);
    page.cursor = got.next_cursor;
    InsertRun(Queued("x" + std::to_string(seen.size()), "even", 1000));
  } while (!page.cursor.empty());
  EXPECT_EQ(seen.size(), 21u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 21u);
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
  for (const auto& [phase, count] : std::vector<std::pair<RunPhase, size_t>>{
           {RunPhase::kFailed, 14}, {RunPhase::kSucceeded, 26}, {RunPhase::kHeld, 0}}) {
    EXPECT_EQ(Get([&](const StoreReader& r) {
                return r.ListRuns({"", phase, std::nullopt, std::nullopt}, {100, ""});
              }).items.size(),
              count);
  }
  EXPECT_EQ(Get([&](const StoreReader& r) {
              return r.ListRuns({"", std::nullopt, At(10), At(20)}, {100, ""});
            }).items.size(),
            10u);
  const auto history = Get([](const StoreReader& r) { return r.History("odd"); });
  EXPECT_EQ(history.recent.size(), 20u);
  EXPECT_EQ(history.recent[0].id, "r139");
}

}  // namespace
}  // namespace bizond
