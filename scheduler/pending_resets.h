// PendingResets: resets that were asked for, stream by stream.
//
// The store holds names of streams, and an empty one for all of a job's.
//
// Threads: called inside a store's write.
#ifndef BIZOND_SCHEDULER_PENDING_RESETS_H_
#define BIZOND_SCHEDULER_PENDING_RESETS_H_

#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace bizond {

// The reset of this stream was carried out or taken back; those of the others of `streams` (the
// job's) stand. An empty name: all of them.
Status DropPendingReset(StoreTx& tx, std::string_view job, const std::vector<std::string>& streams,
                        std::string_view stream, UtcTime now);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_PENDING_RESETS_H_
