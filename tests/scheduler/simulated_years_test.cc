// Years of schedules in seconds: the real scheduler, store and executor on a simulated clock,
// through crashes, steps of the clock, pauses and changes, and then every row of the ledger against
// an oracle that shares no code with them.
//
// BIZOND_SIM_SEED draws another run; BIZOND_SIM_SCHEDULES and BIZOND_SIM_YEARS make it larger.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "base/log.h"
#include "scheduler/scheduler.h"
#include "store/run_logs.h"
#include "tests/scheduler/cron_oracle.h"
#include "tests/scheduler/instants.h"
#include "tests/scheduler/job_fixture.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const UtcTime kBegin = At("2026-12-01T00:00:00Z");
constexpr const char* kZones[] = {"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe",
                                  "Asia/Kolkata"};

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

// A stretch of the wall clock that nobody was there for, as the ledger must see it.
struct Away {
  UtcTime from;  // The last instant that somebody was there.
  UtcTime to;    // The first one again.
};

// One job, and what the oracle knows of it.
struct Job {
  std::string name;
  json schedule;
  cron_oracle::Expression cron;
  std::string zone;
  bool skip_gaps = false;
  bool both_folds = false;
  std::string overlap;
  std::string catch_up;
  std::vector<Away> pauses;  // [from, to]; open at the end: to is max().
};

// Fires some times a year: at full and half hours of days that are drawn.
cron_oracle::Expression RareExpression(std::mt19937_64& random) {
  const auto draw = [&](int below) {
    return static_cast<int>(random() % static_cast<uint64_t>(below));
  };
  cron_oracle::Expression cron;
  const int minute = 30 * draw(2);
  const int hour = draw(24);
  cron.seconds = {0};
  cron.minutes = {minute};
  cron.hours = {hour};
  for (int day = 1; day <= 31; ++day) cron.days.insert(day);
  for (int month = 1; month <= 12; ++month) cron.months.insert(month);
  for (int weekday = 0; weekday < 7; ++weekday) cron.weekdays.insert(weekday);
  std::string days = "*";
  std::string months = "*";
  if (draw(3) > 0) {
    const int month = 1 + draw(12);
    cron.months = {month};
    months = std::to_string(month);
  }
  const int day = 1 + draw(28);
  cron.days = {day};
  cron.days_restricted = true;
  days = std::to_string(day);
  if (draw(2) == 0) {
    cron.days.insert(day % 28 + 1);
    days += "," + std::to_string(day % 28 + 1);
  }
  cron.text =
      std::to_string(minute) + " " + std::to_string(hour) + " " + days + " " + months + " *";
  return cron;
}

// A run takes as long as its id says, of simulated time; some fail and are tried again. Runs of
// jobs named "real..." are the real executor's.
class SlowExecutor final : public RunExecutor {
 public:
  SlowExecutor(Store* store, SimulatedClock* clock, RunExecutor* real, uint64_t seed)
      : store_(store), clock_(clock), real_(real), seed_(seed) {}

  void Execute(RunningAttempt& attempt) override {
    {
      std::lock_guard lock(mutex_);
      const bool first = inside_.insert(attempt.run.job).second;
      if (!first) overlapped_.push_back(attempt.run.job);
    }
    if (attempt.run.job.starts_with("real")) {
      real_->Execute(attempt);
    } else {
      Pretend(attempt);
    }
    std::lock_guard lock(mutex_);
    inside_.erase(attempt.run.job);
  }

  // How long until the first of those that run ends.
  Duration UntilNextEnd() const {
    std::lock_guard lock(mutex_);
    Duration next = hours(24 * 365);
    for (const auto& [id, end] : ends_) next = std::min(next, end - clock_->Steady());
    return next;
  }
  std::vector<std::string> overlapped() const {
    std::lock_guard lock(mutex_);
    return overlapped_;
  }

