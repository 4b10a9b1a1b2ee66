#include "destinations/sqlite/sqlite_destination.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/failpoint.h"
#include "base/file_error.h"
#include "destinations/divergence.h"
#include "destinations/sqlite/cursor_function.h"
#include "destinations/sqlite/table.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;

// Other writers of the database wait while a transaction is open. A quick source is done before
// anyone notices; a slow one is committed page by page.
constexpr Duration kTransactionMax = std::chrono::seconds(2);
constexpr Duration kSlowSource = std::chrono::milliseconds(50);

std::string FoldedName(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

}  // namespace

Status SqliteDestination::CheckConnection(std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const auto present, place_.root.Stat(place_.path));
  if (!present) {
    const fs::path directory = fs::path(place_.Display()).parent_path();
    std::error_code ignored;
    if (!fs::exists(directory, ignored) || access(directory.c_str(), W_OK | X_OK) == 0) return {};
    return Failure(FileError(errno, FileAccess::kWrite, "write into", directory.string()));
  }
  if (!present->is_regular) {
    return Failure(
        NotAFileError(place_.Display(), present->is_directory ? "a directory" : "a special file"));
  }
  if (access(place_.Display().c_str(), R_OK | W_OK) != 0) {
    return Failure(FileError(errno, FileAccess::kWrite, "write to", place_.Display()));
  }
  BIZOND_ASSIGN_OR_RETURN(const auto database,
                          SqliteDatabase::Open(place_.Display(), false, clock_, std::move(stop)));
  BIZOND_RETURN_IF_ERROR(ColumnsOf(database.get(), options_.table));
  return {};
}

std::string SqliteDestination::CanonicalTarget() const {
  return fmt::format("sqlite:{}#{}", place_.Display(), FoldedName(options_.table));
}

std::string SqliteDestination::Staging(PublishMode mode) const {
  return options_.table + (mode == PublishMode::kReplace ? "_temp" : "_incremental");
}

std::string SqliteDestination::Written() const {
  return mode_ == PublishMode::kDirect ? options_.table : Staging(mode_);
}

std::string SqliteDestination::Publication(int64_t batch) const {
  return mode_ == PublishMode::kDirect ? fmt::format("{}/{}", publisher_.run_id, batch)
                                       : publisher_.run_id;
}

Status SqliteDestination::Connect(std::stop_token stop) {
  const fs::path path(place_.path);
  if (path.has_parent_path() && path.parent_path() != "/") {
    BIZOND_RETURN_IF_ERROR(place_.root.MakeDirectories(path.parent_path().string()));
  }
  BIZOND_ASSIGN_OR_RETURN(const auto present, place_.root.Stat(place_.path));
  if (present && !present->is_regular) {
    return Failure(
        NotAFileError(place_.Display(), present->is_directory ? "a directory" : "a special file"));
  }
  if (!lock_) {
    const std::string lock =
        fmt::format(".{}.{}.lock", path.filename().string(),
                    HexOf(HashBytes(FoldedName(options_.table))).substr(0, 16));
    BIZOND_ASSIGN_OR_RETURN(
        lock_, FileLock::TryAcquire(place_.root, (path.parent_path() / lock).string()));
  }
  BIZOND_ASSIGN_OR_RETURN(database_,
                          SqliteDatabase::Open(place_.Display(), true, clock_, std::move(stop)));
  if (!options_.cursor_field.empty()) {
    BIZOND_RETURN_IF_ERROR(AddCursorFunctions(database_.get(), options_.cursor_field));
  }
  ledger_.emplace(database_.get(), options_.table);
  return ledger_->Create();
}

Status SqliteDestination::Open(const OpenRequest& request, std::stop_token stop) {
  transaction_.reset();
  rows_.reset();
  mode_ = request.mode;
  publisher_ = request.publisher;
  log_ = request.log;
  stop_ = stop;
  mark_ = {};
  attached_ = false;
  returned_at_ = Duration{0};
  if (mode_ == PublishMode::kMerge && options_.primary_key.empty()) {
    return Fail(ErrorKind::kConfig, "no_primary_key", "a merge needs to know what makes a row",
                "set source.primary_key, or use write: append");
  }
  BIZOND_RETURN_IF_ERROR(Connect(std::move(stop)));
  rows_ = options_.unnest ? MakeUnnestedRows(options_.table, options_.schema)
                          : MakeBizonRows(request.ids);
  BIZOND_RETURN_IF_ERROR(ColumnsOf(database_.get(), options_.table));
  BIZOND_ASSIGN_OR_RETURN(std::optional<LedgerRow> row, ledger_->Read());
  if (row) BIZOND_RETURN_IF_ERROR(Ledger::CheckFence(*row, publisher_));
  if (!request.intent) return OpenStaging(request, std::move(row));
  // The staging stays; only the fence is this attempt's from now on.
  if (!row || row->store_id != publisher_.store_id || row->run != publisher_.run_id) return {};
  BIZOND_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(database_.get()));
  BIZOND_RETURN_IF_ERROR(ledger_->Write(publisher_, *row));
  return transaction.Commit();
}

