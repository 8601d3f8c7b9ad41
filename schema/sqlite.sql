-- One table for everything, as in DynamoDB. Keys compare by their UTF-8 bytes (BINARY, SQLite's default).
CREATE TABLE items (
    pk         TEXT NOT NULL,
    sk         TEXT NOT NULL,
    gsi1pk     TEXT,
    gsi1sk     TEXT,
    gsi2pk     TEXT,
    gsi2sk     TEXT,
    expires_at INTEGER,       -- a copy of the attribute expiresAt, in epoch seconds
    attributes TEXT NOT NULL, -- a JSON object: a string is S, an integer is N, an array of strings is SS
    PRIMARY KEY (pk, sk)
) STRICT, WITHOUT ROWID;

CREATE INDEX items_gsi1 ON items (gsi1pk, gsi1sk, pk, sk) WHERE gsi1pk IS NOT NULL;
CREATE INDEX items_gsi2 ON items (gsi2pk, gsi2sk, pk, sk) WHERE gsi2pk IS NOT NULL;
CREATE INDEX items_expires_at ON items (expires_at) WHERE expires_at IS NOT NULL;

PRAGMA application_id = 1297437524; -- "MUST"
PRAGMA user_version = 1;
