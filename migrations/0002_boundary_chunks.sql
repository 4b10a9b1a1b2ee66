-- Parts of boundary sets that are too large for one row.
-- AUTOINCREMENT: a number that a checkpoint or a watermark names is never given to another chunk.

CREATE TABLE boundary_chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL,
  stream TEXT NOT NULL,
  run_id TEXT NOT NULL  -- The run that wrote it; empty: the stream's watermark names it.
) STRICT;
CREATE INDEX boundary_chunks_by_stream ON boundary_chunks (job, stream);
CREATE INDEX boundary_chunks_by_run ON boundary_chunks (run_id) WHERE run_id <> '';

-- Never changed. Apart from the rows above: a change of those would write the bytes again.
CREATE TABLE boundary_entries (
  chunk INTEGER PRIMARY KEY,
  entries BLOB NOT NULL
) STRICT;
CREATE TRIGGER boundary_entries_go AFTER DELETE ON boundary_chunks BEGIN
  DELETE FROM boundary_entries WHERE chunk = old.id;
END;
