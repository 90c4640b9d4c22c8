//! When each PC was last heard and what it said about itself.
//!
//! A register per PC, written by the worker and read by the API. Nothing is decided by it: a PC
//! that was never heard and one that is silent for a year are served the same.

use shelf_stock::time::Timestamp;
use shelf_wire::message::Stat;

/// What is known of a PC beside its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// When it was last heard, by the hub's clock.
    pub last_seen: Option<Timestamp>,
    /// Whether it said that it was being stopped.
    pub stopping: bool,
    /// Documents that it had un-acked at its last report.
    pub unsynced: Option<u64>,
    /// Wall time of the oldest of them.
    pub oldest_unsynced_wall: Option<Timestamp>,
    /// The catalogue's revision that it has.
    pub catalogue_revision: Option<u64>,
    /// What its clock said.
    pub wall: Option<Timestamp>,
    /// Its version.
    pub version: Option<String>,
}

impl Seen {
    /// What a report says, heard now.
    #[must_use]
    pub fn of(stat: &Stat, now: Timestamp) -> Self {
        Self {
            last_seen: Some(now),
            stopping: stat.stopping,
            unsynced: Some(stat.unsynced),
            oldest_unsynced_wall: stat.oldest_unsynced,
            catalogue_revision: Some(stat.catalogue_revision),
            wall: Some(stat.wall),
            version: Some(stat.version.clone()),
        }
    }
}
