-- As in bizond.db: the latest attempt is the run's own.
ALTER TABLE runs ADD COLUMN attempt_started_at INTEGER;
