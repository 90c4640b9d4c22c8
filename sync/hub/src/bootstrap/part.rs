//! One part: frames of a log, each with its length before it in four bytes, highest first.

use sha2::{Digest as _, Sha256};
use shelf_replica::snapshot;
use shelf_replica::store::{LogId, LogState, ReadLimits};
use shelf_stock::identity::{Place, Seq};

use super::list::Part;
use super::{PART_BYTES_MAX, PART_DOCUMENTS_MAX};
use crate::storage::{Shop, StorageError};

/// What was made: the part as it is listed, and its bytes.
#[derive(Clone, Debug)]
pub struct Made {
    /// Without a number yet (0).
    pub part: Part,
    /// The file's content.
    pub content: Vec<u8>,
}

/// Makes the part of a log that begins after a number. `None` where its author signed nothing
/// there that could be passed on.
pub fn make(shop: &Shop<'_>, state: &LogState, after: Seq) -> Result<Option<Made>, StorageError> {
    // What openings stand for is not here any more.
    let one = ReadLimits {
        documents_max: 1,
        bytes_max: 0,
    };
    let first = shop.read(state.log, after, one)?;
    let Some(first) = first.first().map(|it| it.place().seq.0) else {
        return Ok(None);
    };
    let after = Seq(first.saturating_sub(1));
    let upto = Seq(after.0.saturating_add(PART_DOCUMENTS_MAX)).min(state.upto);
    let mut content = Vec::new();
    let mut last = after;
    while content.len() < PART_BYTES_MAX {
        let Some(cut) = snapshot::cut(&**shop, state.log, last, upto)? else {
            break;
        };
        let Ok(length) = u32::try_from(cut.payload.len()) else {
            break;
        };
        content.extend(length.to_be_bytes());
        content.extend(cut.payload);
        last = cut.last;
    }
    let place = Place {
        node: state.log.node,
        incarnation: state.log.incarnation,
        seq: last,
    };
    let Some(digest) = shop.digest_at(place)?.filter(|_| last > after) else {
        return Ok(None);
    };
    let sha256: [u8; 32] = Sha256::digest(&content).into();
    let part = Part {
        number: 0,
        node: state.log.node.to_string(),
        incarnation: format!("{:016x}", state.log.incarnation.0),
        first: after.0 + 1,
        last: last.0,
        digest: digest.to_string(),
        bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
        sha256: sha256.iter().map(|it| format!("{it:02x}")).collect(),
        full: content.len() >= PART_BYTES_MAX || after.0 + PART_DOCUMENTS_MAX <= state.upto.0,
    };
    Ok(Some(Made { part, content }))
}

/// Whether the store still has what a part ends with: not after it was restored from a backup.
pub fn is_true(shop: &Shop<'_>, log: LogId, part: &Part) -> Result<bool, StorageError> {
    let place = Place {
        node: log.node,
        incarnation: log.incarnation,
        seq: part.end(),
    };
    let held = shop.digest_at(place)?;
    Ok(held.is_some_and(|it| it.to_string() == part.digest))
}
