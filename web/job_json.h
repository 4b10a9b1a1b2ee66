// Jobs and their state as the API shows them.
//
// Threads: pure functions over a reader's snapshot.
#ifndef BIZOND_WEB_JOB_JSON_H_
#define BIZOND_WEB_JOB_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/time.h"
#include "scheduler/run_control.h"
#include "store/store.h"

namespace bizond {

// "\"v3\""
std::string EtagOf(const JobRow& job);

struct JobView {
  const StoreReader& reader;
  const RunControl* control = nullptr;
  UtcTime now{};
  bool whole = false;  // With the definition.
};

// {name, tags, version, etag, managed_by, origin, paused, source, destination, schedule, next_at,
// health, last_run, last_success_at, recent_runs, created_at, updated_at}. `health` is ok, running,
// failing, paused, late (a fire is overdue) or never_run.
Result<nlohmann::json> JobJson(const JobRow& job, const JobView& view);

// {"streams": [{stream, watermark: {cursor, cursor_type} | null, position, checkpoint,
// updated_at}]}. A cursor is a text whatever its type: a JSON number would lose digits.
Result<nlohmann::json> StateJson(const StoreReader& reader, const std::string& job);

}  // namespace bizond

#endif  // BIZOND_WEB_JOB_JSON_H_
