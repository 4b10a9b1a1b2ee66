#include "store/sqlite_queries.h"

#include "store/boundary_table.h"
#include "store/event_table.h"
#include "store/job_table.h"
#include "store/run_table.h"
#include "store/schedule_table.h"
#include "store/stream_table.h"

namespace bizond {

template <typename Base>
Result<std::optional<JobRow>> SqliteQueries<Base>::GetJob(std::string_view name) const {
  return db_.Guard([&]() -> Result<std::optional<JobRow>> { return jobs::Get(db_, name); });
}

template <typename Base>
Result<std::optional<JobRow>> SqliteQueries<Base>::GetJobVersion(std::string_view name,
                                                                 int64_t version) const {
  return db_.Guard(
      [&]() -> Result<std::optional<JobRow>> { return jobs::GetVersion(db_, name, version); });
}

template <typename Base>
Result<PageOf<JobRow>> SqliteQueries<Base>::ListJobs(const Page& page) const {
  return db_.Guard([&]() -> Result<PageOf<JobRow>> { return jobs::List(db_, page); });
}

template <typename Base>
Result<JobHistory> SqliteQueries<Base>::History(std::string_view job) const {
  return db_.Guard([&]() -> Result<JobHistory> { return runs::History(db_, history_.Get(), job); });
}

template <typename Base>
Result<std::optional<ScheduleRow>> SqliteQueries<Base>::GetSchedule(std::string_view job) const {
  return db_.Guard(
      [&]() -> Result<std::optional<ScheduleRow>> { return schedules::Get(db_, job); });
}

template <typename Base>
Result<std::vector<ScheduleRow>> SqliteQueries<Base>::DueSchedules(UtcTime now, int limit) const {
  return db_.Guard(
      [&]() -> Result<std::vector<ScheduleRow>> { return schedules::Due(db_, now, limit); });
}

template <typename Base>
Result<std::optional<UtcTime>> SqliteQueries<Base>::NextDue() const {
  return db_.Guard([&]() -> Result<std::optional<UtcTime>> { return schedules::NextDue(db_); });
}

template <typename Base>
Result<std::vector<OccurrenceRow>> SqliteQueries<Base>::WaitingOccurrences(std::string_view job,
                                                                           int limit) const {
  return db_.Guard(
      [&]() -> Result<std::vector<OccurrenceRow>> { return schedules::Waiting(db_, job, limit); });
}

template <typename Base>
Result<std::vector<ScheduleRow>> SqliteQueries<Base>::ListSchedules(std::string_view after,
                                                                    int limit) const {
  return db_.Guard(
      [&]() -> Result<std::vector<ScheduleRow>> { return schedules::List(db_, after, limit); });
}

template <typename Base>
Result<SchedulerMarks> SqliteQueries<Base>::GetSchedulerMarks() const {
  return db_.Guard([&]() -> Result<SchedulerMarks> { return schedules::GetMarks(db_); });
}

template <typename Base>
Result<std::vector<OccurrenceCount>> SqliteQueries<Base>::OccurrenceCounts(
    std::string_view job) const {
  return db_.Guard([&]() -> Result<std::vector<OccurrenceCount>> {
    return schedules::OccurrenceCounts(db_, job);
  });
}

template <typename Base>
Result<std::optional<UtcTime>> SqliteQueries<Base>::PrunedBefore() const {
  return db_.Guard([&]() -> Result<std::optional<UtcTime>> {
    const auto at = db_.MaybeInt("SELECT value FROM meta WHERE key = 'pruned_before'");
    return at ? std::optional(FromUnixMicros(*at)) : std::nullopt;
  });
}

template <typename Base>
Result<PageOf<OccurrenceRow>> SqliteQueries<Base>::ListOccurrences(const OccurrenceFilter& filter,
                                                                   const Page& page) const {
  return db_.Guard([&]() -> Result<PageOf<OccurrenceRow>> {
    return schedules::ListOccurrences(db_, history_.Get(), filter, page);
  });
}

template <typename Base>
Result<std::optional<OccurrenceRow>> SqliteQueries<Base>::FirstOccurrence(std::string_view job,
                                                                          UtcTime from) const {
  return db_.Guard([&]() -> Result<std::optional<OccurrenceRow>> {
    return schedules::FirstOccurrence(db_, history_.Get(), job, from);
  });
}

template <typename Base>
Result<FireCounts> SqliteQueries<Base>::CountFires(std::string_view job, UtcTime from, UtcTime to,
                                                   int most) const {
  return db_.Guard([&]() -> Result<FireCounts> {
    return schedules::Count(db_, history_.Get(), job, from, to, most);
  });
}

template <typename Base>
Result<std::optional<RunRow>> SqliteQueries<Base>::GetRun(std::string_view id) const {
  return db_.Guard([&]() -> Result<std::optional<RunRow>> { return runs::Get(HomeOf(id), id); });
}

template <typename Base>
Result<PageOf<RunRow>> SqliteQueries<Base>::ListRuns(const RunFilter& filter,
                                                     const Page& page) const {
  return db_.Guard(
      [&]() -> Result<PageOf<RunRow>> { return runs::List(db_, history_.Get(), filter, page); });
}

template <typename Base>
Result<std::vector<RunRow>> SqliteQueries<Base>::ActiveRuns(std::string_view job) const {
  return db_.Guard([&]() -> Result<std::vector<RunRow>> { return runs::Active(db_, job); });
}

template <typename Base>
Result<std::optional<std::string>> SqliteQueries<Base>::HeldRun(std::string_view job) const {
  return db_.Guard([&]() -> Result<std::optional<std::string>> { return runs::Held(db_, job); });
}

template <typename Base>
Result<bool> SqliteQueries<Base>::AnyReady(UtcTime now) const {
  return db_.Guard([&]() -> Result<bool> { return runs::AnyReady(db_, now); });
}

template <typename Base>
Result<std::optional<UtcTime>> SqliteQueries<Base>::NextReady() const {
  return db_.Guard([&]() -> Result<std::optional<UtcTime>> { return runs::NextReady(db_); });
}

template <typename Base>
Result<std::vector<std::string>> SqliteQueries<Base>::HoldersFor(const RunRow& run,
                                                                 int limit) const {
  return db_.Guard(
      [&]() -> Result<std::vector<std::string>> { return runs::HoldersFor(db_, run, limit); });
}

template <typename Base>
Result<std::vector<std::string>> SqliteQueries<Base>::StoppingRuns() const {
  return db_.Guard([&]() -> Result<std::vector<std::string>> { return runs::Stopping(db_); });
}

template <typename Base>
Result<std::vector<AttemptRow>> SqliteQueries<Base>::Attempts(std::string_view run) const {
  return db_.Guard(
      [&]() -> Result<std::vector<AttemptRow>> { return runs::Attempts(HomeOf(run), run); });
}

template <typename Base>
Result<std::vector<RunStreamRow>> SqliteQueries<Base>::RunStreams(std::string_view run) const {
  return db_.Guard(
      [&]() -> Result<std::vector<RunStreamRow>> { return runs::Streams(HomeOf(run), run); });
}

template <typename Base>
Result<std::optional<std::string>> SqliteQueries<Base>::GetChunk(std::string_view job,
                                                                 std::string_view stream,
                                                                 int64_t id) const {
  return db_.Guard([&]() -> Result<std::optional<std::string>> {
    return boundaries::Get(db_, job, stream, id);
  });
}

template <typename Base>
Result<std::optional<Checkpoint>> SqliteQueries<Base>::GetCheckpoint(
    std::string_view run, std::string_view stream) const {
  return db_.Guard(
      [&]() -> Result<std::optional<Checkpoint>> { return runs::GetCheckpoint(db_, run, stream); });
}

template <typename Base>
Result<std::vector<StreamStateRow>> SqliteQueries<Base>::StreamStates(std::string_view job) const {
  return db_.Guard([&]() -> Result<std::vector<StreamStateRow>> { return streams::All(db_, job); });
}

template <typename Base>
Result<std::optional<StreamStateRow>> SqliteQueries<Base>::StreamState(
    std::string_view job, std::string_view stream) const {
  return db_.Guard(
      [&]() -> Result<std::optional<StreamStateRow>> { return streams::Get(db_, job, stream); });
}

template <typename Base>
Result<std::vector<TargetRow>> SqliteQueries<Base>::Targets(std::string_view job) const {
  return db_.Guard([&]() -> Result<std::vector<TargetRow>> { return streams::Targets(db_, job); });
}

template <typename Base>
Result<std::optional<TargetRow>> SqliteQueries<Base>::TargetOwner(std::string_view target) const {
  return db_.Guard(
      [&]() -> Result<std::optional<TargetRow>> { return streams::TargetOwner(db_, target); });
}

template <typename Base>
Result<std::optional<std::string>> SqliteQueries<Base>::IdempotentRun(std::string_view job,
                                                                      std::string_view key) const {
  return db_.Guard(
      [&]() -> Result<std::optional<std::string>> { return events::IdempotentRun(db_, job, key); });
}

template <typename Base>
Result<std::vector<std::string>> SqliteQueries<Base>::PendingResets(std::string_view job) const {
  return db_.Guard(
      [&]() -> Result<std::vector<std::string>> { return streams::PendingResets(db_, job); });
}

template <typename Base>
Result<std::vector<EventRow>> SqliteQueries<Base>::EventsAfter(int64_t id, int limit) const {
  return db_.Guard(
      [&]() -> Result<std::vector<EventRow>> { return events::After(db_, id, limit); });
}

template <typename Base>
Result<int64_t> SqliteQueries<Base>::LastEventId() const {
  return db_.Guard([&]() -> Result<int64_t> { return events::LastId(db_); });
}

template <typename Base>
Connection& SqliteQueries<Base>::HomeOf(std::string_view run) const {
  Connection* const history = history_.Get();
  if (history == nullptr || db_.MaybeInt("SELECT 1 FROM runs WHERE id = ?", run)) return db_;
  return *history;
}

template class SqliteQueries<StoreReader>;
template class SqliteQueries<StoreTx>;

}  // namespace bizond
