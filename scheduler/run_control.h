// RunControl: what others may ask of the part that runs things.
//
// Threads: any.
#ifndef BIZOND_SCHEDULER_RUN_CONTROL_H_
#define BIZOND_SCHEDULER_RUN_CONTROL_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "sync/run_state.h"

namespace bizond {

// A run as it stands at this moment, ahead of what is stored.
struct LiveRun {
  std::string run_id;
  std::string job;
  std::string stream;
  Stage stage = Stage::kOpen;
  Counters counters;  // Of all its streams.
  UtcTime at{};
};

class RunControl {
 public:
  virtual ~RunControl() = default;
  // Something in the store changed: schedules, ready runs, stop requests are looked at again.
  virtual void Wake() = 0;
  // Raises the stop of a running run, after its stop request is stored. Nothing when it is not
  // running.
  virtual void StopRun(std::string_view run_id) = 0;
  virtual std::optional<LiveRun> Live(std::string_view run_id) const = 0;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_RUN_CONTROL_H_
