// BigQueryDestination: from its making to the first record of an attempt.
#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/google/credentials.h"
#include "base/identity.h"
#include "destinations/bigquery/bigquery_destination.h"
#include "destinations/bigquery/table_resource.h"
#include "destinations/bigquery/table_state.h"
#include "destinations/divergence.h"
#include "destinations/google/table_folder.h"
#include "destinations/google/table_labels.h"
#include "destinations/google/transport.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

constexpr std::string_view kReplaced = "_temp";
constexpr std::string_view kAdded = "_incremental";
// Somebody may change a table at the same moment; more often than this is no accident.
std::string ShortHash(std::string_view text) { return HexOf(HashBytes(text)).substr(0, 16); }

}  // namespace

Status BigQueryDestination::Connect(std::stop_token stop) {
  stop_ = std::move(stop);
  if (api_) return {};
  std::shared_ptr<GoogleTokenSource> token;
  if (!endpoints_.rest_emulated || (!config_.gcs_bucket.empty() && !endpoints_.storage_emulated)) {
    BIZOND_ASSIGN_OR_RETURN(
        token,
        FindGoogleCredentials({.service_account_key = config_.service_account_key}, &clock_));
  }
  if (!config_.gcs_bucket.empty()) {
    storage_ =
        std::make_unique<GoogleTransport>(endpoints_.storage_emulated ? nullptr : token, &clock_);
  }
  api_ = std::make_unique<BigQueryApi>(config_.target.project, config_.location, endpoints_,
                                       endpoints_.rest_emulated ? nullptr : token, &clock_);
  return {};
}

void BigQueryDestination::OpenFiles(const std::string& owner) {
  if (config_.gcs_bucket.empty()) {
    files_ = MakeLocalFiles(*folder_, owner);
  } else {
    files_ = MakeBucketFiles(storage_.get(), endpoints_.storage, config_.gcs_bucket, owner,
                             config_.load_files_per_job);
  }
}

// Whether the dataset is there; one that nobody is to make is an error.
Result<bool> BigQueryDestination::FindDataset() {
  BIZOND_ASSIGN_OR_RETURN(const bool exists, api_->DatasetExists(config_.target, stop_));
  if (exists || config_.create_dataset) return exists;
  return Fail(ErrorKind::kConfig, "bigquery_not_found",
              fmt::format("there is no dataset {} in the project {}", config_.target.dataset,
                          config_.target.project),
              "make it (bq mk --location=... DATASET), or set create_dataset: true");
}

Status BigQueryDestination::CheckConnection(std::stop_token stop) {
  BIZOND_RETURN_IF_ERROR(Connect(stop));
  BIZOND_ASSIGN_OR_RETURN(const bool exists, FindDataset());
  if (exists) BIZOND_RETURN_IF_ERROR(api_->GetTable(config_.target, stop));
  if (config_.gcs_bucket.empty()) return {};
  OpenFiles("check");
  return files_->Check(stop);
}

// The table of the job's name; one without the prefix is used on where only that is there.
Status BigQueryDestination::FindTarget() {
  mark_.target = config_.target;
  if (!config_.unprefixed) return {};
  BIZOND_ASSIGN_OR_RETURN(const auto own, api_->GetTable(config_.target, stop_));
  if (own) return {};
  BIZOND_ASSIGN_OR_RETURN(const auto other, api_->GetTable(*config_.unprefixed, stop_));
  if (other) mark_.target = *config_.unprefixed;
  return {};
}

Status BigQueryDestination::Lock() {
  const std::string target = mark_.target.Dotted();
  if (lock_ && locked_ == target) return {};
  BIZOND_ASSIGN_OR_RETURN(folder_, OpenTableFolder(state_dir_));
  BIZOND_ASSIGN_OR_RETURN(lock_, LockTable(*folder_, mark_.target));
  locked_ = target;
  return {};
}

