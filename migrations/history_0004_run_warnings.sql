-- As in bizond.db.
ALTER TABLE runs ADD COLUMN warnings TEXT;
