-- Every alarm that was ever raised. Times are Unix ms, 0 for never.
CREATE TABLE alarms (
  id         INTEGER PRIMARY KEY, -- its place in the log
  rule       TEXT NOT NULL,
  severity   INTEGER NOT NULL,    -- 1 info, 2 warning, 3 critical
  party      INTEGER NOT NULL,    -- 0: the platform's own
  kind       INTEGER NOT NULL,    -- 1 platform, 2 party, 3 station, 4 pile, 5 vehicle
  object     TEXT NOT NULL,
  station    TEXT NOT NULL,
  name       TEXT NOT NULL,
  level      INTEGER NOT NULL,
  bits       INTEGER NOT NULL,
  count      INTEGER NOT NULL,
  total      INTEGER NOT NULL,
  last_known INTEGER NOT NULL,
  text       TEXT NOT NULL,
  since_ms   INTEGER NOT NULL,
  raised_ms  INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  acked_ms   INTEGER NOT NULL DEFAULT 0,
  acked_by   TEXT NOT NULL DEFAULT '',
  note       TEXT NOT NULL DEFAULT '',
  cleared_ms INTEGER NOT NULL DEFAULT 0,
  reason     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX alarms_open ON alarms (rule, party, object) WHERE cleared_ms = 0;
CREATE INDEX alarms_cleared ON alarms (cleared_ms) WHERE cleared_ms > 0;
CREATE INDEX alarms_of_party ON alarms (party, id);
