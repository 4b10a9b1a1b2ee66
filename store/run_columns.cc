#include "store/run_columns.h"

#include "store/row_text.h"

namespace bizond::runs {

Counters CountersAt(const Query& query, int column) {
  return {query.Unsigned(column),     query.Unsigned(column + 1), query.Unsigned(column + 2),
          query.Unsigned(column + 3), query.Unsigned(column + 4), query.Unsigned(column + 5)};
}

RunRow RunFromRow(const Query& query) {
  RunRow run;
  run.id = query.Text(0);
  run.job = query.Text(1);
  run.job_version = query.Int(2);
  run.trigger = query.Text(3);
  run.phase = static_cast<RunPhase>(query.Int(4));
  run.attempt = static_cast<int>(query.Int(5));
  run.fence = query.Int(6);
  run.reset = query.Flag(7);
  run.priority = static_cast<int>(query.Int(8));
  run.nominal_at = query.MaybeTime(9);
  run.queued_at = query.Time(10);
  run.not_before = query.Time(11);
  run.started_at = query.MaybeTime(12);
  run.finished_at = query.MaybeTime(13);
  run.stage = static_cast<Stage>(query.Int(14));
  run.counters = CountersAt(query, 15);
  run.published = query.Flag(21);
  run.stop_request = static_cast<StopRequest>(query.Int(22));
  run.error = DecodeError(query.MaybeText(23));
  run.pool = query.Text(24);
  run.key = query.Text(25);
  run.key_limit = static_cast<int>(query.Int(26));
  run.parallel = query.Flag(27);
  run.waits = static_cast<RunWait>(query.Int(28));
  run.warnings = DecodeWarnings(query.MaybeText(29));
  run.window = query.MaybeText(30).value_or("");
  run.backfill = query.Text(31);
  return run;
}

}  // namespace bizond::runs
