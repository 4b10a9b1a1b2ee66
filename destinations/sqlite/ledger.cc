#include "destinations/sqlite/ledger.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "destinations/divergence.h"

namespace bizond {
namespace {

constexpr int kFormat = 1;

Error Fenced(const LedgerRow& row, const Publisher& publisher) {
  return {.kind = ErrorKind::kPermanent,
          .code = "fenced",
          .message = fmt::format(
              "another attempt has taken the target over: it holds epoch {}, fence {} (run {}); "
              "this one has epoch {}, fence {}",
              row.epoch, row.fence, row.run, publisher.epoch, publisher.fence),
          .remedy = "nothing: the newer attempt goes on"};
}

}  // namespace

Status Ledger::Create() {
  // Asked first: a reader's lock is enough when the table is there.
  BIZOND_ASSIGN_OR_RETURN(
      const int64_t present,
      database_->QueryInt("SELECT count(*) FROM sqlite_schema WHERE name = '_bizond_columns'"));
  if (present > 0) return {};
  return database_->Execute(
      "BEGIN IMMEDIATE;"
      "CREATE TABLE IF NOT EXISTS _bizond_ledger ("
      " target TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, format INTEGER NOT NULL,"
      " store_id TEXT NOT NULL, epoch INTEGER NOT NULL, job TEXT NOT NULL, stream TEXT NOT NULL,"
      " run TEXT NOT NULL, fence INTEGER NOT NULL, batch INTEGER NOT NULL,"
      " last_row INTEGER NOT NULL, published TEXT NOT NULL, target_first INTEGER NOT NULL,"
      " target_last INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS _bizond_columns ("
      " target TEXT COLLATE NOCASE NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,"
      " PRIMARY KEY (target, key)) WITHOUT ROWID;"
      "COMMIT;");
}

Result<std::optional<LedgerRow>> Ledger::Read() {
  BIZOND_ASSIGN_OR_RETURN(
      SqliteStatement query,
      database_->Prepare("SELECT store_id, epoch, run, fence, batch, last_row, published,"
                         " target_first, target_last, format FROM _bizond_ledger"
                         " WHERE target = ?1"));
  query.Bind(1, std::string_view(target_));
  BIZOND_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<LedgerRow>();
  if (query.Int(9) != kFormat) {
    return Failure(BadMark("ledger row", fmt::format("format {}", query.Int(9))));
  }
  return std::optional<LedgerRow>(LedgerRow{.store_id = query.Text(0),
                                            .epoch = query.Int(1),
                                            .run = query.Text(2),
                                            .fence = query.Int(3),
                                            .batch = query.Int(4),
                                            .last_row = query.Int(5),
                                            .published = query.Text(6),
                                            .target_first = query.Int(7),
                                            .target_last = query.Int(8)});
}

Status Ledger::CheckFence(const LedgerRow& row, const Publisher& publisher) {
  if (row.store_id != publisher.store_id) return {};
  if (publisher.epoch < row.epoch ||
      (publisher.epoch == row.epoch && publisher.fence < row.fence)) {
    return Failure(Fenced(row, publisher));
  }
  return {};
}

Status Ledger::Write(const Publisher& publisher, const LedgerRow& row) {
  BIZOND_ASSIGN_OR_RETURN(
      SqliteStatement insert,
      database_->Prepare("INSERT OR REPLACE INTO _bizond_ledger (target, format, store_id, epoch,"
                         " job, stream, run, fence, batch, last_row, published, target_first,"
                         " target_last) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"));
  insert.Bind(1, std::string_view(target_));
  insert.Bind(2, int64_t{kFormat});
  insert.Bind(3, std::string_view(publisher.store_id));
  insert.Bind(4, publisher.epoch);
  insert.Bind(5, std::string_view(publisher.job));
  insert.Bind(6, std::string_view(publisher.stream));
  insert.Bind(7, std::string_view(publisher.run_id));
  insert.Bind(8, publisher.fence);
  insert.Bind(9, row.batch);
  insert.Bind(10, row.last_row);
  insert.Bind(11, std::string_view(row.published));
  insert.Bind(12, row.target_first);
  insert.Bind(13, row.target_last);
  return insert.Run();
}

Result<LedgerRow> Ledger::ReadOwn(const Publisher& publisher) {
  BIZOND_ASSIGN_OR_RETURN(const std::optional<LedgerRow> row, Read());
  if (!row) return Failure(StagingLost(target_, "its row in _bizond_ledger was removed"));
  if (row->store_id != publisher.store_id || row->epoch != publisher.epoch ||
      row->fence != publisher.fence || row->run != publisher.run_id) {
    return Failure(Fenced(*row, publisher));
  }
  return *row;
}

std::string SqliteMark::Encode() const {
  return nlohmann::json{{"v", 1}, {"publication", publication}, {"batch", batch}, {"row", row}}
      .dump();
}

Result<SqliteMark> SqliteMark::Decode(std::string_view what, std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("v") == 1) {
      return SqliteMark{
          .publication = json.at("publication"), .batch = json.at("batch"), .row = json.at("row")};
    }
  } catch (const nlohmann::json::exception&) {
    // Said below.
  }
  return Failure(BadMark(what, text));
}

}  // namespace bizond
