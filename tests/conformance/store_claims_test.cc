// Which queued runs a Store lets begin: order, limits, and that none is forgotten.
#include <algorithm>
#include <random>

#include "tests/conformance/store_conformance.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreClaims : public StoreConformance {
 protected:
  static RunRow Bounded(const std::string& id, const std::string& job, int64_t second,
                        const std::string& key, int limit, const std::string& pool = "default") {
    RunRow run = Queued(id, job, second);
    run.key = key;
    run.key_limit = limit;
    run.pool = pool;
    return run;
  }
  // Claims until there is nothing more, as a scheduler with so many free workers.
  std::vector<RunRow> Take(int64_t at, int free = 100) {
    std::vector<RunRow> taken;
    bool more = true;
    while (more && free > 0) {
      bounds_.runs = free;
      const auto claimed =
          store_->Transact([&](StoreTx& tx) { return tx.ClaimReady(bounds_, "node", At(at)); });
      if (!claimed) ADD_FAILURE() << Describe(claimed.error());
      for (const RunRow& run : claimed->runs) {
        bounds_.holders.push_back({run.id, run.job, run.pool, run.key});
        taken.push_back(run);
        --free;
      }
      more = claimed->more;
    }
    return taken;
  }
  std::vector<std::string> TakeIds(int64_t at, int free = 100) { return Ids(Take(at, free)); }
  // Ends it in the store, and the caller lets go of it.
  void Finish(const std::string& id, int64_t at = 60) {
    const int64_t fence = Run(id).fence;
    Must([&](StoreTx& tx) {
      return tx.FinishRun(id, fence, RunPhase::kSucceeded, std::nullopt, At(at));
    });
    LetGo(id);
  }
  void LetGo(const std::string& id) {
    std::erase_if(bounds_.holders, [&](const auto& holder) { return holder.run == id; });
  }
  RunWait WaitOf(const std::string& id) { return Run(id).waits; }
  std::vector<std::string> HoldersFor(const std::string& id) {
    const RunRow run = Run(id);
    return Get([&](const StoreReader& r) { return r.HoldersFor(run, 10); });
  }

  ClaimBounds bounds_;
};

TEST_P(StoreClaims, ByPriorityAndThenAge) {
  RunRow old = Queued("r-old", "a", 1), young = Queued("r-young", "b", 2),
         first = Queued("r-first", "c", 3), later = Queued("r-later", "d", 0);
  first.priority = 5;
  later.not_before = At(100);
  for (const RunRow& run : {young, old, later, first}) InsertRun(run);
  EXPECT_EQ(CodeOf([&](StoreTx& tx) { return tx.InsertRun(old); }), "conflict");
  EXPECT_EQ(Get([](const StoreReader& r) { return r.ActiveRuns(""); }).size(), 4u);
  EXPECT_THAT(Ids(Get([](const StoreReader& r) { return r.ActiveRuns("a"); })),
              ElementsAre("r-old"));
  EXPECT_EQ(Get([](const StoreReader& r) { return r.NextReady(); }), At(100));
  EXPECT_THAT(TakeIds(50, 1), ElementsAre("r-first"));
  const std::vector<RunRow> rest = Take(50);
  EXPECT_THAT(Ids(rest), ElementsAre("r-old", "r-young"));
  for (const RunRow& run : rest) {
    const RunRow stored = Run(run.id);
    EXPECT_EQ(stored.phase, RunPhase::kRunning);
    EXPECT_EQ(stored.fence, run.fence);
    EXPECT_EQ(stored.attempt, run.attempt);
    EXPECT_EQ(stored.attempt, 1);
  }
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.AnyReady(At(99)); }));
  EXPECT_TRUE(Get([](const StoreReader& r) { return r.AnyReady(At(100)); }));
  EXPECT_THAT(TakeIds(100), ElementsAre("r-later"));
  EXPECT_EQ(Get([](const StoreReader& r) { return r.NextReady(); }), std::nullopt);
}

