// Jobs and their versions.
//
// Threads: one thread at a time, as the connection.
#ifndef BIZOND_STORE_JOB_TABLE_H_
#define BIZOND_STORE_JOB_TABLE_H_

#include <optional>
#include <string_view>

#include "store/change.h"
#include "store/records.h"

namespace bizond::jobs {

std::optional<JobRow> Get(Connection& db, std::string_view name);
std::optional<JobRow> GetVersion(Connection& db, std::string_view name, int64_t version);
Result<PageOf<JobRow>> List(Connection& db, const Page& page);

JobRow Put(Change& change, const JobRow& job);
Status Delete(Change& change, std::string_view name, UtcTime now);
Status SetPaused(Change& change, std::string_view name, bool paused, UtcTime now);

}  // namespace bizond::jobs

#endif  // BIZOND_STORE_JOB_TABLE_H_
