// BigQueryDestination: loads that BigQuery refuses for the sake of some rows.
//
// Such a load is known to have failed and to have brought nothing. It gives way to one of the same
// files without those rows, which is a load like any other: it begins only once a mark that lists
// it, and no longer the first, is stored. The rejects are stored with that mark. Whoever dies
// before finds the first load in the mark, and comes here again.
#include <fmt/format.h>

#include <algorithm>

#include "destinations/bigquery/bigquery_destination.h"
#include "destinations/bigquery/refused_rows.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

// A load job each: who has more of them has another trouble.
constexpr int kRefusalsMax = 100;

// The record of a row, as far as the row has it.
std::string RecordOf(const std::string& row) {
  const auto parsed = nlohmann::json::parse(row, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return row;
  const auto data = parsed.find("_source_data");
  return data != parsed.end() && data->is_string() ? data->get<std::string>() : row;
}

}  // namespace

// True: the load gave way to one without the rows that the job names. False: it names none, or it
// is too late to reject any.
Result<bool> BigQueryDestination::ReplaceLoad(uint64_t number, const BigQueryJob& job) {
  if (!may_reject_ || refusals_ >= kRefusalsMax) return false;
  const std::vector<RefusedLine> rows = RefusedRowsOf(job);
  const auto found = std::find_if(mark_.loads.begin(), mark_.loads.end(),
                                  [&](const StagedLoad& one) { return one.number == number; });
  if (rows.empty() || found == mark_.loads.end()) return false;
  const StagedLoad& old = *found;
  StagedLoad made{.number = mark_.files + 1, .files = {}, .rows = 0, .sealed = true};
  uint64_t left = old.rows;
  for (const std::string& file : old.files) {
    std::map<uint64_t, std::string> refused;
    for (const RefusedLine& row : rows) {
      if (old.files.size() == 1 || row.location.ends_with("/" + file)) {
        refused.emplace(row.position, row.reason);
      }
    }
    if (refused.empty()) {
      made.files.push_back(file);
      continue;
    }
    BIZOND_ASSIGN_OR_RETURN(const std::string bytes, files_->Read(file, stop_));
    BIZOND_ASSIGN_OR_RETURN(const SiftedFile sifted, SiftFile(file, bytes, refused));
    if (sifted.refused.empty()) {
      made.files.push_back(file);
      continue;
    }
    for (const SiftedRow& row : sifted.refused) {
      BIZOND_RETURN_IF_ERROR(rejects_->Reject(
          0, {.origin = fmt::format("job {}, file {}, row {}", job.id, file, row.number),
              .code = "bigquery_row_refused",
              .reason = row.reason,
              .data = RecordOf(row.text),
              .position = 0}));
    }
    left -= std::min<uint64_t>(left, sifted.refused.size());
    replaced_.push_back(file);
    if (sifted.rows == 0) continue;
    std::string name = FileName(mark_.files + 1 + made.files.size(), sifted.pieces);
    BIZOND_RETURN_IF_ERROR(files_->Put(name, sifted.pieces, stop_));
    for (const std::string& piece : sifted.pieces) bytes_written_ += piece.size();
    made.files.push_back(std::move(name));
  }
  if (left == old.rows) return false;
  ++refusals_;
  log_->Write(LogLevel::kWarning, "BigQuery refused rows of a load; it is loaded without them",
              {{"job", job.id}, {"rows", std::to_string(old.rows - left)}});
  mark_.rows -= static_cast<int64_t>(old.rows - left);
  std::erase_if(mark_.loads, [&](const StagedLoad& one) { return one.number == number; });
  if (made.files.empty()) return true;
  // A load that is being gathered takes no file behind those of this one.
  SealLoads();
  made.rows = left;
  mark_.files += made.files.size();
  mark_.loads.push_back(std::move(made));
  return true;
}

Result<bool> BigQueryDestination::Settle() {
  if (mode_ == PublishMode::kDirect) return false;
  SealLoads();
  BIZOND_RETURN_IF_ERROR(StartLoads(/*found_before=*/false));
  BIZOND_RETURN_IF_ERROR(AwaitLoads(0));
  return !mark_.loads.empty();
}

}  // namespace bizond
