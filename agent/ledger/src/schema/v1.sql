-- Schema 1. Released migrations are frozen: a change is a new file.
--
-- Keys: a text that repeats (item, code, source, session, area) is a `word`; a log is an `author`
-- (one per store, node and incarnation); a document's id is author << 40 | seq, so that a log is
-- one run of the table and its end is found without an index. A PC has one store, a hub many.
-- Locations: 0 to 7 in the order of the words floor, backroom, staging, inspection, damaged,
-- supplier, customer, loss; 16 + word for `transit:` + word. Quantities are thousandths.
-- Rows that are searched by their key and have no other are WITHOUT ROWID: one page per write.

CREATE TABLE store (
    key    INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name   TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE word (
    key  INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE author (
    key         INTEGER PRIMARY KEY,
    store       INTEGER NOT NULL,
    node        BLOB NOT NULL,
    incarnation INTEGER NOT NULL,
    upto        INTEGER,
    UNIQUE (store, node, incarnation)
) STRICT;

-- The documents, verbatim. folded = 0: stored and relayed, but not understood (yet).
CREATE TABLE document (
    id     INTEGER PRIMARY KEY,
    folded INTEGER NOT NULL,
    hlc    INTEGER NOT NULL,
    digest BLOB NOT NULL,
    bytes  BLOB NOT NULL
) STRICT;

-- What the fold derives from documents. All of it can be rebuilt.
CREATE TABLE group_part (
    store    INTEGER NOT NULL,
    node     BLOB NOT NULL,
    id       TEXT NOT NULL,
    parts    INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (store, node, id, parts, part, document)
) STRICT, WITHOUT ROWID;

CREATE TABLE source_counted (
    store    INTEGER NOT NULL,
    source   INTEGER NOT NULL,
    receipt  TEXT NOT NULL,
    action   INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (store, source, receipt, action, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE source_duplicate (
    store    INTEGER NOT NULL,
    source   INTEGER NOT NULL,
    receipt  TEXT NOT NULL,
    action   INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (store, source, receipt, action, part, document)
) STRICT, WITHOUT ROWID;

CREATE TABLE movement (
    store         INTEGER NOT NULL,
    item          INTEGER NOT NULL,
    effective     INTEGER NOT NULL,
    document      INTEGER NOT NULL,
    line          INTEGER NOT NULL,
    from_location INTEGER NOT NULL,
    to_location   INTEGER NOT NULL,
    quantity      INTEGER NOT NULL,
    PRIMARY KEY (store, item, effective, document, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE balance (
    store    INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    location INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (store, item, location)
) STRICT, WITHOUT ROWID;

CREATE TABLE unbound (
    store    INTEGER NOT NULL,
    code     INTEGER NOT NULL,
    document INTEGER NOT NULL,
    line     INTEGER NOT NULL,
    PRIMARY KEY (store, code, document, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE binding (
    store    INTEGER NOT NULL,
    code     INTEGER NOT NULL,
    position BLOB NOT NULL,
    PRIMARY KEY (store, code, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE void_mark (
    store    INTEGER NOT NULL,
    target   TEXT NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (store, target, document)
) STRICT, WITHOUT ROWID;

CREATE TABLE count_line (
    store    INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    location INTEGER NOT NULL,
    position BLOB NOT NULL,
    line     INTEGER NOT NULL,
    session  INTEGER NOT NULL,
    area     INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (store, item, location, position, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX count_line_session ON count_line (store, session, location, item);

-- item 0: every item that has a line in the session there.
CREATE TABLE count_close (
    store    INTEGER NOT NULL,
    session  INTEGER NOT NULL,
    location INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    position BLOB NOT NULL,
    PRIMARY KEY (store, session, location, item, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX count_close_item ON count_close (store, item, location) WHERE item <> 0;

CREATE TABLE count_step (
    store       INTEGER NOT NULL,
    item        INTEGER NOT NULL,
    location    INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    quantity    INTEGER NOT NULL,
    cut         BLOB NOT NULL,
    variance    INTEGER NOT NULL,
    window_from INTEGER NOT NULL,
    window_to   INTEGER NOT NULL,
    ambiguous   INTEGER NOT NULL,
    PRIMARY KEY (store, item, location, number)
) STRICT, WITHOUT ROWID;

-- Replication. `upto` of an author: everything from 1 to here is stored; NULL: the log has no
-- gap (then the last document says it, and an ordinary commit writes no row here).
CREATE TABLE signed_head (
    author    INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    digest    BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (author, seq)
) STRICT, WITHOUT ROWID;

-- peer: empty for the hub, else the node.
CREATE TABLE peer_cursor (
    store  INTEGER NOT NULL,
    peer   BLOB NOT NULL,
    author INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (store, peer, author)
) STRICT, WITHOUT ROWID;

-- place: node, incarnation and number, big-endian, so that bytes compare like places.
CREATE TABLE parked (
    store  INTEGER NOT NULL,
    place  BLOB NOT NULL,
    digest BLOB NOT NULL,
    reason INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (store, place, digest, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE replica_state (
    store INTEGER NOT NULL,
    key   TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
) STRICT, WITHOUT ROWID;

-- This PC alone. `identity` never leaves it: backups are stripped of it.
CREATE TABLE identity (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    key_seed BLOB NOT NULL
) STRICT;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE basket_event (
    till   TEXT NOT NULL,
    basket TEXT NOT NULL,
    number INTEGER NOT NULL,
    event  TEXT NOT NULL,
    PRIMARY KEY (till, basket, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE payment_intent (
    id      TEXT PRIMARY KEY,
    till    TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_intent_open ON payment_intent (till) WHERE is_open = 1;

CREATE TABLE inbox (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    reason   TEXT NOT NULL,
    raw      BLOB NOT NULL,
    digest   BLOB NOT NULL,
    wall     INTEGER NOT NULL,
    resolved INTEGER,
    answer   TEXT,
    UNIQUE (kind, key, digest)
) STRICT;

-- The catalogue: one row per item, its codes, and two ways to search names.
CREATE TABLE catalogue (
    item      INTEGER PRIMARY KEY,
    folded    TEXT NOT NULL,
    quick_key TEXT,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX catalogue_folded ON catalogue (folded);
CREATE INDEX catalogue_quick_key ON catalogue (quick_key) WHERE quick_key IS NOT NULL;

CREATE TABLE catalogue_code (
    code TEXT NOT NULL,
    item INTEGER NOT NULL,
    PRIMARY KEY (code, item)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE catalogue_search USING fts5 (
    name, content = '', contentless_delete = 1, tokenize = 'trigram'
);
