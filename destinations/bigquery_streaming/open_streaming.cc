// BigQueryStreamingDestination: its configuration, and the table before the first row.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/failpoint.h"
#include "destinations/bigquery_streaming/streaming_destination.h"
#include "destinations/google/target_table.h"
#include "destinations/google/transport.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

// Others may change the table at the same moment, each time.
constexpr int kOpenAttemptsMax = 6;

}  // namespace

Result<std::unique_ptr<Destination>> OpenBigQueryStreaming(const ConnectorArgs& args) {
  StreamingOptions options;
  BIZOND_ASSIGN_OR_RETURN(options.config, ReadBigQueryConfig(args, BigQueryKind::kStreaming));
  options.endpoints = BigQueryEndpointsFromEnvironment();
  options.full_refresh = args.job.source.sync_mode == SyncMode::kFullRefresh;
  if (!options.endpoints.rest_emulated) {
    BIZOND_ASSIGN_OR_RETURN(
        options.token,
        FindGoogleCredentials({.service_account_key = options.config.service_account_key},
                              &args.clock));
  }
  return std::make_unique<BigQueryStreamingDestination>(std::move(options), args.clock);
}

Result<std::optional<BigQueryTable>> BigQueryStreamingDestination::FindTable(std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(TargetTable found,
                          FindTargetTable(&api_, options_.config, std::move(stop)));
  table_ = std::move(found.name);
  schema_ = ColumnsFor(options_.config, found.table);
  return std::move(found.table);
}

Status BigQueryStreamingDestination::EnsureTable(std::stop_token stop) {
  for (int attempt = 0; attempt < kOpenAttemptsMax; ++attempt) {
    BIZOND_ASSIGN_OR_RETURN(const auto table, FindTable(stop));
    if (!table) {
      if (attempt > 0) BIZOND_RETURN_IF_ERROR(api_.transport().Backoff(attempt, stop));
      BIZOND_RETURN_IF_ERROR(MakeTable(stop));
      continue;
    }
    BIZOND_ASSIGN_OR_RETURN(const SchemaChange change, MergeSchemas(table->schema, schema_));
    if (change.empty()) return {};
    const Status patched =
        api_.PatchTable(table_, {{"schema", SchemaToRest(change.merged)}}, stop, table->etag);
    if (!patched && patched.error().code == "bigquery_condition_not_met") continue;
    BIZOND_RETURN_IF_ERROR(patched);
    log_->Write(LogLevel::kInfo, "the table's columns were changed",
                {{"table", table_.Dotted()},
                 {"added", fmt::format("{}", fmt::join(change.added, ", "))},
                 {"relaxed", fmt::format("{}", fmt::join(change.relaxed, ", "))}});
    return {};
  }
  return Fail(ErrorKind::kTransient, "bigquery_unavailable",
              fmt::format("the table {} is changed by somebody else again and again, or goes away",
                          table_.Dotted()),
              "nothing: it is tried again by itself");
}

Status BigQueryStreamingDestination::MakeTable(std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const bool there, api_.DatasetExists(table_, stop));
  if (!there) BIZOND_RETURN_IF_ERROR(api_.CreateDataset(table_, stop));
  BIZOND_RETURN_IF_ERROR(api_.CreateTable(table_, NewTableResource(options_.config), stop));
  Failpoint("bigquery_streaming.after_table_made");
  log_->Write(LogLevel::kInfo, "the table was made", {{"table", table_.Dotted()}});
  return {};
}

}  // namespace bizond
