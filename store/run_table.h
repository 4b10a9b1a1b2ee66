// Runs, their attempts, streams and checkpoints: queries (run_queries.cc), the life of a run
// (run_table.cc), who may begin (run_claims.cc), and what the pump writes (run_progress.cc).
//
// Threads: one thread at a time, as the connection.
#ifndef BIZOND_STORE_RUN_TABLE_H_
#define BIZOND_STORE_RUN_TABLE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/change.h"
#include "store/records.h"

namespace bizond::runs {

// ---- queries; `history` may be null ----
std::optional<RunRow> Get(Connection& db, std::string_view id);
Result<PageOf<RunRow>> List(Connection& db, Connection* history, const RunFilter& filter,
                            const Page& page);
JobHistory History(Connection& db, Connection* history, std::string_view job);
std::vector<RunRow> Active(Connection& db, std::string_view job);
// Those of the active ones that have begun.
std::vector<RunRow> Begun(Connection& db, std::string_view job);
// The run of the job that a check holds back.
std::optional<std::string> Held(Connection& db, std::string_view job);
bool AnyReady(Connection& db, UtcTime now);
std::optional<UtcTime> NextReady(Connection& db);
std::vector<std::string> HoldersFor(Connection& db, const RunRow& run, int limit);
std::vector<std::string> Stopping(Connection& db);
std::vector<AttemptRow> Attempts(Connection& db, std::string_view run);
std::vector<RunStreamRow> Streams(Connection& db, std::string_view run);
// Whether the publication of one of the run's streams is decided and not recorded.
bool IsDecided(Connection& db, std::string_view run);
Result<std::optional<Checkpoint>> GetCheckpoint(Connection& db, std::string_view run,
                                                std::string_view stream);

// ---- the life of a run ----
Status Insert(Change& change, const RunRow& run);
Result<int64_t> Claim(Change& change, std::string_view id, std::string_view node, UtcTime now);
// The same of a queued run that was read in this change; `run` becomes what is stored.
void Begin(Change& change, RunRow& run, int64_t fence, std::string_view node, UtcTime now);
Result<ClaimedRuns> ClaimReady(Change& change, const ClaimBounds& bounds, std::string_view node,
                               UtcTime now);
Status Requeue(Change& change, std::string_view id, int64_t fence,
               const std::optional<Error>& error, UtcTime not_before, UtcTime now);
Status Finish(Change& change, std::string_view id, int64_t fence, RunPhase phase,
              const std::optional<Error>& error, UtcTime now);
Status CancelQueued(Change& change, std::string_view id, const std::optional<Error>& error,
                    UtcTime now);
void PullQueued(Change& change, UtcTime now, Duration step);
Status Reopen(Change& change, std::string_view id, UtcTime now);
Status HoldStream(Change& change, std::string_view run, int64_t fence, std::string_view stream,
                  const Error& why);
Status Approve(Change& change, std::string_view id, UtcTime now);
Status CancelHeld(Change& change, std::string_view id, UtcTime now);
Status RequestStop(Change& change, std::string_view id, StopRequest request);
std::vector<RunRow> AdoptOrphans(Change& change, std::string_view node, UtcTime now);

// ---- the pump's ----
Result<int64_t> PutChunk(Change& change, std::string_view run, int64_t fence,
                         std::string_view stream, std::string_view chunk);
Status SaveCheckpoint(Change& change, std::string_view run, int64_t fence, std::string_view stream,
                      const Checkpoint& checkpoint);
Status DropCheckpoint(Change& change, std::string_view run, int64_t fence, std::string_view stream);
Status RecordStream(Change& change, std::string_view run, int64_t fence, std::string_view stream,
                    const StreamRecord& record, bool last, UtcTime now);
Status FailStream(Change& change, std::string_view run, int64_t fence, std::string_view stream,
                  const Counters& counters, const Error& error);
Status AddWarning(Change& change, std::string_view run, int64_t fence,
                  const RunWarningRow& warning);
Status SetStage(Change& change, std::string_view run, int64_t fence, Stage stage);

// ---- shared by the sources ----
// The first of `count` new fences in a row. One counter for all runs, so that a fence tells the
// order of any two attempts.
int64_t NewFences(Change& change, int64_t count);
// The latest attempt of an ended run gets a row of its own: another one is to follow.
void KeepAttempt(Change& change, std::string_view id);
// What a run that is not stored yet would wait for.
RunWait WaitOfNew(Connection& db, const RunRow& run);
// After the run gave back its key, its pool and (`job`) its job: a claim looks at whoever is next.
void LetNextGo(Change& change, const RunRow& run, bool job);
// A claim looks at the first run of each pool and key.
void LetAllGroupsGo(Change& change);

// The running run that `fence` owns. not_found, fenced.
Result<RunRow> Owned(Connection& db, std::string_view id, int64_t fence);
Failure NoRun(std::string_view id);

}  // namespace bizond::runs

#endif  // BIZOND_STORE_RUN_TABLE_H_
