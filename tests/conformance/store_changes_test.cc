// What a Store promises of targets, keys, resets, events and whole changes.
#include <thread>

#include "tests/conformance/store_conformance.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(StoreConformance, TargetBelongsToOneJob) {
  Must([](StoreTx& tx) { return tx.ClaimTarget({"file:/x", "a", "s"}); });
  Must([](StoreTx& tx) { return tx.ClaimTarget({"file:/x", "a", "s"}); });
  const Status taken = Write([](StoreTx& tx) { return tx.ClaimTarget({"file:/x", "b", "s"}); });
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, "target_taken");
  EXPECT_THAT(taken.error().message, ::testing::HasSubstr("\"a\""));
  EXPECT_EQ(Get([](const StoreReader& r) { return r.TargetOwner("file:/x"); })->job, "a");
  Must([](StoreTx& tx) { return tx.ReleaseTargets("a"); });
  Must([](StoreTx& tx) { return tx.ClaimTarget({"file:/x", "b", "s"}); });
}

TEST_P(StoreConformance, KeysResetsAndForgottenState) {
  Must([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutIdempotencyKey("j", "k", "r", At(1)));
    BIZOND_RETURN_IF_ERROR(tx.PutPendingReset("j", "", At(1)));
    BIZOND_RETURN_IF_ERROR(tx.PutPendingReset("j", "s", At(1)));
    return tx.PutStreamState("j", {"s", Watermark{}, {}, {}}, At(1));
  });
  EXPECT_EQ(Get([](const StoreReader& r) { return r.IdempotentRun("j", "k"); }), "r");
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.IdempotentRun("i", "k"); }));
  EXPECT_THAT(Get([](const StoreReader& r) { return r.PendingResets("j"); }), ElementsAre("", "s"));
  Must([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.DropPendingResets("j"));
    return tx.PutStreamState("j", {"s", {}, {}, {}}, At(2));
  });
  EXPECT_THAT(Get([](const StoreReader& r) { return r.PendingResets("j"); }), IsEmpty());
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.StreamState("j", "s"); }));
}

TEST_P(StoreConformance, EveryChangeOfARunIsAnEventAndItsListenerHearsOfIt) {
  std::atomic<int> heard = 0;
  store_->OnEvent([&] { ++heard; });
  InsertRun(Queued("r", "j"));
  const int64_t fence = Claim("r");
  Must([&](StoreTx& tx) {
    return tx.FinishRun("r", fence, RunPhase::kFailed, std::nullopt, At(3));
  });
  const auto events = Get([](const StoreReader& r) { return r.EventsAfter(0, 10); });
  ASSERT_EQ(events.size(), 3u);
  EXPECT_THAT(events[2].detail, ::testing::HasSubstr("failed"));
  EXPECT_EQ(Get([](const StoreReader& r) { return r.LastEventId(); }), events[2].id);
  EXPECT_FALSE(Write([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.AppendEvent({0, At(1), "job", "j", "{}"}));
    return Fail(ErrorKind::kPermanent, "x", "x");
  }));
  store_->OnEvent({});
  Must([](StoreTx&) -> Status { return {}; });
  EXPECT_EQ(heard, 3);
}

// `change` 50 times from each thread at once, with the thread's number and an id of its own; true:
// it went as it should. Returns how many did not.
template <typename F>
int WrongOfMany(int threads, F change) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> running;
  running.reserve(static_cast<size_t>(threads));
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        if (!change(t, i, "r" + std::to_string(t * 1000 + i))) ++wrong;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  return wrong;
}

TEST_P(StoreConformance, FailedChangeTakesNothingElseWithIt) {
  EXPECT_EQ(WrongOfMany(16,
                        [&](int t, int i, const std::string& id) {
                          const bool fails = (t + i) % 3 == 0;
                          const Status status = Write([&](StoreTx& tx) -> Status {
                            BIZOND_RETURN_IF_ERROR(tx.InsertRun(Queued(id, "j")));
                            if (fails) return Fail(ErrorKind::kPermanent, "meant", "meant");
                            return {};
                          });
                          return status.has_value() != fails && IsThere(id) != fails;
                        }),
            0);
}

// Half of the changes promise to refuse before they write, and keep it.
TEST_P(StoreConformance, ARefusalBeforeWritingTakesNothingElseWithIt) {
  InsertRun(Queued("there", "j"));
  EXPECT_EQ(WrongOfMany(16,
                        [&](int t, int i, const std::string& id) {
                          const bool fails = (t + i) % 3 == 0;
                          const Status status = store_->Write(
                              [&](StoreTx& tx) {
                                return tx.InsertRun(Queued(fails ? "there" : id, "j"));
                              },
                              t % 2 == 0 ? Refusal::kBeforeWriting : Refusal::kAnyTime);
                          if (!status && status.error().code != "conflict") return false;
                          return status.has_value() != fails && IsThere(id) != fails;
                        }),
            0);
}