 private:
  void Pretend(RunningAttempt& attempt) {
    const RunRow& run = attempt.run;
    std::mt19937_64 random(seed_ ^ std::hash<std::string>()(run.id) ^
                           static_cast<uint64_t>(run.attempt));
    // Mostly minutes; now and then longer than the pause between two fires.
    const Duration length = random() % 20 == 0 ? hours(24 * 40) : minutes(1 + random() % 90);
    {
      std::lock_guard lock(mutex_);
      ends_[run.id] = clock_->Steady() + length;
    }
    clock_->SleepFor(length, attempt.stop.get_token());
    {
      std::lock_guard lock(mutex_);
      ends_.erase(run.id);
    }
    const UtcTime now = clock_->Now();
    const Status written = store_->Write([&](StoreTx& tx) {
      if (attempt.stop_reason == StopReason::kShutdown) {
        return tx.RequeueRun(run.id, run.fence, std::nullopt, now, now);
      }
      if (attempt.stop_reason == StopReason::kCancel) {
        return tx.FinishRun(run.id, run.fence, RunPhase::kCancelled, std::nullopt, now);
      }
      const Error error{ErrorKind::kTransient, "timeout", "by lot", "", std::nullopt};
      if (random() % 10 == 0 && run.attempt < 3) {
        return tx.RequeueRun(run.id, run.fence, error, now + minutes(5), now);
      }
      return tx.FinishRun(run.id, run.fence, RunPhase::kSucceeded, std::nullopt, now);
    });
    EXPECT_TRUE(written) << Describe(written.error());
  }

  Store* const store_;
  SimulatedClock* const clock_;
  RunExecutor* const real_;
  const uint64_t seed_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::set<std::string> inside_;
  std::map<std::string, Duration> ends_;  // Steady, by run.
  std::vector<std::string> overlapped_;
};

class SimulatedYears : public ::testing::Test {
 protected:
  void TearDown() override { Down(); }

  uint64_t Draw(uint64_t below) { return random_() % below; }

  // ---- the daemon ----

  void Up() {
    StoreOptions options;
    options.directory = State();
    options.clock = &clock_;
    auto opened = OpenSqliteStore(options);
    ASSERT_TRUE(opened) << Describe(opened.error());
    store_ = std::move(*opened);
    root_ = Root::Open(State()).value();
    logs_.emplace(root_, &clock_);
    SchedulerOptions scheduler_options;
    scheduler_options.workers = 1000;
    scheduler_ =
        std::make_unique<Scheduler>(store_.get(), &TestCatalog(), &clock_, scheduler_options);
    SyncExecutor::Parts parts;
    parts.store = store_.get();
    parts.logs = &*logs_;
    parts.catalog = &TestCatalog();
    parts.clock = &clock_;
    parts.plain_secrets = &plain_secrets_;
    parts.api_secrets = parts.file_secrets = &secrets_;
    parts.state_dir = root_;
    parts.roots = Roots::Open(directory_.path(), {}).value();
    real_ = std::make_unique<SyncExecutor>(std::move(parts));
    executor_ = std::make_unique<SlowExecutor>(store_.get(), &clock_, real_.get(), seed_);
    service_ = std::make_unique<JobService>(store_.get(), &TestCatalog(), &clock_, scheduler_.get(),
                                            &plain_secrets_);
    const Status started = scheduler_->Start(executor_.get());
    ASSERT_TRUE(started) << Describe(started.error());
    Rest();
  }
  void Down() {
    service_.reset();
    if (scheduler_) {
      EXPECT_TRUE(scheduler_->Stop());
      EXPECT_TRUE(executor_->overlapped().empty())
          << executor_->overlapped().front() << " ran twice at once";
    }
    scheduler_.reset();
    executor_.reset();
    real_.reset();
    logs_.reset();
    root_ = Root();
    store_.reset();
  }
  // As kill -9 at rest: what is committed is all there is; what the old process still writes while
  // it is taken apart goes to the folder that nobody opens again.
  void Crash() {
    const fs::path before = State();
    ++generation_;
    fs::create_directories(State());
    for (const char* const file : {"bizond.db", "bizond.db-wal", "history.db", "history.db-wal"}) {
      if (fs::exists(before / file)) fs::copy_file(before / file, State() / file);
    }
    Down();
    fs::remove_all(before);
  }
  fs::path State() const { return directory_.path() / ("state" + std::to_string(generation_)); }

