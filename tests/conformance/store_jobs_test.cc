// What a Store promises of jobs, their versions and schedules.
#include "store/sqlite_store.h"
#include "tests/conformance/store_conformance.h"

namespace bizond {
namespace {

Result<std::unique_ptr<Store>> OpenSqlite(const std::filesystem::path& directory, Clock* clock) {
  StoreOptions options;
  options.directory = directory;
  options.clock = clock;
  return OpenSqliteStore(options);
}

// Every store there is.
INSTANTIATE_TEST_SUITE_P(Stores, StoreConformance,
                         ::testing::Values(StoreFactory{"sqlite", OpenSqlite}),
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
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"j", At(5), std::nullopt}));
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
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"late", At(30), At(20)}));
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"soon", At(10), std::nullopt}));
    BIZOND_RETURN_IF_ERROR(tx.PutSchedule({"never", std::nullopt, std::nullopt}));
    return tx.PutSchedule({"next", At(20), std::nullopt});
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
