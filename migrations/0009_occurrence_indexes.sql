-- What did not run, and rows that stand for many fires: found without going through those that ran.
CREATE INDEX occurrences_unusual ON occurrences (job, nominal_at)
  WHERE state IN ('skipped', 'missed');
CREATE INDEX occurrences_until ON occurrences (job, until) WHERE until IS NOT NULL;
