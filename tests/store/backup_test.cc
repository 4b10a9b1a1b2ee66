// A backup taken under load is one moment, and a restore is whole or nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "store/backup.h"
#include "tests/store/store_fixture.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

class Backup : public StoreFiles {};

TEST_F(Backup, ABackupUnderLoadIsOneMoment) {
  TemporaryDirectory elsewhere;
  const std::string backup = elsewhere.path() / "backup.db";
  int64_t epoch = 0;
  std::string store_id;
  size_t before = 0;
  {
    const auto store = Open();
    ASSERT_TRUE(store->Write([](StoreTx& tx) -> Status {
      for (int i = 0; i < 40; ++i) {
        const std::string id = fmt::format("old-{:03}", i);
        BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "job " + id));
        BIZOND_RETURN_IF_ERROR(PutEndedRun(tx, id, "job " + id, i));
      }
      return {};
    }));
    ASSERT_GT(store->Retain(StoreTime(20), 1000).value(), 0);
    before = RunIds(*store).size();
    ASSERT_EQ(before, 40);
    std::atomic<bool> ends = false;
    std::vector<std::thread> writers;
    writers.reserve(3);
    for (int writer = 0; writer < 3; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; !ends; ++i) {
          const std::string id = fmt::format("{}-{:06}", writer, i);
          EXPECT_TRUE(store->Write([&](StoreTx& tx) -> Status {
            BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "job " + id));
            return PutEndedRun(tx, id, "job " + id, 100 + i);
          }));
        }
      });
    }
    for (int i = 0; i < 3; ++i) {
      const Status taken = store->Backup(backup);
      EXPECT_TRUE(taken) << Describe(taken.error());
      (void)store->Retain(StoreTime(30 + i), 3);
    }
    ends = true;
    for (std::thread& writer : writers) writer.join();
    epoch = store->Epoch();
    store_id = store->StoreId();
    EXPECT_EQ(RestoreStore(backup, directory_.path()).error().code, "state_dir_locked");
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(elsewhere.path()), fs::directory_iterator()), 1)
      << "nothing is left beside the backup";
  const auto restored = RestoreStore(backup, directory_.path());
  ASSERT_TRUE(restored) << Describe(restored.error());
  EXPECT_EQ(restored->store_id, store_id);
  EXPECT_GT(restored->epoch, epoch);
  EXPECT_TRUE(fs::exists(restored->replaced));
  const auto store = Open();
  EXPECT_EQ(store->StoreId(), store_id);
  EXPECT_EQ(store->Epoch(), restored->epoch);
  EXPECT_GE(RunIds(*store).size(), before) << "what had been moved to the history is in it";
  ExpectWholeChanges(*store);
  EXPECT_THAT(Ills(), IsEmpty());
}

TEST_F(Backup, ARestoreOfWhatIsNoBackupChangesNothing) {
  TemporaryDirectory elsewhere;
  const std::string backup = elsewhere.path() / "backup.db";
  {
    const auto store = Open();
    ASSERT_TRUE(store->Write([](StoreTx& tx) { return PutJobNamed(tx, "kept"); }));
    ASSERT_TRUE(store->Backup(backup));
  }
  const std::string whole = elsewhere.Read("backup.db");
  std::string newer = whole;
  newer[63] = 99;
  std::string damaged = whole;
  std::fill(damaged.begin() + 8192, damaged.begin() + 12'288, '\xA5');
  const std::pair<std::string, const char*> kFiles[] = {
      {"", "store_corrupt"},
      {"no database", "store_corrupt"},
      {whole.substr(0, whole.size() / 2), "store_corrupt"},
      {damaged, "store_corrupt"},
      {newer, "store_newer"},
  };
  for (const auto& [bytes, code] : kFiles) {
    const auto before = Files();
    elsewhere.Write("bad.db", bytes);
    const auto restored = RestoreStore(elsewhere.path() / "bad.db", directory_.path());
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, code) << Describe(restored.error());
    EXPECT_TRUE(Files() == before);
  }
  EXPECT_FALSE(RestoreStore(elsewhere.path() / "absent.db", directory_.path()));
  const auto store = Open();
  EXPECT_TRUE(store->Query([](const StoreReader& r) { return r.GetJob("kept"); }).value());
}

TEST_F(Backup, ARestoreThatWasInterruptedIsEndedByTheNextStart) {
  TemporaryDirectory elsewhere;
  const std::string backup = elsewhere.path() / "backup.db";
  {
    const auto store = Open();
    ASSERT_TRUE(store->Write([](StoreTx& tx) { return PutJobNamed(tx, "in the backup"); }));
    ASSERT_TRUE(store->Backup(backup));
    ASSERT_TRUE(store->Write([](StoreTx& tx) { return PutJobNamed(tx, "after it"); }));
  }
  // As it is when the new file is whole and the old one not yet moved aside.
  fs::copy_file(backup, directory_.path() / "bizond.db.restoring");
  const auto store = Open();
  const auto jobs = store->Query([](const StoreReader& r) { return r.ListJobs({}); }).value();
  ASSERT_EQ(jobs.items.size(), 1);
  EXPECT_EQ(jobs.items[0].name, "in the backup");
}

}  // namespace
}  // namespace bizond
