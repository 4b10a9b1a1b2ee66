-- history.db: what ended long ago, moved here from bizond.db. The columns are those of the same table
-- there; a migration that adds one adds it here, too.

CREATE TABLE occurrences (
  job TEXT NOT NULL,
  nominal_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  run_id TEXT,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (job, nominal_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  job TEXT NOT NULL,
  job_version INTEGER NOT NULL,
  trigger TEXT NOT NULL,
  phase INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  node TEXT NOT NULL,
  reset INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  nominal_at INTEGER,
  queued_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  stage INTEGER NOT NULL,
  rows_read INTEGER NOT NULL,
  rows_written INTEGER NOT NULL,
  rows_rejected INTEGER NOT NULL,
  rows_deduplicated INTEGER NOT NULL,
  rows_filtered INTEGER NOT NULL,
  bytes_written INTEGER NOT NULL,
  published INTEGER NOT NULL,
  stop_request INTEGER NOT NULL,
  error TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_job ON runs (job, queued_at, id);
CREATE INDEX runs_recent ON runs (queued_at, id);
CREATE INDEX runs_unusual ON runs (phase, queued_at, id) WHERE phase > 2;

CREATE TABLE attempts (
  run_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  error TEXT,
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_streams (
  run_id TEXT NOT NULL,
  stream TEXT NOT NULL,
  state TEXT NOT NULL,
  rows_read INTEGER NOT NULL,
  rows_written INTEGER NOT NULL,
  rows_rejected INTEGER NOT NULL,
  rows_deduplicated INTEGER NOT NULL,
  rows_filtered INTEGER NOT NULL,
  bytes_written INTEGER NOT NULL,
  watermark_before TEXT NOT NULL,
  watermark_after TEXT NOT NULL,
  error TEXT,
  PRIMARY KEY (run_id, stream)
) STRICT, WITHOUT ROWID;
