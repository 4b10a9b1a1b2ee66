// The columns of a run, as queries of it select them.
//
// Threads: pure functions.
#ifndef BIZOND_STORE_RUN_COLUMNS_H_
#define BIZOND_STORE_RUN_COLUMNS_H_

#include "store/connection.h"
#include "store/records.h"

#define BIZOND_RUN_COLUMNS                                                                    \
  "id, job, job_version, trigger, phase, attempt, fence, reset, priority, nominal_at, "       \
  "queued_at, not_before, started_at, finished_at, stage, rows_read, rows_written, "          \
  "rows_rejected, rows_deduplicated, rows_filtered, bytes_written, published, stop_request, " \
  "error, pool, key, key_limit, parallel, waits, warnings, cursor_window, backfill "

namespace bizond::runs {

// The row that a query of BIZOND_RUN_COLUMNS stands on.
RunRow RunFromRow(const Query& query);
// Six columns from `column` on.
Counters CountersAt(const Query& query, int column);

}  // namespace bizond::runs

#endif  // BIZOND_STORE_RUN_COLUMNS_H_
