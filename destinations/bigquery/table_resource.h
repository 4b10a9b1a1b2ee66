// The resources of the tables that `bigquery` makes and changes, and the jobs that fill them, in
// the words of the REST API.
//
// What a table's columns have beyond our own description of them (policy tags, precision, ...) is
// kept as BigQuery said it.
//
// Error codes: schema_mismatch.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_TABLE_RESOURCE_H_
#define BIZOND_DESTINATIONS_BIGQUERY_TABLE_RESOURCE_H_

#include <nlohmann/json.hpp>
#include <optional>

#include "destinations/google/bigquery_api.h"
#include "destinations/google/bigquery_config.h"

namespace bizond {

// A staging beside the target: partitioned and clustered as the target is, where there is one, so
// that a copy keeps both. To replace it has the job's columns alone; to append the target's, too.
Result<nlohmann::json> StagingResource(const BigQueryConfig& config,
                                       const std::optional<BigQueryTable>& target, bool replace);
// {"fields": [...]} of `table` with what `wanted` adds and relaxes; nullopt: it has all.
Result<std::optional<nlohmann::json>> ChangedSchema(const BigQueryTable& table,
                                                    const BigQuerySchema& wanted);

// A load job into a staging that must be there, without its source.
nlohmann::json LoadConfiguration(const BigQueryTableName& table);
nlohmann::json CopyConfiguration(const BigQueryTableName& from, const BigQueryTableName& to,
                                 bool replace);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_TABLE_RESOURCE_H_
