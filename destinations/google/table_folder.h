// What the destinations of BigQuery keep on this machine: `bigquery/` of the state directory, with
// a lock for each target and what waits to be sent.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_TABLE_FOLDER_H_
#define BIZOND_DESTINATIONS_GOOGLE_TABLE_FOLDER_H_

#include <optional>
#include <string_view>

#include "base/fs.h"
#include "destinations/google/bigquery_config.h"

namespace bizond {

inline constexpr std::string_view kTableFolder = "bigquery";

// Makes the folder. Code no_state_dir where the connector was opened to look only.
Result<Location> OpenTableFolder(const std::optional<Root>& state_dir);
// The jobs of a state directory (each `bizond run` has a store of its own in it) are kept apart by
// it, whichever of the destinations they use; all others by the table's labels. Code target_locked.
Result<FileLock> LockTable(const Location& folder, const BigQueryTableName& target);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_TABLE_FOLDER_H_