TEST_P(StoreClaims, OneRunOfAJobAtATimeAndABegunOneFirst) {
  for (const RunRow& run :
       {Queued("a-1", "a", 1), Queued("a-2", "a", 2), Queued("b-1", "b", 3), Queued("b-2", "b", 4)})
    InsertRun(run);
  EXPECT_THAT(TakeIds(50), ElementsAre("a-1", "b-1"));
  EXPECT_EQ(WaitOf("a-2"), RunWait::kJob);
  EXPECT_THAT(HoldersFor("a-2"), ElementsAre("a-1"));
  const int64_t fence = Run("b-1").fence;
  Must([&](StoreTx& tx) {
    return tx.RequeueRun("b-1", fence, Error{ErrorKind::kTransient, "x", "x", ""}, At(80), At(50));
  });
  LetGo("b-1");
  EXPECT_EQ(WaitOf("b-1"), RunWait::kTime);
  EXPECT_THAT(TakeIds(60), IsEmpty()) << "b-1 waits for its next attempt";
  EXPECT_THAT(HoldersFor("b-2"), ElementsAre("b-1"));
  Finish("a-1");
  EXPECT_THAT(TakeIds(70), ElementsAre("a-2"));
  EXPECT_THAT(TakeIds(90), ElementsAre("b-1"));
  Finish("b-1");
  EXPECT_THAT(TakeIds(90), ElementsAre("b-2"));
}

TEST_P(StoreClaims, ParallelRunsRunBesideEachOtherOnly) {
  for (int i = 1; i <= 4; ++i) {
    RunRow run = Queued("r" + std::to_string(i), "a", i);
    run.parallel = i > 1;  // The first is of an older version of the job.
    InsertRun(run);
  }
  EXPECT_THAT(TakeIds(50), ElementsAre("r1"));
  Finish("r1");
  EXPECT_THAT(TakeIds(50), ElementsAre("r2", "r3", "r4"));
  InsertRun(Queued("r5", "a", 5));
  EXPECT_THAT(TakeIds(50), IsEmpty());
  Finish("r3");
  Finish("r2");
  EXPECT_THAT(TakeIds(50), IsEmpty());
  Finish("r4");
  EXPECT_THAT(TakeIds(50), ElementsAre("r5"));
}

TEST_P(StoreClaims, TheSmallestLimitOfAKeyCounts) {
  for (int i = 1; i <= 4; ++i) {
    InsertRun(Bounded("r" + std::to_string(i), "j" + std::to_string(i), i, "k", 2));
  }
  EXPECT_THAT(TakeIds(50), ElementsAre("r1", "r2"));
  EXPECT_EQ(WaitOf("r3"), RunWait::kKey);
  EXPECT_THAT(HoldersFor("r3"), ElementsAre("r1", "r2"));
  InsertRun(Bounded("alone", "j5", 0, "k", 1));
  Finish("r1");
  EXPECT_THAT(TakeIds(50), IsEmpty()) << "one that waits names a limit of 1";
  Finish("r2");
  EXPECT_THAT(TakeIds(50), ElementsAre("alone"));
  Finish("alone");
  EXPECT_THAT(TakeIds(50), ElementsAre("r3", "r4")) << "its limit went with it";
}

TEST_P(StoreClaims, APoolHasItsSizeAndAnUnknownOneTheDefault) {
  bounds_.pools = {{"heavy", 1}};
  bounds_.pool_size = 2;
  for (int i = 1; i <= 3; ++i) {
    const std::string n = std::to_string(i);
    InsertRun(Bounded("h" + n, "jh" + n, i, "", 1, "heavy"));
    InsertRun(Bounded("u" + n, "ju" + n, i, "", 1, "unnamed"));
    InsertRun(Bounded("d" + n, "jd" + n, i, "", 1));
  }
  EXPECT_THAT(Take(50), SizeIs(6));
  EXPECT_EQ(WaitOf("h2"), RunWait::kPool);
  EXPECT_THAT(HoldersFor("h2"), ElementsAre("h1"));
  EXPECT_EQ(WaitOf("u3"), RunWait::kPool);
  EXPECT_EQ(WaitOf("d3"), RunWait::kWorker) << "it was claimed";
  Finish("h1");
  EXPECT_THAT(TakeIds(50), ElementsAre("h2"));
}

