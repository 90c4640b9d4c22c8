//! The catalogue's rows in PostgreSQL.
//!
//! An import reads everything that it may compare with in a few statements, decides in memory, and
//! writes in a few statements; a dry run leaves out the last step. Imports of several workers go
//! one after the other.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::item::Item;
use shelf_stock::name::Code;
use shelf_stock::time::Timestamp;

use super::super::StorageError;
use super::row::{self, at_most};
use super::session::Batch;
use super::work::Work;
use crate::catalogue::import::Import;
use crate::catalogue::table::{self, CatalogueRows, Entry, ImportReport, Published};

/// What an import knows and changes.
#[derive(Debug, Default)]
struct Loaded {
    revision: u64,
    owners: BTreeMap<String, String>,
    bodies: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    changed: BTreeSet<String>,
    added_revision: Option<(u64, i64, u64, u64)>,
}

impl CatalogueRows for Loaded {
    fn revision(&self) -> Result<u64, StorageError> {
        Ok(self.revision)
    }

    fn owner(&self, code: &str) -> Result<Option<String>, StorageError> {
        Ok(self.owners.get(code).cloned())
    }

    fn body(&self, item: &str) -> Result<Option<String>, StorageError> {
        Ok(self.bodies.get(item).cloned())
    }

    fn put(&mut self, item: &Item, body: &str, _: u64) -> Result<(), StorageError> {
        let id = item.id.as_str();
        self.owners.retain(|_, owner| owner != id);
        for code in &item.codes {
            self.owners.insert(code.to_string(), id.to_owned());
        }
        self.bodies.insert(id.to_owned(), body.to_owned());
        self.names.insert(id.to_owned(), item.name.clone());
        self.changed.insert(id.to_owned());
        Ok(())
    }

    fn add_revision(
        &mut self,
        revision: u64,
        now: Timestamp,
        added: u64,
        changed: u64,
    ) -> Result<(), StorageError> {
        self.added_revision = Some((revision, now.as_millis(), added, changed));
        Ok(())
    }
}

pub(super) fn import(
    work: &Work<'_>,
    import: &Import,
    now: Timestamp,
    dry_run: bool,
) -> Result<ImportReport, StorageError> {
    work.session
        .batch("LOCK TABLE hub_catalogue_revision IN SHARE ROW EXCLUSIVE MODE")?;
    let mut loaded = load(work, import)?;
    let report = table::apply(&mut loaded, import, now, dry_run)?;
    if !dry_run {
        store(work, loaded)?;
    }
    Ok(report)
}

fn load(work: &Work<'_>, import: &Import) -> Result<Loaded, StorageError> {
    let mut loaded = Loaded {
        revision: revision(work)?,
        ..Loaded::default()
    };
    let ids: Vec<&str> = import.rows.iter().map(|it| it.item.id.as_str()).collect();
    let codes = import.rows.iter().flat_map(|it| &it.item.codes);
    let codes: Vec<&str> = codes.map(Code::as_str).collect();
    let rows = work.session.query(
        "SELECT item, body FROM hub_catalogue_item WHERE item = ANY($1::text[])",
        &[&ids],
    )?;
    for it in &rows {
        loaded.bodies.insert(row::col(it, 0)?, row::col(it, 1)?);
    }
    let rows = work.session.query(
        "SELECT code, item FROM hub_catalogue_code
         WHERE code = ANY($1::text[]) OR item = ANY($2::text[])",
        &[&codes, &ids],
    )?;
    for it in &rows {
        loaded.owners.insert(row::col(it, 0)?, row::col(it, 1)?);
    }
    Ok(loaded)
}

