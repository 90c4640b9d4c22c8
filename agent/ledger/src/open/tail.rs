//! The quick check before READY: the ends of the logs hold together.
//!
//! A few documents of the newest logs: bytes match their digest, each names its predecessor. It
//! costs microseconds and notices a torn or mixed-up file at once; all of it is checked later.

use std::path::Path;

use rusqlite::{Connection, Row};
use shelf_stock::identity::{Digest, NodeId};
use shelf_wire::sealed::Sealed;

use super::OpenError;
use crate::tables::{DocumentKey, TableError, Tables};

/// Documents looked at in each log.
const TAIL_DOCUMENTS: i64 = 64;
/// Logs of this PC, newest first.
const OWN_LOGS: usize = 4;
/// Logs of others, newest first.
const FOREIGN_LOGS: usize = 8;

/// Verifies the ends of the newest logs.
pub(super) fn verify(tables: &Tables<'_>, node: NodeId, path: &Path) -> Result<(), OpenError> {
    let table = |source| OpenError::table(path.to_owned(), source);
    let authors = tables.authors().map_err(table)?;
    let newest = |own: bool| {
        authors
            .iter()
            .rev()
            .filter(move |(_, it, _)| (*it == node) == own)
    };
    for (author, _, _) in newest(true)
        .take(OWN_LOGS)
        .chain(newest(false).take(FOREIGN_LOGS))
    {
        let (_, last) = DocumentKey::range(*author);
        let first_bad =
            broken(tables.connection(), *author, last, TAIL_DOCUMENTS).map_err(table)?;
        if let Some(bad) = first_bad {
            let place = tables.place_of(bad).map_err(table)?;
            let path = path.to_owned();
            return Err(OpenError::Chain { path, place });
        }
    }
    Ok(())
}

/// The newest of the last `limit` documents up to key `until` of a log that doesn't fit.
fn broken(
    connection: &Connection,
    author: i64,
    until: i64,
    limit: i64,
) -> Result<Option<DocumentKey>, TableError> {
    let (first, _) = DocumentKey::range(author);
    let mut statement = connection.prepare_cached(
        "SELECT id, digest, bytes FROM document WHERE id BETWEEN ?1 AND ?2
         ORDER BY id DESC LIMIT ?3",
    )?;
    let mut rows = statement.query([first, until, limit])?;
    let mut later: Option<Link> = None;
    while let Some(row) = rows.next()? {
        let Some(link) = Link::read(row)? else {
            return Ok(Some(DocumentKey(row.get(0)?)));
        };
        if later.is_some_and(|it| !it.follows(&link)) {
            return Ok(later.map(|it| it.key));
        }
        later = Some(link);
    }
    Ok(None)
}

/// Walks a whole log: how many documents it has, and at most `max` that don't fit.
pub(crate) fn broken_documents(
    connection: &Connection,
    author: i64,
    max: usize,
) -> Result<(u64, Vec<DocumentKey>), TableError> {
    let (first, last) = DocumentKey::range(author);
    let mut statement = connection.prepare_cached(
        "SELECT id, digest, bytes FROM document WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    )?;
    let mut rows = statement.query([first, last])?;
    let (mut count, mut bad) = (0, Vec::new());
    let mut before: Option<Link> = None;
    while let Some(row) = rows.next()? {
        count += 1;
        let key = DocumentKey(row.get(0)?);
        let link = Link::read(row)?;
        let fits = match (&link, &before) {
            (None, _) => false,
            (Some(link), Some(before)) => link.follows(before),
            (Some(_), None) => true,
        };
        if !fits && bad.len() < max {
            bad.push(key);
        }
        before = link;
    }
    Ok((count, bad))
}

/// What ties a stored document to its neighbours.
#[derive(Clone, Copy)]
struct Link {
    key: DocumentKey,
    digest: Digest,
    prev: Digest,
}

impl Link {
    /// From id, digest and bytes; `None` where these disagree.
    fn read(row: &Row<'_>) -> Result<Option<Self>, TableError> {
        let key = DocumentKey(row.get(0)?);
        let digest = Digest::from_bytes(row.get(1)?);
        let sealed = Sealed::read(row.get::<_, Vec<u8>>(2)?);
        let sealed = sealed.filter(|it| it.digest() == digest && it.place().seq == key.seq());
        Ok(sealed.map(|it| Self {
            key,
            digest,
            prev: it.prev(),
        }))
    }

    /// Whether it names the document before it, unless there is a gap between them.
    fn follows(&self, before: &Self) -> bool {
        before.key.0 + 1 != self.key.0 || self.prev == before.digest
    }
}
