#include "store/warning_log.h"

namespace bizond {

void WarningLog::Warn(const RunWarning& warning) {
  log_->Warn(warning);
  const Status kept = store_->Write([&](StoreTx& tx) {
    return tx.AddWarning(run_id_, fence_, {warning.code, stream_, warning.message, warning.remedy});
  });
  if (!kept) {
    log_->Write(LogLevel::kInfo, "the warning is in this log alone: " + Describe(kept.error()));
  }
}

}  // namespace bizond
