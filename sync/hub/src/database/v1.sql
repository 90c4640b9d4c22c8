-- What only a hub has. Released migrations are frozen: a change is a new file.

-- When a PC was last heard, and the row that it reported last.
CREATE TABLE hub_node (
    store                INTEGER NOT NULL,
    node                 BLOB NOT NULL,
    last_seen            INTEGER NOT NULL,
    stopping             INTEGER NOT NULL DEFAULT 0,
    unsynced             INTEGER,
    oldest_unsynced_wall INTEGER,
    catalogue_revision   INTEGER,
    wall                 INTEGER,
    version              TEXT,
    PRIMARY KEY (store, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE hub_catalogue_item (
    item     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    name     TEXT NOT NULL,
    body     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX hub_catalogue_item_revision ON hub_catalogue_item (revision, item);

CREATE TABLE hub_catalogue_code (
    code TEXT PRIMARY KEY,
    item TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX hub_catalogue_code_item ON hub_catalogue_code (item);

-- sha256 and bytes: of the file, once it is written.
CREATE TABLE hub_catalogue_revision (
    revision    INTEGER PRIMARY KEY,
    imported_at INTEGER NOT NULL,
    added       INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    sha256      BLOB,
    bytes       INTEGER
) STRICT;
