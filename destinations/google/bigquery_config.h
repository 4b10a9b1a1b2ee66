// BigQueryConfig: what the three BigQuery destinations read from `destination.config`, checked.
//
// The keys are bizon's, and mean what they mean there; docs/bigquery.md has them one by one.
//
// Threads: values and pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_CONFIG_H_
#define BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_CONFIG_H_

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/google/table_schema.h"
#include "sync/connector.h"

namespace bizond {

struct BigQueryTableName {
  std::string project;
  std::string dataset;
  std::string table;

  // "project.dataset.table"
  std::string Dotted() const { return project + "." + dataset + "." + table; }
  // "projects/p/datasets/d/tables/t"
  std::string Path() const;
  // {"projectId": ...}, as the REST API names a table.
  nlohmann::json Reference() const;
  BigQueryTableName WithTable(std::string other) const {
    return {project, dataset, std::move(other)};
  }

  friend bool operator==(const BigQueryTableName&, const BigQueryTableName&) = default;
};

// Time partitioning; `field` empty: by ingestion.
struct BigQueryPartitioning {
  std::string type;  // "DAY", "HOUR", "MONTH", "YEAR"
  std::string field;

  friend bool operator==(const BigQueryPartitioning&, const BigQueryPartitioning&) = default;
};

struct BigQueryConfig {
  std::string location = "US";
  // The target. An id that the job does not name is prefixed with table_prefix; then `unprefixed`
  // is set, and a table of that name is used on when it exists.
  BigQueryTableName target;
  std::optional<BigQueryTableName> unprefixed;
  std::string service_account_key;  // JSON text, resolved; empty: Application Default Credentials.
  bool create_dataset = false;
  bool unnest = false;
  BigQuerySchema schema;  // Of the target: bizon's columns, or those of record_schemas.
  std::vector<std::string> clustering;
  std::optional<BigQueryPartitioning> partitioning;

  // `bigquery` alone.
  std::string gcs_bucket;  // Empty: load jobs are uploaded directly.
  bool async_load = false;
  size_t load_files_per_job = 10;
  size_t load_max_in_flight_jobs = 3;
  // Of gcs_buffer_format: parquet or csv were asked for; what is written is gzip NDJSON, said once.
  bool other_format_asked = false;

  // The two streaming ones.
  size_t max_rows_per_request = 5000;
};

enum class BigQueryKind { kBatch, kStreaming, kStreamingV2 };

// The stream's block of an opened connector. Codes bad_config, bad_record_schema,
// bad_destination_id.
Result<BigQueryConfig> ReadBigQueryConfig(const ConnectorArgs& args, BigQueryKind kind);

// A target that is not there yet, as tables.insert takes it: columns, partitioning and clustering
// of the job.
nlohmann::json NewTableResource(const BigQueryConfig& config);

// Where the services are, and whether they take a token. From the environment, as the official
// clients have it: BIGQUERY_EMULATOR_HOST and STORAGE_EMULATOR_HOST; the Write API has no such
// variable of Google's, so that BIGQUERY_STORAGE_EMULATOR_HOST (host:port, without TLS) is ours. A
// job cannot name an endpoint: it would be handed the token.
struct BigQueryEndpoints {
  std::string rest = "https://bigquery.googleapis.com";  // No slash at the end.
  std::string storage = "https://storage.googleapis.com";
  std::string write_api = "bigquerystorage.googleapis.com:443";
  bool rest_emulated = false;
  bool storage_emulated = false;
  bool write_api_emulated = false;
};
BigQueryEndpoints BigQueryEndpointsFromEnvironment();

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_CONFIG_H_
