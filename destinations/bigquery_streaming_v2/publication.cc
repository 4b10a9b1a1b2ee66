#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/failpoint.h"
#include "destinations/bigquery_streaming_v2/streaming_v2_destination.h"
#include "destinations/divergence.h"
#include "destinations/google/google_error.h"
#include "destinations/google/job_attempts.h"
#include "destinations/google/job_id.h"
#include "destinations/google/table_labels.h"
#include "destinations/google/target_table.h"

namespace bizond {
namespace {

constexpr int kMendsMax = 5;  // Of one opening.

// A name in backquotes. Table names hold neither of the two.
std::string Quoted(const BigQueryTableName& name) { return "`" + name.Dotted() + "`"; }

}  // namespace

Status StreamingV2Destination::MarkStored() {
  if (mode_ != PublishMode::kDirect || mark_.streams.empty() || mark_.rows == shown_) return {};
  BIZOND_RETURN_IF_ERROR(write_api_.FlushRows(mark_.streams.front(), mark_.rows, stop_));
  shown_ = mark_.rows;
  return {};
}

Result<std::string> StreamingV2Destination::Prepare() {
  BIZOND_RETURN_IF_ERROR(Flush());
  StreamState intent = mark_;
  if (mode_ == PublishMode::kDirect) return intent.Encode();
  intent.kind = "intent";
  intent.publication = publisher_.run_id;
  return intent.Encode();
}

std::string StreamingV2Destination::Receipt(const std::string& publication,
                                            int64_t target_ms) const {
  StreamState receipt;
  receipt.kind = "receipt";
  receipt.publication = publication;
  receipt.target_ms = target_ms;
  return receipt.Encode();
}

Result<std::string> StreamingV2Destination::Finalize(std::string_view intent) {
  if (mode_ == PublishMode::kDirect) {
    BIZOND_ASSIGN_OR_RETURN(const StreamState state, StreamState::Decode("mark", intent));
    if (!state.streams.empty() && shown_ != state.rows) {
      BIZOND_RETURN_IF_ERROR(write_api_.FlushRows(state.streams.front(), state.rows, stop_));
      shown_ = state.rows;
    }
    return std::string(intent);
  }
  BIZOND_ASSIGN_OR_RETURN(const StreamState state, StreamState::Decode("intent", intent));
  // An incremental run without a row leaves the table, and what is known of it, alone.
  if (state.streams.empty() && mode_ == PublishMode::kAppend) {
    return Receipt(last_.publication, last_.target_ms);
  }
  if (mode_ == PublishMode::kAppend) {
    BIZOND_ASSIGN_OR_RETURN(const auto there, api_.GetTable(target_, stop_));
    if (!there) return Failure(StagingLost(target_.Dotted(), "the table was dropped"));
  }
  BIZOND_ASSIGN_OR_RETURN(BigQueryTable target, TableOrNew(target_, options_.config.schema));
  if (OwnedByStore(target, publisher_) && HasPublished(target, state.publication)) {
    return Receipt(state.publication, target.created_ms);  // It happened before.
  }
  BIZOND_RETURN_IF_ERROR(CheckFence(target, publisher_));
  if (mode_ == PublishMode::kReplace) {
    // A run without a row has none yet.
    BIZOND_RETURN_IF_ERROR(TableOrNew(Staging(), ColumnsFor(options_.config, target)));
  }
  if (!state.streams.empty()) BIZOND_RETURN_IF_ERROR(Commit(state));
  if (mode_ == PublishMode::kReplace) {
    BIZOND_RETURN_IF_ERROR(Overwrite(state, target));
    BIZOND_ASSIGN_OR_RETURN(target, TableOrNew(target_, options_.config.schema));
  }
  BIZOND_ASSIGN_OR_RETURN(
      target, ClaimTable(&api_, std::move(target), publisher_, state.publication, stop_));
  Failpoint("bigquery_streaming_v2.after_claim");
  return Receipt(state.publication, target.created_ms);
}

// All streams together, or none. May be repeated: what is committed already is found to be.
Status StreamingV2Destination::Commit(const StreamState& intent) {
  Failpoint("bigquery_streaming_v2.before_commit");
  Result<CommitAnswer> answer = write_api_.BatchCommit(Written().Path(), intent.streams, stop_);
  Failpoint("bigquery_streaming_v2.after_commit");
  if (answer && (answer->committed || answer->already_committed)) return {};
  if (!answer && answer.error().code != "bigquery_not_found" &&
      answer.error().code != "bigquery_refused") {
    return Failure(answer.error());
  }
  // Committed before and said otherwise, or gone: each stream knows.
  size_t committed = 0;
  size_t missing = 0;
  for (const std::string& name : intent.streams) {
    BIZOND_ASSIGN_OR_RETURN(const auto stream, write_api_.GetStream(name, stop_));
    if (!stream) ++missing;
    if (stream && stream->committed) ++committed;
  }
  if (committed == intent.streams.size()) return {};
  const std::string said =
      answer ? fmt::format("{}", fmt::join(answer->faults, "; ")) : answer.error().message;
  if (missing > 0) {
    return Failure(StagingLost(
        Written().Dotted(),
        fmt::format("{} of its {} write streams are gone; BigQuery keeps them uncommitted for 24 "
                    "hours ({})",
                    missing, intent.streams.size(), said)));
  }
  return Fail(ErrorKind::kTransient, "bigquery_refused",
              fmt::format("BigQuery did not commit the write streams of {}: {}", Written().Dotted(),
                          said.empty() ? "no reason was given" : said),
              "it is tried again");
}

// The target's partitioning and clustering (of its resource) are named, so that they stay.
nlohmann::json StreamingV2Destination::OverwriteQuery(const nlohmann::json& target) const {
  nlohmann::json query = {
      {"query", fmt::format("SELECT * FROM {}", Quoted(Staging()))},
      {"useLegacySql", false},
      {"destinationTable", target_.Reference()},
      {"createDisposition", "CREATE_IF_NEEDED"},
      {"writeDisposition", "WRITE_TRUNCATE"},
  };
  for (const char* key : {"timePartitioning", "rangePartitioning", "clustering"}) {
    if (target.contains(key)) query[key] = target[key];
  }
  return query;
}

// The target's rows become the staging's, in one job.
Status StreamingV2Destination::Overwrite(const StreamState& intent, const BigQueryTable& target) {
  const nlohmann::json query = OverwriteQuery(target.resource);
  const std::string stem = JobIdStem({.run = intent.publication,
                                      .table = target_.Dotted(),
                                      .purpose = "overwrite",
                                      .batch = 0,
                                      .content = ""});
  BIZOND_ASSIGN_OR_RETURN(const JobAttempt found, FindJobAttempt(&api_, stem, stop_));
  for (int mend = 1;; ++mend) {
    const std::string id = JobId(stem, found.number + mend - 1);
    Failpoint("bigquery_streaming_v2.before_overwrite");
    BIZOND_ASSIGN_OR_RETURN(BigQueryJob job, api_.StartJob(id, {{"query", query}}, stop_));
    Failpoint("bigquery_streaming_v2.after_overwrite_post");
    if (!job.done) {
      BIZOND_ASSIGN_OR_RETURN(job, api_.WaitForJob(id, stop_));
    }
    Failpoint("bigquery_streaming_v2.after_overwrite");
    if (!job.failure) return {};
    // Only a job that is known to have failed has a successor.
    if (!NewIdMayMend(job.failure_reason) || mend == kMendsMax) return Failure(*job.failure);
  }
}

Status StreamingV2Destination::Cleanup() {
  return mode_ == PublishMode::kReplace ? api_.DeleteTable(Staging(), stop_) : Status{};
}

Status StreamingV2Destination::Discard() {
  // The streams are never committed and go away by themselves. The run's token is raised by now.
  stream_.reset();
  request_ = {};
  return mode_ == PublishMode::kReplace ? api_.DeleteTable(Staging(), {}) : Status{};
}

}  // namespace bizond
