// BigQueryMark: what the destination `bigquery` leaves with the store, as a mark, an intent or a
// receipt.
//
// It says which load jobs there are to be. A load that is not known to be done is listed with its
// files; those that are done are only counted, so that a mark stays small.
//
// Error codes: bad_mark.
//
// Threads: values.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_MARK_H_
#define BIZOND_DESTINATIONS_BIGQUERY_MARK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "destinations/google/bigquery_config.h"

namespace bizond {

// Some files that one load job brings into the table.
struct StagedLoad {
  uint64_t number = 0;             // Of its first file, counted from 1 over the run.
  std::vector<std::string> files;  // Their names hold the hashes of what is in them.
  uint64_t rows = 0;
  bool sealed = false;  // No further file comes; only then the job is started.

  friend bool operator==(const StagedLoad&, const StagedLoad&) = default;
};

// A table as it stood at some moment.
struct TableState {
  bool exists = false;
  int64_t created_ms = 0;
  int64_t modified_ms = 0;  // 0: not compared.
  int64_t rows = 0;
};

// Changes of a table's content in the day that began at `since_ms`, for the quota.
struct ChangeCount {
  int64_t since_ms = 0;
  int64_t count = 0;
};

struct BigQueryMark {
  std::string run;
  // Made when the run began anew: part of the names of its staging, its files and its jobs.
  std::string nonce;
  BigQueryTableName target;
  std::string staging;  // The table that is loaded into, beside the target; direct: the target.
  uint64_t files = 0;   // Numbers given out.
  int64_t rows = 0;     // In all loads, done or not.
  std::vector<StagedLoad> loads;
  TableState before;      // The target: in a receipt as the publication left it.
  ChangeCount loaded;     // Loads into `staging`.
  ChangeCount published;  // Copies into `target`.

  std::string Encode() const;
  static Result<BigQueryMark> Decode(std::string_view what, std::string_view text);
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_MARK_H_
