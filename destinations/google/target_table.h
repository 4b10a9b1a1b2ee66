// The table that the two streaming destinations write: which it is, and with which columns.
//
// Threads: one thread at a time, as BigQueryApi is.
#ifndef BIZOND_DESTINATIONS_GOOGLE_TARGET_TABLE_H_
#define BIZOND_DESTINATIONS_GOOGLE_TARGET_TABLE_H_

#include <optional>
#include <stop_token>

#include "base/error.h"
#include "destinations/google/bigquery_api.h"
#include "destinations/google/bigquery_config.h"

namespace bizond {

struct TargetTable {
  BigQueryTableName name;
  std::optional<BigQueryTable> table;  // As it is; nullopt: it is not there.
};
// The one without the prefix where that is there, else the job's.
Result<TargetTable> FindTargetTable(BigQueryApi* api, const BigQueryConfig& config,
                                    std::stop_token stop);

// The job's columns. Where the table has bizon's data as text (the destination `bigquery`, or an
// older bizon, made it), so it is here.
BigQuerySchema ColumnsFor(const BigQueryConfig& config, const std::optional<BigQueryTable>& table);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_TARGET_TABLE_H_
