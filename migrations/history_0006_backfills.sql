-- As in bizond.db.
ALTER TABLE runs ADD COLUMN cursor_window TEXT;
ALTER TABLE runs ADD COLUMN backfill TEXT NOT NULL DEFAULT '';
