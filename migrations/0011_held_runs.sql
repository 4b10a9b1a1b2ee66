-- The rows that the last full refresh of the stream published, which the next one is held against
-- (checks.max_drop_percent); NULL: the last publication was none. What is known of it is taken over.
ALTER TABLE stream_states ADD COLUMN full_rows INTEGER;
UPDATE stream_states SET full_rows = (
  SELECT s.rows_written FROM runs r JOIN run_streams s ON s.run_id = r.id
  WHERE r.phase >= 2 AND r.job = stream_states.job AND r.published = 1 AND s.stream = stream_states.stream
    AND s.state = 'recorded' ORDER BY r.queued_at DESC, r.id DESC LIMIT 1)
WHERE watermark IS NULL;
