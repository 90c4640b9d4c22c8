//! Consecutive documents of one log, without what the receiver can restore.
//!
//! The first four fields of every document follow from the batch: author, incarnation and number
//! count up, and each predecessor is the digest of the document before. The signed head isn't sent
//! either: it is the last document's. So one signature covers every byte, whatever a relay does.

use prost::Message as _;
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};

use super::{MessageError, field, node_bytes, optional_node, parse};
use crate::columnar::{self, Packed};
use crate::document::read_digest;
use crate::generated as proto;
use crate::key::{SIGNATURE_BYTES, SignedHead};
use crate::sealed::Sealed;

/// The most documents of one batch.
pub const BATCH_DOCUMENTS_MAX: usize = 4096;

/// Consecutive documents of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogBatch {
    /// The author; `None` where it is the PC in the topic.
    pub node: Option<NodeId>,
    /// The author's incarnation.
    pub incarnation: Incarnation,
    /// Number of the first document, from 1.
    pub first: Seq,
    /// Predecessor of the first document; `None` where the receiver should have it.
    pub prev: Option<Digest>,
    /// Each document's bytes after its first four fields; at least one.
    pub bodies: Vec<Vec<u8>>,
    /// The author's signature of the last document's head.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// A batch doesn't restore to documents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("document {seq:?} of a batch is too long or misplaced")]
pub struct RestoreError {
    seq: Seq,
}

impl LogBatch {
    /// A batch of consecutive documents of one log, each the predecessor of the next, with the
    /// signature of the last one's head. `None` if they are no such thing.
    pub fn of(documents: &[Sealed], head: &SignedHead, with_prev: bool) -> Option<Self> {
        let (first, last) = (documents.first()?, documents.last()?);
        let linked = documents.windows(2).all(|pair| match pair {
            [before, after] => follows(before, after),
            _ => false,
        });
        if !linked || last.head() != head.head || documents.len() > BATCH_DOCUMENTS_MAX {
            return None;
        }
        let place = first.place();
        // Number 1 always carries it: it leads across incarnations, where nothing is implied.
        let carried = with_prev || place.seq == Seq(1);
        Some(Self {
            node: None,
            incarnation: place.incarnation,
            first: place.seq,
            prev: carried.then_some(first.prev()),
            bodies: documents.iter().map(|it| it.body().to_vec()).collect(),
            signature: head.signature,
        })
    }

    /// The same batch as a relay sends it: with the author's name.
    #[must_use]
    pub fn by(self, node: NodeId) -> Self {
        Self {
            node: Some(node),
            ..self
        }
    }

    /// Number of the last document.
    pub fn last(&self) -> Seq {
        let more = u64::try_from(self.bodies.len())
            .unwrap_or(0)
            .saturating_sub(1);
        Seq(self.first.0.saturating_add(more))
    }

    /// The documents and the head that the signature must cover. `prev` is the digest of the
    /// document before the first: the batch's own, or what the receiver has stored.
    pub fn restore(
        &self,
        author: NodeId,
        prev: Digest,
    ) -> Result<(Vec<Sealed>, SignedHead), RestoreError> {
        let mut documents: Vec<Sealed> = Vec::with_capacity(self.bodies.len());
        let (mut prev, mut seq) = (prev, self.first);
        for body in &self.bodies {
            let place = Place {
                node: author,
                incarnation: self.incarnation,
                seq,
            };
            let sealed = Sealed::restore(place, prev, body).ok_or(RestoreError { seq })?;
            prev = sealed.digest();
            seq = Seq(seq.0.checked_add(1).ok_or(RestoreError { seq })?);
            documents.push(sealed);
        }
        let head = documents
            .last()
            .map(Sealed::head)
            .ok_or(RestoreError { seq })?;
        let signature = self.signature;
        Ok((documents, SignedHead { head, signature }))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        self.written(self.bodies.clone(), Vec::new())
    }

    /// The same with its bodies in columns, and where a compressor should begin anew; `None` where
    /// that can't be.
    pub(crate) fn encode_packed(&self) -> Option<(Vec<u8>, Vec<usize>)> {
        let Packed { bytes, mut cuts } = columnar::pack(&self.bodies)?;
        let length = bytes.len();
        let written = self.written(Vec::new(), bytes);
        // It is the last field.
        let before = written.len() - length;
        cuts.iter_mut().for_each(|it| *it += before);
        Some((written, cuts))
    }

    fn written(&self, bodies: Vec<Vec<u8>>, packed: Vec<u8>) -> Vec<u8> {
        let prev = self.prev.filter(|it| *it != Digest::ZERO);
        proto::LogBatch {
            node: node_bytes(self.node),
            incarnation: self.incarnation.0,
            first_seq: self.first.0,
            prev: prev.map(|it| it.as_bytes().to_vec()).unwrap_or_default(),
            bodies,
            signature: self.signature.to_vec(),
            packed,
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::LogBatch = parse(body)?;
        let number = Some(read.first_seq).filter(|it| *it > 0);
        let bodies = match read.packed.as_slice() {
            [] => Some(read.bodies),
            packed if read.bodies.is_empty() => {
                Some(columnar::unpack(packed).map_err(MessageError::Packed)?)
            }
            _ => None,
        };
        let bodies = bodies.filter(|it| (1..=BATCH_DOCUMENTS_MAX).contains(&it.len()));
        let prev = field("prev", read_digest(&read.prev))?;
        // Number 1 without predecessor is the first document that the node ever wrote.
        let left_out = prev == Digest::ZERO && read.first_seq != 1;
        Ok(Self {
            node: optional_node(&read.node)?,
            incarnation: Incarnation(read.incarnation),
            first: Seq(field("first_seq", number)?),
            prev: (!left_out).then_some(prev),
            bodies: field("bodies", bodies)?,
            signature: field("signature", read.signature.as_slice().try_into().ok())?,
        })
    }
}

fn follows(before: &Sealed, after: &Sealed) -> bool {
    let (one, two) = (before.place(), after.place());
    (one.node, one.incarnation) == (two.node, two.incarnation)
        && one.seq.0.checked_add(1) == Some(two.seq.0)
        && after.prev() == before.digest()
}
