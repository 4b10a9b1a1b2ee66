#include "destinations/bigquery/job_queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "destinations/google/google_error.h"
#include "destinations/google/job_attempts.h"
#include "destinations/google/job_id.h"
#include "destinations/google/transport.h"

namespace bizond {
namespace {

// Attempts in one opening, after a failure that a new id may mend.
constexpr int kMendsMax = 5;

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
  BIZOND_RETURN_IF_ERROR(Started());
  JobAttempt attempt;
  if (found_before) {
    BIZOND_ASSIGN_OR_RETURN(attempt, FindJobAttempt(api_, entry.stem, stop));
  }
  if (!attempt.there) BIZOND_RETURN_IF_ERROR(Try(entry, attempt.number, stop));
  running_.push_back({std::move(entry), attempt.number});
  return {};
}

Result<BigQueryJob> JobQueue::Try(const Entry& entry, int attempt, std::stop_token stop) {
  if (entry.before) entry.before();
  return entry.start(JobId(entry.stem, attempt), std::move(stop));
}

Status JobQueue::StartBeside(Entry entry, std::stop_token stop) {
  BIZOND_RETURN_IF_ERROR(Started());
  if (entry.before) entry.before();
  beside_ = std::move(entry);
  ending_ = std::stop_source();
  starting_ = std::async(std::launch::async, [start = beside_.start, id = JobId(beside_.stem, 1),
                                              stop = std::move(stop), end = ending_]() mutable {
    const std::stop_callback forward(stop, [&end] { end.request_stop(); });
    return start(id, end.get_token());
  });
  return {};
}

Status JobQueue::Started() {
  if (!starting_.valid()) return {};
  BIZOND_RETURN_IF_ERROR(starting_.get());
  running_.push_back({std::exchange(beside_, {}), 1});
  return {};
}

void JobQueue::Clear() {
  ending_.request_stop();
  if (starting_.valid()) starting_.wait();
  starting_ = {};
  running_.clear();
}

Result<BigQueryJob> JobQueue::Await(Running* running, std::stop_token stop) {
  for (int mend = 0;; ++mend) {
    const std::string id = JobId(running->entry.stem, running->attempt);
    BIZOND_ASSIGN_OR_RETURN(BigQueryJob job, api_->WaitForJob(id, stop));
    if (!job.failure || !NewIdMayMend(job.failure_reason) || mend == kMendsMax) return job;
    BIZOND_RETURN_IF_ERROR(api_->transport().Backoff(mend, stop));
    BIZOND_RETURN_IF_ERROR(Try(running->entry, running->attempt + 1, stop));
    running->attempt += 1;
  }
}

Status JobQueue::AwaitUntil(size_t most, const std::function<Status(const Entry&)>& done,
                            std::stop_token stop, const TakeRefused& refused) {
  while (running_.size() + (starting_.valid() ? 1 : 0) > most) {
    BIZOND_RETURN_IF_ERROR(Started());
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
  if (starting_.valid() && beside_.number == number) return true;
  return std::any_of(running_.begin(), running_.end(),
                     [number](const Running& running) { return running.entry.number == number; });
}

}  // namespace bizond
