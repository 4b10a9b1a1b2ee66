// What a store keeps when it is killed, read or thinned out under load.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sched.h>

#include <future>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/store/store_fixture.h"

namespace bizond {
namespace {

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

TEST_F(Survival, PruningThatIsKilledAnywhereEndsWithThePolicyAndNoMore) {
  constexpr int kRuns = 120;
  constexpr int kKept = 20;
  {
    const auto store = Open();
    ASSERT_TRUE(store->Write([&](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "job"));
      for (int i = 0; i < kRuns; ++i) {
        const std::string id = fmt::format("run-{:03}", i);
        BIZOND_RETURN_IF_ERROR(PutEndedRun(tx, id, "job", i));
        BIZOND_RETURN_IF_ERROR(
            tx.InsertOccurrence({"job", StoreTime(i), "ran", "", id, StoreTime(i)}));
      }
      return {};
    }));
    while (store->Retain(StoreTime(500), 50).value() > 0) {
    }
  }
  std::mt19937 random(32);
  bool done = false;
  for (int round = 0; round < 40 && !done; ++round) {
    {
      Child child([this](int out) {
        const auto store = Open();
        while (true) {
          const Result<int> rows = store->Prune(StoreTime(kRuns - kKept), 4);
          if (!rows) throw std::runtime_error(Describe(rows.error()));
          if (write(out, *rows == 0 ? "d" : "m", 1) != 1 || *rows == 0) return;
        }
      });
      for (auto chunks = 1 + random() % 4; chunks > 0 && !done; --chunks) {
        done = child.Read(1) != "m";
      }
      for (auto spin = random() % 60; spin > 0; --spin) sched_yield();
    }
    const auto store = Open();
    const std::vector<std::string> runs = RunIds(*store);
    const std::set<std::string> kept(runs.begin(), runs.end());
    for (int i = kRuns - kKept; i < kRuns; ++i) {
      EXPECT_TRUE(kept.contains(fmt::format("run-{:03}", i))) << "after round " << round;
    }
    EXPECT_EQ(store->Query([](const StoreReader& r) { return r.PrunedBefore(); }).value(),
              StoreTime(kRuns - kKept));
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(RunIds(*Open()).size(), kKept);
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
