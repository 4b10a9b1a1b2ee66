// JobCache: definitions parsed and schedules compiled once, bounded by bytes.
//
// A version of a job never changes, so that an entry is stale only by its time zone (Clear); what
// was not asked for lately goes first. Who keeps an entry may use it however long it takes.
//
// Threads: any.
#ifndef BIZOND_SCHEDULER_JOB_CACHE_H_
#define BIZOND_SCHEDULER_JOB_CACHE_H_

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "scheduler/schedule.h"
#include "store/records.h"
#include "sync/connector.h"
#include "sync/job_spec.h"

namespace bizond {

// A version of a job, ready for use.
struct CompiledJob {
  JobSpec spec;  // Without secrets.
  // nullopt: the job runs only when asked.
  std::optional<ScheduleSpec> schedule_spec;
  std::optional<Schedule> schedule;
};

// What ParseStoredJob and ParseSchedule say of a definition that this binary does not understand.
Result<CompiledJob> CompileJob(const JobRow& job, const Catalog& catalog);

class JobCache {
 public:
  explicit JobCache(const Catalog* catalog, size_t max_bytes = size_t{16} << 20)
      : catalog_(catalog), max_bytes_(max_bytes) {}

  // Errors: CompileJob's; they are not kept.
  Result<std::shared_ptr<const CompiledJob>> Get(const JobRow& job);
  // nullptr: not there; for who has not read the definition yet.
  std::shared_ptr<const CompiledJob> Find(const std::string& job, int64_t version);

  // The time zones have changed.
  void Clear();

  size_t bytes() const;

 private:
  using Key = std::pair<std::string, int64_t>;  // Name and version.
  struct Entry {
    std::shared_ptr<const CompiledJob> job;
    size_t bytes = 0;
    std::list<const Key*>::iterator used;
  };

  void Put(Key key, std::shared_ptr<const CompiledJob> job, size_t bytes);

  const Catalog* const catalog_;
  const size_t max_bytes_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<Key, Entry> entries_;
  std::list<const Key*> used_;  // The keys of entries_, the latest first.
  size_t bytes_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_JOB_CACHE_H_
