// StreamingV2Destination: what a run would do, and what it must be allowed.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "destinations/bigquery_streaming_v2/streaming_v2_destination.h"
#include "destinations/google/access.h"
#include "destinations/google/table_plan.h"
#include "destinations/google/target_table.h"

namespace bizond {
namespace {

std::string_view Becomes(PublishMode mode, bool exists) {
  switch (mode) {
    case PublishMode::kReplace:
      return exists ? "overwritten by the query" : "made, and overwritten by the query";
    case PublishMode::kDirect:
      return exists ? "appended to at each checkpoint" : "made, and appended to at each checkpoint";
    case PublishMode::kAppend:
    case PublishMode::kMerge:
      break;
  }
  return exists ? "appended to by the commit" : "made, and appended to by the commit";
}

std::vector<PlannedStep> StreamSteps(PublishMode mode, const BigQueryTableName& written) {
  const bool direct = mode == PublishMode::kDirect;
  std::vector<PlannedStep> steps;
  steps.push_back(
      {.what = "write stream",
       .does =
           direct ? "all rows, shown as far as the last checkpoint" : "the rows of a checkpoint",
       .facts = {{"type", direct ? "BUFFERED" : "PENDING"}, {"table", written.Dotted()}}});
  if (direct) {
    steps.push_back(
        {.what = "flush", .does = "shows the rows of a stored checkpoint", .facts = {}});
  } else {
    steps.push_back({.what = "commit", .does = "all write streams together", .facts = {}});
  }
  return steps;
}

}  // namespace

Result<DestinationPlan> StreamingV2Destination::Plan(PublishMode mode, std::stop_token stop) {
  stop_ = std::move(stop);
  DestinationPlan plan;
  BIZOND_ASSIGN_OR_RETURN(const bool dataset, api_.DatasetExists(target_, stop_));
  if (!dataset) plan.places.push_back(NewDataset(target_, options_.config.location));
  BIZOND_ASSIGN_OR_RETURN(const auto target, FindTarget(stop_));
  const BigQuerySchema wanted = ColumnsFor(options_.config, target);
  const bool replace = mode == PublishMode::kReplace;
  BigQuerySchema after = replace ? WithoutRequired(wanted) : wanted;
  if (target && !replace) {
    BIZOND_ASSIGN_OR_RETURN(const SchemaChange change, MergeSchemas(target->schema, wanted));
    after = change.merged;
  }
  const nlohmann::json resource = target ? target->resource : NewTableResource(options_.config);
  if (replace) {
    BIZOND_ASSIGN_OR_RETURN(const auto left, api_.GetTable(Staging(), stop_));
    plan.places.push_back({.role = "staging",
                           .kind = "table",
                           .name = Staging().Dotted(),
                           .exists = left.has_value(),
                           .becomes = "made anew, and removed after the publication",
                           .columns = PlannedColumnsOf(wanted),
                           .facts = {{"expiration", "3 days"}}});
  }
  plan.places.push_back({.role = "target",
                         .kind = "table",
                         .name = target_.Dotted(),
                         .exists = target.has_value(),
                         .becomes = std::string(Becomes(mode, target.has_value())),
                         .columns = PlannedChange(target, after),
                         .facts = LayoutFacts(resource)});
  plan.steps = StreamSteps(mode, replace ? Staging() : target_);
  if (replace) {
    plan.steps.push_back({.what = "query job",
                          .does = "the staging's rows into the place of the target's",
                          .facts = JobFacts(OverwriteQuery(resource))});
  }
  return plan;
}

Result<std::vector<AccessCheck>> StreamingV2Destination::CheckAccess(PublishMode mode,
                                                                     std::stop_token stop) {
  // Without the right to look the name stays the job's, and the table may be there or not.
  const auto target = FindTarget(stop);
  if (!target && target.error().kind != ErrorKind::kPermanent) return Failure(target.error());
  AccessQuestion question{.target = target_,
                          .location = options_.config.location,
                          .bucket = "",
                          .service_account_key = options_.config.service_account_key,
                          .needed = {}};
  auto& needed = question.needed;
  const bool replace = mode == PublishMode::kReplace;
  needed = {{"bigquery.datasets.get", "finding the dataset"},
            {"bigquery.datasets.create", "making the dataset"},
            {"bigquery.tables.get", "finding the table"}};
  if (replace || !target || !*target) {
    needed.push_back(
        {"bigquery.tables.create", replace ? "making the staging" : "making the table"});
  }
  needed.push_back({"bigquery.tables.updateData", "writing rows"});
  needed.push_back({"bigquery.tables.update", "labels and new columns"});
  if (replace) {
    needed.push_back({"bigquery.tables.getData", "the query that reads the staging"});
    needed.push_back({"bigquery.tables.delete", "removing the staging"});
    needed.push_back({"bigquery.jobs.create", "the query that overwrites the target"});
  }
  return CheckGoogleAccess(&api_.transport(), nullptr, options_.endpoints, question,
                           std::move(stop));
}

}  // namespace bizond
