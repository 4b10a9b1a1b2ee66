// A database that is damaged, foreign or of a newer binary: refused with words, and left as it is.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <random>

#include "tests/store/store_fixture.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Damage : public StoreFiles {
 protected:
  void SetUp() override {
    const auto store = Open();
    ASSERT_TRUE(store->Write([](StoreTx& tx) -> Status {
      for (int i = 0; i < 60; ++i) {
        BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, fmt::format("job-{}", i)));
        BIZOND_RETURN_IF_ERROR(
            PutEndedRun(tx, fmt::format("run-{:03}", i), fmt::format("job-{}", i), i));
      }
      return {};
    }));
  }

  void WriteAt(size_t offset, const std::string& bytes) {
    std::fstream file(Database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }

  // Refused with `code`, and nothing is written.
  void ExpectRefused(const std::string& code, const std::string& what) {
    const auto before = Files();
    const auto opened = TryOpen();
    ASSERT_FALSE(opened) << what;
    EXPECT_EQ(opened.error().code, code) << what << ": " << Describe(opened.error());
    EXPECT_EQ(opened.error().kind, ErrorKind::kPermanent);
    EXPECT_THAT(opened.error().message, HasSubstr(Database().string()));
    EXPECT_FALSE(opened.error().remedy.empty());
    EXPECT_TRUE(Files() == before) << what << ": a file was changed, made or removed";
  }
};

TEST_F(Damage, OfTheHeaderIsRefused) {
  const std::string whole = directory_.Read("bizond.db");
  const std::pair<size_t, std::string> kDamages[] = {
      {0, "X"},                          // The magic.
      {15, "X"},                         // Its end.
      {16, std::string("\x03\x00", 2)},  // A page size that is no power of two.
      {68, "XXXX"},                      // Another program's.
      {60, std::string(4, '\0')},        // No version.
  };
  for (const auto& [offset, bytes] : kDamages) {
    directory_.Write("bizond.db", whole);
    WriteAt(offset, bytes);
    ExpectRefused("store_corrupt", fmt::format("offset {}", offset));
  }
}

TEST_F(Damage, OfAnEmptyOrCutFileIsRefused) {
  const std::string whole = directory_.Read("bizond.db");
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{99}, size_t{4096}, whole.size() / 2, whole.size() - 4096}) {
    directory_.Write("bizond.db", whole.substr(0, size));
    ExpectRefused("store_corrupt", fmt::format("{} of {} bytes", size, whole.size()));
  }
  directory_.Write("bizond.db", "this is no database, but long enough to hold a header: " +
                                    std::string(200, 'x'));
  ExpectRefused("store_corrupt", "text");
}

TEST_F(Damage, OfTheSchemaIsRefused) {
  const std::string whole = directory_.Read("bizond.db");
  const size_t at = whole.find("CREATE TABLE runs");
  ASSERT_NE(at, std::string::npos);
  for (size_t one = at; one != std::string::npos; one = whole.find("CREATE TABLE runs", one + 1)) {
    WriteAt(one, "CREATE TOBLE");
  }
  ExpectRefused("store_corrupt", "a table's definition");
  directory_.Write("bizond.db", whole);
  WriteAt(100, std::string(8, '\xFF'));  // The root page of the schema.
  ExpectRefused("store_corrupt", "the schema's page");
}

