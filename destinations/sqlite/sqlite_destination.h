// The destination `sqlite`: rows of a table, exactly once.
//
// Rows are staged in a table beside the target, `<table>_temp` or `<table>_incremental`, and
// published in one transaction together with the ledger's row: a full refresh swaps the tables
// (indexes and triggers of the old one are made again), an incremental run appends, or merges by
// primary key. The first one is a swap, too. Stream mode inserts into the target itself. The
// database keeps the journal mode that it has; every commit is synchronous=FULL. A lock file stands
// beside the database's.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_SQLITE_SQLITE_DESTINATION_H_
#define BIZOND_DESTINATIONS_SQLITE_SQLITE_DESTINATION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "destinations/record_schemas.h"
#include "destinations/sqlite/database.h"
#include "destinations/sqlite/ledger.h"
#include "destinations/sqlite/rows.h"
#include "sync/connector.h"

namespace bizond {

Result<std::unique_ptr<Destination>> OpenSqliteDestination(const ConnectorArgs& args);

struct SqliteOptions {
  std::string table;
  bool unnest = false;
  std::vector<SchemaColumn> schema;
  bool merges = false;  // The job says write: merge.
  std::vector<std::string> primary_key;
  std::string cursor_field;
};

class SqliteDestination final : public Destination {
 public:
  SqliteDestination(Location place, SqliteOptions options, Clock& clock)
      : place_(std::move(place)), options_(std::move(options)), clock_(clock) {}

  Status CheckConnection(std::stop_token stop) override;
  bool ExactlyOnce() const override { return true; }
  std::string CanonicalTarget() const override;
  Status Open(const OpenRequest& request, std::stop_token stop) override;
  Status WriteRecords(const RecordBatch& batch) override;
  Result<std::string> Flush() override;
  Result<std::string> Prepare() override;
  using Destination::Finalize;
  Result<std::string> Finalize(std::string_view intent) override;
  Status Cleanup() override;
  Status Discard() override;
  Result<DestinationPlan> Plan(PublishMode mode, std::stop_token stop) override;
  uint64_t BytesWritten() const override { return bytes_written_; }

 private:
  std::string Staging(PublishMode mode) const;
  // The table that rows are inserted into.
  std::string Written() const;
  Status Connect(std::stop_token stop);
  Status OpenStaging(const OpenRequest& request, std::optional<LedgerRow> row);
  Result<bool> HasNoStaging();
  Status BeginRun(LedgerRow* row);
  Status ResumeRun(const SqliteMark& mark, LedgerRow* row);
  Result<std::string> WhatDiverged(const OpenRequest& request, const std::optional<LedgerRow>& row);
  Status BeginBatch();
  Status CommitBatch();
  Status Publish(const SqliteMark& intent, LedgerRow* row);
  Status MoveRows();
  Status MergeRows(bool replace);
  std::string Publication(int64_t batch) const;

  const Location place_;
  const SqliteOptions options_;
  Clock& clock_;

  PublishMode mode_ = PublishMode::kReplace;
  Publisher publisher_;
  RunLog* log_ = nullptr;
  std::stop_token stop_;
  std::optional<FileLock> lock_;
  std::unique_ptr<SqliteDatabase> database_;
  std::optional<Ledger> ledger_;
  std::unique_ptr<SqliteRows> rows_;
  std::optional<SqliteTransaction> transaction_;  // Of the rows since the last commit.
  SqliteMark mark_;                               // What is committed.
  bool attached_ = false;
  Duration begun_at_{0};     // Steady: of the transaction,
  Duration returned_at_{0};  // and of the end of the last WriteRecords.
  uint64_t bytes_written_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_SQLITE_SQLITE_DESTINATION_H_
