-- A backfill's runs: the part of the cursor that each reads (CursorWindow::Encode; NULL: a run that
-- goes by the watermark), and which backfill it is a slice of (empty: none).
ALTER TABLE runs ADD COLUMN cursor_window TEXT;
ALTER TABLE runs ADD COLUMN backfill TEXT NOT NULL DEFAULT '';
