// JobQueue: the load jobs of a run that were started and are not known to be done.
//
// A job's id is derived from its load, and only its attempt is tried out: an attempt that is found
// is taken as it is, the next one begins only after the last is known to be DONE with an error. As
// a failed job stays failed for good, whoever looks finds the same chain of attempts, and at most
// one of them has done the load. Within one opening only the reasons that a new id may mend lead to
// the next attempt; when the run is opened again, any does, for something may have been mended.
//
// A load whose data go with it takes as long as the upload: StartBeside sends it from a thread of
// its own, one at a time, while the caller makes the next file. Until the next call of this queue
// that thread has the BigQueryApi.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_JOB_QUEUE_H_
#define BIZOND_DESTINATIONS_BIGQUERY_JOB_QUEUE_H_

#include <functional>
#include <future>
#include <stop_token>
#include <string>
#include <vector>

#include "destinations/google/bigquery_api.h"

namespace bizond {

// Starts a job under an id, or finds it.
using StartJobUnder =
    std::function<Result<BigQueryJob>(const std::string& id, std::stop_token stop)>;

class JobQueue {
 public:
  explicit JobQueue(BigQueryApi* api) : api_(api) {}
  // Stops what is being started.
  ~JobQueue() { Clear(); }
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  struct Entry {
    uint64_t number = 0;  // The caller's.
    std::string stem;     // Of its id.
    StartJobUnder start;
    std::function<void()> before;  // Called before each attempt, by the caller's thread.
  };
  using TakeRefused = std::function<Result<bool>(const Entry&, const BigQueryJob&)>;
  // `found_before`: an earlier opening may have started it; it is looked for first.
  Status Start(Entry entry, bool found_before, std::stop_token stop);
  // One that no opening has started yet. What goes wrong is said by the next call.
  Status StartBeside(Entry entry, std::stop_token stop);
  // Waits for the oldest until at most `most` are left; `done` is told each that succeeded. One
  // that failed, where no new id may mend it, is the call's error, unless `refused` takes it over
  // (true).
  Status AwaitUntil(size_t most, const std::function<Status(const Entry&)>& done,
                    std::stop_token stop, const TakeRefused& refused = {});
  bool Holds(uint64_t number) const;
  void Clear();

 private:
  struct Running {
    Entry entry;
    int attempt = 1;
  };
  // Waits until nothing is being started any more.
  Status Started();
  Result<BigQueryJob> Try(const Entry& entry, int attempt, std::stop_token stop);
  // The job when it is done; a failure that a new id may mend is not left.
  Result<BigQueryJob> Await(Running* running, std::stop_token stop);

  BigQueryApi* const api_;
  std::vector<Running> running_;  // The oldest first.
  Entry beside_;                  // While `starting_` is valid.
  std::stop_source ending_;       // Of that one.
  std::future<Result<BigQueryJob>> starting_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_JOB_QUEUE_H_
