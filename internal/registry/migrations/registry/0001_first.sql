CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- The position is the last log entry (Seq) that this file has made its own.
-- The marks are the largest numbers ever given, also to what is gone by now.
INSERT INTO meta (key, value) VALUES
  ('instance', lower(hex(randomblob(16)))),
  ('position', 0),
  ('access', 1),
  ('mark.station', 0),
  ('mark.pile', 0),
  ('mark.vehicle', 0);

CREATE TABLE parties (
  num           INTEGER PRIMARY KEY AUTOINCREMENT,
  slug          TEXT NOT NULL UNIQUE,
  kind          INTEGER NOT NULL CHECK (kind IN (1, 2)), -- 1 operator, 2 maker
  name          TEXT NOT NULL,
  name_en       TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  added_ms      INTEGER NOT NULL,
  removed_ms    INTEGER
) STRICT;

CREATE TABLE tokens (
  id       TEXT PRIMARY KEY,
  role     INTEGER NOT NULL CHECK (role BETWEEN 0 AND 3), -- 0 driver, 1 operator, 2 maker, 3 regulator
  party    INTEGER REFERENCES parties (num),
  sha256   BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  added_ms INTEGER NOT NULL,
  CHECK ((party IS NULL) = (role IN (0, 3)))
) STRICT, WITHOUT ROWID;

-- Whoever changes parties or tokens, also by hand, moves this number.
CREATE TRIGGER parties_added   AFTER INSERT ON parties BEGIN UPDATE meta SET value = value + 1 WHERE key = 'access'; END;
CREATE TRIGGER parties_changed AFTER UPDATE ON parties BEGIN UPDATE meta SET value = value + 1 WHERE key = 'access'; END;
CREATE TRIGGER parties_deleted AFTER DELETE ON parties BEGIN UPDATE meta SET value = value + 1 WHERE key = 'access'; END;
CREATE TRIGGER tokens_added    AFTER INSERT ON tokens  BEGIN UPDATE meta SET value = value + 1 WHERE key = 'access'; END;
CREATE TRIGGER tokens_changed  AFTER UPDATE ON tokens  BEGIN UPDATE meta SET value = value + 1 WHERE key = 'access'; END;
CREATE TRIGGER tokens_deleted  AFTER DELETE ON tokens  BEGIN UPDATE meta SET value = value + 1 WHERE key = 'access'; END;

CREATE TABLE stations (
  num           INTEGER PRIMARY KEY,
  party         INTEGER NOT NULL,
  id            TEXT NOT NULL,
  name          TEXT NOT NULL,
  name_en       TEXT NOT NULL,
  lon           REAL NOT NULL, -- WGS-84
  lat           REAL NOT NULL,
  access        INTEGER NOT NULL, -- 0 public, 1 restricted, 2 private
  district      TEXT NOT NULL,    -- adcode, '' when not said
  address       TEXT NOT NULL,
  phone         TEXT NOT NULL,
  open_hours    TEXT NOT NULL,
  parking_type  INTEGER,          -- NULL when nothing was said of parking
  parking_text  TEXT,
  parking_fen_h INTEGER,
  parking_free_min INTEGER,
  UNIQUE (party, id)
) STRICT;

CREATE TABLE piles (
  num      INTEGER PRIMARY KEY,
  station  INTEGER NOT NULL REFERENCES stations (num) ON DELETE CASCADE,
  place    INTEGER NOT NULL, -- in the operator's order
  party    INTEGER NOT NULL,
  id       TEXT NOT NULL,
  kind     INTEGER NOT NULL, -- 1 ac, 2 dc
  rated_kw REAL NOT NULL,
  standard TEXT NOT NULL,
  bay      TEXT NOT NULL,
  UNIQUE (party, id)
) STRICT;
CREATE INDEX piles_of_station ON piles (station, place);

CREATE TABLE tariffs (
  station       INTEGER NOT NULL REFERENCES stations (num) ON DELETE CASCADE,
  valid_from_ms INTEGER NOT NULL,
  bands         TEXT NOT NULL, -- JSON: [[from minute, to minute, energy, service], …], yuan per kWh × 10,000
  PRIMARY KEY (station, valid_from_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE vehicles (
  num         INTEGER PRIMARY KEY,
  party       INTEGER NOT NULL,
  vin         TEXT NOT NULL UNIQUE,
  class       INTEGER NOT NULL,
  model       TEXT NOT NULL,
  battery_kwh REAL NOT NULL -- 0 when not said
) STRICT;

CREATE TABLE account (
  party     INTEGER PRIMARY KEY,
  received  INTEGER NOT NULL,
  taken     INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  history   INTEGER NOT NULL,
  rejected  INTEGER NOT NULL
) STRICT;

CREATE TABLE rule_counts (
  party  INTEGER NOT NULL,
  rule   TEXT NOT NULL,
  action INTEGER NOT NULL, -- 1 reject, 2 duplicate, 3 history, 4 flag, 5 null
  count  INTEGER NOT NULL,
  PRIMARY KEY (party, rule, action)
) STRICT, WITHOUT ROWID;

CREATE TABLE delay_counts (
  party INTEGER NOT NULL,
  class INTEGER NOT NULL, -- place in the record's table of delay bounds
  count INTEGER NOT NULL,
  PRIMARY KEY (party, class)
) STRICT, WITHOUT ROWID;
