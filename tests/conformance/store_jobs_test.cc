// What a Store promises of jobs, their versions and schedules.
#include "store/sqlite_store.h"
#include "tests/conformance/store_conformance.h"

namespace bizond {
namespace {

// Every store there is.
INSTANTIATE_TEST_SUITE_P(Stores, StoreConformance, ::testing::ValuesIn(StoreFactories()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(StoreConformance, ChangedDefinitionRaisesTheVersionAndAnEqualOneKeepsIt) {
  const auto put = [&](const std::string& definition) {
    return store_->Transact([&](StoreTx& tx) { return tx.PutJob(Job("a b", definition)); })
        ->version;
  };
  EXPECT_EQ(put("{1}"), 1);
  EXPECT_EQ(put("{1}"), 1);
  Must([](StoreTx& tx) { return tx.SetPaused("a b", true, At(2)); });
  EXPECT_EQ(put("{2}"), 2);
  const auto job = Get([](const StoreReader& r) { return r.GetJob("a b"); });
  ASSERT_TRUE(job);
  EXPECT_TRUE(job->paused);
  EXPECT_EQ(job->definition, "{2}");
  EXPECT_EQ(Get([](const StoreReader& r) { return r.GetJobVersion("a b", 1); })->definition, "{1}");
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.GetJobVersion("a b", 3); }));
}

TEST_P(StoreConformance, DeletedJobCancelsWhatIsQueuedAndKeepsItsStateForItsName) {
  Must([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutJob(Job("j", "{1}")));
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"j", At(5), std::nullopt, ""}));
    BIZOND_RETURN_IF_ERROR(tx.InsertRun(Queued("r1", "j")));
    BIZOND_RETURN_IF_ERROR(tx.ClaimTarget({"file:/x", "j", "s"}));
    StreamStateRow state{"s", Watermark{}, "receipt", {}};
    state.watermark->cursor = "7";
    return tx.PutStreamState("j", state, At(1));
  });
  Must([](StoreTx& tx) { return tx.DeleteJob("j", At(9)); });
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.GetJob("j"); }));
  EXPECT_FALSE(Get([](const StoreReader& r) { return r.NextDue(); }));
  EXPECT_EQ(Run("r1").phase, RunPhase::kCancelled);
  EXPECT_EQ(Get([](const StoreReader& r) { return r.GetJobVersion("j", 1); })->definition, "{1}");
  EXPECT_EQ(Get([](const StoreReader& r) { return r.StreamState("j", "s"); })->watermark->cursor,
            "7");
  EXPECT_EQ(CodeOf([](StoreTx& tx) { return tx.DeleteJob("j", At(9)); }), "not_found");
  // The number goes on, so that version 1 is never two definitions.
  EXPECT_EQ(store_->Transact([](StoreTx& tx) { return tx.PutJob(Job("j", "{2}")); })->version, 2);
}

TEST_P(StoreConformance, PagesOfJobsAreSortedAndStable) {
  for (const char* name : {"d", "b", "c", "a"}) {
    Must([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(tx.PutJob(Job(name)));
      return {};
    });
  }
  const auto first = Get([](const StoreReader& r) { return r.ListJobs({2, ""}); });
  Must([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutJob(Job("aa")));  // Before the cursor: not seen, moves nothing.
    return {};
  });
  const auto second = Get([&](const StoreReader& r) { return r.ListJobs({2, first.next_cursor}); });
  EXPECT_EQ(first.items[1].name, "b");
  ASSERT_EQ(second.items.size(), 2u);
  EXPECT_EQ(second.items[0].name, "c");
  EXPECT_EQ(second.items[1].name, "d");
  EXPECT_EQ(second.next_cursor, "");
}

TEST_P(StoreConformance, GarbageIsNoPageCursor) {
  const auto jobs = Get([](const StoreReader& r) { return r.ListJobs({1, ""}); });
  for (const std::string garbage : {"x", "j", "j1", "j1.zz", "j1.a", "r1.61",
                                    "j99999999999999999999.61", "j.61", "\xff\xfe."}) {
    const auto page =
        store_->Query([&](const StoreReader& r) { return r.ListJobs({10, garbage}); });
    ASSERT_FALSE(page) << garbage;
    EXPECT_EQ(page.error().code, "invalid_cursor_token");
    EXPECT_EQ(page.error().kind, ErrorKind::kConfig);
  }
}