Status SqliteDestination::OpenStaging(const OpenRequest& request, std::optional<LedgerRow> row) {
  SqliteMark mark;
  if (request.mark && !request.mark->empty()) {
    BIZOND_ASSIGN_OR_RETURN(mark, SqliteMark::Decode("mark", *request.mark));
  }
  const bool direct = mode_ == PublishMode::kDirect;
  const bool own = row && row->store_id == publisher_.store_id && row->run == publisher_.run_id;
  // A stream's first mark names no batch, and still the row behind which all is this run's.
  const bool resumes = mark.batch > 0 || (direct && request.mark && own);
  if (mode_ != PublishMode::kReplace && !(resumes && direct)) {
    BIZOND_ASSIGN_OR_RETURN(const std::string what, WhatDiverged(request, row));
    const std::string name = fmt::format("{}, table {}", place_.Display(), options_.table);
    if (!what.empty() && request.on_target_changed != OnTargetChanged::kContinue) {
      return Failure(TargetDiverged(name, what));
    }
    if (!what.empty()) log_->Warn(TargetContinued(name, what));
  }
  LedgerRow begun = row.value_or(LedgerRow{});
  if (direct && !resumes) {
    BIZOND_ASSIGN_OR_RETURN(const RowRange rows, RowsOf(database_.get(), options_.table));
    mark_ = {.publication = begun.published, .batch = 0, .row = rows.last};
  }
  // A run with nothing to write leaves the database as it is: only what must change is written.
  if (!resumes) {
    BIZOND_ASSIGN_OR_RETURN(const bool clean, HasNoStaging());
    if (clean) return {};
  }
  BIZOND_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(database_.get()));
  BIZOND_RETURN_IF_ERROR(resumes ? ResumeRun(mark, &begun) : BeginRun(&begun));
  BIZOND_RETURN_IF_ERROR(ledger_->Write(publisher_, begun));
  BIZOND_RETURN_IF_ERROR(transaction.Commit());
  if (resumes) mark_ = mark;
  return {};
}

Result<bool> SqliteDestination::HasNoStaging() {
  for (const PublishMode mode : {PublishMode::kReplace, PublishMode::kAppend}) {
    BIZOND_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(database_.get(), Staging(mode)));
    if (columns) return false;
  }
  return true;
}

Status SqliteDestination::BeginRun(LedgerRow* row) {
  BIZOND_RETURN_IF_ERROR(DropTable(database_.get(), Staging(PublishMode::kReplace)));
  BIZOND_RETURN_IF_ERROR(DropTable(database_.get(), Staging(PublishMode::kAppend)));
  row->batch = 0;
  row->last_row = 0;
  return {};
}

Status SqliteDestination::ResumeRun(const SqliteMark& mark, LedgerRow* row) {
  const bool direct = mode_ == PublishMode::kDirect;
  const std::string name = fmt::format("{}, table {}", place_.Display(), Written());
  BIZOND_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(database_.get(), Written()));
  const bool own = row->store_id == publisher_.store_id && row->run == publisher_.run_id;
  if (!columns || !own || row->batch < mark.batch) {
    const std::string_view what =
        !columns ? "it was dropped" : "it is not what the checkpoint says";
    return Failure(direct ? TargetDiverged(name, what) : StagingLost(name, what));
  }
  BIZOND_ASSIGN_OR_RETURN(RowRange rows, RowsOf(database_.get(), Written()));
  if (rows.last != row->last_row) {
    return Failure(direct ? TargetDiverged(name, "somebody else wrote into it")
                          : StagingLost(name, "somebody else wrote into it"));
  }
  if (row->batch > mark.batch || row->last_row > mark.row) {
    BIZOND_RETURN_IF_ERROR(database_->Execute(fmt::format("DELETE FROM main.{} WHERE _rowid_ > {}",
                                                          QuoteIdentifier(Written()), mark.row)));
    BIZOND_ASSIGN_OR_RETURN(rows, RowsOf(database_.get(), Written()));
  }
  row->batch = mark.batch;
  row->last_row = rows.last;
  if (direct) {
    row->published = mark.publication;
    row->target_first = rows.first;
    row->target_last = rows.last;
  }
  return {};
}

