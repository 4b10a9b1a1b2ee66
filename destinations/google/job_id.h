// The ids of BigQuery jobs: derived from what a job does, so that a repetition finds the first one.
//
// "bizond-<hash>-a1": SHA-256 over the run, the table, the batch and the hash of its content, each
// with its length, as hex digits; then the attempt. BigQuery keeps an id for good, also a failed
// job's: only after an attempt is known to be DONE with an error that a new one may mend comes the
// next attempt.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_JOB_ID_H_
#define BIZOND_DESTINATIONS_GOOGLE_JOB_ID_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace bizond {

struct JobIdentity {
  std::string_view run;
  std::string_view table;    // project.dataset.table
  std::string_view purpose;  // "load", "publish", ...
  uint64_t batch = 0;
  std::string_view content;  // A hash of the data; empty: the job has none of its own.
};
// Without the attempt.
std::string JobIdStem(const JobIdentity& identity);
// `attempt` counts from 1.
std::string JobId(std::string_view stem, int attempt);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_JOB_ID_H_
