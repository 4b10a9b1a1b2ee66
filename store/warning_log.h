// WarningLog: the log of one stream of a run, whose warnings are kept in the store with the run.
//
// Threads: as RunLog says.
#ifndef BIZOND_STORE_WARNING_LOG_H_
#define BIZOND_STORE_WARNING_LOG_H_

#include <string>
#include <string_view>

#include "store/store.h"
#include "sync/run_log.h"

namespace bizond {

class WarningLog final : public RunLog {
 public:
  // `run` is as it was claimed: its id and fence are used. Store and log must outlive this.
  WarningLog(Store* store, const RunRow& run, std::string_view stream, RunLog* log)
      : store_(store), run_id_(run.id), fence_(run.fence), stream_(stream), log_(log) {}

  void Write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    log_->Write(level, message, fields);
  }
  // A store that refuses it fails no run: the line is in the log.
  void Warn(const RunWarning& warning) override;

 private:
  Store* const store_;
  const std::string run_id_;
  const int64_t fence_;
  const std::string stream_;
  RunLog* const log_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_WARNING_LOG_H_
