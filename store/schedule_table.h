// Schedules and their occurrences.
//
// Threads: one thread at a time, as the connection.
#ifndef BIZOND_STORE_SCHEDULE_TABLE_H_
#define BIZOND_STORE_SCHEDULE_TABLE_H_

#include <optional>
#include <string_view>
#include <vector>

#include "store/change.h"
#include "store/records.h"

namespace bizond::schedules {

std::optional<ScheduleRow> Get(Connection& db, std::string_view job);
std::vector<ScheduleRow> Due(Connection& db, UtcTime now, int limit);
std::optional<UtcTime> NextDue(Connection& db);
std::vector<ScheduleRow> List(Connection& db, std::string_view after, int limit);
std::vector<OccurrenceCount> OccurrenceCounts(Connection& db, std::string_view job);
SchedulerMarks GetMarks(Connection& db);
// `history` may be null.
Result<PageOf<OccurrenceRow>> ListOccurrences(Connection& db, Connection* history,
                                              const OccurrenceFilter& filter, const Page& page);
std::optional<OccurrenceRow> FirstOccurrence(Connection& db, Connection* history,
                                             std::string_view job, UtcTime from);
FireCounts Count(Connection& db, Connection* history, std::string_view job, UtcTime from,
                 UtcTime to, int most);

std::vector<OccurrenceRow> Waiting(Connection& db, std::string_view job, int limit);

void Put(Change& change, const ScheduleRow& schedule);
void Delete(Change& change, std::string_view job);
// A run of `upstream` has succeeded: an occurrence for each schedule that follows it.
void NoteSuccess(Change& change, std::string_view upstream, UtcTime now);
bool InsertOccurrence(Change& change, const OccurrenceRow& occurrence);
void UndoMissed(Change& change, std::string_view job, UtcTime now);
void PutMarks(Change& change, const SchedulerMarks& marks);
Status SetOccurrence(Change& change, const OccurrenceRow& occurrence);

}  // namespace bizond::schedules

#endif  // BIZOND_STORE_SCHEDULE_TABLE_H_
