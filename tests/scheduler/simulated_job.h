// A job of the simulated years, and what the oracle knows of it.
#ifndef BIZOND_TESTS_SCHEDULER_SIMULATED_JOB_H_
#define BIZOND_TESTS_SCHEDULER_SIMULATED_JOB_H_

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tests/scheduler/cron_oracle.h"

namespace bizond {

// A stretch of the wall clock that nobody was there for, as the ledger must see it.
struct Away {
  UtcTime from;  // The last instant that somebody was there.
  UtcTime to;    // The first one again.
};

// One job, and what the oracle knows of it.
struct SimulatedJob {
  std::string name;
  nlohmann::json schedule;
  cron_oracle::Expression cron;
  std::string zone;
  bool skip_gaps = false;
  bool both_folds = false;
  std::string overlap;
  std::string catch_up;
  std::vector<Away> pauses;  // [from, to]; open at the end: to is max().
};

// An expression that fires some times a year: at full and half hours of days that are drawn.
cron_oracle::Expression RareExpression(std::mt19937_64& random);

}  // namespace bizond

#endif  // BIZOND_TESTS_SCHEDULER_SIMULATED_JOB_H_
