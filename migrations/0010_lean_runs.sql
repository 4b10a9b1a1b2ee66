-- What a run costs on disk is the number of pages that it touches: three indexes while it is queued
-- (recent, active, and ready once it may begin), two when it has ended (recent, by job).
--
-- runs_active takes the place of runs_behind, too: `waits` stands before the order in which a job's
-- runs begin. What ended long ago is found by runs_recent, for a run is queued before it ends.
DROP INDEX runs_by_job;
CREATE INDEX runs_by_job ON runs (job, queued_at, id) WHERE phase >= 2;
DROP INDEX runs_active;
DROP INDEX runs_behind;
CREATE INDEX runs_active ON runs (job, waits, priority DESC, queued_at, id) WHERE phase < 2;
DROP INDEX runs_ended;
-- A fire's run has the job and the nominal instant of its occurrence.
DROP INDEX occurrences_run;

-- The latest attempt is the run's own; `attempts` has those before it. (Of runs from before this
-- migration it has the latest as well.)
ALTER TABLE runs ADD COLUMN attempt_started_at INTEGER;
UPDATE runs SET attempt_started_at =
  (SELECT started_at FROM attempts WHERE run_id = runs.id AND number = runs.attempt)
  WHERE phase = 1;
DELETE FROM attempts WHERE finished_at IS NULL AND
  (run_id, number) IN (SELECT id, attempt FROM runs WHERE phase = 1);

-- Without AUTOINCREMENT, which writes a second table at every event. An id that a listener has seen
-- is not given out again because the newest event is never dropped.
CREATE TABLE lean_events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
INSERT INTO lean_events (id, at, kind, subject, detail)
  SELECT seq, 0, 'none', '', '{}' FROM sqlite_sequence
  WHERE name = 'events' AND seq > (SELECT coalesce(max(id), 0) FROM events);
INSERT INTO lean_events (id, at, kind, subject, detail)
  SELECT id, at, kind, subject, detail FROM events;
DROP TABLE events;
ALTER TABLE lean_events RENAME TO events;
