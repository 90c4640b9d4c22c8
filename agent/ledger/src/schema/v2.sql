-- Schema 2: orders and rights. Released migrations are frozen: a change is a new file.

-- Folded: which documents say what the store did about an order.
CREATE TABLE order_fact (
    store    INTEGER NOT NULL,
    name     TEXT NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (store, name, document)
) STRICT, WITHOUT ROWID;

-- The machines' keyed rows: rights, orders, compensations and their like. `family` says what a row
-- is; key and value are the machine's own bytes.
CREATE TABLE machine_row (
    store  INTEGER NOT NULL,
    family INTEGER NOT NULL,
    key    BLOB NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (store, family, key)
) STRICT, WITHOUT ROWID;

-- What a channel may sell of an item and has sold, both cumulative, in thousandths. `held`: what
-- an external marketplace was shown and has not confirmed to have lowered.
CREATE TABLE quota (
    store   INTEGER NOT NULL,
    item    INTEGER NOT NULL,
    channel TEXT NOT NULL,
    limited INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    held    INTEGER NOT NULL,
    PRIMARY KEY (store, item, channel)
) STRICT, WITHOUT ROWID;