TEST_F(Damage, OfPagesIsRefusedAndNeverCrashes) {
  const std::string whole = directory_.Read("bizond.db");
  std::mt19937 random(20);
  int refused = 0;
  for (int round = 0; round < 120; ++round) {
    for (const char* const extra : {"bizond.db-wal", "bizond.db-shm"}) {
      fs::remove(directory_.path() / extra);
    }
    std::string damaged = whole;
    const size_t page = 1 + random() % (whole.size() / 4096 - 1);
    // The header of a page, its array of cells, or anything.
    const size_t within = round % 3 == 0   ? random() % 8
                          : round % 3 == 1 ? random() % 40
                                           : random() % 4096;
    for (size_t i = 0; i < 4; ++i) {
      damaged[std::min(page * 4096 + within + i, damaged.size() - 1)] ^=
          static_cast<char>(1 + random() % 255);
    }
    directory_.Write("bizond.db", damaged);
    const auto before = Files();
    const auto opened = TryOpen();
    if (!opened) {
      ++refused;
      EXPECT_EQ(opened.error().code, "store_corrupt") << Describe(opened.error());
      EXPECT_TRUE(Files() == before) << "page " << page << " at " << within;
      continue;
    }
    // What no check can see may still be read: as an error, or as another value.
    const Status read = (*opened)->Read([](const StoreReader& reader) -> Status {
      BIZOND_RETURN_IF_ERROR(reader.ListJobs({}));
      BIZOND_RETURN_IF_ERROR(reader.ListRuns({}, {}));
      BIZOND_RETURN_IF_ERROR(reader.EventsAfter(0, 1000));
      return {};
    });
    if (!read) {
      EXPECT_THAT(read.error().code, AnyOf("store_corrupt", "not_found"));
    }
  }
  EXPECT_GT(refused, 40);
}

TEST_F(Damage, OfAHalfCopiedFolderWithItsLogIsRefused) {
  // As a crash leaves it: a log that was not copied in.
  const std::string whole = directory_.Read("bizond.db");
  std::string log;
  {
    const auto store = Open();
    ASSERT_TRUE(store->Write([](StoreTx& tx) { return PutJobNamed(tx, "in-the-log"); }));
    log = directory_.Read("bizond.db-wal");
    ASSERT_FALSE(log.empty());
  }
  fs::remove(directory_.path() / "bizond.db-shm");
  directory_.Write("bizond.db", whole);
  directory_.Write("bizond.db-wal", log);
  WriteAt(0, "X");
  ExpectRefused("store_corrupt", "a header beside a log");
  fs::remove(Database());
  ExpectRefused("store_corrupt", "a log without its database");
}

TEST_F(Damage, ThatIsFoundLaterStopsAllWritesAndIsSaid) {
  const std::string whole = directory_.Read("bizond.db");
  const auto store = Open();
  EXPECT_TRUE(store->Health().ok);
  // Every page but the first.
  WriteAt(4096, std::string(whole.size() - 4096, '\xA5'));
  Status failed;
  for (int i = 0; i < 100 && failed; ++i) {
    failed = store->Write([&](StoreTx& tx) {
      return tx.InsertRun(QueuedRun(fmt::format("late-{}", i), "job-1", i));
    });
  }
  // Cached pages may carry a while; a reader of its own meets the damage.
  if (failed) {
    failed = store->Read([](const StoreReader& reader) -> Status {
      BIZOND_RETURN_IF_ERROR(reader.ListRuns({}, {}));
      BIZOND_RETURN_IF_ERROR(reader.ListJobs({}));
      return {};
    });
  }
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "store_corrupt") << Describe(failed.error());
  const Status later = store->Write([](StoreTx& tx) { return PutJobNamed(tx, "x"); });
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, "store_corrupt");
  EXPECT_FALSE(store->Health().ok);
  EXPECT_THAT(store->Health().problem, HasSubstr("bizond restore"));
}

TEST_F(Damage, ANewerDatabaseIsRefused) {
  Plant("PRAGMA user_version = 99");
  ExpectRefused("store_newer", "version 99");
}

TEST_F(Damage, ASecondOpenerIsToldWhoHoldsIt) {
  Child child([&](int out) {
    const auto store = Open();
    if (write(out, "r", 1) != 1) return;
    pause();
  });
  ASSERT_EQ(child.Read(1), "r");
  const auto opened = TryOpen();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "state_dir_locked");
  EXPECT_THAT(opened.error().message, HasSubstr(std::to_string(child.pid())));
  child.Kill();
  EXPECT_TRUE(TryOpen()) << "the lock goes with its holder";
  const auto store = Open();
  EXPECT_EQ(OpenError(), "state_dir_locked") << "within one process as well";
}

// ---- migrations ----

