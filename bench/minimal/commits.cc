// The limits of SQLite and of the disk, for what the scheduler's store is measured beside: nothing
// but the inserts and commits that no queue can do without.
//
// usage: bench_commits DIR single|group|fsync SECONDS
//
// single: one producer, a transaction an insert. group: 64 producers hand their inserts to one
// writer, which commits all that wait at once and then wakes them. fsync: 4 KiB are appended and
// synced. WAL and synchronous=FULL. Prints a line of JSON; exit 1 when the table does not hold what
// was acknowledged.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kProducers = 64;

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

class Jobs {
 public:
  explicit Jobs(const std::string& path) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) Die("cannot open " + path);
    Run("PRAGMA journal_mode = WAL");
    Run("PRAGMA synchronous = FULL");
    Run("CREATE TABLE jobs (id INTEGER PRIMARY KEY, state INT NOT NULL, run_at INT NOT NULL, "
        "body TEXT NOT NULL)");
    Run("CREATE INDEX jobs_due ON jobs (run_at, id) WHERE state = 0");
    sqlite3_prepare_v2(db_, "INSERT INTO jobs (state, run_at, body) VALUES (0, ?, ?)", -1, &insert_,
                       nullptr);
  }
  void Run(const char* sql) {
    char* error = nullptr;
    if (sqlite3_exec(db_, sql, nullptr, nullptr, &error) != SQLITE_OK) Die(error);
  }
  void Insert() {
    sqlite3_bind_int64(insert_, 1, std::time(nullptr));
    sqlite3_bind_text(insert_, 2, "{\"id\":123456}", -1, SQLITE_STATIC);
    if (sqlite3_step(insert_) != SQLITE_DONE) Die(sqlite3_errmsg(db_));
    sqlite3_reset(insert_);
  }
  int64_t Count() {
    sqlite3_stmt* query = nullptr;
    sqlite3_prepare_v2(db_, "SELECT count(*) FROM jobs", -1, &query, nullptr);
    sqlite3_step(query);
    const int64_t count = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return count;
  }

 private:
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

void Print(double each_s, int64_t acknowledged, int64_t stored) {
  std::printf("{\"per_s\": %.1f, \"acknowledged\": %lld, \"stored\": %lld}\n", each_s,
              static_cast<long long>(acknowledged), static_cast<long long>(stored));
  if (acknowledged != stored) Die("the table does not hold what was acknowledged");
}

void Single(const std::string& folder, double seconds) {
  Jobs jobs(folder + "/single.db");
  const double begin = Seconds();
  int64_t done = 0;
  while (Seconds() - begin < seconds) {
    jobs.Insert();
    ++done;
  }
  Print(static_cast<double>(done) / (Seconds() - begin), done, jobs.Count());
}

class Group {
 public:
  Group(const std::string& folder, double seconds)
      : jobs_(folder + "/group.db"), seconds_(seconds) {}

  void Measure() {
    const double begin = Seconds();
    std::vector<std::thread> producers;
    for (int i = 0; i < kProducers; ++i) producers.emplace_back([this, i] { Produce(i); });
    while (Commit(Seconds() - begin > seconds_)) {
    }
    const double took = Seconds() - begin;
    for (std::thread& producer : producers) producer.join();
    Print(static_cast<double>(acknowledged_) / took, acknowledged_, jobs_.Count());
  }

 private:
  struct Producer {
    bool waits = false;
    std::condition_variable answered;
  };

  void Produce(int index) {
    Producer& self = producers_[static_cast<size_t>(index)];
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      self.waits = true;
      waiting_.push_back(&self);
      wanted_.notify_one();
      self.answered.wait(lock, [&] { return !self.waits; });
      ++acknowledged_;
    }
  }
  // False: everybody has stopped.
  bool Commit(bool late) {
    std::vector<Producer*> batch;
    {
      std::unique_lock lock(mutex_);
      if (!stopping_) wanted_.wait(lock, [&] { return !waiting_.empty(); });
      stopping_ = stopping_ || late;
      batch.swap(waiting_);
      if (batch.empty()) return false;
    }
    jobs_.Run("BEGIN IMMEDIATE");
    for (size_t i = 0; i < batch.size(); ++i) jobs_.Insert();
    jobs_.Run("COMMIT");
    {
      std::lock_guard lock(mutex_);
      for (Producer* producer : batch) producer->waits = false;
    }
    for (Producer* producer : batch) producer->answered.notify_one();
    return true;
  }

  Jobs jobs_;
  const double seconds_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  // Guarded by mutex_.
  std::array<Producer, kProducers> producers_;
  std::vector<Producer*> waiting_;
  bool stopping_ = false;
  int64_t acknowledged_ = 0;
};

// As a commit of the log does: it appends, and syncs the data.
void Fsync(const std::string& folder, double seconds) {
  const int file =
      open((folder + "/fsync").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const std::vector<char> page(4096, 'x');
  std::vector<double> took;
  const double begin = Seconds();
  while (Seconds() - begin < seconds) {
    const double before = Seconds();
    if (write(file, page.data(), page.size()) != static_cast<ssize_t>(page.size())) Die("write");
    if (fdatasync(file) != 0) Die("fdatasync");
    took.push_back(Seconds() - before);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::sort(took.begin(), took.end());
  std::printf("{\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"calls\": %zu}\n", took[took.size() / 2] * 1e3,
              took[took.size() * 99 / 100] * 1e3, took.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) Die("usage: bench_commits DIR single|group|fsync SECONDS");
  const std::string folder = argv[1];
  const std::string test = argv[2];
  const double seconds = std::atof(argv[3]);
  if (test == "single") Single(folder, seconds);
  if (test == "group") Group(folder, seconds).Measure();
  if (test == "fsync") Fsync(folder, seconds);
}
