// The answer to whoever asks for what a held run is in the way of.
//
// Threads: pure functions.
#ifndef BIZOND_SCHEDULER_RUN_HELD_H_
#define BIZOND_SCHEDULER_RUN_HELD_H_

#include <string>
#include <string_view>

#include "base/error.h"

namespace bizond {

inline Failure RunHeld(std::string_view run, std::string_view job) {
  const std::string id(run);
  return Fail(ErrorKind::kConfig, "run_held",
              "run " + id + " of job " + std::string(job) +
                  " is held back by a check, and nobody has said what becomes of it",
              "publish what it has staged: bizond runs approve " + id +
                  "; or drop it: bizond runs cancel " + id);
}

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_RUN_HELD_H_
