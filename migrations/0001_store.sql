-- What is hot: jobs, schedules, runs that are active or ended lately, state of streams.
--
-- Instants are microseconds since 1970 UTC. The numbers of `phase` are those of RunPhase: 0 queued,
-- 1 running, 2 succeeded, above that every other end. A partial index is used only by a query that
-- repeats its condition word for word; the queries do (store/run_queries.cc).

CREATE TABLE meta (
  key TEXT PRIMARY KEY,  -- store_id, epoch, fence, retained_before
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  managed_by TEXT NOT NULL,
  origin TEXT NOT NULL,
  paused INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_success_at INTEGER
) STRICT, WITHOUT ROWID;

-- Outlives its job: a run ends with the version that it began with, and numbers are not used twice.
CREATE TABLE job_versions (
  job TEXT NOT NULL,
  version INTEGER NOT NULL,
  definition TEXT NOT NULL,
  managed_by TEXT NOT NULL,
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (job, version)
) STRICT, WITHOUT ROWID;

-- Jobs whose stream state and targets wait for a job of the same name.
CREATE TABLE deleted_jobs (
  name TEXT PRIMARY KEY,
  deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
  job TEXT PRIMARY KEY,
  next_at INTEGER,
  last_nominal INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE occurrences (
  job TEXT NOT NULL,
  nominal_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  run_id TEXT,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (job, nominal_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX occurrences_run ON occurrences (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX occurrences_age ON occurrences (recorded_at);

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
CREATE INDEX runs_ready ON runs (priority DESC, queued_at, id, not_before) WHERE phase = 0;
CREATE INDEX runs_waiting ON runs (not_before) WHERE phase = 0;
CREATE INDEX runs_active ON runs (job, queued_at, id) WHERE phase < 2;
CREATE INDEX runs_unusual ON runs (phase, queued_at, id) WHERE phase > 2;
CREATE INDEX runs_ended ON runs (finished_at) WHERE finished_at IS NOT NULL;

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

-- A row may be large (boundary sets): with rowids, so that a page holds many keys.
CREATE TABLE checkpoints (
  run_id TEXT NOT NULL,
  stream TEXT NOT NULL,
  checkpoint TEXT NOT NULL,
  PRIMARY KEY (run_id, stream)
) STRICT;

CREATE TABLE stream_states (
  job TEXT NOT NULL,
  stream TEXT NOT NULL,
  watermark TEXT,
  receipt TEXT,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (job, stream)
) STRICT;

CREATE TABLE targets (
  target TEXT PRIMARY KEY,
  job TEXT NOT NULL,
  stream TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX targets_by_job ON targets (job);

CREATE TABLE idempotency_keys (
  job TEXT NOT NULL,
  key TEXT NOT NULL,
  run_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE pending_resets (
  job TEXT NOT NULL,
  stream TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  PRIMARY KEY (job, stream)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: an id that a listener has seen is never given out again.
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
