-- Schema 3: openings. Released migrations are frozen: a change is a new file.

-- Everything of the log up to `closed` is stood for by openings; the digest of the document there.
ALTER TABLE author ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE author ADD COLUMN closed_digest BLOB;
