// Chunks of large boundary sets, and which of them are still named.
//
// A chunk belongs to the run that wrote it until the stream is recorded with a watermark that names
// it. Each of these runs in the transaction of the checkpoint or the record that it serves.
//
// Threads: one thread at a time, as the connection.
#ifndef BIZOND_STORE_BOUNDARY_TABLE_H_
#define BIZOND_STORE_BOUNDARY_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/change.h"
#include "store/records.h"

namespace bizond::boundaries {

int64_t Put(Change& change, const RunRow& run, std::string_view stream, std::string_view chunk);
std::optional<std::string> Get(Connection& db, std::string_view job, std::string_view stream,
                               int64_t id);
// Forgets what this run wrote for the stream, but for `named`.
void KeepOfRun(Change& change, std::string_view run, std::string_view stream,
               const std::vector<int64_t>& named);
// Forgets what the run wrote: it is over.
void ForgetRun(Change& change, std::string_view run);
// From now on the watermark names these and no others. Code bad_watermark when one is not there.
Status Record(Change& change, std::string_view job, std::string_view stream, std::string_view run,
              const std::vector<int64_t>& named);
// The watermark was put from outside: it names some of those that it named before.
void KeepOfWatermark(Change& change, std::string_view job, std::string_view stream,
                     const std::vector<int64_t>& named);
void ForgetJob(Change& change, std::string_view job);

}  // namespace bizond::boundaries

#endif  // BIZOND_STORE_BOUNDARY_TABLE_H_