Status BigQueryDestination::Open(const OpenRequest& request, std::stop_token stop) {
  mode_ = request.mode;
  publisher_ = request.publisher;
  log_ = request.log;
  rejects_ = request.rejects;
  mark_ = {};
  stored_ = 0;
  may_reject_ = mode_ != PublishMode::kDirect && !request.intent;
  refusals_ = 0;
  replaced_.clear();
  jobs_.reset();
  buffer_.Clear();
  buffer_rows_ = 0;
  std::optional<BigQueryMark> mark;
  const auto& text = request.intent ? request.intent : request.mark;
  if (text && !text->empty()) {
    BIZOND_ASSIGN_OR_RETURN(mark, BigQueryMark::Decode(request.intent ? "intent" : "mark", *text));
  }
  BIZOND_RETURN_IF_ERROR(Connect(std::move(stop)));
  if (mark) {
    mark_ = *std::move(mark);
    stored_ = mark_.files;
  } else {
    BIZOND_RETURN_IF_ERROR(FindTarget());
  }
  BIZOND_RETURN_IF_ERROR(Lock());
  OpenFiles(ShortHash(publisher_.store_id + "\n" + mark_.target.Dotted()));
  jobs_.emplace(api_.get());
  rows_.emplace(config_.schema, config_.unnest, RowForm::kLoad, request.ids);
  if (config_.other_format_asked && !format_said_) {
    log_->Write(LogLevel::kInfo,
                "gcs_buffer_format: files are written as gzip NDJSON, whatever it says; what "
                "arrives in the table is the same");
    format_said_ = true;
  }
  if (request.intent) return Claim(Loaded());  // Gone when all is done and only not recorded.
  return stored_ > 0 || !mark_.nonce.empty() ? Resume(request) : BeginRun(request);
}

// ---- a run that begins anew ----

Status BigQueryDestination::BeginRun(const OpenRequest& request) {
  BigQueryMark last;
  if (request.receipt && !request.receipt->empty()) {
    BIZOND_ASSIGN_OR_RETURN(last, BigQueryMark::Decode("receipt", *request.receipt));
  }
  if (config_.create_dataset) {
    BIZOND_ASSIGN_OR_RETURN(const bool exists, api_->DatasetExists(mark_.target, stop_));
    if (!exists) BIZOND_RETURN_IF_ERROR(api_->CreateDataset(mark_.target, stop_));
  }
  if (!last.loads.empty() && mode_ == PublishMode::kDirect) {
    // A stream that was ended with loads on their way: its own, under its own ids.
    const BigQueryTableName target = mark_.target;
    mark_ = last;
    stored_ = last.files;
    BIZOND_RETURN_IF_ERROR(StartLoads(/*found_before=*/true));
    BIZOND_RETURN_IF_ERROR(AwaitLoads(0));
    mark_ = {};
    mark_.target = target;
    stored_ = 0;
  }
  BIZOND_RETURN_IF_ERROR(RemoveStagings());
  BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryTable> target, api_->GetTable(mark_.target, stop_));
  if (target) BIZOND_RETURN_IF_ERROR(CheckFence(*target, publisher_));
  if (mode_ != PublishMode::kReplace) {
    std::string what = WhatDiverged(target, last.before, last.rows);
    if (what.empty() && target && IsAnothersTable(*target, publisher_)) {
      what = "another state directory has published into it";
    }
    if (!what.empty()) BIZOND_RETURN_IF_ERROR(Diverged(request, what));
  }
  BIZOND_RETURN_IF_ERROR(files_->RemoveOthers({}, stop_));
  mark_.run = publisher_.run_id;
  mark_.nonce = ShortHash(NewUuid(clock_.Now())).substr(0, 12);
  mark_.published = last.published;
  // Of a stream both are the target's.
  if (mode_ == PublishMode::kDirect) mark_.loaded = last.loaded;
  return mode_ == PublishMode::kDirect ? BeginDirect(std::move(target)) : BeginStaged(target);
}

Status BigQueryDestination::Diverged(const OpenRequest& request, const std::string& what) {
  const std::string name = mark_.target.Dotted();
  if (request.on_target_changed != OnTargetChanged::kContinue) {
    return Failure(TargetDiverged(name, what));
  }
  log_->Warn(TargetContinued(name, what));
  return {};
}