TEST_P(StoreClaims, WhoWaitsHoldsUpNobodyAndIsNotLookedAtAgain) {
  constexpr int kWaiting = 2000;
  Must([&](StoreTx& tx) -> Status {
    for (int i = 0; i < kWaiting; ++i) {
      const std::string n = std::to_string(i);
      BIZOND_RETURN_IF_ERROR(tx.InsertRun(Queued("job-" + n, "busy", i)));
      BIZOND_RETURN_IF_ERROR(tx.InsertRun(Bounded("key-" + n, "j" + n, i, "k", 1)));
    }
    return tx.InsertRun(Queued("last", "other", kWaiting));
  });
  EXPECT_THAT(TakeIds(kWaiting), ElementsAre("job-0", "key-0", "last"));
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.AnyReady(At(kWaiting)); }));
  Finish("job-0");
  Finish("key-0");
  EXPECT_THAT(TakeIds(kWaiting), ElementsAre("job-1", "key-1"));
}

// A worker that has ended its run in the store may have its connection and its locks still.
TEST_P(StoreClaims, WhatAHolderHasNotLetGoOfIsNotFree) {
  bounds_.pools = {{"p", 1}};
  InsertRun(Bounded("r1", "a", 1, "k", 1, "p"));
  InsertRun(Queued("same-job", "a", 2));
  InsertRun(Bounded("same-key", "b", 2, "k", 1));
  InsertRun(Bounded("same-pool", "c", 2, "", 1, "p"));
  EXPECT_THAT(TakeIds(50), ElementsAre("r1"));
  const auto holders = bounds_.holders;
  Finish("r1");
  bounds_.holders = holders;
  EXPECT_THAT(TakeIds(50), IsEmpty());
  LetGo("r1");
  EXPECT_THAT(TakeIds(50), ElementsAre("same-job", "same-key", "same-pool"));
}

TEST_P(StoreClaims, ACancelledRunLetsTheNextOneGo) {
  InsertRun(Queued("a-1", "a", 1));
  InsertRun(Queued("a-2", "a", 2));
  EXPECT_EQ(WaitOf("a-2"), RunWait::kJob) << "behind one that has not begun";
  EXPECT_THAT(HoldersFor("a-2"), ElementsAre("a-1"));
  Must([](StoreTx& tx) { return tx.CancelQueuedRun("a-1", std::nullopt, At(3)); });
  EXPECT_THAT(TakeIds(50), ElementsAre("a-2"));
}

TEST_P(StoreClaims, ALaterRunOfAGreaterPriorityOvertakes) {
  InsertRun(Queued("a-1", "a", 1));
  RunRow urgent = Queued("a-2", "a", 2);
  urgent.priority = 9;
  InsertRun(urgent);
  RunRow delayed = Queued("b-1", "b", 1);
  delayed.not_before = At(1000);
  InsertRun(delayed);
  InsertRun(Queued("b-2", "b", 2));
  EXPECT_THAT(TakeIds(50), ElementsAre("a-2", "b-2"));
}

// What an earlier boot ran goes on, and a pool that has grown since is filled.
TEST_P(StoreClaims, AfterARestartTheNewSizesCount) {
  bounds_.pools = {{"p", 1}};
  for (int i = 1; i <= 5; ++i) {
    InsertRun(Bounded("r" + std::to_string(i), "j" + std::to_string(i), i, "", 1, "p"));
  }
  EXPECT_THAT(TakeIds(50), ElementsAre("r1"));
  Open();
  bounds_.holders.clear();
  bounds_.pools = {{"p", 4}};
  Must([](StoreTx& tx) -> Status { return tx.AdoptOrphans("n", At(51)).map([](const auto&) {}); });
  EXPECT_THAT(TakeIds(60), ElementsAre("r1", "r2", "r3", "r4"));
}

TEST_P(StoreClaims, StopsThatWereAskedForAreFound) {
  InsertRun(Queued("a", "a"));
  InsertRun(Queued("b", "b"));
  Take(50, 1);
  Must([](StoreTx& tx) { return tx.RequestStop("a", StopRequest::kCancel); });
  Must([](StoreTx& tx) { return tx.RequestStop("b", StopRequest::kCancel); });
  EXPECT_THAT(Get([](const StoreReader& r) { return r.StoppingRuns(); }), ElementsAre("a"));
}

