// The errors and warnings of a target that is not what the store remembers, said the same way by
// every destination.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_DIVERGENCE_H_
#define BIZOND_DESTINATIONS_DIVERGENCE_H_

#include <string>
#include <string_view>

#include "base/error.h"
#include "sync/run_log.h"

namespace bizond {

// Code target_diverged. `what` says what was found and what was expected. kReset is answered with
// it as well: only the caller can reset a stream, by opening the destination again to replace.
Error TargetDiverged(std::string_view target, std::string_view what);
// The same, of a job that says on_target_changed: continue.
RunWarning TargetContinued(std::string_view target, std::string_view what);
// Code staging_lost: what a checkpoint or an intent needs is no longer there.
Error StagingLost(std::string_view staging, std::string_view what);
// Code bad_mark: a mark, intent or receipt that this binary does not read.
Error BadMark(std::string_view what, std::string_view text);
// Code delete_unsupported.
Error DeleteUnsupported(std::string_view destination);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_DIVERGENCE_H_
