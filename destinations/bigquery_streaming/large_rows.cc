#include "destinations/bigquery_streaming/large_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/failpoint.h"
#include "base/identity.h"
#include "destinations/google/google_error.h"
#include "destinations/google/job_attempts.h"
#include "destinations/google/job_id.h"
#include "destinations/google/transport.h"

namespace bizond {
namespace {

// Rows wait for others up to here: a table takes 1,500 load jobs a day.
constexpr size_t kBufferBytes = size_t{32} << 20;
constexpr int kMendsMax = 5;  // Of one opening.

bool DataWasRefused(const BigQueryJob& job) { return job.failure->code == "bigquery_invalid"; }

// The job's first words on what is wrong with the data: errorResult only counts its errors.
std::string WhyRefused(const BigQueryJob& job) {
  const nlohmann::json status = JsonObject(job.resource, "status");
  const std::string summary = JsonText(JsonObject(status, "errorResult"), "message");
  const auto errors = status.find("errors");
  if (errors != status.end() && errors->is_array()) {
    for (const nlohmann::json& error : *errors) {
      const std::string message = JsonText(error, "message");
      if (!message.empty() && message != summary) return ServiceText(message);
    }
  }
  return job.failure->message;
}

}  // namespace

LargeRows::LargeRows(BigQueryApi* api, BigQueryTableName table, std::string run,
                     RejectSink* rejects, std::stop_token stop)
    : api_(api),
      table_(std::move(table)),
      run_(std::move(run)),
      rejects_(rejects),
      stop_(std::move(stop)) {}

Status LargeRows::Add(std::string_view row, std::string_view insert_id, const Record& record,
                      uint64_t iteration) {
  if (!rows_.empty() && rows_.bytes() + row.size() > kBufferBytes) BIZOND_RETURN_IF_ERROR(Load());
  rows_.Add(row, insert_id, record, iteration);
  return {};
}

Status LargeRows::Load() {
  if (rows_.empty()) return {};
  BIZOND_ASSIGN_OR_RETURN(std::string refused, LoadRange(0, rows_.size()));
  for (size_t i = 0; !refused.empty() && i < rows_.size(); ++i) {
    std::string why = refused;
    if (rows_.size() > 1) {
      BIZOND_ASSIGN_OR_RETURN(why, LoadRange(i, i + 1));
    }
    if (why.empty()) continue;
    BIZOND_RETURN_IF_ERROR(
        rejects_->Reject(rows_.iteration(i), rows_.Rejected(i, "bigquery_row_refused", why)));
  }
  rows_.Clear();
  return {};
}

Result<std::string> LargeRows::LoadRange(size_t begin, size_t end) {
  data_.clear();
  StreamingHash content;
  for (size_t i = begin; i < end; ++i) {
    data_ += rows_.row(i);
    data_ += '\n';
    content.Update(rows_.insert_id(i));
    content.Update(" ");
  }
  const nlohmann::json configuration = {{"load",
                                         {{"destinationTable", table_.Reference()},
                                          {"sourceFormat", "NEWLINE_DELIMITED_JSON"},
                                          {"writeDisposition", "WRITE_APPEND"},
                                          {"createDisposition", "CREATE_NEVER"}}}};
  const std::string stem = JobIdStem({.run = run_,
                                      .table = table_.Dotted(),
                                      .purpose = "large rows",
                                      .batch = 0,
                                      .content = HexOf(content.Digest())});
  BIZOND_ASSIGN_OR_RETURN(const JobAttempt found,
                          FindJobAttempt(api_, stem, stop_, DataWasRefused));
  for (int mend = 1;; ++mend) {
    const std::string id = JobId(stem, found.number + mend - 1);
    Failpoint("bigquery_streaming.before_load");
    BIZOND_RETURN_IF_ERROR(api_->StartUpload(id, configuration, data_, stop_));
    Failpoint("bigquery_streaming.after_load_post");
    BIZOND_ASSIGN_OR_RETURN(const BigQueryJob job, api_->WaitForJob(id, stop_));
    bytes_sent_ += data_.size();
    if (!job.failure) return std::string();
    if (DataWasRefused(job)) return WhyRefused(job);
    const bool mends = NewIdMayMend(job.failure_reason) ||
                       MayRetry({.reason = job.failure_reason, .message = "", .status = 0}) ||
                       job.failure->code == "bigquery_stopped";
    if (!mends || mend >= kMendsMax) return Failure(*job.failure);
    BIZOND_RETURN_IF_ERROR(api_->transport().Backoff(mend, stop_));
  }
}

}  // namespace bizond
