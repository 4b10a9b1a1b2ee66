// Tables of BigQuery as `bizond plan` shows them.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_TABLE_PLAN_H_
#define BIZOND_DESTINATIONS_GOOGLE_TABLE_PLAN_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "destinations/google/bigquery_api.h"
#include "destinations/google/bigquery_config.h"
#include "destinations/google/table_schema.h"
#include "sync/destination_plan.h"

namespace bizond {

// Columns and their fields, each by its path.
std::vector<PlannedColumn> PlannedColumnsOf(const BigQuerySchema& schema);
// The columns of `after`; where `before` is there: which of them are added and relaxed, and which
// of its own the table loses.
std::vector<PlannedColumn> PlannedChange(const std::optional<BigQueryTable>& before,
                                         const BigQuerySchema& after);
// Partitioning, clustering and expiration of a table's resource.
std::vector<PlannedFact> LayoutFacts(const nlohmann::json& resource);
// The dataset, where a run makes it.
PlannedPlace NewDataset(const BigQueryTableName& in, const std::string& location);
// The configuration of a job, flat: "writeDisposition" and the like; table references dotted.
std::vector<PlannedFact> JobFacts(const nlohmann::json& configuration);
// What a query that overwrites a table leaves of the modes: NULLABLE and REPEATED.
BigQuerySchema WithoutRequired(BigQuerySchema schema);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_TABLE_PLAN_H_
