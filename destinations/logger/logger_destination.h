// The destination `logger`: every record is a line of the run's log. For trying a source out.
//
// It has the three methods only and is at least once: a run that is repeated logs again.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_LOGGER_LOGGER_DESTINATION_H_
#define BIZOND_DESTINATIONS_LOGGER_LOGGER_DESTINATION_H_

#include <memory>
#include <optional>
#include <string>

#include "destinations/bizon_columns.h"
#include "sync/connector.h"

namespace bizond {

Result<std::unique_ptr<Destination>> OpenLoggerDestination(const ConnectorArgs& args);

class LoggerDestination final : public Destination {
 public:
  explicit LoggerDestination(Clock& clock) : clock_(clock) {}

  Status CheckConnection(std::stop_token stop) override;
  // Only learns where the log is; nothing is kept from run to run.
  Status Open(const OpenRequest& request, std::stop_token stop) override;
  Status WriteRecords(const RecordBatch& batch) override;
  uint64_t BytesWritten() const override { return bytes_written_; }

 private:
  Clock& clock_;
  std::stop_token stop_;
  RunLog* log_ = nullptr;
  std::optional<BizonColumns> columns_;
  std::string line_;  // Reused.
  uint64_t bytes_written_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_LOGGER_LOGGER_DESTINATION_H_
