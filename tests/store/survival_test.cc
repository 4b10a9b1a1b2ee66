// What a store keeps when it is killed, fills its disk, is backed up or thinned out under load.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "store/backup.h"
#include "tests/store/store_fixture.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

class Survival : public StoreFiles {
 protected:
  // Four writers that acknowledge each commit over a pipe, until the process is killed.
  void WriteForEver(int out) {
    const auto store = Open();
    const int64_t from = static_cast<int64_t>(RunIds(*store).size());
    std::mutex mutex;
    std::vector<std::thread> writers;
    writers.reserve(4);
    for (int64_t writer = 0; writer < 4; ++writer) {
      writers.emplace_back([&, writer] {
        for (int64_t i = from;; ++i) {
          const std::string id = fmt::format("{:1}-{:08}", writer, i);
          const Status written = store->Write([&](StoreTx& tx) -> Status {
            BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "job " + id));
            return PutEndedRun(tx, id, "job " + id, i);
          });
          if (!written) _exit(8);
          std::lock_guard lock(mutex);
          if (write(out, id.data(), id.size()) != static_cast<ssize_t>(id.size())) _exit(0);
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
  }

  // Every run has its job, and the other way round: they were written in one change.
  static void ExpectWholeChanges(const Store& store) {
    const std::vector<std::string> ids = RunIds(store);
    std::set<std::string> jobs;
    ASSERT_TRUE(store.Read([&](const StoreReader& reader) -> Status {
      Page page;
      page.limit = 500;
      do {
        BIZOND_ASSIGN_OR_RETURN(const auto listed, reader.ListJobs(page));
        for (const JobRow& job : listed.items) jobs.insert(job.name);
        page.cursor = listed.next_cursor;
      } while (!page.cursor.empty());
      return {};
    }));
    EXPECT_EQ(jobs.size(), ids.size());
    for (const std::string& id : ids) EXPECT_TRUE(jobs.contains("job " + id)) << id;
  }
};

TEST_F(Survival, KilledInMidCommitItHasAllThatItAcknowledged) {
  std::mt19937 random(99);
  std::set<std::string> acknowledged;
  for (int round = 0; round < 12; ++round) {
    {
      Child child([this](int out) { WriteForEver(out); });
      for (auto left = 1 + random() % 80; left > 0; --left) {
        const std::string id = child.Read(10);
        ASSERT_FALSE(id.empty()) << "the child ended by itself";
        acknowledged.insert(id);
      }
      child.Kill();
      // What was in the pipe was acknowledged as well.
      for (std::string id = child.Read(10); !id.empty(); id = child.Read(10)) {
        acknowledged.insert(id);
      }
    }
    const auto store = Open();
    const std::vector<std::string> ids = RunIds(*store);
    const std::set<std::string> found(ids.begin(), ids.end());
    EXPECT_EQ(found.size(), ids.size());
    for (const std::string& id : acknowledged) EXPECT_TRUE(found.contains(id)) << "lost " << id;
    ExpectWholeChanges(*store);
    EXPECT_THAT(Ills(), IsEmpty());
  }
}

TEST_F(Survival, KilledWhileItMakesItselfItBeginsAnew) {
  std::mt19937 random(5);
  for (int round = 0; round < 15; ++round) {
    TemporaryDirectory fresh;
    {
      Child child([&](int out) {
        if (write(out, "b", 1) != 1) return;
        StoreOptions options;
        options.directory = fresh.path() / "state";
        const auto opened = TryOpen(options);
        pause();
      });
      child.Read(1);
      // Some hundred to some thousand microseconds of another process's work.
      for (auto spin = random() % 40; spin > 0; --spin) sched_yield();
      child.Kill();
    }
    StoreOptions options;
    options.directory = fresh.path() / "state";
    const auto opened = TryOpen(options);
    ASSERT_TRUE(opened) << Describe(opened.error());
  }
}

// Fills the disk, sees clean errors, makes room, and goes on. In a child: its limits are its own.
void FillAndRecover(const std::string& directory, Clock* clock,
                    const std::function<void()>& make_room, int out) {
  StoreOptions options;
  options.directory = directory;
  options.clock = clock;
  auto opened = OpenSqliteStore(options);
  if (!opened) throw std::runtime_error("open: " + Describe(opened.error()));
  const std::unique_ptr<Store> store = std::move(*opened);
  std::set<std::string> acknowledged;
  std::optional<Error> error;
  for (int i = 0; i < 20'000 && !error; ++i) {
    const std::string name = fmt::format("job-{}-{}", i, std::string(500, 'x'));
    const Status written = store->Write([&](StoreTx& tx) { return PutJobNamed(tx, name); });
    if (written) {
      acknowledged.insert(name);
    } else {
      error = written.error();
    }
  }
  if (!error) throw std::runtime_error("the disk never filled");
  if (error->code != "store_unavailable" || error->kind != ErrorKind::kTransient) {
    throw std::runtime_error("not a clean error: " + Describe(*error));
  }
  if (store->Health().ok) throw std::runtime_error("a full disk is not well");
  // Reads go on.
  const auto read = store->Query([&](const StoreReader& reader) { return reader.ListJobs({}); });
  if (!read) throw std::runtime_error("read: " + Describe(read.error()));
  make_room();
  const Status later = store->Write([](StoreTx& tx) { return PutJobNamed(tx, "later"); });
  if (!later) throw std::runtime_error("later: " + Describe(later.error()));
  if (!store->Health().ok) throw std::runtime_error("well again: " + store->Health().problem);
  for (const std::string& name : acknowledged) {
    const auto job = store->Query([&](const StoreReader& reader) { return reader.GetJob(name); });
    if (!job || !*job) throw std::runtime_error("lost " + name);
  }
  if (write(out, "k", 1) != 1) throw std::runtime_error("pipe");
}

TEST_F(Survival, AFileSizeLimitIsACleanErrorAndPasses) {
  Child child([&](int out) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit little{3 << 20, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &little) != 0) throw std::runtime_error("setrlimit");
    FillAndRecover(
        directory_.path(), &clock_,
        [] {
          const rlimit much{RLIM_INFINITY, RLIM_INFINITY};
          if (setrlimit(RLIMIT_FSIZE, &much) != 0) throw std::runtime_error("raise");
        },
        out);
  });
  EXPECT_EQ(child.Read(1), "k");
  EXPECT_EQ(child.Wait(), 0);
  const auto store = Open();
  EXPECT_THAT(Ills(), IsEmpty());
}

