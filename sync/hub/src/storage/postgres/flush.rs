//! Writes what waits: one statement per table, all of them on the way at once.

use std::collections::BTreeMap;

use shelf_ledger::tables::StoreKey;
use shelf_replica::store::Peer;
use shelf_stock::document::SourceKey;

use super::super::StorageError;
use super::row::action_key;
use super::session::Batch;
use super::work::{Author, Known, NewMovement, Work, peer_key};

/// What is only added and never changed by a later document of the transaction, as a rule: the
/// rest waits on, so that a balance is written once.
pub(super) fn added(work: &Work<'_>) -> Result<(), StorageError> {
    let mut batch = Batch::default();
    {
        let mut known = work.known();
        documents(&mut known, &mut batch);
        let careful = work.session.is_careful();
        movements(std::mem::take(&mut known.movements), careful, &mut batch);
        sources(&mut known, careful, &mut batch);
    }
    work.session.run(batch)
}

/// Everything that waits in a transaction.
pub(super) fn all(work: &Work<'_>) -> Result<(), StorageError> {
    added(work)?;
    let mut batch = Batch::default();
    {
        let mut known = work.known();
        sums(&mut known, &mut batch);
        authors(&mut known, &mut batch);
        heads(&mut known, &mut batch);
        cursors(&mut known, &mut batch);
        states(&mut known, &mut batch);
        voids(&mut known, &mut batch);
        rows(&mut known, &mut batch);
    }
    work.session.run(batch)
}

fn documents(known: &mut Known, batch: &mut Batch) {
    let waiting = std::mem::take(&mut known.documents);
    if waiting.is_empty() {
        return;
    }
    let mut ids = Vec::with_capacity(waiting.len());
    let mut folded = Vec::with_capacity(waiting.len());
    let mut hlcs = Vec::with_capacity(waiting.len());
    let mut digests = Vec::with_capacity(waiting.len());
    let mut bytes = Vec::with_capacity(waiting.len());
    for (id, document) in waiting {
        ids.push(id);
        folded.push(document.folded);
        hlcs.push(document.hlc);
        digests.push(document.digest.as_bytes().to_vec());
        bytes.push(document.bytes);
    }
    batch.add(
        "INSERT INTO document (id, folded, hlc, digest, bytes)
         SELECT * FROM unnest($1::bigint[], $2::boolean[], $3::bigint[], $4::bytea[], $5::bytea[])",
        vec![
            Box::new(ids),
            Box::new(folded),
            Box::new(hlcs),
            Box::new(digests),
            Box::new(bytes),
        ],
    );
}

fn movements(waiting: Vec<NewMovement>, careful: bool, batch: &mut Batch) {
    if waiting.is_empty() {
        return;
    }
    let column = |of: fn(&NewMovement) -> i64| -> Vec<i64> { waiting.iter().map(of).collect() };
    let (stores, effective) = (column(|it| it.store), column(|it| it.effective));
    let (documents, quantities) = (column(|it| it.document), column(|it| it.quantity));
    let lines: Vec<i32> = waiting.iter().map(|it| it.line).collect();
    let text = |of: fn(&NewMovement) -> String| -> Vec<String> { waiting.iter().map(of).collect() };
    // To look for a row that can't be there costs as much as to write one.
    let sql = match careful {
        true => {
            "INSERT INTO movement
             (store, effective, document, quantity, line, item, from_location, to_location)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],
                                  $5::int[], $6::text[], $7::text[], $8::text[])
             ON CONFLICT DO NOTHING"
        }
        false => {
            "INSERT INTO movement
             (store, effective, document, quantity, line, item, from_location, to_location)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],
                                  $5::int[], $6::text[], $7::text[], $8::text[])"
        }
    };
    batch.add(
        sql,
        vec![
            Box::new(stores),
            Box::new(effective),
            Box::new(documents),
            Box::new(quantities),
            Box::new(lines),
            Box::new(text(|it| it.item.as_str().to_owned())),
            Box::new(text(|it| it.from.to_string())),
            Box::new(text(|it| it.to.to_string())),
        ],
    );
}

