#include "destinations/bigquery/job_queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "destinations/google/google_error.h"
#include "destinations/google/job_id.h"
#include "destinations/google/transport.h"

namespace bizond {
namespace {

// Attempts in one opening, after a failure that a new id may mend.
constexpr int kMendsMax = 5;
// Openings of a run that fail the same way: a chain that is longer is nobody's honest work.
constexpr int kAttemptsMax = 1000;

// What the job says of the rows that it did not take, behind its first sentence.
Error WithDetails(Error error, const BigQueryJob& job) {
  const nlohmann::json status = JsonObject(job.resource, "status");
  const auto listed = status.find("errors");
  if (listed == status.end() || !listed->is_array()) return error;
  int shown = 0;
  for (const nlohmann::json& one : *listed) {
    const std::string message = ServiceText(JsonText(one, "message"));
    if (message.empty() || error.message.find(message) != std::string::npos) continue;
    error.message += "; " + message;
    if (++shown == 3) break;
  }
  return error;
}

}  // namespace

Status JobQueue::Start(Entry entry, bool found_before, std::stop_token stop) {
  int attempt = 1;
  if (found_before) {
    for (; attempt < kAttemptsMax; ++attempt) {
      BIZOND_ASSIGN_OR_RETURN(const auto job, api_->GetJob(JobId(entry.stem, attempt), stop));
      if (job && !job->failure) {
        running_.push_back({std::move(entry), attempt});
        return {};
      }
      if (!job) break;
    }
  }
  BIZOND_RETURN_IF_ERROR(entry.start(JobId(entry.stem, attempt)));
  running_.push_back({std::move(entry), attempt});
  return {};
}

Result<BigQueryJob> JobQueue::Await(Running* running, std::stop_token stop) {
  for (int mend = 0;; ++mend) {
    const std::string id = JobId(running->entry.stem, running->attempt);
    BIZOND_ASSIGN_OR_RETURN(BigQueryJob job, api_->WaitForJob(id, stop));
    if (!job.failure || !NewIdMayMend(job.failure_reason) || mend == kMendsMax) return job;
    BIZOND_RETURN_IF_ERROR(api_->transport().Backoff(mend, stop));
    BIZOND_RETURN_IF_ERROR(running->entry.start(JobId(running->entry.stem, running->attempt + 1)));
    running->attempt += 1;
  }
}

Status JobQueue::AwaitUntil(size_t most, const std::function<Status(const Entry&)>& done,
                            std::stop_token stop, const TakeRefused& refused) {
  while (running_.size() > most) {
    BIZOND_ASSIGN_OR_RETURN(const BigQueryJob job, Await(&running_.front(), stop));
    const Entry& entry = running_.front().entry;
    if (!job.failure) {
      BIZOND_RETURN_IF_ERROR(done(entry));
    } else {
      bool taken = false;
      if (refused) {
        BIZOND_ASSIGN_OR_RETURN(taken, refused(entry, job));
      }
      if (!taken) return Failure(WithDetails(*job.failure, job));
    }
    running_.erase(running_.begin());
  }
  return {};
}

bool JobQueue::Holds(uint64_t number) const {
  return std::any_of(running_.begin(), running_.end(),
                     [number](const Running& running) { return running.entry.number == number; });
}

}  // namespace bizond