TEST_F(Survival, AFullDiskIsACleanErrorAndPasses) {
  constexpr int kNotAllowed = 77;
  const std::string mount_point = directory_.path();
  Child child([&](int out) {
    // A mount of its own, which nobody else sees and which goes with the process.
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=3m") != 0) {
      _exit(kNotAllowed);
    }
    FillAndRecover(
        mount_point + "/state", &clock_,
        [&] {
          if (mount("tmpfs", mount_point.c_str(), "tmpfs", MS_REMOUNT, "size=64m") != 0)
            throw std::runtime_error("remount");
        },
        out);
  });
  const std::string done = child.Read(1);
  const int code = child.Wait();
  if (code == kNotAllowed) GTEST_SKIP() << "this user may not mount";
  EXPECT_EQ(done, "k");
  EXPECT_EQ(code, 0);
}

TEST_F(Survival, AReaderNeverWaitsForTheWriter) {
  const auto store = Open();
  ASSERT_TRUE(store->Write([](StoreTx& tx) { return PutJobNamed(tx, "before"); }));
  std::promise<void> begun;
  std::promise<void> go_on;
  std::thread writer([&] {
    const Status written = store->Write([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "meanwhile"));
      begun.set_value();
      go_on.get_future().wait();
      return {};
    });
    EXPECT_TRUE(written);
  });
  begun.get_future().wait();
  // The write is open until this thread lets it end.
  for (int i = 0; i < 20; ++i) {
    const auto jobs = store->Query([](const StoreReader& reader) { return reader.ListJobs({}); });
    ASSERT_TRUE(jobs);
    EXPECT_EQ(jobs->items.size(), 1);
  }
  go_on.set_value();
  writer.join();
  // Nor does a writer wait for a reader.
  ASSERT_TRUE(store->Read([&](const StoreReader& reader) -> Status {
    for (int i = 0; i < 20; ++i) {
      std::thread other([&] {
        EXPECT_TRUE(store->Write(
            [&](StoreTx& tx) { return PutJobNamed(tx, fmt::format("beside-{}", i)); }));
      });
      other.join();
    }
    BIZOND_ASSIGN_OR_RETURN(const auto jobs, reader.ListJobs({}));
    EXPECT_EQ(jobs.items.size(), 2) << "one moment";
    return {};
  }));
}