  // Until the scheduler and every worker wait in the clock.
  void Rest() {
    while (clock_.waiters() != 1 + scheduler_->running()) std::this_thread::yield();
  }
  // To the next thing that happens, at most to `limit`.
  void Turn(UtcTime limit) {
    UtcTime next = limit;
    const Status read = store_->Read([&](const StoreReader& reader) -> Status {
      BIZOND_ASSIGN_OR_RETURN(const auto due, reader.NextDue());
      if (due) next = std::min(next, *due);
      BIZOND_ASSIGN_OR_RETURN(const auto ready, reader.NextReady());
      if (ready) next = std::min(next, std::max(*ready, clock_.Now()));
      return {};
    });
    EXPECT_TRUE(read) << Describe(read.error());
    next = std::min(next, clock_.Now() + executor_->UntilNextEnd());
    if (next > clock_.Now()) clock_.Advance(next - clock_.Now());
    Rest();
  }
  void PassUntil(UtcTime until) {
    while (clock_.Now() < until) Turn(until);
  }

  // ---- what happens ----

  void PutJobs(int count) {
    constexpr const char* kOverlaps[] = {"skip", "buffer_one", "buffer_all", "cancel_other"};
    for (int i = 0; i < count; ++i) {
      Job job;
      const bool real = i % 50 == 0;
      job.name = (real ? "real" : "job") + std::to_string(i);
      job.cron = RareExpression(random_);
      job.zone = kZones[Draw(std::size(kZones))];
      job.skip_gaps = Draw(2) == 0;
      job.both_folds = Draw(2) == 0;
      const uint64_t policy = Draw(4);
      job.catch_up = policy == 0 ? "none" : policy == 1 ? "all" : policy == 2 ? "last" : "within";
      job.overlap = job.catch_up == "all" ? "buffer_all" : kOverlaps[Draw(std::size(kOverlaps))];
      job.schedule = {{"cron", job.cron.text},
                      {"timezone", job.zone},
                      {"overlap", job.overlap},
                      {"on_gap", job.skip_gaps ? "skip" : "next"},
                      {"on_fold", job.both_folds ? "both" : "first"}};
      if (job.catch_up == "within") {
        job.schedule["catch_up"] = {{"within", "48h"}};
      } else {
        job.schedule["catch_up"] = job.catch_up;
      }
      Put(job);
      jobs_.push_back(std::move(job));
    }
  }
  void Put(const Job& job) {
    const ParsedJob parsed =
        service_->Check(DummyJob(job.name, {{"schedule", job.schedule}}).dump(), JobOrigin::kApi);
    ASSERT_TRUE(parsed.spec) << parsed.errors[0].message << job.schedule;
    const auto put = service_->Put(*parsed.spec, {});
    ASSERT_TRUE(put) << Describe(put.error());
  }

  void Something() {
    Job& job = jobs_[Draw(jobs_.size())];
    const UtcTime now = clock_.Now();
    switch (Draw(7)) {
      case 0: {  // A night without the daemon, or a month.
        Crash();
        const Duration gone = Draw(4) == 0 ? hours(24 * Draw(60)) : minutes(Draw(60 * 24));
        clock_.Advance(gone);
        aways_.push_back({now, clock_.Now()});
        Up();
        break;
      }
      case 1: {
        const Duration slept = minutes(1 + Draw(60 * 48));
        clock_.Suspend(slept);
        aways_.push_back({now, clock_.Now()});
        Settle();
        break;
      }
      case 2: {
        const Duration step = minutes(1 + Draw(60 * 24));
        clock_.StepWall(step);
        aways_.push_back({now, clock_.Now()});
        Settle();
        break;
      }
      case 3: {
        const Duration step = seconds(1 + Draw(3600 * 24));
        if (now - step <= kBegin + hours(24)) break;
        clock_.StepWall(-step);
        back_.push_back({now - step, now});
        Settle();
        break;
      }
      case 4: {  // A leap by years and back after a while.
        clock_.StepWall(hours(24 * 365 * (1 + Draw(12))));
        Settle();
        const UtcTime far = clock_.Now();
        PassUntil(far + hours(Draw(12)));
        clock_.StepWall(now + seconds(5) - clock_.Now());
        back_.push_back({now, far + hours(24)});
        Settle();
        break;
      }
      case 5: {
        const bool paused = !job.pauses.empty() && job.pauses.back().to == UtcTime::max();
        const Status done = paused ? service_->Resume(job.name) : service_->Pause(job.name);
        EXPECT_TRUE(done) << Describe(done.error());
        if (paused) {
          job.pauses.back().to = now;
        } else {
          job.pauses.push_back({now, UtcTime::max()});
        }
        Rest();
        break;
      }
      default:  // A definition that says the same in other words keeps its schedule.
        job.schedule["jitter"] = "0s";
        Put(job);
        Rest();
        break;
    }
  }
  // The scheduler has seen what the clock did, and has made up for it.
  void Settle() {
    Rest();
    scheduler_->Wake();
    while (true) {
      Rest();
      const auto due = store_->Query([](const StoreReader& reader) { return reader.NextDue(); });
      ASSERT_TRUE(due);
      if (!*due || **due > clock_.Now()) return;
      std::this_thread::yield();
    }
  }