TEST_P(StoreConformance, DueSchedulesAreTheOldestFirst) {
  Must([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"late", At(30), At(20), ""}));
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"soon", At(10), std::nullopt, ""}));
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"never", std::nullopt, std::nullopt, ""}));
    return tx.PutSchedule({"next", At(20), std::nullopt, ""});
  });
  EXPECT_EQ(Get([](const StoreReader& r) { return r.NextDue(); }), At(10));
  const auto due = Get([](const StoreReader& r) { return r.DueSchedules(At(20), 10); });
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].job, "soon");
  EXPECT_EQ(due[1].job, "next");
  EXPECT_EQ(Get([](const StoreReader& r) { return r.DueSchedules(At(99), 1); }).size(), 1u);
  Must([](StoreTx& tx) { return tx.DeleteSchedule("soon"); });
  EXPECT_EQ(Get([](const StoreReader& r) { return r.NextDue(); }), At(20));
  EXPECT_EQ(Get([](const StoreReader& r) { return r.GetSchedule("late"); })->last_nominal, At(20));
}

TEST_P(StoreConformance, ASuccessMakesWhatFollowsItDueInItsOwnWrite) {
  Must([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"b", std::nullopt, std::nullopt, "j"}));
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"c", std::nullopt, std::nullopt, "j"}));
    return tx.PutSchedule({"d", std::nullopt, std::nullopt, "b"});
  });
  const auto waiting = [&](const char* job) {
    return Get([&](const StoreReader& r) { return r.WaitingOccurrences(job, 10); });
  };
  const auto end = [&](const std::string& id, RunPhase phase, bool whole) {
    return store_->Write([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(tx.InsertRun(Queued(id, "j")));
      BIZOND_ASSIGN_OR_RETURN(const int64_t fence, tx.ClaimRun(id, "n", At(8)));
      BIZOND_RETURN_IF_ERROR(tx.FinishRun(id, fence, phase, std::nullopt, At(9)));
      if (whole) return {};
      return Fail(ErrorKind::kTransient, "cut_off", "the disk went away");
    });
  };
  for (const RunPhase phase : {RunPhase::kFailed, RunPhase::kPartial, RunPhase::kCancelled}) {
    ASSERT_TRUE(end(std::string(RunPhaseName(phase)), phase, true));
  }
  ASSERT_FALSE(end("cut", RunPhase::kSucceeded, false));
  EXPECT_TRUE(waiting("b").empty()) << "only a success that stands is one";
  EXPECT_EQ(Get([](const StoreReader& r) { return r.NextDue(); }), std::nullopt);

  ASSERT_TRUE(end("r1", RunPhase::kSucceeded, true));
  ASSERT_TRUE(end("r2", RunPhase::kSucceeded, true));  // At the same reading of the clock.
  for (const char* job : {"b", "c"}) {
    const auto rows = waiting(job);
    ASSERT_EQ(rows.size(), 2u) << job;
    EXPECT_EQ(rows[0].nominal_at, At(9));
    EXPECT_EQ(rows[1].nominal_at, At(9) + Duration(1));
    EXPECT_EQ(rows[0].state, "queued");
  }
  EXPECT_TRUE(waiting("d").empty());
  EXPECT_EQ(Get([](const StoreReader& r) { return r.DueSchedules(At(1), 10); }).size(), 2u)
      << "due also by a clock that was set back";

  // What has its run waits no longer; a schedule that changes or goes leaves nothing waiting.
  Must([&](StoreTx& tx) { return tx.SetOccurrence({"b", At(9), "queued", "", "run", At(9)}); });
  EXPECT_EQ(waiting("b").size(), 1u);
  Must([](StoreTx& tx) { return tx.PutSchedule({"b", kDueAtOnce, std::nullopt, "j"}); });
  EXPECT_EQ(waiting("b").size(), 1u) << "the same upstream";
  Must([](StoreTx& tx) { return tx.PutSchedule({"b", At(60), std::nullopt, ""}); });
  Must([](StoreTx& tx) { return tx.DeleteSchedule("c"); });
  for (const char* job : {"b", "c"}) {
    EXPECT_TRUE(waiting(job).empty()) << job;
    const auto rows = Get([&](const StoreReader& r) { return r.ListOccurrences(job, {10, ""}); });
    EXPECT_EQ(rows.items[0].state, "skipped") << job;
    EXPECT_EQ(rows.items[0].reason, "cancelled") << job;
  }
}

TEST_P(StoreConformance, OneOccurrenceForEachNominalInstant) {
  const auto insert = [&](const char* state) {
    return *store_->Transact(
        [&](StoreTx& tx) { return tx.InsertOccurrence({"j", At(60), state, "", "", At(61)}); });
  };
  EXPECT_TRUE(insert("queued"));
  EXPECT_FALSE(insert("missed"));
  const auto page = Get([](const StoreReader& r) { return r.ListOccurrences("j", {10, ""}); });
  ASSERT_EQ(page.items.size(), 1u);
  EXPECT_EQ(page.items[0].state, "queued");
  Must([](StoreTx& tx) {
    return tx.SetOccurrence({"j", At(60), "skipped", "overlap", "", At(62)});
  });
  EXPECT_EQ(CodeOf([](StoreTx& tx) {
              return tx.SetOccurrence({"j", At(61), "skipped", "", "", At(62)});
            }),
            "not_found");
}

}  // namespace
}  // namespace bizond