class Migrations : public StoreFiles {
 protected:
  // The binary's own, and others after it.
  StoreOptions With(const std::vector<EmbeddedFile>& more) {
    files_.clear();
    own_.clear();
    for (const auto& entry : fs::directory_iterator(fs::path(BIZOND_SOURCE_DIR) / "migrations")) {
      std::ifstream in(entry.path());
      own_.push_back(
          {entry.path().filename(), std::string(std::istreambuf_iterator<char>(in), {})});
    }
    for (const auto& [name, bytes] : own_) files_.push_back({name, bytes});
    files_.insert(files_.end(), more.begin(), more.end());
    StoreOptions options;
    options.migrations = files_;
    return options;
  }
  std::vector<std::pair<std::string, std::string>> own_;
  std::vector<EmbeddedFile> files_;
};

TEST_F(Migrations, KeepACopyAndGoOn) {
  {
    const auto store = std::move(*TryOpen(With({})));
    ASSERT_TRUE(store->Write([](StoreTx& tx) { return PutJobNamed(tx, "kept"); }));
  }
  {
    const auto store = TryOpen(With({{"0998_more.sql", "CREATE TABLE more (a INTEGER) STRICT"},
                                     {"0999_again.sql", "ALTER TABLE more ADD COLUMN b TEXT"}}));
    ASSERT_TRUE(store) << Describe(store.error());
    const auto job =
        (*store)->Query([](const StoreReader& reader) { return reader.GetJob("kept"); });
    EXPECT_TRUE(job.value());
  }
  EXPECT_EQ(OpenError(With({})), "store_newer") << "the older binary refuses what it does not know";
  // The copy is a store of the older version.
  fs::rename(directory_.path() / "bizond.db.before-998", Database());
  fs::remove(directory_.path() / "bizond.db-wal");
  const auto store = TryOpen(With({}));
  ASSERT_TRUE(store) << Describe(store.error());
  EXPECT_TRUE((*store)->Query([](const StoreReader& r) { return r.GetJob("kept"); }).value());
}

// A database from before 0010: a run that is under way, and one that has ended after a retry.
TEST_F(Migrations, ToLeanRunsKeepAttemptsAndEvents) {
  StoreOptions before = With({});
  std::erase_if(files_, [](const EmbeddedFile& file) {
    return file.path.starts_with("0") ? file.path >= "0010" : file.path >= "history_0008";
  });
  before.migrations = files_;
  ASSERT_TRUE(TryOpen(before)) << "and closed again";
  Plant(
      "INSERT INTO runs (id, job, job_version, trigger, phase, attempt, fence, node, reset, "
      "priority, queued_at, not_before, started_at, finished_at, stage, rows_read, rows_written, "
      "rows_rejected, rows_deduplicated, rows_filtered, bytes_written, published, stop_request) "
      "VALUES ('going', 'j', 1, 'api', 1, 2, 7, 'n/b', 0, 0, 1, 1, 5, NULL, 1, 0, 0, 0, 0, 0, 0, "
      "0, 0), ('ended', 'j', 1, 'api', 3, 2, 6, '', 0, 0, 1, 1, 2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0);"
      "INSERT INTO attempts (run_id, number, started_at, finished_at) VALUES ('going', 1, 5, 6), "
      "('going', 2, 7, NULL), ('ended', 1, 2, 3), ('ended', 2, 4, 9);"
      "INSERT INTO events (id, at, kind, subject, detail) VALUES (41, 1, 'run', 'going', '{}');"
      "INSERT INTO events (id, at, kind, subject, detail) VALUES (42, 1, 'run', 'going', '{}');"
      "DELETE FROM events WHERE id = 42");
  const auto store = TryOpen(With({}));
  ASSERT_TRUE(store) << Describe(store.error());
  const auto attempts = [&](const char* run) {
    std::vector<std::pair<int, int64_t>> found;
    const auto rows = (*store)->Query([&](const StoreReader& r) { return r.Attempts(run); });
    for (const AttemptRow& row : rows.value()) {
      found.emplace_back(row.number, ToUnixMicros(row.started_at));
    }
    return found;
  };
  EXPECT_THAT(attempts("going"), ElementsAre(std::pair(1, 5), std::pair(2, 7)));
  EXPECT_THAT(attempts("ended"), ElementsAre(std::pair(1, 2), std::pair(2, 4)));
  EXPECT_EQ((*store)->Query([](const StoreReader& r) { return r.LastEventId(); }).value(), 42);
  ASSERT_TRUE((*store)->Write([](StoreTx& tx) -> Status {
    return tx.FinishRun("going", 7, RunPhase::kSucceeded, std::nullopt, FromUnixMicros(8));
  }));
  EXPECT_THAT(attempts("going"), ElementsAre(std::pair(1, 5), std::pair(2, 7)));
}