// Who breaks the promise breaks the commit: what shared it is refused as what may be tried again,
// and nothing of it is there.
TEST_P(StoreConformance, ABrokenPromiseLeavesNothingHalfDone) {
  EXPECT_EQ(WrongOfMany(8,
                        [&](int t, int, const std::string& id) {
                          const bool breaks = t == 0;
                          const Status status = store_->Write(
                              [&](StoreTx& tx) -> Status {
                                BIZOND_RETURN_IF_ERROR(tx.InsertRun(Queued(id, "j")));
                                if (breaks) return Fail(ErrorKind::kPermanent, "meant", "meant");
                                return {};
                              },
                              t % 2 == 0 ? Refusal::kBeforeWriting : Refusal::kAnyTime);
                          const std::string code = status ? "" : status.error().code;
                          if (IsThere(id) != status.has_value()) return false;
                          if (breaks) return code == "meant";
                          return code.empty() || code == "store_unavailable";
                        }),
            0);
}

TEST_P(StoreConformance, AnEventIdIsNotGivenTwice) {
  InsertRun(Queued("r", "j", 1));
  const int64_t last = Get([](const StoreReader& r) { return r.LastEventId(); });
  EXPECT_TRUE(store_->Retain(At(100'000), 100));
  EXPECT_EQ(Get([](const StoreReader& r) { return r.LastEventId(); }), last);
  InsertRun(Queued("s", "j", 2));
  EXPECT_GT(Get([](const StoreReader& r) { return r.LastEventId(); }), last);
}

TEST_P(StoreConformance, ThrownChangeIsUndoneAndThrownAgain) {
  EXPECT_THROW(Write([](StoreTx& tx) -> Status {
                 (void)tx.InsertRun(Queued("r", "j"));
                 throw std::logic_error("a promise was broken");
               }),
               std::logic_error);
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.GetRun("r"); }));
  EXPECT_THROW(Write([this](StoreTx&) -> Status {
                 return store_->Write([](StoreTx&) -> Status { return {}; });
               }),
               std::logic_error);
  InsertRun(Queued("r", "j"));
}

TEST_P(StoreConformance, ReadSeesOneMoment) {
  InsertRun(Queued("r1", "j"));
  const Status read = store_->Read([&](const StoreReader& reader) -> Status {
    InsertRun(Queued("r2", "j"));
    EXPECT_FALSE(*reader.GetRun("r2"));
    return {};
  });
  EXPECT_TRUE(read);
  EXPECT_TRUE(Get([](const StoreReader& r) { return r.GetRun("r2"); }));
}

TEST_P(StoreConformance, WhatIsOldMovesOutOfSightOfNobody) {
  for (int i = 0; i < 25; ++i) {
    const std::string id = "r" + std::to_string(100 + i);
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({"j", At(i), "queued", "", id, At(i)}));
      return {};
    });
    Ended(id, "j", i, RunPhase::kSucceeded);
  }
  Ended("held", "j", 3, RunPhase::kHeld);
  InsertRun(Queued("waits", "j", 2));
  const auto all = [&] {
    return Ids(Get([](const StoreReader& r) { return r.ListRuns({}, {100, ""}); }).items);
  };
  const auto before = all();
  int moved = 0;
  while (const int chunk = store_->Retain(At(20), 4).value()) moved += chunk;
  EXPECT_GE(moved, 40);  // 20 runs, 20 occurrences, events.
  EXPECT_EQ(all(), before);
  EXPECT_EQ(Run("r105").phase, RunPhase::kSucceeded);
  EXPECT_EQ(Get([](const StoreReader& r) { return r.Attempts("r105"); }).size(), 1u);
  EXPECT_EQ(
      Get([](const StoreReader& r) { return r.ListOccurrences("j", {100, ""}); }).items.size(),
      25u);
  EXPECT_EQ(CodeOf([](StoreTx& tx) { return tx.ReopenRun("r105", At(99)); }), "conflict");
  // What fired once does not fire again because it was moved.
  EXPECT_FALSE(*store_->Transact(
      [](StoreTx& tx) { return tx.InsertOccurrence({"j", At(5), "queued", "", "", At(99)}); }));
  Open();
  EXPECT_EQ(all(), before);
}

class StorePruning : public StoreConformance {
 protected:
  void Fire(int at, int recorded, std::optional<UtcTime> until = std::nullopt) {
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(
          tx.InsertOccurrence({"j", At(at), "missed", "downtime", "", At(recorded), until}));
      return {};
    });
  }
  void MoveAll() {
    while (store_->Retain(At(1000), 4).value() > 0) {
    }
  }
  int PruneAll(int before, int chunk = 4) {
    int all = 0;
    while (const int rows = store_->Prune(At(before), chunk).value()) {
      EXPECT_LE(rows, 2 * chunk);
      all += rows;
    }
    return all;
  }
  std::vector<int64_t> Fires() {
    std::vector<int64_t> fires;
    for (const OccurrenceRow& row :
         Get([](const StoreReader& r) { return r.ListOccurrences("j", {100, ""}); }).items) {
      fires.push_back((row.nominal_at - At(0)) / std::chrono::seconds(1));
    }
    return fires;
  }
};