// What earlier runs of this store left beside the target.
Status BigQueryDestination::RemoveStagings() {
  for (const std::string_view suffix : {kReplaced, kAdded}) {
    BIZOND_ASSIGN_OR_RETURN(
        const std::vector<BigQueryTable> found,
        api_->ListTables(mark_.target, fmt::format("{}{}_", mark_.target.table, suffix), stop_));
    for (const BigQueryTable& table : found) {
      if (!OwnedByStore(table, publisher_)) continue;
      BIZOND_RETURN_IF_ERROR(CheckFence(table, publisher_));
      BIZOND_RETURN_IF_ERROR(api_->DeleteTable(table.name, stop_));
    }
  }
  return {};
}

Status BigQueryDestination::BeginStaged(const std::optional<BigQueryTable>& target) {
  const bool replace = mode_ == PublishMode::kReplace;
  mark_.before = StateOf(target);
  mark_.staging =
      fmt::format("{}{}_{}", mark_.target.table, replace ? kReplaced : kAdded, mark_.nonce);
  BIZOND_ASSIGN_OR_RETURN(nlohmann::json resource, StagingResource(config_, target, replace));
  resource["labels"] = PublisherLabels(publisher_);
  BIZOND_RETURN_IF_ERROR(api_->CreateTable(Loaded(), std::move(resource), stop_));
  Failpoint("bigquery.after_staging_made");
  return {};
}

Status BigQueryDestination::BeginDirect(std::optional<BigQueryTable> target) {
  mark_.staging = mark_.target.table;
  if (!target) {
    nlohmann::json resource = NewTableResource(config_);
    resource["labels"] = PublisherLabels(publisher_);
    BIZOND_RETURN_IF_ERROR(api_->CreateTable(mark_.target, std::move(resource), stop_));
  } else {
    BIZOND_ASSIGN_OR_RETURN(const auto schema, ChangedSchema(*target, config_.schema));
    if (schema) {
      BIZOND_RETURN_IF_ERROR(
          api_->PatchTable(mark_.target, {{"schema", *schema}}, stop_, target->etag));
    }
  }
  BIZOND_RETURN_IF_ERROR(Claim(mark_.target));
  BIZOND_ASSIGN_OR_RETURN(target, api_->GetTable(mark_.target, stop_));
  mark_.before = StateOf(target);
  mark_.before.modified_ms = 0;  // Every load modifies it.
  return {};
}

// Writes this attempt's labels, unless the table has those of a newer one.
Status BigQueryDestination::Claim(const BigQueryTableName& name) {
  BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryTable> table, api_->GetTable(name, stop_));
  if (!table) return {};
  BIZOND_RETURN_IF_ERROR(ClaimTable(api_.get(), std::move(*table), publisher_, {}, stop_));
  return {};
}

// ---- another attempt of a run ----

Status BigQueryDestination::Resume(const OpenRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const auto table, api_->GetTable(Loaded(), stop_));
  const bool direct = mode_ == PublishMode::kDirect;
  if (!table) {
    const std::string name = Loaded().Dotted();
    return Failure(direct ? TargetDiverged(name, "it was dropped")
                          : StagingLost(name, "it was dropped"));
  }
  BIZOND_RETURN_IF_ERROR(Claim(Loaded()));
  std::vector<std::string> kept;
  for (const StagedLoad& load : mark_.loads) {
    kept.insert(kept.end(), load.files.begin(), load.files.end());
  }
  BIZOND_RETURN_IF_ERROR(files_->RemoveOthers(kept, stop_));
  BIZOND_RETURN_IF_ERROR(StartLoads(/*found_before=*/true));
  return direct ? ResumeDirect(request) : Status{};
}

Status BigQueryDestination::ResumeDirect(const OpenRequest& request) {
  BIZOND_RETURN_IF_ERROR(AwaitLoads(0));
  BIZOND_ASSIGN_OR_RETURN(const auto target, api_->GetTable(mark_.target, stop_));
  const std::string what = WhatDiverged(target, mark_.before, mark_.rows);
  if (what.empty()) return {};
  BIZOND_RETURN_IF_ERROR(Diverged(request, what));
  const int64_t loaded = mark_.rows;
  mark_.before = StateOf(target);
  mark_.before.modified_ms = 0;
  mark_.before.rows -= loaded;
  return {};
}

}  // namespace bizond