  // ---- the judgement ----

  std::vector<OccurrenceRow> Ledger(const std::string& job) {
    std::vector<OccurrenceRow> rows;
    Page page;
    page.limit = 1000;
    do {
      auto got = store_->Query(
          [&](const StoreReader& reader) { return reader.ListOccurrences(job, page); });
      EXPECT_TRUE(got) << Describe(got.error());
      if (!got) return rows;
      rows.insert(rows.end(), got->items.begin(), got->items.end());
      page.cursor = got->next_cursor;
    } while (!page.cursor.empty());
    return {rows.rbegin(), rows.rend()};
  }
  static bool IsIn(const std::vector<Away>& stretches, UtcTime at) {
    return std::any_of(stretches.begin(), stretches.end(),
                       [&](const Away& away) { return away.from < at && at <= away.to; });
  }

  // Exactly one row for each nominal instant, and none for any other.
  void CheckRows(const Job& job, const std::vector<UtcTime>& expected,
                 const std::vector<OccurrenceRow>& rows, UtcTime end) {
    size_t row = 0;
    for (const UtcTime nominal : expected) {
      ASSERT_LT(row, rows.size()) << job.name << ": no row for " << FormatUtc(nominal);
      const OccurrenceRow& found = rows[row];
      if (found.until) {
        ASSERT_LE(found.nominal_at, nominal);
        ASSERT_GE(*found.until, nominal) << job.name << " " << FormatUtc(nominal);
        if (*found.until == nominal) ++row;
        continue;
      }
      ASSERT_EQ(FormatUtc(found.nominal_at), FormatUtc(nominal)) << job.name << " " << job.schedule;
      ++row;
    }
    // What a leap had run, or skipped, in the years to come is true, too.
    for (; row < rows.size(); ++row) {
      EXPECT_GT(rows[row].nominal_at, end) << job.name;
      EXPECT_TRUE(IsIn(back_, rows[row].nominal_at)) << job.name;
      EXPECT_NE(rows[row].state, "missed") << job.name;
    }
  }
  // Each scheduled run has its occurrence, and each occurrence that says so its run.
  void CheckRuns(const Job& job, const std::vector<OccurrenceRow>& rows) {
    std::map<std::string, UtcTime> by_run;
    for (const OccurrenceRow& row : rows) {
      const bool has_run = row.state == "ran" || row.state == "queued" ||
                           (row.state == "skipped" && row.reason == "cancelled");
      EXPECT_EQ(row.run_id.empty(), !has_run) << job.name << " " << row.state << row.reason;
      if (!row.run_id.empty()) by_run[row.run_id] = row.nominal_at;
    }
    RunFilter filter;
    filter.job = job.name;
    Page page;
    page.limit = 1000;
    size_t scheduled = 0;
    do {
      auto runs =
          store_->Query([&](const StoreReader& reader) { return reader.ListRuns(filter, page); });
      ASSERT_TRUE(runs) << Describe(runs.error());
      for (const RunRow& run : runs->items) {
        if (run.trigger != "schedule") continue;
        ++scheduled;
        ASSERT_TRUE(by_run.contains(run.id)) << job.name << ": a run without an occurrence";
        EXPECT_EQ(by_run[run.id], run.nominal_at) << job.name;
      }
      page.cursor = runs->next_cursor;
    } while (!page.cursor.empty());
    EXPECT_EQ(scheduled, by_run.size()) << job.name;
  }
  // What the policies say of a row, where the wall clock showed its instant once only.
  void CheckPolicies(const Job& job, const std::vector<OccurrenceRow>& rows) {
    for (size_t i = 0; i < rows.size(); ++i) {
      const OccurrenceRow& row = rows[i];
      if (row.until || IsIn(back_, row.nominal_at)) continue;
      const std::string where = job.name + " at " + FormatUtc(row.nominal_at) + " " + row.state +
                                ":" + row.reason + " " + job.schedule.dump();
      EXPECT_EQ(IsIn(job.pauses, row.nominal_at), row.reason == "paused") << where;
      if (row.reason == "paused") continue;
      const auto away = std::find_if(aways_.begin(), aways_.end(), [&](const Away& stretch) {
        return stretch.from < row.nominal_at && row.nominal_at <= stretch.to;
      });
      if (away == aways_.end()) {
        EXPECT_NE(row.state, "missed") << where;
        continue;
      }
      const bool newest = i + 1 == rows.size() || rows[i + 1].nominal_at > away->to;
      const Duration late = away->to - row.nominal_at;
      const bool run = job.catch_up == "all"      ? true
                       : job.catch_up == "last"   ? newest
                       : job.catch_up == "within" ? late <= hours(48)
                                                  : newest && late <= kOnTime;
      EXPECT_EQ(row.state == "missed", !run) << where;
    }
  }
  void Judge() {
    const UtcTime end = clock_.Now();
    std::map<std::string, cron_oracle::BruteForce> oracles;
    for (const char* const zone : kZones) {
      oracles.try_emplace(zone, zone, ToUnixMicros(kBegin) / 1'000'000 + 1800,
                          ToUnixMicros(end) / 1'000'000 + 1, 1800);
    }
    size_t fires = 0;
    for (const Job& job : jobs_) {
      std::vector<UtcTime> expected;
      for (const auto& fire :
           oracles.at(job.zone).Fires(job.cron, !job.skip_gaps, job.both_folds)) {
        expected.push_back(FromUnixMicros(fire.second * 1'000'000));
      }
      const std::vector<OccurrenceRow> rows = Ledger(job.name);
      CheckRows(job, expected, rows, end);
      CheckRuns(job, rows);
      CheckPolicies(job, rows);
      fires += expected.size();
      if (HasFatalFailure()) return;
    }
    std::printf("%zu schedules, %zu nominal fires, %zu absences, %zu steps back, %d crashes\n",
                jobs_.size(), fires, aways_.size(), back_.size(), generation_);
  }