INSTANTIATE_TEST_SUITE_P(All, StorePruning, testing::ValuesIn(StoreFactories()),
                         [](const auto& all) { return std::string(all.param.name); });

TEST_P(StorePruning, WhatIsOlderThanThePolicyGoesAndNothingElse) {
  EXPECT_EQ(store_->Prune(At(1000), 4).value(), 0) << "there is no history";
  for (int i = 0; i < 20; ++i) {
    const std::string id = "r" + std::to_string(100 + i);
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({"j", At(i), "queued", "", id, At(i)}));
      return {};
    });
    Ended(id, "j", i, RunPhase::kSucceeded);
  }
  EXPECT_EQ(PruneAll(1000), 0) << "what is hot is not the history's";
  MoveAll();
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.PrunedBefore(); }));
  EXPECT_EQ(PruneAll(12), 24);
  EXPECT_EQ(PruneAll(12), 0);
  EXPECT_THAT(Fires(), ::testing::ElementsAre(19, 18, 17, 16, 15, 14, 13, 12));
  EXPECT_EQ(Get([](const StoreReader& r) { return r.ListRuns({}, {100, ""}); }).items.size(), 8u);
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.GetRun("r111"); }));
  EXPECT_TRUE(Get([](const StoreReader& r) { return r.Attempts("r111"); }).empty());
  EXPECT_EQ(Get([](const StoreReader& r) { return r.Attempts("r112"); }).size(), 1u);
  EXPECT_EQ(Get([](const StoreReader& r) { return r.PrunedBefore(); }), At(12));
  Open();
  EXPECT_EQ(PruneAll(5), 0);
  EXPECT_EQ(Get([](const StoreReader& r) { return r.PrunedBefore(); }), At(12));
}

TEST_P(StorePruning, ARowStaysWhileAnAnswerNeedsIt) {
  Fire(1, 1);
  Fire(2, 30);           // Decided long after it was due.
  Fire(3, 4, At(9));     // The last of many is older, too.
  Fire(10, 11, At(40));  // One of many is of interest.
  InsertRun(Queued("long", "j", 5));
  const int64_t fence = Claim("long");
  Must([&](StoreTx& tx) {
    return tx.FinishRun("long", fence, RunPhase::kFailed, std::nullopt, At(50));
  });
  Ended("short", "j", 6, RunPhase::kFailed);
  MoveAll();
  EXPECT_EQ(PruneAll(20, 100), 3);
  EXPECT_THAT(Fires(), ::testing::ElementsAre(10, 2));
  EXPECT_TRUE(Get([](const StoreReader& r) { return r.GetRun("long"); }));
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.GetRun("short"); }));
}

TEST_P(StorePruning, AnOccurrenceGoesNoLaterThanItsRun) {
  for (int i = 0; i < 6; ++i) {
    const std::string id = "r" + std::to_string(i);
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({"j", At(i), "queued", "", id, At(i)}));
      return {};
    });
    Ended(id, "j", i, RunPhase::kSucceeded);
  }
  MoveAll();
  while (store_->Prune(At(500), 4).value() > 0) {
    for (const OccurrenceRow& row :
         Get([](const StoreReader& r) { return r.ListOccurrences("j", {100, ""}); }).items) {
      EXPECT_TRUE(Get([&](const StoreReader& r) { return r.GetRun(row.run_id); })) << row.run_id;
    }
  }
  EXPECT_THAT(Fires(), ::testing::IsEmpty());
}

TEST_P(StorePruning, FiresStayCountedByHowTheyEnded) {
  const auto counts = [&] {
    std::vector<std::string> texts;
    for (const OccurrenceCount& each :
         Get([](const StoreReader& r) { return r.OccurrenceCounts("j"); })) {
      texts.push_back(each.state + ":" + each.reason + " " + std::to_string(each.count));
    }
    return texts;
  };
  Must([&](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutJob(Job("j")));
    return {};
  });
  Fire(1, 1);
  Fire(2, 2, At(9));
  const auto again = store_->Transact([](StoreTx& tx) {
    return tx.InsertOccurrence({"j", At(1), "skipped", "overlap", "", At(3), std::nullopt});
  });
  EXPECT_FALSE(again.value()) << "there is one already";
  Must([&](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence({"j", At(10), "queued", "", "r", At(10)}));
    return {};
  });
  EXPECT_THAT(counts(), ::testing::ElementsAre("missed:downtime 2"));
  Ended("r", "j", 10, RunPhase::kFailed);
  EXPECT_THAT(counts(), ::testing::ElementsAre("missed:downtime 2", "ran: 1"));
  MoveAll();
  EXPECT_EQ(PruneAll(1000), 4);
  Open();
  EXPECT_THAT(counts(), ::testing::ElementsAre("missed:downtime 2", "ran: 1"));
  Must([](StoreTx& tx) { return tx.DeleteJob("j", At(20)); });
  EXPECT_THAT(counts(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace bizond
