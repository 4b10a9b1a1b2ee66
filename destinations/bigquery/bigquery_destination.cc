#include "destinations/bigquery/bigquery_destination.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "base/identity.h"
#include "destinations/bigquery/changes.h"
#include "destinations/bigquery/table_resource.h"
#include "destinations/divergence.h"
#include "destinations/google/job_id.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

constexpr size_t kRowBytesMax = 100'000'000;  // Of a load job's line.
constexpr size_t kRejectedDataMax = 64 << 10;

RejectedRecord RejectOf(const Record& record, std::string_view code, std::string reason) {
  return {.origin = "",
          .code = std::string(code),
          .reason = std::move(reason),
          .data = std::string(record.data.substr(0, kRejectedDataMax)),
          .position = record.position};
}

}  // namespace

BigQueryDestination::BigQueryDestination(BigQueryConfig config, BigQueryEndpoints endpoints,
                                         std::optional<Root> state_dir, size_t file_bytes,
                                         Clock* clock)
    : config_(std::move(config)),
      endpoints_(std::move(endpoints)),
      state_dir_(std::move(state_dir)),
      file_bytes_(file_bytes),
      clock_(*clock) {}

std::string BigQueryDestination::CanonicalTarget() const {
  return "bigquery:" + config_.target.Dotted();
}

BigQueryTableName BigQueryDestination::Loaded() const {
  return mark_.target.WithTable(mark_.staging);
}

Status BigQueryDestination::WriteRecords(const RecordBatch& batch) {
  if (stop_.stop_requested()) return Failure(StoppedError("writing to BigQuery"));
  rows_->Begin(batch, clock_.Now());
  for (const Record& record : batch.records()) {
    if (record.operation == Operation::kDelete) return Failure(DeleteUnsupported("bigquery"));
    line_.clear();
    if (const std::optional<RowFault> fault = rows_->Append(record, &line_)) {
      BIZOND_RETURN_IF_ERROR(rejects_->Reject(
          batch.iteration,
          RejectOf(record, "schema_mismatch",
                   fmt::format("the column {} {}", fault->column, fault->reason))));
      continue;
    }
    if (line_.size() > kRowBytesMax) {
      BIZOND_RETURN_IF_ERROR(rejects_->Reject(
          batch.iteration,
          RejectOf(record, "record_too_large",
                   fmt::format("a row of {} bytes is more than a load job takes", line_.size()))));
      continue;
    }
    line_ += '\n';
    buffer_.Write(line_);
    ++buffer_rows_;
    if (buffer_.size() >= file_bytes_) BIZOND_RETURN_IF_ERROR(PutFile());
  }
  return {};
}

std::string BigQueryDestination::FileName(uint64_t number,
                                          const std::vector<std::string>& pieces) const {
  StreamingHash hash;
  for (const std::string& piece : pieces) hash.Update(piece);
  return fmt::format("{}-{}-{}.json.gz", mark_.nonce, number, HexOf(hash.Digest()));
}

// Puts what is buffered where it outlives us, as a file of the load that is being gathered.
Status BigQueryDestination::PutFile() {
  if (buffer_rows_ == 0) return {};
  const std::vector<std::string> pieces = buffer_.Finish();
  const uint64_t number = mark_.files + 1;
  std::string name = FileName(number, pieces);
  BIZOND_RETURN_IF_ERROR(files_->Put(name, pieces, stop_));
  Failpoint("bigquery.after_put");
  for (const std::string& piece : pieces) bytes_written_ += piece.size();
  mark_.files = number;
  mark_.rows += static_cast<int64_t>(buffer_rows_);
  if (mark_.loads.empty() || mark_.loads.back().sealed) {
    mark_.loads.emplace_back().number = number;
  }
  StagedLoad& load = mark_.loads.back();
  load.files.push_back(std::move(name));
  load.rows += buffer_rows_;
  load.sealed = load.files.size() >= files_->FilesPerJob();
  buffer_rows_ = 0;
  return {};
}

void BigQueryDestination::SealLoads() {
  for (StagedLoad& load : mark_.loads) load.sealed = true;
}

