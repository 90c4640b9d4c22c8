//! What only openings say: which documents they stand for, and which source keys stay taken.

use serde::{Deserialize, Serialize};

use super::{Document, DraftError, Kind, SourceKey};
use crate::identity::{Digest, Incarnation, Seq};

/// Documents of one log of an opening's author, for which the opening stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClosedLog {
    /// The author's incarnation.
    pub incarnation: Incarnation,
    /// From the number after this one…
    pub after: Seq,
    /// …to this one. Everything of the log up to here is closed, by this opening and others.
    pub upto: Seq,
    /// Digest of the document at `upto`.
    pub digest: Digest,
}

/// A source key that a document which an opening stands for has taken for good.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// The key.
    pub source: SourceKey,
    /// Incarnation of the document that counts for it.
    pub incarnation: Incarnation,
    /// Its number.
    pub seq: Seq,
}

pub(super) fn validate_carried(carried: &[Document]) -> Result<(), DraftError> {
    for document in carried {
        if matches!(document.draft.kind, Kind::Opening { .. }) {
            return Err(DraftError::Nested);
        }
        document.draft.validate()?;
    }
    Ok(())
}