// Random lives of random runs, and what a model without any state of its own says of them.
class RandomClaims : public StoreClaims {
 protected:
  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::vector<RunRow> Active() {
    return Get([](const StoreReader& r) { return r.ActiveRuns(""); });
  }

  // What bounds a run is its job's.
  void InsertSome() {
    static constexpr const char* kKeys[] = {"", "", "k", "l"};
    static constexpr const char* kPools[] = {"default", "p", "q"};
    for (int i = Pick(3); i > 0; --i) {
      const int job = Pick(12);
      RunRow run = Bounded("r" + std::to_string(made_++), "j" + std::to_string(job), now_,
                           kKeys[job % 4], 1 + job % 3, kPools[job / 4]);
      run.parallel = job < 2;
      run.priority = Pick(3);
      if (Pick(5) == 0) run.not_before = At(now_ + Pick(20));
      InsertRun(run);
    }
  }

  Status EndSomehow(StoreTx& tx, const RunRow& run) {
    if (run.phase == RunPhase::kQueued) {
      return Pick(10) == 0 ? tx.CancelQueuedRun(run.id, std::nullopt, At(now_)) : Status{};
    }
    if (Pick(3) == 0) {
      return tx.RequeueRun(run.id, run.fence, std::nullopt, At(now_ + Pick(5)), At(now_));
    }
    return tx.FinishRun(run.id, run.fence, RunPhase::kSucceeded, std::nullopt, At(now_));
  }
  void EndSome() {
    for (const RunRow& run : Active()) {
      if (Pick(4) != 0) continue;
      Must([&](StoreTx& tx) { return EndSomehow(tx, run); });
      if (Run(run.id).phase != RunPhase::kRunning) LetGo(run.id);
    }
  }

  bool MayBegin(const RunRow& run, const std::vector<RunRow>& active) const {
    if (run.phase != RunPhase::kQueued || run.not_before > At(now_)) return false;
    int key = 0, limit = 1 << 30, pool = 0;
    for (const RunRow& other : active) {
      const bool running = other.phase == RunPhase::kRunning;
      if (other.id != run.id && other.job == run.job && !(other.parallel && run.parallel) &&
          (running || (run.attempt == 0 && other.attempt > 0))) {
        return false;
      }
      if (other.key == run.key) limit = std::min(limit, other.key_limit);
      key += running && other.key == run.key ? 1 : 0;
      pool += running && other.pool == run.pool ? 1 : 0;
    }
    return (run.key.empty() || key < limit) &&
           (run.pool == kDefaultPool || pool < bounds_.SizeOf(run.pool));
  }

  // One claim: it takes a run that may begin, if there is one. Whether it took one.
  bool TakeOne() {
    const std::vector<RunRow> active = Active();
    const auto may = [&](const RunRow& run) { return MayBegin(run, active); };
    const auto someone = std::find_if(active.begin(), active.end(), may);
    const std::vector<RunRow> taken = Take(now_, 1);
    if (taken.empty()) {
      EXPECT_EQ(someone, active.end())
          << someone->id << " is left behind, waiting for " << RunWaitName(WaitOf(someone->id));
      return false;
    }
    const auto chosen = std::find_if(active.begin(), active.end(),
                                     [&](const RunRow& run) { return run.id == taken[0].id; });
    EXPECT_TRUE(may(*chosen)) << chosen->id << " may not begin";
    return true;
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937 random_{seed_};
  int64_t now_ = 0;
  int made_ = 0;
};

TEST_P(RandomClaims, NothingForbiddenBeginsAndNobodyIsLeftBehind) {
  constexpr size_t kWorkers = 6;
  bounds_.pools = {{"p", 2}, {"q", 3}};
  int begun = 0;
  for (int step = 0; step < 1500 && !HasFailure(); ++step) {
    SCOPED_TRACE("seed " + std::to_string(seed_) + ", step " + std::to_string(step));
    ++now_;
    InsertSome();
    EndSome();
    while (bounds_.holders.size() < kWorkers && TakeOne()) ++begun;
  }
  EXPECT_GT(begun, 500);
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreClaims, testing::ValuesIn(StoreFactories()),
                         [](const auto& param) { return std::string(param.param.name); });
INSTANTIATE_TEST_SUITE_P(Sqlite, RandomClaims, testing::ValuesIn(StoreFactories()),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace bizond
