// JobTargets: what a submitted job would write to, known before its first run.
//
// Two jobs on one target are found when the second is submitted and not at night, when it runs; so
// is a secret that the operator does not allow.
//
// Threads: any.
#ifndef BIZOND_SCHEDULER_JOB_TARGETS_H_
#define BIZOND_SCHEDULER_JOB_TARGETS_H_

#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "store/store.h"
#include "sync/connector.h"
#include "sync/secrets.h"

namespace bizond {

class JobTargets {
 public:
  JobTargets(const Catalog* catalog, Clock* clock, const SecretResolver* secrets, Roots roots);

  // One row for each stream whose destination owns a target; nothing is written or connected to.
  // Code secret_forbidden. What can only be known at the run (a secret that is not there yet, a
  // folder that cannot be reached) leaves its stream out: the run says it.
  Result<std::vector<TargetRow>> Of(const JobSpec& spec) const;

 private:
  const Catalog* const catalog_;
  Clock* const clock_;
  const SecretResolver* const secrets_;
  const Roots roots_;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_JOB_TARGETS_H_
