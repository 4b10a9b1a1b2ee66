#include "destinations/logger/logger_destination.h"

#include <fmt/format.h>

#include <iterator>

#include "base/failpoint.h"
#include "base/log.h"
#include "sync/run_log.h"

namespace bizond {

Result<std::unique_ptr<Destination>> OpenLoggerDestination(const ConnectorArgs& args) {
  return std::make_unique<LoggerDestination>(args.clock);
}

Status LoggerDestination::CheckConnection(std::stop_token stop) {
  (void)stop;
  return {};
}

Status LoggerDestination::Open(const OpenRequest& request, std::stop_token stop) {
  stop_ = std::move(stop);
  log_ = request.log;
  columns_.emplace(request.ids);
  return {};
}

Status LoggerDestination::WriteRecords(const RecordBatch& batch) {
  if (!columns_) columns_.emplace(BizonIdMaker());
  columns_->Begin(batch, clock_.Now());
  char id[BizonIdMaker::kLength];
  for (const Record& record : batch.records()) {
    if (stop_.stop_requested()) return Failure(StoppedError("writing to the log"));
    columns_->WriteId(record, id);
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{} {} key={} at={} {}",
                   record.operation == Operation::kDelete ? "delete" : "record",
                   std::string_view(id, sizeof id), record.has_key ? record.key : "-",
                   columns_->Timestamp(record), record.data);
    bytes_written_ += line_.size();
    // The process's log takes all of them; a run's own is bounded.
    Log(LogLevel::kInfo, "logger", line_);
    if (log_ != nullptr) log_->Write(LogLevel::kInfo, line_);
  }
  Failpoint("logger.after_write");
  return {};
}

}  // namespace bizond
