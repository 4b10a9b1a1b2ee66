// The rows that a failed load job names, and its files without them.
//
// A load job is all or nothing: one row that BigQuery cannot read fails it. status.errors[] then
// names some such rows by the place at which they begin in the (uncompressed) file: a sample, and
// in words, so that a place counts only where a row of the file does begin.
//
// Error codes: staging_lost for a file that is no gzip.
//
// Reference: https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatus.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_REFUSED_ROWS_H_
#define BIZOND_DESTINATIONS_BIGQUERY_REFUSED_ROWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "destinations/google/bigquery_api.h"

namespace bizond {

struct RefusedLine {
  std::string location;  // Of the file: "gs://bucket/name", or BigQuery's own name of an upload.
  uint64_t position = 0;
  std::string reason;
};
// Empty: the job failed for another reason, or names no row.
std::vector<RefusedLine> RefusedRowsOf(const BigQueryJob& job);

struct SiftedRow {
  uint64_t number = 0;  // Counted from 1.
  std::string text;     // Cut to 64 KiB.
  std::string reason;
};
struct SiftedFile {
  std::vector<std::string> pieces;  // Of a gzip of the rows that stay.
  uint64_t rows = 0;
  std::vector<SiftedRow> refused;
};
// `refused`: why, by position. One at which no row begins is passed over.
Result<SiftedFile> SiftFile(std::string_view name, std::string_view gzip,
                            const std::map<uint64_t, std::string>& refused);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_REFUSED_ROWS_H_
