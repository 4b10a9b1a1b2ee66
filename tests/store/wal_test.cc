// The write-ahead log of a store that was not closed: a torn end is taken up, damage is refused,
// and what is refused is left byte for byte as it is.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "tests/store/store_fixture.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr size_t kHeader = 32;
constexpr size_t kFrame = 24 + 4096;
constexpr int kChanges = 12;

// Changes of a job and a run each, as they stand in the files while the store is open.
class WriteAheadLog : public StoreFiles {
 protected:
  void SetUp() override {
    TemporaryDirectory running;
    StoreOptions options;
    options.directory = running.path();
    {
      const auto store = std::move(*TryOpen(options));
      for (int i = 0; i < kChanges; ++i) {
        logs_.push_back(running.Read("bizond.db-wal"));
        ASSERT_TRUE(Change(*store, i));
      }
      logs_.push_back(running.Read("bizond.db-wal"));
      log_ = logs_.back();
      database_ = running.Read("bizond.db");
      index_ = running.Read("bizond.db-shm");
    }
    ASSERT_GT(log_.size(), 100 * kFrame);
  }

  static Status Change(Store& store, int number) {
    return store.Write([&](StoreTx& tx) -> Status {
      const std::string id = fmt::format("run-{:03}", number);
      BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "job " + id));
      return PutEndedRun(tx, id, "job " + id, number);
    });
  }

  void Lay(const std::string& log, const std::string& index = "") {
    directory_.Write("bizond.db", database_);
    directory_.Write("bizond.db-wal", log);
    fs::remove(directory_.path() / "bizond.db-shm");
    if (!index.empty()) directory_.Write("bizond.db-shm", index);
  }

  void ExpectRefused(const std::string& what) {
    const auto before = Files();
    const auto opened = TryOpen();
    ASSERT_FALSE(opened) << what;
    EXPECT_EQ(opened.error().code, "store_corrupt") << what << ": " << Describe(opened.error());
    EXPECT_THAT(opened.error().message, HasSubstr("nothing was written to it")) << what;
    EXPECT_THAT(opened.error().remedy, HasSubstr("bizond restore")) << what;
    EXPECT_TRUE(Files() == before) << what << ": a file was changed, made or removed";
  }

  static std::string Random(std::mt19937& random, size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }

  std::string database_;
  std::string log_;
  std::string index_;
  std::vector<std::string> logs_;  // Before each change, and behind the last.
};

TEST_F(WriteAheadLog, ThatIsWholeIsTakenUp) {
  Lay(log_);
  EXPECT_THAT(RunIds(*Open()), SizeIs(kChanges));
  Lay(log_, index_);
  EXPECT_THAT(RunIds(*Open()), SizeIs(kChanges));
}

TEST_F(WriteAheadLog, DamageInItsMiddleIsRefused) {
  std::mt19937 random(7);
  const size_t end = logs_[kChanges - 2].size() - 4096;
  for (size_t at = 4096; at < end; at += 4096 * 9) {
    std::string log = log_;
    log.replace(at, 4096, Random(random, 4096));
    Lay(log);
    ExpectRefused(fmt::format("4096 bytes at {}", at));
  }
  for (int round = 0; round < 20; ++round) {
    std::string log = log_;
    const size_t at = kHeader + random() % (end - kHeader);
    log[at] ^= static_cast<char>(1 + random() % 255);
    Lay(log);
    ExpectRefused(fmt::format("one byte at {}", at));
  }
}

TEST_F(WriteAheadLog, DamageOfItsHeaderIsRefused) {
  for (size_t at = 0; at < kHeader; at += 4) {
    std::string log = log_;
    log[at] ^= 0x10;
    Lay(log);
    ExpectRefused(fmt::format("header, byte {}", at));
  }
}

TEST_F(WriteAheadLog, ThatHoldsLessThanItsIndexKnowsIsRefused) {
  Lay(log_.substr(0, logs_[kChanges / 2].size()), index_);
  ExpectRefused("a log that was cut between two changes");
  std::string log = log_;
  log[log.size() - 100] ^= 1;
  Lay(log, index_);
  ExpectRefused("damage of the last change");
  EXPECT_THAT(Ills(), Contains("database"));
  Lay(log, index_);
  fs::remove(directory_.path() / "bizond.db-wal");
  ExpectRefused("a log that is missing");
  // An index that is torn, or of another round, says nothing.
  for (const size_t at : {size_t{17}, size_t{33}, size_t{60}}) {
    std::string index = index_;
    index[at] ^= 1;
    Lay(log, index);
    EXPECT_THAT(RunIds(*Open()), SizeIs(kChanges - 1)) << at;
  }
}

