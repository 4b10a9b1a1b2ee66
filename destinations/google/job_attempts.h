// The chain of attempts at one job, of which each has its id (job_id.h).
//
// A failed job stays failed for good, and its id is used up: whoever looks finds the same chain,
// and at most one of its jobs has done the work. A run that is opened again goes on behind those
// that failed, for something may have been mended since.
//
// Error codes: those of BigQueryApi.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_GOOGLE_JOB_ATTEMPTS_H_
#define BIZOND_DESTINATIONS_GOOGLE_JOB_ATTEMPTS_H_

#include <functional>
#include <stop_token>
#include <string>

#include "destinations/google/bigquery_api.h"

namespace bizond {

struct JobAttempt {
  int number = 1;
  bool there = false;  // Its job was started before.
};

// The first attempt whose job is not there, has not failed, or has failed in a way that `stands`
// takes for an answer.
Result<JobAttempt> FindJobAttempt(BigQueryApi* api, const std::string& stem, std::stop_token stop,
                                  const std::function<bool(const BigQueryJob&)>& stands = nullptr);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_JOB_ATTEMPTS_H_
