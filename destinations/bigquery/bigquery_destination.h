// The destination `bigquery`: rows of a table of BigQuery by load jobs, exactly once.
//
// Rows become gzip NDJSON files, and files become rows by load jobs:
//
//   WriteRecords   a file in memory; a full one is put where it is durable (load_files.h)
//   Flush          the rest of it, too; the mark lists the loads that are not known to be done
//   MarkStored     only now are they started, under ids derived from their content
//   Prepare        waits for all of them and counts the staging's rows
//   Finalize       one copy job from the staging into the target, under an id derived from the run
//
// Why nothing is lost or doubled. BigQuery takes no row back, so nothing may be in the staging that
// no mark knows: a load is started only after a mark that lists it was stored. A load's id is a
// hash of the run, the table and the names of its files, which hold the hashes of their bytes;
// whoever repeats it, after a lost answer or a crash, finds the job that there is (409, jobs.get).
// What was read after the last mark is only in files, which the next attempt removes before it
// reads those pages again, whatever the source says by then: no replay has to come out the same. A
// failed job is followed by the next attempt's id ("-a2"), and that by the chain of job_queue.h, so
// that at most one of them has done it.
//
// A staging table's name ends with a nonce that is made whenever a run begins anew, and it must be
// there for a load (CREATE_NEVER): a job of an older attempt that comes late, or is still running,
// finds no table, instead of one that is not its own. Before it is published its rows are counted
// (`staging_lost`). A copy of it is repeated only as the same job. The target's labels
// (google/table_labels.h) keep overtaken attempts out; between looking at them and the copy lies
// the time of one request, and an attempt that was overtaken there is still this run's, with the
// same job.
//
// Rows that BigQuery refuses become rejects, and their load gives way to one without them
// (refusals.cc), for as long as a further mark can list that.
//
// Streams (direct) load into the target itself; their mark holds how many rows it had at the start.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_BIGQUERY_DESTINATION_H_
#define BIZOND_DESTINATIONS_BIGQUERY_BIGQUERY_DESTINATION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fs.h"
#include "destinations/bigquery/gzip_buffer.h"
#include "destinations/bigquery/job_queue.h"
#include "destinations/bigquery/load_files.h"
#include "destinations/bigquery/mark.h"
#include "destinations/google/bigquery_api.h"
#include "destinations/google/bigquery_config.h"
#include "destinations/google/json_rows.h"
#include "destinations/google/transport.h"
#include "sync/connector.h"

namespace bizond {

Result<std::unique_ptr<Destination>> OpenBigQueryDestination(const ConnectorArgs& args);

class BigQueryDestination final : public Destination {
 public:
  // `state_dir`: of the lock, and of files that wait to be loaded. `file_bytes`: a file is full
  // then.
  BigQueryDestination(BigQueryConfig config, BigQueryEndpoints endpoints,
                      std::optional<Root> state_dir, size_t file_bytes, Clock* clock);

  Status CheckConnection(std::stop_token stop) override;
  bool ExactlyOnce() const override { return true; }
  std::string CanonicalTarget() const override;
  Status Open(const OpenRequest& request, std::stop_token stop) override;
  Status WriteRecords(const RecordBatch& batch) override;
  Result<std::string> Flush() override;
  bool FollowsMarks() const override { return true; }
  Status MarkStored() override;
  Result<bool> Settle() override;
  Result<std::string> Prepare() override;
  using Destination::Finalize;
  Result<std::string> Finalize(std::string_view intent) override;
  Status Cleanup() override;
  Status Discard() override;
  Result<DestinationPlan> Plan(PublishMode mode, std::stop_token stop) override;
  Result<std::vector<AccessCheck>> CheckAccess(PublishMode mode, std::stop_token stop) override;
  uint64_t BytesWritten() const override { return bytes_written_; }

 private:
  // ---- bigquery_destination.cc ----
  Status PutFile();
  void SealLoads();
  Status StartLoads(bool found_before);
  Status AwaitLoads(size_t most);
  Status StartLoad(const StagedLoad& load, bool found_before);
  BigQueryTableName Loaded() const;  // The table that loads go to.

  // ---- refusals.cc ----
  Result<bool> ReplaceLoad(uint64_t number, const BigQueryJob& job);
  std::string FileName(uint64_t number, const std::vector<std::string>& pieces) const;

  // ---- opening.cc ----
  Status Connect(std::stop_token stop);
  Result<bool> FindDataset();
  void OpenFiles(const std::string& owner);
  Status FindTarget();
  Status Lock();
  Status BeginRun(const OpenRequest& request);
  Status BeginStaged(const std::optional<BigQueryTable>& target);
  Status BeginDirect(std::optional<BigQueryTable> target);
  Status Resume(const OpenRequest& request);
  Status ResumeDirect(const OpenRequest& request);
  Status Diverged(const OpenRequest& request, const std::string& what);
  Status RemoveStagings();
  Status Claim(const BigQueryTableName& name);

  // ---- plan.cc ----
  Result<PlannedPlace> PlanTarget(const std::optional<BigQueryTable>& target,
                                  const nlohmann::json& resource, PublishMode mode) const;

  // ---- publication.cc ----
  Result<BigQueryTable> CheckStaging();
  Status AddColumns(const BigQueryTable& staged);
  Status Copy();
  Result<std::string> FinishTarget();
  std::string Receipt(const TableState& left) const;

  const BigQueryConfig config_;
  const BigQueryEndpoints endpoints_;
  const std::optional<Root> state_dir_;
  const size_t file_bytes_;
  Clock& clock_;

  std::unique_ptr<BigQueryApi> api_;
  std::unique_ptr<GoogleTransport> storage_;  // With a bucket.
  std::unique_ptr<LoadFiles> files_;
  std::optional<Location> folder_;  // Since the first Open.
  std::optional<FileLock> lock_;
  std::string locked_;  // The target that it is for.

  // Of the run that is open.
  PublishMode mode_ = PublishMode::kReplace;
  Publisher publisher_;
  RunLog* log_ = nullptr;
  RejectSink* rejects_ = nullptr;
  std::stop_token stop_;
  BigQueryMark mark_;        // What the next Flush returns; `target` is the table that was found.
  uint64_t stored_ = 0;      // The files that a stored mark lists: no others are loaded.
  bool may_reject_ = false;  // A load that is refused may give way to one with fewer rows.
  int refusals_ = 0;
  bool quota_said_ = false;            // That the day's changes are nearly used up.
  std::vector<std::string> replaced_;  // Files that only an older mark names.
  std::optional<JobQueue> jobs_;
  std::optional<JsonRows> rows_;
  GzipBuffer buffer_;
  uint64_t buffer_rows_ = 0;
  std::string line_;
  uint64_t bytes_written_ = 0;
  bool format_said_ = false;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_BIGQUERY_DESTINATION_H_
