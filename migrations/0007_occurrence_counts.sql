-- How many fires of a job ended how, since it is there: what retention moves away stays counted.
-- A row that stands for many missed fires is one.

CREATE TABLE occurrence_counts (
  job TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,  -- When the latest of them was recorded.
  PRIMARY KEY (job, state, reason)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER occurrences_ended_at_once AFTER INSERT ON occurrences
  WHEN new.state IN ('ran', 'skipped', 'missed') BEGIN
  INSERT INTO occurrence_counts (job, state, reason, count, last_at)
    VALUES (new.job, new.state, new.reason, 1, new.recorded_at)
    ON CONFLICT (job, state, reason) DO UPDATE SET
      count = count + 1, last_at = max(last_at, new.recorded_at);
END;
CREATE TRIGGER occurrences_ended AFTER UPDATE OF state ON occurrences
  WHEN new.state IN ('ran', 'skipped', 'missed') AND new.state <> old.state BEGIN
  INSERT INTO occurrence_counts (job, state, reason, count, last_at)
    VALUES (new.job, new.state, new.reason, 1, new.recorded_at)
    ON CONFLICT (job, state, reason) DO UPDATE SET
      count = count + 1, last_at = max(last_at, new.recorded_at);
END;
CREATE TRIGGER occurrence_counts_go AFTER DELETE ON jobs BEGIN
  DELETE FROM occurrence_counts WHERE job = old.name;
END;

INSERT INTO occurrence_counts (job, state, reason, count, last_at)
  SELECT job, state, reason, count(*), max(recorded_at) FROM occurrences
  WHERE state IN ('ran', 'skipped', 'missed') AND job IN (SELECT name FROM jobs)
  GROUP BY job, state, reason;
