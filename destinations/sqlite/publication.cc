// The second half of SqliteDestination: from the intent on.
#include <fmt/format.h>

#include "base/failpoint.h"
#include "destinations/divergence.h"
#include "destinations/sqlite/sqlite_destination.h"
#include "destinations/sqlite/table.h"

namespace bizond {
namespace {

// An intent of a run that staged nothing: the last publication stays what it is.
constexpr int64_t kNothing = -1;

}  // namespace

Result<std::string> SqliteDestination::Prepare() {
  BIZOND_RETURN_IF_ERROR(CommitBatch());
  if (mode_ == PublishMode::kDirect) return mark_.Encode();
  BIZOND_ASSIGN_OR_RETURN(const std::optional<LedgerRow> row, ledger_->Read());
  if (mark_.batch == 0 && mode_ != PublishMode::kReplace && row && !row->published.empty() &&
      row->store_id == publisher_.store_id) {
    return SqliteMark{.publication = row->published, .batch = kNothing, .row = 0}.Encode();
  }
  if (mark_.batch == 0) {
    // A run without rows has a staging, too: the empty table that takes the target's place.
    BIZOND_RETURN_IF_ERROR(BeginBatch());
    BIZOND_RETURN_IF_ERROR(CommitBatch());
  }
  return mark_.Encode();
}

Result<std::string> SqliteDestination::Finalize(std::string_view text) {
  BIZOND_ASSIGN_OR_RETURN(const SqliteMark intent, SqliteMark::Decode("intent", text));
  if (mode_ == PublishMode::kDirect) return std::string(text);
  std::string receipt =
      SqliteMark{.publication = intent.publication, .batch = 0, .row = 0}.Encode();
  if (intent.batch == kNothing) return receipt;
  BIZOND_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(database_.get()));
  BIZOND_ASSIGN_OR_RETURN(const std::optional<LedgerRow> found, ledger_->Read());
  if (found) {
    BIZOND_RETURN_IF_ERROR(Ledger::CheckFence(*found, publisher_));
    if (found->store_id == publisher_.store_id && found->published == intent.publication) {
      return receipt;
    }
  }
  BIZOND_ASSIGN_OR_RETURN(LedgerRow row, ledger_->ReadOwn(publisher_));
  BIZOND_RETURN_IF_ERROR(Publish(intent, &row));
  BIZOND_RETURN_IF_ERROR(ledger_->Write(publisher_, row));
  Failpoint("sqlite.publish_before_commit");
  BIZOND_RETURN_IF_ERROR(transaction.Commit());
  Failpoint("sqlite.publish_after_commit");
  return receipt;
}

Status SqliteDestination::Publish(const SqliteMark& intent, LedgerRow* row) {
  rows_->Detach();  // A statement would keep its table from being dropped.
  attached_ = false;
  const std::string name = fmt::format("{}, table {}", place_.Display(), Staging(mode_));
  if (row->batch != intent.batch) {
    return Failure(StagingLost(name, "it is not what was sealed"));
  }
  BIZOND_ASSIGN_OR_RETURN(const auto staged, ColumnsOf(database_.get(), Staging(mode_)));
  if (staged) {
    BIZOND_ASSIGN_OR_RETURN(const RowRange rows, RowsOf(database_.get(), Staging(mode_)));
    if (rows.last != intent.row) return Failure(StagingLost(name, "it is not what was sealed"));
  } else if (intent.row != 0) {
    return Failure(StagingLost(name, "it was dropped"));
  }
  // Unnested rows without any key make no table.
  if (staged) {
    BIZOND_RETURN_IF_ERROR(MoveRows());
  } else if (mode_ == PublishMode::kReplace) {
    BIZOND_RETURN_IF_ERROR(DropTable(database_.get(), options_.table));
  }
  BIZOND_ASSIGN_OR_RETURN(const RowRange rows, RowsOf(database_.get(), options_.table));
  row->published = intent.publication;
  row->target_first = rows.first;
  row->target_last = rows.last;
  return {};
}

Status SqliteDestination::MoveRows() {
  const bool replace = mode_ == PublishMode::kReplace;
  // A merging job that is reset publishes each key once, too.
  if (mode_ == PublishMode::kMerge || (replace && options_.merges)) return MergeRows(replace);
  BIZOND_RETURN_IF_ERROR(DropKeyIndex(database_.get(), options_.table));
  BIZOND_ASSIGN_OR_RETURN(const auto target, ColumnsOf(database_.get(), options_.table));
  return replace || !target ? SwapTable(database_.get(), Staging(mode_), options_.table)
                            : AppendTable(database_.get(), Staging(mode_), options_.table);
}

Status SqliteDestination::MergeRows(bool replace) {
  BIZOND_ASSIGN_OR_RETURN(const auto staged, ColumnsOf(database_.get(), Staging(mode_)));
  BIZOND_ASSIGN_OR_RETURN(const auto target, ColumnsOf(database_.get(), options_.table));
  if (!target) {
    BIZOND_RETURN_IF_ERROR(CreateTable(database_.get(), options_.table, *staged));
  } else if (replace) {
    BIZOND_RETURN_IF_ERROR(
        database_->Execute(fmt::format("DELETE FROM main.{}", QuoteIdentifier(options_.table))));
  }
  MergeRule rule;
  if (options_.unnest) {
    rule.keys = options_.primary_key;
    rule.order = "bizond_cursor_value";
    rule.order_column = options_.cursor_field;
  } else {
    rule.keys = {"source_record_id"};
    rule.order = "bizond_cursor";
    rule.order_column = options_.cursor_field.empty() ? "" : "source_data";
  }
  return MergeTable(database_.get(), Staging(mode_), options_.table, rule);
}

Status SqliteDestination::Cleanup() {
  transaction_.reset();
  if (rows_) rows_->Detach();
  attached_ = false;
  if (!database_) return {};
  for (const PublishMode mode : {PublishMode::kReplace, PublishMode::kAppend}) {
    BIZOND_ASSIGN_OR_RETURN(const auto present, ColumnsOf(database_.get(), Staging(mode)));
    if (present) BIZOND_RETURN_IF_ERROR(DropTable(database_.get(), Staging(mode)));
  }
  return {};
}

Status SqliteDestination::Discard() { return Cleanup(); }

}  // namespace bizond
