#include <fmt/format.h>

#include "destinations/bigquery_streaming_v2/streaming_v2_destination.h"
#include "destinations/divergence.h"
#include "destinations/google/table_folder.h"
#include "destinations/google/table_labels.h"
#include "destinations/google/target_table.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

// BigQuery keeps an uncommitted stream for a day.
constexpr int64_t kStreamMillisMax = 24 * 3600 * int64_t{1000};

}  // namespace

Result<std::unique_ptr<Destination>> OpenBigQueryStreamingV2(const ConnectorArgs& args) {
  StreamingV2Options options;
  BIZOND_ASSIGN_OR_RETURN(options.config, ReadBigQueryConfig(args, BigQueryKind::kStreamingV2));
  options.endpoints = BigQueryEndpointsFromEnvironment();
  if (!options.endpoints.rest_emulated || !options.endpoints.write_api_emulated) {
    BIZOND_ASSIGN_OR_RETURN(
        options.token,
        FindGoogleCredentials({.service_account_key = options.config.service_account_key},
                              &args.clock));
  }
  options.state_dir = args.state_dir;
  return std::make_unique<StreamingV2Destination>(std::move(options), args.clock);
}

Result<std::optional<BigQueryTable>> StreamingV2Destination::FindTarget(std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(TargetTable found,
                          FindTargetTable(&api_, options_.config, std::move(stop)));
  target_ = std::move(found.name);
  return std::move(found.table);
}

Status StreamingV2Destination::CheckConnection(std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const bool there, api_.DatasetExists(target_, stop));
  if (!there) return {};  // A run makes it.
  BIZOND_RETURN_IF_ERROR(FindTarget(std::move(stop)));
  return {};
}

Status StreamingV2Destination::Open(const OpenRequest& request, std::stop_token stop) {
  stream_.reset();
  request_ = {};
  unsealed_ = false;
  table_changed_ = false;
  encoder_.reset();
  fresh_ = false;
  shown_ = 0;
  mode_ = request.mode;
  publisher_ = request.publisher;
  ids_ = request.ids;
  log_ = request.log;
  rejects_ = request.rejects;
  stop_ = std::move(stop);
  last_ = {};
  if (request.receipt && !request.receipt->empty()) {
    BIZOND_ASSIGN_OR_RETURN(last_, StreamState::Decode("receipt mark", *request.receipt));
  }
  mark_ = {};
  mark_.kind = "mark";
  mark_.publication = last_.publication;
  mark_.target_ms = last_.target_ms;
  if (request.mark && !request.mark->empty()) {
    BIZOND_ASSIGN_OR_RETURN(mark_, StreamState::Decode("mark", *request.mark));
  }
  BIZOND_ASSIGN_OR_RETURN(const std::optional<BigQueryTable> table, FindTarget(stop_));
  if (!lock_) {
    BIZOND_ASSIGN_OR_RETURN(const Location folder, OpenTableFolder(options_.state_dir));
    BIZOND_ASSIGN_OR_RETURN(lock_, LockTable(folder, target_));
  }
  if (table) {
    BIZOND_RETURN_IF_ERROR(CheckFence(*table, publisher_));
    if (mode_ == PublishMode::kDirect && HasPublished(*table, publisher_.run_id)) {
      // Claimed by an attempt of this run that died before its next mark.
      mark_.publication = publisher_.run_id;
      mark_.target_ms = table->created_ms;
    }
  }
  if (request.intent) return {};
  if (request.mark && !request.mark->empty()) return Resume(request);
  if (mode_ == PublishMode::kReplace) return api_.DeleteTable(Staging(), stop_);
  return CheckTarget(request, table);
}

// What lies beyond the mark is in streams that it does not name, or behind its rows in one that is
// never shown: it needs no removing.
Status StreamingV2Destination::Resume(const OpenRequest& request) {
  if (mark_.streams.empty()) return {};
  if (mode_ != PublishMode::kDirect) {
    const int64_t age = ToUnixMicros(clock_.Now()) / 1000 - mark_.opened_ms;
    if (age < kStreamMillisMax) return {};
    return Failure(StagingLost(target_.Dotted(),
                               "its write streams are older than the 24 hours for which BigQuery "
                               "keeps them uncommitted"));
  }
  const std::string stream = mark_.streams.front();
  Status shown = write_api_.FlushRows(stream, mark_.rows, stop_);
  // A stream that ended has shown its rows before that was recorded, however long ago.
  const bool recorded = request.receipt == request.mark;
  if (!shown && shown.error().code == "bigquery_not_found" && !recorded) {
    return Failure(
        StagingLost(target_.Dotted(),
                    "its write stream " + stream + " is gone, with rows that were not shown yet"));
  }
  if (!shown && !recorded) return shown;
  shown_ = mark_.rows;
  return {};
}

Status StreamingV2Destination::CheckTarget(const OpenRequest& request,
                                           const std::optional<BigQueryTable>& table) {
  const std::string what = WhatDiverged(table);
  if (what.empty()) return {};
  if (request.on_target_changed != OnTargetChanged::kContinue) {
    return Failure(TargetDiverged(target_.Dotted(), what));
  }
  log_->Warn(TargetContinued(target_.Dotted(), what));
  return {};
}

// Empty: the target is what the last publication left.
std::string StreamingV2Destination::WhatDiverged(const std::optional<BigQueryTable>& table) const {
  if (last_.publication.empty()) {
    const bool empty = !table || (table->rows == 0 && !table->streaming_buffer);
    return empty ? "" : "it holds rows, and this job has never published into it";
  }
  if (!table) return "it was dropped";
  if (IsAnothersTable(*table, publisher_)) return "another state directory has published into it";
  if (!OwnedByStore(*table, publisher_)) return "it has no label of a publication";
  // Of this very run: an attempt that claimed the table and died before its first mark.
  if (!HasPublished(*table, last_.publication) && !HasPublished(*table, publisher_.run_id)) {
    return fmt::format("its last publication is '{}' instead of '{}'",
                       LabelOf(*table, "bizond_published"), LabelValue(last_.publication));
  }
  if (last_.target_ms != 0 && table->created_ms != last_.target_ms) {
    return "it was dropped and made again";
  }
  return "";
}

}  // namespace bizond
