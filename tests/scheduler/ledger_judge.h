// Every row of the ledger against an oracle that shares no code with the scheduler.
#ifndef BIZOND_TESTS_SCHEDULER_LEDGER_JUDGE_H_
#define BIZOND_TESTS_SCHEDULER_LEDGER_JUDGE_H_

#include <string>
#include <vector>

#include "store/store.h"
#include "tests/scheduler/simulated_job.h"

namespace bizond {

class LedgerJudge {
 public:
  // `aways` are in the order of time; `back` are the stretches of the wall clock that were shown
  // more than once, or wrongly. Jobs are there from `begin` on.
  LedgerJudge(const Store* store, UtcTime begin, std::vector<Away> aways, std::vector<Away> back)
      : store_(store), begin_(begin), aways_(std::move(aways)), back_(std::move(back)) {}

  // Exactly one row a nominal fire, no scheduled run without one, and what the policies say.
  void Judge(const std::vector<SimulatedJob>& jobs, UtcTime end);

 private:
  std::vector<OccurrenceRow> Ledger(const std::string& job);
  void CheckRows(const SimulatedJob& job, const std::vector<UtcTime>& expected,
                 const std::vector<OccurrenceRow>& rows, UtcTime end);
  void CheckRuns(const SimulatedJob& job, const std::vector<OccurrenceRow>& rows);
  void CheckPolicies(const SimulatedJob& job, const std::vector<OccurrenceRow>& rows);

  const Store* const store_;
  const UtcTime begin_;
  const std::vector<Away> aways_;
  const std::vector<Away> back_;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_SCHEDULER_LEDGER_JUDGE_H_
