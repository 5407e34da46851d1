CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('position', 0);

CREATE TABLE sessions (
  party       INTEGER NOT NULL,
  id          TEXT NOT NULL,
  pile        INTEGER NOT NULL, -- its number when the session was taken
  pile_id     TEXT NOT NULL,
  start_ms    INTEGER NOT NULL,
  end_ms      INTEGER NOT NULL,
  energy_kwh  REAL NOT NULL,
  vin         TEXT NOT NULL,
  bands       TEXT NOT NULL, -- JSON: [[from ms, to ms, kWh, energy fen, service fen], …]
  energy_fen  INTEGER NOT NULL, -- -1 when not said, like the next three
  service_fen INTEGER NOT NULL,
  parking_fen INTEGER NOT NULL,
  total_fen   INTEGER NOT NULL,
  stop_reason INTEGER NOT NULL, -- -1 when not said
  PRIMARY KEY (party, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_pile ON sessions (party, pile_id, start_ms);