TEST_F(WriteAheadLog, WhatIsDroppedAtItsEndIsSaid) {
  Lay(log_.substr(0, log_.size() - 1));
  ::testing::internal::CaptureStderr();
  const auto store = TryOpen();
  const std::string said = ::testing::internal::GetCapturedStderr();
  ASSERT_TRUE(store) << Describe(store.error());
  EXPECT_THAT(said, HasSubstr("WARNING store: "));
  EXPECT_THAT(said, HasSubstr("bizond.db-wal"));
  EXPECT_THAT(said, HasSubstr(fmt::format("whole_pages={}",
                                          (logs_[kChanges - 1].size() - kHeader) / kFrame)));
  EXPECT_THAT(RunIds(**store), SizeIs(kChanges - 1));
}

TEST_F(WriteAheadLog, ThatAPowerLossToreIsNeverRefused) {
  // What the last change wrote is lost sector by sector, as it comes; the next life of the store
  // writes over what is left, and loses power as well.
  std::mt19937 random(11);
  for (int round = 0; round < 10; ++round) {
    std::string synced = logs_[kChanges / 2];
    std::string written = logs_[kChanges / 2 + 1];
    size_t confirmed = kChanges / 2;
    for (int life = 0; life < 6; ++life) {
      for (size_t at = 0; at < written.size(); at += 512) {
        if (random() % 8 != 0) continue;
        const size_t size = std::min<size_t>(512, written.size() - at);
        std::string old = at < synced.size() ? synced.substr(at, size) : "";
        old.resize(size, '\0');
        written.replace(at, size, old);
      }
      Lay(written);
      const auto opened = TryOpen();
      ASSERT_TRUE(opened) << round << "/" << life << ": " << Describe(opened.error());
      const size_t runs = RunIds(**opened).size();
      ASSERT_TRUE(runs == confirmed || runs == confirmed + 1) << runs << " of " << confirmed;
      // One that is confirmed, then one of another size that will be torn.
      const int number = 100 * (life + 1);
      ASSERT_TRUE(Change(**opened, number));
      synced = directory_.Read("bizond.db-wal");
      confirmed = runs + 1;
      ASSERT_TRUE((*opened)->Write([&](StoreTx& tx) -> Status {
        const std::string id = fmt::format("run-{:03}", number + 1);
        for (size_t more = 0; more < random() % 200; ++more) {
          BIZOND_RETURN_IF_ERROR(
              PutJobNamed(tx, fmt::format("more-{}-{}-{}", life, more, std::string(200, 'x'))));
        }
        return PutEndedRun(tx, id, "job run-001", number + 1);
      }));
      written = directory_.Read("bizond.db-wal");
    }
  }
}

TEST_F(WriteAheadLog, ARefusedDatabaseKeepsItsLog) {
  // Closing SQLite's last connection copies the log into the database and removes it, unless told
  // otherwise: also when the connection was closed by the first pragma that failed.
  std::mt19937 random(3);
  const std::string whole = database_;
  int refused = 0;
  for (int round = 0; round < 30; ++round) {
    database_ = whole;
    if (round % 2 == 0) {
      database_.resize((1 + random() % (whole.size() / 4096 - 1)) * 4096);
    } else {
      for (int page = 0; page < 3; ++page) {
        database_.replace((1 + random() % (whole.size() / 4096 - 1)) * 4096, 4096,
                          Random(random, 4096));
      }
    }
    Lay(log_);
    const auto before = Files();
    if (const auto opened = TryOpen(); !opened) {
      ++refused;
      EXPECT_EQ(opened.error().code, "store_corrupt");
      EXPECT_THAT(opened.error().message, HasSubstr("nothing was written to it"));
      EXPECT_TRUE(Files() == before) << round << ": " << opened.error().message;
    }
  }
  EXPECT_GT(refused, 10);
  database_ = whole;
}

}  // namespace
}  // namespace bizond