fn sums(known: &mut Known, batch: &mut Batch) {
    if known.sums.is_empty() {
        return;
    }
    // Sorted like the table, which is then written page by page.
    let mut waiting: Vec<_> = std::mem::take(&mut known.sums).into_iter().collect();
    waiting.sort_unstable();
    let (mut stores, mut quantities) = (Vec::new(), Vec::new());
    let (mut items, mut locations) = (Vec::new(), Vec::new());
    for ((store, item, location), quantity) in waiting {
        stores.push(store);
        quantities.push(quantity);
        items.push(item.as_str().to_owned());
        locations.push(location.to_string());
    }
    batch.add(
        "INSERT INTO balance (store, quantity, item, location)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
         ON CONFLICT (store, item, location)
         DO UPDATE SET quantity = balance.quantity + excluded.quantity",
        vec![
            Box::new(stores),
            Box::new(quantities),
            Box::new(items),
            Box::new(locations),
        ],
    );
}

/// Rows of source keys, as columns.
#[derive(Default)]
struct Sources {
    stores: Vec<i64>,
    sources: Vec<String>,
    receipts: Vec<String>,
    actions: Vec<i64>,
    parts: Vec<i64>,
    documents: Vec<i64>,
}

impl Sources {
    fn push(&mut self, (store, key): &(StoreKey, SourceKey), document: i64) {
        self.stores.push(store.0);
        self.sources.push(key.source.as_str().to_owned());
        self.receipts.push(key.receipt.as_str().to_owned());
        self.actions.push(action_key(key.action));
        self.parts.push(key.part.into());
        self.documents.push(document);
    }

    fn add_to(self, batch: &mut Batch, sql: &'static str) {
        if self.stores.is_empty() {
            return;
        }
        batch.add(
            sql,
            vec![
                Box::new(self.stores),
                Box::new(self.sources),
                Box::new(self.receipts),
                Box::new(self.actions),
                Box::new(self.parts),
                Box::new(self.documents),
            ],
        );
    }
}

/// Keys of which the table has no row are written without looking for one.
fn sources(known: &mut Known, careful: bool, batch: &mut Batch) {
    let (mut new, mut replaced) = (Sources::default(), Sources::default());
    for named in std::mem::take(&mut known.sources_changed) {
        // What is named twice is written once.
        let counted = known.sources.get_mut(&named);
        let Some(counted) = counted.filter(|it| it.changed) else {
            continue;
        };
        let Some(document) = counted.document else {
            continue;
        };
        counted.changed = false;
        match std::mem::replace(&mut counted.stands, true) || careful {
            true => replaced.push(&named, document),
            false => new.push(&named, document),
        }
    }
    new.add_to(
        batch,
        "INSERT INTO source_counted (store, source, receipt, action, part, document)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                              $6::bigint[])",
    );
    replaced.add_to(
        batch,
        "INSERT INTO source_counted (store, source, receipt, action, part, document)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                              $6::bigint[])
         ON CONFLICT (store, source, receipt, action, part)
         DO UPDATE SET document = excluded.document",
    );
}

fn authors(known: &mut Known, batch: &mut Batch) {
    let (mut keys, mut uptos) = (Vec::new(), Vec::new());
    let (mut lasts, mut digests) = (Vec::new(), Vec::new());
    let changed = known.authors.values_mut().flatten();
    for author in changed.filter(|it| it.changed) {
        author.changed = false;
        let Author {
            key, upto, last, ..
        } = *author;
        keys.push(key);
        uptos.push(upto.cast_signed());
        lasts.push(last.cast_signed());
        digests.push(author.digest.as_bytes().to_vec());
    }
    if keys.is_empty() {
        return;
    }
    batch.add(
        "UPDATE author SET upto = new.upto, last = new.last, digest = new.digest
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])
             AS new (key, upto, last, digest)
         WHERE author.key = new.key",
        vec![
            Box::new(keys),
            Box::new(uptos),
            Box::new(lasts),
            Box::new(digests),
        ],
    );
}

