-- One row for many missed fires in a row: nominal_at is the first of them, until the last.
ALTER TABLE occurrences ADD COLUMN until INTEGER;
