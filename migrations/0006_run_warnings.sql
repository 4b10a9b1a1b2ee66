-- What a run warned of: a JSON array of {code, stream, message, remedy}, bounded; NULL: nothing.
ALTER TABLE runs ADD COLUMN warnings TEXT;
