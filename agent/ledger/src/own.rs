//! This PC's own log: who writes, in which incarnation, and what comes next.
//!
//! Kept in memory by the writer and read from the database at each opening. An incarnation is
//! drawn at the first document after opening, never before and never again: a restored image
//! can't reuse a place. A copy is taken before each job, so that undoing the job undoes this too.

use std::io;

use rusqlite::{Connection, OptionalExtension, params};
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::key::NodeKey;

use crate::environment::Entropy;
use crate::tables::{TableError, Tables};

/// Other logs whose last clock is looked at when opening, newest first.
const FOREIGN_LOGS_MAX: usize = 64;

/// Where this PC's log stands.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    node: NodeId,
    log: Option<OwnLog>,
    prev: Digest,
    hlc: Hlc,
}

#[derive(Clone, Copy, Debug)]
struct OwnLog {
    incarnation: Incarnation,
    seq: u64,
    /// The log's number in the tables, once it has one.
    author: Option<i64>,
}

/// What the next document needs to know of its log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    pub(crate) place: Place,
    pub(crate) prev: Digest,
    pub(crate) hlc: Hlc,
    /// The log's number in the tables, where it has one already.
    pub(crate) author: Option<i64>,
}

impl Own {
    /// Reads where the log of `node` stands.
    pub(crate) fn load(
        tables: &Tables<'_>,
        node: NodeId,
        wall: Timestamp,
    ) -> Result<Self, TableError> {
        let mut own = Self {
            node,
            log: None,
            prev: Digest::ZERO,
            hlc: Hlc::default(),
        };
        let authors = tables.authors()?;
        for (author, _, _) in authors.iter().filter(|(_, it, _)| *it == node) {
            if let Some((head, hlc)) = tables.tail(*author)?
                && hlc >= own.hlc
            {
                own.hlc = hlc;
                own.prev = head.digest;
            }
        }
        let foreign = authors.iter().rev().filter(|(_, it, _)| *it != node);
        for (author, _, _) in foreign.take(FOREIGN_LOGS_MAX) {
            if let Some((_, hlc)) = tables.tail(*author)? {
                own.hlc = own.hlc.observe(hlc, wall);
            }
        }
        Ok(own)
    }

    /// A foreign document was seen.
    pub(crate) fn observe(&mut self, hlc: Hlc, wall: Timestamp) {
        self.hlc = self.hlc.observe(hlc, wall);
    }

    /// The place and time of the next document. Draws the incarnation if there is none yet.
    pub(crate) fn next(&mut self, entropy: &dyn Entropy, wall: Timestamp) -> io::Result<Next> {
        let log = match self.log {
            Some(log) => log,
            None => OwnLog {
                incarnation: draw(entropy)?,
                seq: 0,
                author: None,
            },
        };
        self.log = Some(log);
        Ok(Next {
            place: Place {
                node: self.node,
                incarnation: log.incarnation,
                seq: Seq(log.seq + 1),
            },
            prev: self.prev,
            hlc: self.hlc.tick(wall),
            author: log.author,
        })
    }

    /// The next document was written.
    pub(crate) fn written(&mut self, next: &Next, digest: Digest, author: Option<i64>) {
        self.log = Some(OwnLog {
            incarnation: next.place.incarnation,
            seq: next.place.seq.0,
            author,
        });
        self.prev = digest;
        self.hlc = next.hlc;
    }
}

fn draw(entropy: &dyn Entropy) -> io::Result<Incarnation> {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes)?;
    Ok(Incarnation(u64::from_le_bytes(bytes)))
}

/// This PC's key, made where the database has none (new, or restored from a backup).
pub(crate) fn key(
    connection: &Connection,
    entropy: &dyn Entropy,
) -> Result<(NodeKey, bool), KeyError> {
    let seed: Option<[u8; 32]> = connection
        .query_row("SELECT key_seed FROM identity", [], |row| row.get(0))
        .optional()?;
    if let Some(seed) = seed {
        return Ok((NodeKey::from_seed(seed), false));
    }
    let mut seed = [0; 32];
    entropy.fill(&mut seed).map_err(KeyError::Entropy)?;
    connection.execute(
        "INSERT INTO identity (only, key_seed) VALUES (1, ?1)",
        params![seed],
    )?;
    Ok((NodeKey::from_seed(seed), true))
}

/// A key can't be read or made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the identity can't be read")]
    Sqlite(#[from] rusqlite::Error),
    #[error("no randomness for a new identity")]
    Entropy(#[source] io::Error),
}
