// A store in a folder of its own, and what the tests of its files share.
#ifndef BIZOND_TESTS_STORE_STORE_FIXTURE_H_
#define BIZOND_TESTS_STORE_STORE_FIXTURE_H_

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "store/doctor.h"
#include "store/sqlite_store.h"
#include "store/store.h"
#include "tests/base/temporary_directory.h"

namespace bizond {

inline const UtcTime kStoreEpoch = FromUnixMicros(1'700'000'000'000'000);
inline UtcTime StoreTime(int64_t second) { return kStoreEpoch + std::chrono::seconds(second); }

inline RunRow QueuedRun(const std::string& id, const std::string& job, int64_t second) {
  RunRow run;
  run.id = id;
  run.job = job;
  run.job_version = 1;
  run.trigger = "api";
  run.queued_at = run.not_before = StoreTime(second);
  return run;
}

inline Status PutJobNamed(StoreTx& tx, const std::string& name) {
  JobRow job;
  job.name = name;
  job.definition = "{}";
  job.managed_by = "api";
  job.created_at = job.updated_at = StoreTime(0);
  BIZOND_RETURN_IF_ERROR(tx.PutJob(job));
  return {};
}

// Queued, claimed and ended in one change.
inline Status PutEndedRun(StoreTx& tx, const std::string& id, const std::string& job,
                          int64_t second) {
  BIZOND_RETURN_IF_ERROR(tx.InsertRun(QueuedRun(id, job, second)));
  BIZOND_ASSIGN_OR_RETURN(const int64_t fence, tx.ClaimRun(id, "node", StoreTime(second)));
  return tx.FinishRun(id, fence, RunPhase::kSucceeded, std::nullopt, StoreTime(second));
}

class StoreFiles : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Store>> TryOpen(StoreOptions options = {}) {
    if (options.directory.empty()) options.directory = directory_.path();
    options.clock = &clock_;
    return OpenSqliteStore(options);
  }
  std::unique_ptr<Store> Open() {
    Result<std::unique_ptr<Store>> opened = TryOpen();
    if (!opened) throw std::runtime_error(Describe(opened.error()));
    return std::move(*opened);
  }
  std::string OpenError(const StoreOptions& options = {}) {
    const Result<std::unique_ptr<Store>> opened = TryOpen(options);
    return opened ? "" : opened.error().code;
  }
  std::filesystem::path Database() const { return directory_.path() / kStoreFile; }

  // All runs that a reader finds, by pages.
  static std::vector<std::string> RunIds(const Store& store) {
    std::vector<std::string> ids;
    Page page;
    page.limit = 7;
    do {
      const auto listed =
          store.Query([&](const StoreReader& reader) { return reader.ListRuns({}, page); });
      if (!listed) throw std::runtime_error(Describe(listed.error()));
      for (const RunRow& run : listed->items) ids.push_back(run.id);
      page.cursor = listed->next_cursor;
    } while (!page.cursor.empty());
    return ids;
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

  // Every file but the lock and what SQLite shares between processes, with its bytes.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      const std::string name = entry.path().filename();
      if (name == kStoreLockFile || name.ends_with("-shm")) continue;
      std::string bytes = directory_.Read(name);
      // Opening makes the log, before anything is in it.
      if (!bytes.empty() || !name.ends_with("-wal")) files[name] = std::move(bytes);
    }
    return files;
  }

  // Names of what the doctor finds ill.
  std::vector<std::string> Ills() {
    std::vector<std::string> ills;
    for (const DoctorCheck& check : ExamineStore(directory_.path(), clock_)) {
      if (check.ok) continue;
      ills.push_back(check.name);
      EXPECT_FALSE(check.remedy.empty()) << check.name;
    }
    return ills;
  }

  // Changes the file behind the store's back.
  void Plant(const std::string& sql, const std::string& file = std::string(kStoreFile)) {
    sqlite3* database = nullptr;
    const std::string path = directory_.path() / file;
    ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << (message != nullptr ? message : "");
    sqlite3_free(message);
    EXPECT_EQ(sqlite3_close(database), SQLITE_OK);
  }

  TemporaryDirectory directory_;
  SimulatedClock clock_{StoreTime(1000)};
};

// A child process that does `work` with the writing end of a pipe, until it is killed or returns.
class Child {
 public:
  explicit Child(const std::function<void(int)>& work) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[0]);
      try {
        work(ends[1]);
      } catch (const std::exception& error) {
        fprintf(stderr, "child: %s\n", error.what());
        _exit(9);
      }
      _exit(0);
    }
    close(ends[1]);
    pipe_ = ends[0];
  }
  ~Child() {
    Kill();
    close(pipe_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // The next `size` bytes; empty at the end.
  std::string Read(size_t size) const {
    std::string bytes(size, '\0');
    size_t got = 0;
    while (got < size) {
      const ssize_t more = read(pipe_, bytes.data() + got, size - got);
      if (more < 0 && errno == EINTR) continue;
      if (more <= 0) return "";
      got += static_cast<size_t>(more);
    }
    return bytes;
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    Wait();
  }
  // The exit code; -1: killed.
  int Wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  int pipe_ = -1;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_STORE_STORE_FIXTURE_H_
