//! The quick check before READY: the ends of the logs hold together.
//!
//! A few documents of the newest logs: bytes match their digest, each names its predecessor. It
//! costs microseconds and notices a torn or mixed-up file at once; all of it is checked later.

use std::path::Path;

use rusqlite::Connection;
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
pub(crate) fn broken(
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
    let mut after: Option<(DocumentKey, Digest)> = None;
    while let Some(row) = rows.next()? {
        let key = DocumentKey(row.get(0)?);
        let digest = Digest::from_bytes(row.get(1)?);
        let sealed = Sealed::read(row.get::<_, Vec<u8>>(2)?);
        let Some(sealed) = sealed.filter(|it| it.digest() == digest) else {
            return Ok(Some(key));
        };
        if sealed.place().seq != key.seq() {
            return Ok(Some(key));
        }
        if let Some((next, prev)) = after
            && next.0 == key.0 + 1
            && prev != digest
        {
            return Ok(Some(next));
        }
        after = Some((key, sealed.prev()));
    }
    Ok(None)
}