  TemporaryDirectory directory_;
  SimulatedClock clock_{kBegin};
  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  int generation_ = 0;
  std::vector<Job> jobs_;
  std::vector<Away> aways_;
  std::vector<Away> back_;  // Shown more than once, or wrongly.

  PlainSecrets plain_secrets_;
  SecretResolver secrets_{SecretPolicy{true, {}, {}, {}}, {{"TOKEN", "dummy_key"}}};
  std::unique_ptr<Store> store_;
  Root root_;
  std::optional<RunLogs> logs_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<SyncExecutor> real_;
  std::unique_ptr<SlowExecutor> executor_;
  std::unique_ptr<JobService> service_;
};

TEST_F(SimulatedYears, EveryNominalFireHasOneRowWhateverHappens) {
  seed_ = static_cast<uint64_t>(FromEnvironment("BIZOND_SIM_SEED", 1));
  const int64_t schedules = FromEnvironment("BIZOND_SIM_SCHEDULES", 20);
  const int64_t years = FromEnvironment("BIZOND_SIM_YEARS", 2);
  std::printf("BIZOND_SIM_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  SCOPED_TRACE("BIZOND_SIM_SEED=" + std::to_string(seed_));
  random_.seed(seed_);
  ConfigureLog(LogLevel::kError, LogFormat::kText);
  Up();
  PutJobs(static_cast<int>(schedules));
  const UtcTime end = kBegin + hours(24 * 365 * years);
  while (clock_.Now() < end && !HasFatalFailure()) {
    PassUntil(clock_.Now() + hours(24 * (1 + Draw(40))));
    Something();
  }
  Settle();
  Judge();
  ConfigureLog(LogLevel::kInfo, LogFormat::kText);
}

}  // namespace
}  // namespace bizond
