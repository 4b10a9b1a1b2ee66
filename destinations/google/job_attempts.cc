#include "destinations/google/job_attempts.h"

#include "destinations/google/job_id.h"

namespace bizond {
namespace {

// Openings of a run that fail the same way: a chain that is longer is nobody's honest work.
constexpr int kAttemptsMax = 1000;

}  // namespace

Result<JobAttempt> FindJobAttempt(BigQueryApi* api, const std::string& stem, std::stop_token stop,
                                  const std::function<bool(const BigQueryJob&)>& stands) {
  int attempt = 1;
  for (; attempt < kAttemptsMax; ++attempt) {
    BIZOND_ASSIGN_OR_RETURN(const auto job, api->GetJob(JobId(stem, attempt), stop));
    if (!job) break;
    if (!job->failure || (stands && stands(*job))) {
      return JobAttempt{.number = attempt, .there = true};
    }
  }
  return JobAttempt{.number = attempt, .there = false};
}

}  // namespace bizond
