-- What /quality needs beyond verdicts and delays. Of the time before, it is not known.
ALTER TABLE account ADD COLUMN kept      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN flagged   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN nulls     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN missing   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN online_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN last_ms   INTEGER NOT NULL DEFAULT 0; -- when the last report was received