TEST_F(Survival, ABackupUnderLoadIsOneMoment) {
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

TEST_F(Survival, ARestoreOfWhatIsNoBackupChangesNothing) {
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

TEST_F(Survival, ARestoreThatWasInterruptedIsEndedByTheNextStart) {
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

TEST_F(Survival, RetentionThatIsKilledAnywhereLosesAndDoublesNothing) {
  constexpr int kRuns = 150;
  std::vector<std::string> all;
  {
    const auto store = Open();
    ASSERT_TRUE(store->Write([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "job"));
      for (int i = 0; i < kRuns; ++i) {
        all.push_back(fmt::format("run-{:03}", i));
        BIZOND_RETURN_IF_ERROR(PutEndedRun(tx, all.back(), "job", i));
        OccurrenceRow occurrence{"job", StoreTime(i), "ran", "", all.back(), StoreTime(i)};
        BIZOND_RETURN_IF_ERROR(tx.InsertOccurrence(occurrence));
      }
      return {};
    }));
  }
  std::mt19937 random(31);
  bool done = false;
  for (int round = 0; round < 25 && !done; ++round) {
    {
      Child child([this](int out) {
        const auto store = Open();
        while (true) {
          const Result<int> moved = store->Retain(StoreTime(500), 4);
          if (!moved) throw std::runtime_error(Describe(moved.error()));
          if (write(out, *moved == 0 ? "d" : "m", 1) != 1 || *moved == 0) return;
        }
      });
      for (auto chunks = 1 + random() % 4; chunks > 0 && !done; --chunks) {
        done = child.Read(1) != "m";
      }
      for (auto spin = random() % 60; spin > 0; --spin) sched_yield();
    }
    const auto store = Open();
    std::vector<std::string> found = RunIds(*store);
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, all) << "after round " << round;
    Page page;
    page.limit = 1000;
    const auto occurrences = store->Query(
        [&](const StoreReader& reader) { return reader.ListOccurrences("job", page); });
    EXPECT_EQ(occurrences.value().items.size(), all.size());
    EXPECT_TRUE(store->Query([&](const StoreReader& r) { return r.GetRun(all[0]); }).value());
    EXPECT_EQ(store->Query([&](const StoreReader& r) { return r.Attempts(all[1]); })->size(), 1);
  }
  {
    const auto store = Open();
    while (store->Retain(StoreTime(500), 50).value() > 0) {
    }
    EXPECT_EQ(RunIds(*store).size(), all.size());
  }
  EXPECT_THAT(Ills(), IsEmpty());
}

TEST_F(Survival, DeletedJobsLetGoOfAllTheirTargets) {
  const auto store = Open();
  ASSERT_TRUE(store->Write([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "gone"));
    for (int i = 0; i < 10; ++i) {
      BIZOND_RETURN_IF_ERROR(tx.ClaimTarget({fmt::format("file:/{}", i), "gone", "s"}));
    }
    return tx.DeleteJob("gone", StoreTime(10));
  }));
  while (store->Retain(StoreTime(500), 3).value() > 0) {
  }
  EXPECT_TRUE(store->Write([](StoreTx& tx) -> Status {
    BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "other"));
    for (int i = 0; i < 10; ++i) {
      BIZOND_RETURN_IF_ERROR(tx.ClaimTarget({fmt::format("file:/{}", i), "other", "s"}));
    }
    return {};
  }));
}

}  // namespace
}  // namespace bizond