fn heads(known: &mut Known, batch: &mut Batch) {
    let waiting = std::mem::take(&mut known.heads);
    if waiting.is_empty() {
        return;
    }
    let (mut authors, mut seqs) = (Vec::new(), Vec::new());
    let (mut digests, mut signatures) = (Vec::new(), Vec::new());
    for ((author, seq), (digest, signature)) in waiting {
        authors.push(author);
        seqs.push(seq);
        digests.push(digest.as_bytes().to_vec());
        signatures.push(signature);
    }
    batch.add(
        "INSERT INTO signed_head (author, seq, digest, signature)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])
         ON CONFLICT (author, seq)
         DO UPDATE SET digest = excluded.digest, signature = excluded.signature",
        vec![
            Box::new(authors),
            Box::new(seqs),
            Box::new(digests),
            Box::new(signatures),
        ],
    );
}

fn cursors(known: &mut Known, batch: &mut Batch) {
    let changed = std::mem::take(&mut known.cursors_changed);
    if changed.is_empty() {
        return;
    }
    let value = |key: &(StoreKey, Peer, i64)| known.cursors.get(key).copied().unwrap_or(0);
    let (mut stores, mut peers) = (Vec::new(), Vec::new());
    let (mut authors, mut seqs) = (Vec::new(), Vec::new());
    for key in &changed {
        stores.push(key.0.0);
        peers.push(peer_key(&key.1).to_vec());
        authors.push(key.2);
        seqs.push(i64::try_from(value(key)).unwrap_or(i64::MAX));
    }
    batch.add(
        "INSERT INTO peer_cursor (store, peer, author, seq)
         SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[])
         ON CONFLICT (store, peer, author) DO UPDATE SET seq = excluded.seq",
        vec![
            Box::new(stores),
            Box::new(peers),
            Box::new(authors),
            Box::new(seqs),
        ],
    );
}

fn states(known: &mut Known, batch: &mut Batch) {
    let changed = std::mem::take(&mut known.states_changed);
    if changed.is_empty() {
        return;
    }
    let mut rows = BTreeMap::new();
    for key in changed {
        let value = known.states.get(&key).cloned().flatten();
        rows.insert(key, value.unwrap_or_default());
    }
    let (mut stores, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for ((store, key), value) in rows {
        stores.push(store.0);
        keys.push(key);
        values.push(value);
    }
    batch.add(
        "INSERT INTO replica_state (store, key, value)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])
         ON CONFLICT (store, key) DO UPDATE SET value = excluded.value",
        vec![Box::new(stores), Box::new(keys), Box::new(values)],
    );
}

fn rows(known: &mut Known, batch: &mut Batch) {
    let changed = std::mem::take(&mut known.rows_changed);
    let (mut stores, mut families) = (Vec::new(), Vec::new());
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for key in changed {
        if let Some(Some(value)) = known.rows.get(&key) {
            values.push(value.clone());
            stores.push(key.0.0);
            families.push(key.1);
            keys.push(key.2);
        }
    }
    if stores.is_empty() {
        return;
    }
    batch.add(
        "INSERT INTO machine_row (store, family, key, value)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])
         ON CONFLICT (store, family, key) DO UPDATE SET value = excluded.value",
        vec![
            Box::new(stores),
            Box::new(families),
            Box::new(keys),
            Box::new(values),
        ],
    );
}

fn voids(known: &mut Known, batch: &mut Batch) {
    let waiting = std::mem::take(&mut known.voids);
    if waiting.is_empty() {
        return;
    }
    let (mut stores, mut targets, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    for (store, target, document) in waiting {
        stores.push(store);
        targets.push(target);
        documents.push(document);
    }
    batch.add(
        "INSERT INTO void_mark (store, target, document)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])
         ON CONFLICT DO NOTHING",
        vec![Box::new(stores), Box::new(targets), Box::new(documents)],
    );
}