Result<std::string> BigQueryDestination::Flush() {
  BIZOND_RETURN_IF_ERROR(PutFile());
  // A stream is read by people who wait for it.
  if (mode_ == PublishMode::kDirect) SealLoads();
  return mark_.Encode();
}

Status BigQueryDestination::MarkStored() {
  stored_ = mark_.files;
  for (const std::string& file : replaced_) BIZOND_RETURN_IF_ERROR(files_->Remove(file, stop_));
  replaced_.clear();
  if (mark_.loads.empty()) return {};
  if (stop_.stop_requested()) {
    // The next attempt finds the loads in its mark. A stream that ends here must have brought them.
    if (mode_ != PublishMode::kDirect) return {};
    return Failure(StoppedError("loading into BigQuery"));
  }
  return StartLoads(/*found_before=*/false);
}

// Every load that a stored mark lists, that is sealed and not started yet, with as many at a time
// as the job allows. The last one is sent while reading goes on, and waited for before the next:
// only a stream, which is read by people who wait for it, and what an earlier attempt may have
// started are seen to their end here.
Status BigQueryDestination::StartLoads(bool found_before) {
  const size_t most = config_.async_load ? config_.load_max_in_flight_jobs : 1;
  // Those that come to their end leave the list meanwhile.
  const std::vector<StagedLoad> loads = mark_.loads;
  for (const StagedLoad& load : loads) {
    const bool stored = load.number + load.files.size() - 1 <= stored_;
    if (!load.sealed || !stored || jobs_->Holds(load.number)) continue;
    BIZOND_RETURN_IF_ERROR(AwaitLoads(most - 1));
    BIZOND_RETURN_IF_ERROR(StartLoad(load, found_before));
    const bool waited_for = found_before || mode_ == PublishMode::kDirect;
    if (waited_for && !config_.async_load) BIZOND_RETURN_IF_ERROR(AwaitLoads(0));
  }
  return {};
}

Status BigQueryDestination::StartLoad(const StagedLoad& load, bool found_before) {
  const BigQueryTableName table = Loaded();
  std::string content;
  for (const std::string& file : load.files) content += file + "\n";
  JobQueue::Entry entry;
  entry.number = load.number;
  entry.stem = JobIdStem({.run = mark_.run,
                          .table = table.Dotted(),
                          .purpose = "load",
                          .batch = load.number,
                          .content = content});
  const nlohmann::json configuration = LoadConfiguration(table);
  entry.before = [this, table] {
    CountChange(&mark_.loaded, table.Dotted(), clock_.Now(), log_, &quota_said_);
  };
  // Beside the writing of the next file: it touches nothing of ours but the API and the files.
  entry.start = [api = api_.get(), store = files_.get(), configuration, files = load.files](
                    const std::string& id, std::stop_token stop) {
    Failpoint("bigquery.before_load");
    Result<BigQueryJob> job = store->Start(api, id, configuration, files, std::move(stop));
    Failpoint("bigquery.after_load_post");
    return job;
  };
  if (found_before) return jobs_->Start(std::move(entry), found_before, stop_);
  return jobs_->StartBeside(std::move(entry), stop_);
}

Status BigQueryDestination::AwaitLoads(size_t most) {
  const auto done = [this](const JobQueue::Entry& entry) -> Status {
    const auto load =
        std::find_if(mark_.loads.begin(), mark_.loads.end(),
                     [&](const StagedLoad& one) { return one.number == entry.number; });
    if (load == mark_.loads.end()) return {};
    Failpoint("bigquery.after_load");
    // A mark that still lists the load finds its job, and needs no file.
    for (const std::string& file : load->files) {
      BIZOND_RETURN_IF_ERROR(files_->Remove(file, stop_));
    }
    mark_.loads.erase(load);
    Failpoint("bigquery.after_file_removed");
    return {};
  };
  const auto refused = [this](const JobQueue::Entry& entry, const BigQueryJob& job) {
    return ReplaceLoad(entry.number, job);
  };
  return jobs_->AwaitUntil(most, done, stop_, refused);
}

}  // namespace bizond
