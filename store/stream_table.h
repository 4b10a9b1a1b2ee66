// The state of streams across runs, targets and their owners, resets that were asked for.
//
// Threads: one thread at a time, as the connection.
#ifndef BIZOND_STORE_STREAM_TABLE_H_
#define BIZOND_STORE_STREAM_TABLE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/change.h"
#include "store/records.h"

namespace bizond::streams {

Result<std::vector<StreamStateRow>> All(Connection& db, std::string_view job);
Result<std::optional<StreamStateRow>> Get(Connection& db, std::string_view job,
                                          std::string_view stream);
void Put(Change& change, std::string_view job, const StreamStateRow& row, UtcTime now);
// After a publication: the receipt, and the watermark if there is a new one.
void Record(Change& change, std::string_view job, std::string_view stream,
            const StreamRecord& record, UtcTime now);
void Forget(Change& change, std::string_view job);

std::vector<TargetRow> Targets(Connection& db, std::string_view job);
std::optional<TargetRow> TargetOwner(Connection& db, std::string_view target);
Status ClaimTarget(Change& change, const TargetRow& target);
void ReleaseTargets(Change& change, std::string_view job);

std::vector<std::string> PendingResets(Connection& db, std::string_view job);
void PutPendingReset(Change& change, std::string_view job, std::string_view stream, UtcTime now);
void DropPendingResets(Change& change, std::string_view job);

}  // namespace bizond::streams

#endif  // BIZOND_STORE_STREAM_TABLE_H_
