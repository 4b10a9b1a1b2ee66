-- Schedules of `after`: a job that runs when another one's run has succeeded.
--
-- The end of the other one's run writes an occurrence without a run and makes the schedule due at
-- once; whoever fires gives it its run.

ALTER TABLE schedules ADD COLUMN upstream TEXT;  -- NULL: it goes by its own times.
CREATE INDEX schedules_by_upstream ON schedules (upstream) WHERE upstream IS NOT NULL;
CREATE INDEX occurrences_waiting ON occurrences (job, nominal_at)
  WHERE state = 'queued' AND run_id IS NULL;
