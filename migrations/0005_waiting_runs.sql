-- What a queued run waits for, so that a claim looks at no run twice that it cannot begin.
--
-- `waits` is RunWait: 0 a worker, 1 its time, 2 its job, 3 its key, 4 its pool. Only those with 0 are
-- looked at by a claim; what ends lets the next one go (store/run_claims.cc). `parallel`: runs beside
-- others of its job.
ALTER TABLE runs ADD COLUMN pool TEXT NOT NULL DEFAULT 'default';
ALTER TABLE runs ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN key_limit INTEGER NOT NULL DEFAULT 1;
ALTER TABLE runs ADD COLUMN parallel INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
-- The next claim finds out what each waits for.
UPDATE runs SET waits = 1 WHERE phase = 0;

DROP INDEX runs_ready;
DROP INDEX runs_waiting;
CREATE INDEX runs_ready ON runs (priority DESC, queued_at, id) WHERE phase = 0 AND waits = 0;
CREATE INDEX runs_waiting ON runs (not_before) WHERE phase = 0 AND waits = 1;
CREATE INDEX runs_behind ON runs (job, priority DESC, queued_at, id) WHERE phase = 0 AND waits = 2;
CREATE INDEX runs_limited ON runs (pool, key, priority DESC, queued_at, id)
  WHERE phase = 0 AND waits > 2;
CREATE INDEX runs_limited_by_key ON runs (key, pool) WHERE phase = 0 AND waits > 2 AND key <> '';
CREATE INDEX runs_begun ON runs (job) WHERE phase < 2 AND attempt > 0;
CREATE INDEX runs_keyed ON runs (key, key_limit) WHERE phase < 2 AND key <> '';
CREATE INDEX runs_holding_key ON runs (key) WHERE phase = 1 AND key <> '';
CREATE INDEX runs_holding_pool ON runs (pool) WHERE phase = 1 AND pool <> 'default';
CREATE INDEX runs_stopping ON runs (id) WHERE phase = 1 AND stop_request = 1;