fn store(work: &Work<'_>, loaded: Loaded) -> Result<(), StorageError> {
    let Some((revision, now, added, changed)) = loaded.added_revision else {
        return Ok(());
    };
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let items: Vec<String> = loaded.changed.iter().cloned().collect();
    work.session.execute(
        "DELETE FROM hub_catalogue_code WHERE item = ANY($1::text[])",
        &[&items],
    )?;
    let text = |of: &BTreeMap<String, String>| -> Vec<String> {
        let texts = items.iter().map(|it| of.get(it).cloned());
        texts.map(Option::unwrap_or_default).collect()
    };
    let mut batch = Batch::default();
    batch.add(
        "INSERT INTO hub_catalogue_item (item, revision, name, body)
         SELECT item, $2, name, body FROM unnest($1::text[], $3::text[], $4::text[])
             AS new (item, name, body)
         ON CONFLICT (item) DO UPDATE SET
             revision = excluded.revision, name = excluded.name, body = excluded.body",
        vec![
            Box::new(items.clone()),
            Box::new(number(revision)),
            Box::new(text(&loaded.names)),
            Box::new(text(&loaded.bodies)),
        ],
    );
    let owned = loaded.owners.iter();
    let (codes, owners): (Vec<String>, Vec<String>) = owned
        .filter(|(_, owner)| loaded.changed.contains(*owner))
        .map(|(code, owner)| (code.clone(), owner.clone()))
        .unzip();
    batch.add(
        "INSERT INTO hub_catalogue_code (code, item) SELECT * FROM unnest($1::text[], $2::text[])",
        vec![Box::new(codes), Box::new(owners)],
    );
    batch.add(
        "INSERT INTO hub_catalogue_revision (revision, imported_at, added, changed)
         VALUES ($1, $2, $3, $4)",
        vec![
            Box::new(number(revision)),
            Box::new(now),
            Box::new(number(added)),
            Box::new(number(changed)),
        ],
    );
    work.session.run(batch)
}

pub(super) fn revision(work: &Work<'_>) -> Result<u64, StorageError> {
    let sql = "SELECT coalesce(max(revision), 0) FROM hub_catalogue_revision";
    let row = work.session.first(sql, &[])?;
    row.map_or(Ok(0), |it| row::number(&it, 0))
}

pub(super) fn entries(
    work: &Work<'_>,
    since: u64,
    after: Option<(u64, &str)>,
    limit: usize,
) -> Result<Vec<Entry>, StorageError> {
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let (after_revision, after_item) = after.unwrap_or((since, ""));
    let rows = work.session.query(
        "SELECT revision, body FROM hub_catalogue_item
         WHERE revision > $1 AND (revision, item) > ($2, $3)
         ORDER BY revision, item LIMIT $4",
        &[
            &number(since),
            &number(after_revision),
            &after_item,
            &at_most(limit),
        ],
    )?;
    let entry = |it: &tokio_postgres::Row| table::entry(row::number(it, 0)?, row::col(it, 1)?);
    rows.iter().map(entry).collect()
}

pub(super) fn publish(work: &Work<'_>, published: &Published) -> Result<(), StorageError> {
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    work.session.execute(
        "UPDATE hub_catalogue_revision SET sha256 = $2, bytes = $3 WHERE revision = $1",
        &[
            &number(published.revision),
            &published.sha256.as_slice(),
            &number(published.bytes),
        ],
    )?;
    Ok(())
}

pub(super) fn published(
    work: &Work<'_>,
    revision: Option<u64>,
) -> Result<Option<Published>, StorageError> {
    let revision = revision.map(|it| i64::try_from(it).unwrap_or(i64::MAX));
    let row = work.session.first(
        "SELECT revision, sha256, bytes FROM hub_catalogue_revision
         WHERE sha256 IS NOT NULL AND ($1::bigint IS NULL OR revision = $1)
         ORDER BY revision DESC LIMIT 1",
        &[&revision],
    )?;
    let published = |it: tokio_postgres::Row| {
        Ok(Published {
            revision: row::number(&it, 0)?,
            sha256: row::bytes(&it, 1)?,
            bytes: row::number(&it, 2)?,
        })
    };
    row.map(published).transpose()
}
