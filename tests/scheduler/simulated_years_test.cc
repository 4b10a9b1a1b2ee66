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
#include "tests/scheduler/instants.h"
#include "tests/scheduler/job_fixture.h"
#include "tests/scheduler/ledger_judge.h"
#include "tests/scheduler/simulated_job.h"
#include "tests/scheduler/slow_executor.h"

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
    scheduler_options.history_retention = std::nullopt;  // The judge asks for every fire.
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
    clock_.AwaitRest([&] { return 1 + scheduler_->running(); });
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
      SimulatedJob job;
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
  void Put(const SimulatedJob& job) {
    const ParsedJob parsed =
        service_->Check(DummyJob(job.name, {{"schedule", job.schedule}}).dump(), JobOrigin::kApi);
    ASSERT_TRUE(parsed.spec) << parsed.errors[0].message << job.schedule;
    const auto put = service_->Put(*parsed.spec, {});
    ASSERT_TRUE(put) << Describe(put.error());
  }

  void Something() {
    SimulatedJob& job = jobs_[Draw(jobs_.size())];
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

  TemporaryDirectory directory_;
  SimulatedClock clock_{kBegin};
  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  int generation_ = 0;
  std::vector<SimulatedJob> jobs_;
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
  LedgerJudge(store_.get(), kBegin, aways_, back_).Judge(jobs_, clock_.Now());
  std::printf("%d crashes\n", generation_);
  ConfigureLog(LogLevel::kInfo, LogFormat::kText);
}

}  // namespace
}  // namespace bizond
