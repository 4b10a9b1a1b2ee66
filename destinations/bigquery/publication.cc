// BigQueryDestination: from the last record on.
#include <fmt/format.h>

#include "base/failpoint.h"
#include "destinations/bigquery/bigquery_destination.h"
#include "destinations/bigquery/changes.h"
#include "destinations/bigquery/table_resource.h"
#include "destinations/bigquery/table_state.h"
#include "destinations/divergence.h"
#include "destinations/google/job_id.h"
#include "destinations/google/table_labels.h"

namespace bizond {
Result<std::string> BigQueryDestination::Prepare() {
  may_reject_ = false;  // No further mark lists what would take a load's place.
  BIZOND_RETURN_IF_ERROR(PutFile());
  SealLoads();
  BIZOND_RETURN_IF_ERROR(StartLoads(/*found_before=*/false));
  BIZOND_RETURN_IF_ERROR(AwaitLoads(0));
  if (mode_ == PublishMode::kDirect) return mark_.Encode();
  BIZOND_ASSIGN_OR_RETURN(const auto target, api_->GetTable(mark_.target, stop_));
  if (mark_.loads.empty()) {
    // What would keep the copy from succeeding is better known before the intent.
    BIZOND_ASSIGN_OR_RETURN(const BigQueryTable staged, CheckStaging());
    if (target && mode_ != PublishMode::kReplace) {
      BIZOND_RETURN_IF_ERROR(ChangedSchema(*target, staged.schema));
    }
  }
  mark_.before = StateOf(target);
  CountChange(&mark_.published, mark_.target.Dotted(), clock_.Now(), log_, &quota_said_);
  return mark_.Encode();
}

Result<std::string> BigQueryDestination::Finalize(std::string_view text) {
  BIZOND_ASSIGN_OR_RETURN(mark_, BigQueryMark::Decode("intent", text));
  may_reject_ = false;
  stored_ = mark_.files;
  BIZOND_RETURN_IF_ERROR(StartLoads(/*found_before=*/true));
  BIZOND_RETURN_IF_ERROR(AwaitLoads(0));
  if (mode_ == PublishMode::kDirect) return mark_.Encode();
  if (mark_.rows == 0 && mode_ != PublishMode::kReplace) return Receipt(mark_.before);
  BIZOND_RETURN_IF_ERROR(Copy());
  return FinishTarget();
}

// The staging, with all rows and no others.
Result<BigQueryTable> BigQueryDestination::CheckStaging() {
  BIZOND_ASSIGN_OR_RETURN(auto staged, api_->GetTable(Loaded(), stop_));
  const std::string name = Loaded().Dotted();
  if (!staged) return Failure(StagingLost(name, "it was dropped"));
  BIZOND_RETURN_IF_ERROR(CheckFence(*staged, publisher_));
  if (!OwnedByRun(*staged, publisher_)) {
    return Failure(StagingLost(name, "it is no longer this run's"));
  }
  if (static_cast<int64_t>(staged->rows) != mark_.rows) {
    return Failure(
        StagingLost(name, fmt::format("it has {} rows instead of {}", staged->rows, mark_.rows)));
  }
  return std::move(*staged);
}

// The columns that one of the two has and the other does not: a copy adds none.
Status BigQueryDestination::AddColumns(const BigQueryTable& staged) {
  BIZOND_ASSIGN_OR_RETURN(const auto target, api_->GetTable(mark_.target, stop_));
  if (!target) return {};
  BIZOND_ASSIGN_OR_RETURN(const auto wider, ChangedSchema(*target, staged.schema));
  if (wider) {
    BIZOND_RETURN_IF_ERROR(
        api_->PatchTable(mark_.target, {{"schema", *wider}}, stop_, target->etag));
  }
  BIZOND_ASSIGN_OR_RETURN(const auto staging, ChangedSchema(staged, target->schema));
  if (!staging) return {};
  return api_->PatchTable(staged.name, {{"schema", *staging}}, stop_);
}

Status BigQueryDestination::Copy() {
  const bool replace = mode_ == PublishMode::kReplace;
  const nlohmann::json configuration = {
      {"copy", CopyConfiguration(Loaded(), mark_.target, replace)}};
  JobQueue::Entry entry;
  entry.stem = JobIdStem({.run = mark_.run,
                          .table = mark_.target.Dotted(),
                          .purpose = "publish",
                          .batch = 0,
                          .content = mark_.nonce});
  // Looked at only when the copy is not there yet: afterwards the staging may be gone.
  entry.start = [&](const std::string& id, std::stop_token stop) -> Result<BigQueryJob> {
    BIZOND_ASSIGN_OR_RETURN(const BigQueryTable staged, CheckStaging());
    if (!replace) BIZOND_RETURN_IF_ERROR(AddColumns(staged));
    Failpoint("bigquery.before_copy");
    Result<BigQueryJob> job = api_->StartJob(id, configuration, std::move(stop));
    Failpoint("bigquery.after_copy_post");
    return job;
  };
  JobQueue queue(api_.get());
  BIZOND_RETURN_IF_ERROR(queue.Start(std::move(entry), /*found_before=*/true, stop_));
  const auto done = [](const JobQueue::Entry&) {
    Failpoint("bigquery.after_copy");
    return Status{};
  };
  return queue.AwaitUntil(0, done, stop_);
}

// Labels the target, and says how it was left.
Result<std::string> BigQueryDestination::FinishTarget() {
  BIZOND_RETURN_IF_ERROR(Claim(mark_.target));
  Failpoint("bigquery.after_claim");
  BIZOND_ASSIGN_OR_RETURN(const auto target, api_->GetTable(mark_.target, stop_));
  TableState left = StateOf(target);
  // What it must hold, so that the next run notices what somebody did in between.
  left.exists = true;
  left.rows = mark_.rows + (mode_ == PublishMode::kReplace ? 0 : mark_.before.rows);
  return Receipt(left);
}

std::string BigQueryDestination::Receipt(const TableState& left) const {
  BigQueryMark receipt;
  receipt.run = mark_.run;
  receipt.nonce = mark_.nonce;
  receipt.target = mark_.target;
  receipt.before = left;
  receipt.published = mark_.published;
  return receipt.Encode();
}

Status BigQueryDestination::Cleanup() {
  buffer_.Clear();
  buffer_rows_ = 0;
  if (!api_ || !files_ || mark_.nonce.empty()) return {};
  // A cancel has stopped what could be waited for, and still the staging is to go.
  const std::stop_token stop = stop_.stop_requested() ? std::stop_token() : stop_;
  if (mode_ == PublishMode::kDirect) return {};
  if (jobs_) jobs_->Clear();
  if (!mark_.staging.empty()) BIZOND_RETURN_IF_ERROR(api_->DeleteTable(Loaded(), stop));
  Failpoint("bigquery.after_staging_dropped");
  return files_->RemoveOthers({}, stop);
}

Status BigQueryDestination::Discard() { return Cleanup(); }

}  // namespace bizond
