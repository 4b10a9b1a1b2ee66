-- What is older than `history_retention` is found by when it was recorded.
CREATE INDEX occurrences_age ON occurrences (recorded_at);