TEST_F(Migrations, ThatFailLeaveTheDatabaseAsItWas) {
  {
    const auto store = std::move(*TryOpen(With({})));
    ASSERT_TRUE(store->Write([](StoreTx& tx) { return PutJobNamed(tx, "kept"); }));
  }
  EXPECT_NE(OpenError(With({{"0998_half.sql", "CREATE TABLE half (a INTEGER); NONSENSE"}})), "");
  const auto store = TryOpen(With({}));
  ASSERT_TRUE(store) << Describe(store.error());
  EXPECT_TRUE((*store)->Query([](const StoreReader& r) { return r.GetJob("kept"); }).value());
}

TEST_F(Migrations, OfTheHistoryKeepACopyToo) {
  {
    const auto store = std::move(*TryOpen(With({})));
    ASSERT_TRUE(store->Write([](StoreTx& tx) -> Status {
      BIZOND_RETURN_IF_ERROR(PutJobNamed(tx, "job"));
      return PutEndedRun(tx, "old", "job", 1);
    }));
    EXPECT_GT(store->Retain(StoreTime(500), 100).value(), 0);
  }
  const auto store =
      TryOpen(With({{"history_0998_more.sql", "CREATE TABLE more (a INTEGER) STRICT"}}));
  ASSERT_TRUE(store) << Describe(store.error());
  EXPECT_THAT(RunIds(**store), ElementsAre("old"));
  EXPECT_TRUE(fs::exists(directory_.path() / "history.db.before-998"));
}

// ---- doctor ----

class Doctor : public Damage {};

TEST_F(Doctor, FindsNothingInAWellStore) {
  EXPECT_THAT(Ills(), IsEmpty());
  const auto store = Open();
  EXPECT_THAT(Ills(), IsEmpty()) << "beside a daemon";
}

TEST_F(Doctor, FindsEveryPlantedFault) {
  const std::pair<const char*, const char*> kFaults[] = {
      {"orphans", "INSERT INTO schedules (job, next_at) VALUES ('nobody', 1)"},
      {"orphans", "INSERT INTO attempts (run_id, number, started_at) VALUES ('nobody', 1, 1)"},
      {"orphans", "DELETE FROM job_versions WHERE job = 'job-3'"},
      {"orphans", "INSERT INTO checkpoints VALUES ('run-001', 's', '{}')"},
      {"orphans",
       "INSERT INTO occurrences (job, nominal_at, state, reason, run_id, recorded_at) VALUES "
       "('job-1', 5, 'queued', '', 'run-001', 5)"},
      {"running", "UPDATE runs SET phase = 1 WHERE id = 'run-002'"},
      {"clock", "UPDATE runs SET queued_at = 4000000000000000 WHERE id = 'run-004'"},
  };
  const std::string whole = directory_.Read("bizond.db");
  for (const auto& [name, sql] : kFaults) {
    Plant(sql);
    EXPECT_THAT(Ills(), ElementsAre(name)) << sql;
    for (const char* const extra : {"bizond.db-wal", "bizond.db-shm"}) {
      fs::remove(directory_.path() / extra);
    }
    directory_.Write("bizond.db", whole);
  }
  Plant("PRAGMA user_version = 99");
  EXPECT_THAT(Ills(), ElementsAre("database"));
  directory_.Write("bizond.db", whole);
  WriteAt(2 * 4096, std::string(64, '\xA5'));
  EXPECT_THAT(Ills(), ::testing::Contains("integrity"));
  fs::remove(Database());
  EXPECT_THAT(Ills(), ElementsAre("database"));
  fs::permissions(directory_.path(), fs::perms::group_write, fs::perm_options::add);
  EXPECT_THAT(Ills(), ElementsAre("database", "permissions"));
}

}  // namespace
}  // namespace bizond
