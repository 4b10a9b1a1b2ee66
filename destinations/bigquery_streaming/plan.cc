// BigQueryStreamingDestination: what a run would do, and what it must be allowed.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "destinations/bigquery_streaming/streaming_destination.h"
#include "destinations/google/access.h"
#include "destinations/google/table_plan.h"
#include "destinations/google/transport.h"

namespace bizond {

// A full refresh adds its rows as the other modes do.
Result<DestinationPlan> BigQueryStreamingDestination::Plan(PublishMode mode, std::stop_token stop) {
  (void)mode;
  DestinationPlan plan;
  BIZOND_ASSIGN_OR_RETURN(const bool dataset, api_.DatasetExists(table_, stop));
  if (!dataset) plan.places.push_back(NewDataset(table_, options_.config.location));
  BIZOND_ASSIGN_OR_RETURN(const auto table, FindTable(stop));
  BigQuerySchema after = options_.config.schema;
  if (table) {
    BIZOND_ASSIGN_OR_RETURN(const SchemaChange change, MergeSchemas(table->schema, schema_));
    after = change.merged;
  }
  const BigQueryConfig& config = options_.config;
  plan.places.push_back({.role = "target",
                         .kind = "table",
                         .name = table_.Dotted(),
                         .exists = table.has_value(),
                         .becomes = table ? "appended to" : "made, and appended to",
                         .columns = PlannedChange(table, after),
                         .facts = LayoutFacts(table ? table->resource : NewTableResource(config))});
  plan.steps.push_back(
      {.what = "insertAll",
       .does = "rows as they come, without staging",
       .facts = {
           {"table", table_.Dotted()},
           {"rows of a request", fmt::format("up to {} and 5 MiB", config.max_rows_per_request)}}});
  plan.steps.push_back({.what = "load job",
                        .does = "rows above 0.9 MiB, if there are any",
                        .facts = {{"destinationTable", table_.Dotted()},
                                  {"sourceFormat", "NEWLINE_DELIMITED_JSON"},
                                  {"createDisposition", "CREATE_NEVER"},
                                  {"writeDisposition", "WRITE_APPEND"}}});
  return plan;
}

Result<std::vector<AccessCheck>> BigQueryStreamingDestination::CheckAccess(PublishMode mode,
                                                                           std::stop_token stop) {
  (void)mode;
  // Without the right to look the name stays the job's, and the table may be there or not.
  const auto table = FindTable(stop);
  if (!table && table.error().kind != ErrorKind::kPermanent) return Failure(table.error());
  AccessQuestion question{.target = table_,
                          .location = options_.config.location,
                          .bucket = "",
                          .service_account_key = options_.config.service_account_key,
                          .needed = {}};
  question.needed = {{"bigquery.datasets.get", "finding the dataset"},
                     {"bigquery.datasets.create", "making the dataset"},
                     {"bigquery.tables.get", "finding the table"}};
  if (!table || !*table) question.needed.push_back({"bigquery.tables.create", "making the table"});
  question.needed.push_back({"bigquery.tables.updateData", "inserting rows"});
  question.needed.push_back({"bigquery.tables.update", "new columns"});
  question.needed.push_back({"bigquery.jobs.create", "load jobs of rows above 0.9 MiB"});
  return CheckGoogleAccess(&api_.transport(), nullptr, options_.endpoints, question,
                           std::move(stop));
}

}  // namespace bizond
