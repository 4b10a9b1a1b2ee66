// Runs as the API shows them.
//
// Threads: pure functions.
#ifndef BIZOND_WEB_RUN_JSON_H_
#define BIZOND_WEB_RUN_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "base/time.h"
#include "scheduler/run_control.h"
#include "store/store.h"

namespace bizond {

// null where there is none.
nlohmann::json TimeJson(const std::optional<UtcTime>& time);
// A cursor's JSON token as the API shows it: a text; null for an empty one.
nlohmann::json CursorJson(const std::string& token);
nlohmann::json ErrorJson(const std::optional<Error>& error);
nlohmann::json WarningsJson(const std::vector<RunWarningRow>& warnings);
nlohmann::json CountersJson(const Counters& counters);

// A running run's stage and counters are those of this moment where `control` knows them.
nlohmann::json RunJson(const RunRow& run, const RunControl* control);
// With its streams and attempts.
Result<nlohmann::json> WholeRunJson(const StoreReader& reader, const RunRow& run,
                                    const RunControl* control);
// What a list of a job's last runs needs: {id, state, started_at, finished_at, rows_written,
// duration_ms}.
nlohmann::json RunSummaryJson(const RunRow& run);

}  // namespace bizond

#endif  // BIZOND_WEB_RUN_JSON_H_
