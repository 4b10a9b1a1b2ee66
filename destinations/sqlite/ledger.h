// Ledger: the table `_bizond_ledger` in the destination's database, one row for each target table.
//
// It says who writes the target (store, epoch, fence), how far the staging got (run, batch) and
// what was published last, and changes in the same transaction as the rows it speaks of.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_SQLITE_LEDGER_H_
#define BIZOND_DESTINATIONS_SQLITE_LEDGER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "destinations/sqlite/database.h"
#include "sync/destination.h"

namespace bizond {

struct LedgerRow {
  std::string store_id;
  int64_t epoch = 0;
  std::string run;  // The run that holds the staging.
  int64_t fence = 0;
  int64_t batch = 0;      // Batches committed by that run,
  int64_t last_row = 0;   // and the rowid of the last row of them.
  std::string published;  // The last publication: the run, in stream mode "run/batch"; empty: none.
  // Smallest and greatest rowid of the target then; 0: it had no row.
  int64_t target_first = 0;
  int64_t target_last = 0;
};

class Ledger {
 public:
  Ledger(SqliteDatabase* database, std::string target)
      : database_(database), target_(std::move(target)) {}

  // Makes the table when it is absent. Outside of a transaction too.
  Status Create();
  Result<std::optional<LedgerRow>> Read();
  // Refuses (code fenced) a publisher whom the row knows to be overtaken.
  static Status CheckFence(const LedgerRow& row, const Publisher& publisher);
  // Writes the whole row for this publisher.
  Status Write(const Publisher& publisher, const LedgerRow& row);
  // Still this publisher's run? Code fenced. Called inside every transaction that writes.
  Result<LedgerRow> ReadOwn(const Publisher& publisher);

 private:
  SqliteDatabase* database_;
  std::string target_;
};

// What a mark and a receipt say: {"v":1,"publication":"..","batch":7,"row":1234}.
struct SqliteMark {
  std::string publication;  // "run", in stream mode "run/batch".
  int64_t batch = 0;
  int64_t row = 0;

  std::string Encode() const;
  static Result<SqliteMark> Decode(std::string_view what, std::string_view text);  // bad_mark
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_SQLITE_LEDGER_H_
