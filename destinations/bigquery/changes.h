// The day's changes of a table, counted against BigQuery's quota of 1,500 (load jobs, copies and
// queries into it; failed ones too).
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_CHANGES_H_
#define BIZOND_DESTINATIONS_BIGQUERY_CHANGES_H_

#include <string>

#include "base/time.h"
#include "destinations/bigquery/mark.h"

namespace bizond {

class RunLog;

// Counts one more. Near the end of the day's quota each run warns of it once; `said`: this one has.
void CountChange(ChangeCount* count, const std::string& table, UtcTime now, RunLog* log,
                 bool* said);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_CHANGES_H_
