#include "scheduler/pending_resets.h"

#include <algorithm>

namespace bizond {

Status DropPendingReset(StoreTx& tx, std::string_view job, const std::vector<std::string>& streams,
                        std::string_view stream, UtcTime now) {
  if (stream.empty()) return tx.DropPendingResets(job);
  BIZOND_ASSIGN_OR_RETURN(std::vector<std::string> pending, tx.PendingResets(job));
  // One for all becomes one for each, so that the others can stay.
  if (std::erase(pending, "") > 0) pending.insert(pending.end(), streams.begin(), streams.end());
  std::erase(pending, stream);
  BIZOND_RETURN_IF_ERROR(tx.DropPendingResets(job));
  for (const std::string& other : pending) {
    BIZOND_RETURN_IF_ERROR(tx.PutPendingReset(job, other, now));
  }
  return {};
}

}  // namespace bizond