// Empty: the target is what the last publication left.
Result<std::string> SqliteDestination::WhatDiverged(const OpenRequest& request,
                                                    const std::optional<LedgerRow>& row) {
  BIZOND_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(database_.get(), options_.table));
  BIZOND_ASSIGN_OR_RETURN(const RowRange rows, RowsOf(database_.get(), options_.table));
  const bool empty = rows.first == 0 && rows.last == 0;
  SqliteMark last;
  if (request.receipt && !request.receipt->empty()) {
    BIZOND_ASSIGN_OR_RETURN(last, SqliteMark::Decode("receipt", *request.receipt));
  }
  // A stream that ended without a row has published nothing.
  if (last.publication.empty()) {
    return std::string(empty ? "" : "it holds rows, and this job has never published into it");
  }
  if (!row) return std::string("_bizond_ledger has no row for it");
  if (row->store_id != publisher_.store_id) {
    return std::string("another state directory has published into it");
  }
  if (row->published != last.publication) {
    return fmt::format("its last publication is '{}' instead of '{}'", row->published,
                       last.publication);
  }
  if (!columns && row->target_last != 0) return std::string("it was dropped");
  if (rows.first != row->target_first || rows.last != row->target_last) {
    return std::string("rows were added or removed");
  }
  return std::string();
}

Status SqliteDestination::BeginBatch() {
  if (transaction_) return {};
  BIZOND_ASSIGN_OR_RETURN(SqliteTransaction begun, SqliteTransaction::Begin(database_.get()));
  transaction_.emplace(std::move(begun));
  begun_at_ = clock_.Steady();
  if (attached_) return {};
  if (mark_.batch == 0) {
    // The first batch claims the target.
    BIZOND_ASSIGN_OR_RETURN(const std::optional<LedgerRow> found, ledger_->Read());
    LedgerRow row = found.value_or(LedgerRow{});
    BIZOND_RETURN_IF_ERROR(Ledger::CheckFence(row, publisher_));
    row.batch = 0;
    row.last_row = 0;
    BIZOND_RETURN_IF_ERROR(ledger_->Write(publisher_, row));
  }
  const bool replaces = mode_ == PublishMode::kReplace;
  if (mode_ == PublishMode::kDirect) {
    BIZOND_RETURN_IF_ERROR(DropKeyIndex(database_.get(), options_.table));
  }
  BIZOND_RETURN_IF_ERROR(
      rows_->Attach(database_.get(), Written(), replaces ? std::string() : options_.table));
  attached_ = true;
  return {};
}

Status SqliteDestination::WriteRecords(const RecordBatch& batch) {
  if (batch.records().empty()) return {};
  if (stop_.stop_requested()) return Failure(StoppedError("writing " + place_.Display()));
  const Duration now = clock_.Steady();
  const bool slow = now - returned_at_ > kSlowSource;
  Status done = BeginBatch();
  if (done) done = rows_->Insert(batch, clock_.Now());
  if (!done) {
    // Half a page must not stay in the transaction, whoever commits it.
    transaction_.reset();
    rows_->Detach();
    attached_ = false;
    return done;
  }
  bytes_written_ += batch.DataBytes();
  if (slow || clock_.Steady() - begun_at_ > kTransactionMax) {
    BIZOND_RETURN_IF_ERROR(CommitBatch());
  }
  returned_at_ = clock_.Steady();
  return {};
}

Status SqliteDestination::CommitBatch() {
  if (!transaction_) return {};
  SqliteTransaction transaction = std::move(*transaction_);
  transaction_.reset();
  BIZOND_ASSIGN_OR_RETURN(LedgerRow row, ledger_->ReadOwn(publisher_));
  BIZOND_ASSIGN_OR_RETURN(const RowRange rows, RowsOf(database_.get(), Written()));
  row.batch += 1;
  row.last_row = rows.last;
  if (mode_ == PublishMode::kDirect) {
    row.published = Publication(row.batch);
    row.target_first = rows.first;
    row.target_last = rows.last;
  }
  BIZOND_RETURN_IF_ERROR(ledger_->Write(publisher_, row));
  BIZOND_RETURN_IF_ERROR(transaction.Commit());
  Failpoint("sqlite.staging_committed");
  mark_ = {.publication = Publication(row.batch), .batch = row.batch, .row = row.last_row};
  return {};
}

Result<std::string> SqliteDestination::Flush() {
  BIZOND_RETURN_IF_ERROR(CommitBatch());
  // What the commit took says nothing about the source.
  returned_at_ = clock_.Steady();
  return mark_.Encode();
}

}  // namespace bizond
