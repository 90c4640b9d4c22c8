//! A log cut into payloads for a file, as a relay sends them: what a new PC gets at once.
//!
//! The payloads are those of the exchange itself (`LogBatch` with the author's name and signature),
//! so that whoever reads the file needs no second way to trust or to store it
//! ([`crate::node::NodeInput::Snapshot`]). What is cut depends on the store and the numbers alone:
//! the same log makes the same payloads. Nothing here reads or writes files.

use shelf_stock::identity::Seq;

pub use crate::hub::BOOTSTRAP_DOCUMENTS_MIN;
use crate::outflow::cut_relayed;
use crate::store::{LogId, Store};

/// Documents of one payload, unless their author signed no smaller part: storing them takes no
/// longer than a till can wait.
pub const SNAPSHOT_BATCH_DOCUMENTS: usize = 500;

/// A payload of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The last document in it.
    pub last: Seq,
    /// A `LogBatch` in the newest format.
    pub payload: Vec<u8>,
}

/// The payload after a number of a log, with no document beyond `upto`. `None` where nothing that
/// its author signed fits: the exchange brings the rest.
pub fn cut<S: Store + ?Sized>(
    store: &S,
    log: LogId,
    after: Seq,
    upto: Seq,
) -> Result<Option<Cut>, S::Error> {
    let found = cut_relayed(store, log, (after, upto), SNAPSHOT_BATCH_DOCUMENTS)?;
    Ok(found.and_then(|(last, payload)| {
        let payload = payload.ok()?;
        Some(Cut { last, payload })
    }))
}
