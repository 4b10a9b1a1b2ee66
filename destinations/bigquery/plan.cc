// BigQueryDestination: what a run would do, and what it must be allowed.
#include <fmt/format.h>

#include "destinations/bigquery/bigquery_destination.h"
#include "destinations/bigquery/table_resource.h"
#include "destinations/google/access.h"
#include "destinations/google/table_plan.h"
#include "destinations/google/transport.h"

namespace bizond {
namespace {

// As it stands in names that each run makes anew.
constexpr std::string_view kNonce = "_<n>";

std::string_view Becomes(PublishMode mode, bool exists) {
  if (mode == PublishMode::kDirect) return exists ? "appended to at each flush" : "made, and fed";
  if (!exists) return "made by the copy";
  return mode == PublishMode::kReplace ? "overwritten by the copy" : "appended to by the copy";
}

}  // namespace

Result<PlannedPlace> BigQueryDestination::PlanTarget(const std::optional<BigQueryTable>& target,
                                                     const nlohmann::json& resource,
                                                     PublishMode mode) const {
  BIZOND_ASSIGN_OR_RETURN(const BigQuerySchema after, SchemaFromRest(resource["schema"]));
  PlannedPlace place{.role = "target",
                     .kind = "table",
                     .name = mark_.target.Dotted(),
                     .exists = target.has_value(),
                     .becomes = std::string(Becomes(mode, target.has_value())),
                     .columns = PlannedChange(target, after),
                     .facts = LayoutFacts(target ? target->resource : resource)};
  if (target) place.facts.push_back({"rows", std::to_string(target->rows)});
  return place;
}

Result<DestinationPlan> BigQueryDestination::Plan(PublishMode mode, std::stop_token stop) {
  BIZOND_RETURN_IF_ERROR(Connect(std::move(stop)));
  DestinationPlan plan;
  BIZOND_ASSIGN_OR_RETURN(const bool dataset, FindDataset());
  if (!dataset) plan.places.push_back(NewDataset(config_.target, config_.location));
  BIZOND_RETURN_IF_ERROR(FindTarget());
  BIZOND_ASSIGN_OR_RETURN(const auto target, api_->GetTable(mark_.target, stop_));
  const bool replace = mode == PublishMode::kReplace;
  BIZOND_ASSIGN_OR_RETURN(const nlohmann::json resource, StagingResource(config_, target, replace));
  BIZOND_ASSIGN_OR_RETURN(PlannedPlace place, PlanTarget(target, resource, mode));
  BigQueryTableName loaded = mark_.target;
  if (mode != PublishMode::kDirect) {
    loaded.table += fmt::format("{}{}", replace ? "_temp" : "_incremental", kNonce);
    PlannedPlace staging{.role = "staging",
                         .kind = "table",
                         .name = loaded.Dotted(),
                         .exists = false,
                         .becomes = "made, and removed after the publication",
                         .columns = {},
                         .facts = LayoutFacts(resource)};
    for (PlannedColumn& column : place.columns) {
      if (column.change == "removed") continue;
      staging.columns.push_back(column);
      staging.columns.back().change.clear();
    }
    plan.places.push_back(std::move(staging));
  }
  plan.places.push_back(std::move(place));
  PlannedStep load{.what = "load job",
                   .does = mode == PublishMode::kDirect ? "files into the target, at each flush"
                                                        : "files into the staging",
                   .facts = JobFacts(LoadConfiguration(loaded))};
  const bool bucket = !config_.gcs_bucket.empty();
  load.facts.push_back({"source", bucket ? fmt::format("gs://{}/bizond/", config_.gcs_bucket)
                                         : "uploaded with the job"});
  load.facts.push_back({"compression", "gzip"});
  load.facts.push_back({"files of a job", std::to_string(bucket ? config_.load_files_per_job : 1)});
  load.facts.push_back(
      {"jobs at a time", std::to_string(config_.async_load ? config_.load_max_in_flight_jobs : 1)});
  plan.steps.push_back(std::move(load));
  if (mode == PublishMode::kDirect) return plan;
  plan.steps.push_back({.what = "copy job",
                        .does = "the staging into the target, once all rows are in it",
                        .facts = JobFacts(CopyConfiguration(loaded, mark_.target, replace))});
  return plan;
}

Result<std::vector<AccessCheck>> BigQueryDestination::CheckAccess(PublishMode mode,
                                                                  std::stop_token stop) {
  BIZOND_RETURN_IF_ERROR(Connect(std::move(stop)));
  // Without the right to look the name stays the job's, and the table may be there or not.
  Result<std::optional<BigQueryTable>> target = std::nullopt;
  if (const Status found = FindTarget(); !found) {
    target = tl::make_unexpected(found.error());
  } else {
    target = api_->GetTable(mark_.target, stop_);
  }
  if (!target && target.error().kind != ErrorKind::kPermanent) return Failure(target.error());
  AccessQuestion question{.target = mark_.target,
                          .location = config_.location,
                          .bucket = config_.gcs_bucket,
                          .service_account_key = config_.service_account_key,
                          .needed = {}};
  auto& needed = question.needed;
  const bool direct = mode == PublishMode::kDirect;
  needed = {{"bigquery.jobs.create", direct ? "load jobs" : "load and copy jobs"},
            {"bigquery.datasets.get", "finding the dataset"}};
  if (config_.create_dataset) {
    needed.push_back({"bigquery.datasets.create", "making the dataset"});
  }
  needed.push_back({"bigquery.tables.list", "finding stagings of earlier runs"});
  needed.push_back({"bigquery.tables.get", "finding the table"});
  if (!direct || !target || !*target) {
    needed.push_back(
        {"bigquery.tables.create", direct ? "making the table" : "making the staging"});
  }
  needed.push_back({"bigquery.tables.updateData", direct ? "load jobs" : "load and copy jobs"});
  needed.push_back({"bigquery.tables.update", "labels and new columns"});
  if (!direct) {
    needed.push_back({"bigquery.tables.delete", "removing the staging"});
    needed.push_back({"bigquery.tables.getData", "copying the staging"});
  }
  if (!config_.gcs_bucket.empty()) {
    needed.push_back({"storage.objects.create", "putting files into the bucket"});
    needed.push_back({"storage.objects.get", "load jobs, which read them"});
    needed.push_back({"storage.objects.list", "finding files of earlier runs"});
    needed.push_back({"storage.objects.delete", "removing them"});
  }
  return CheckGoogleAccess(&api_->transport(), storage_.get(), endpoints_, question, stop_);
}

}  // namespace bizond
