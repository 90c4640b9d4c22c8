//! The total order of facts, for the few things where order matters.
//!
//! Movements commute and need none. Counts, bindings and "which of two reports counts" do: they
//! are compared by when it happened in the shop, then by hybrid logical time, then by place
//! (DESIGN, section 5). The order never depends on when something arrived here.

use crate::document::Document;
use crate::identity::{Incarnation, NODE_ID_BYTES, NodeId, Place, Seq};
use crate::time::{Hlc, Timestamp};

/// Bytes of [`OrderKey::to_bytes`].
pub const ORDER_KEY_BYTES: usize = 32 + NODE_ID_BYTES;

const SIGN: u64 = 1 << 63;

/// Where a fact stands among all facts: `(effective, hlc, node, incarnation, seq)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// When it happened in the shop.
    pub effective: Timestamp,
    /// Hybrid logical time of the document that says so.
    pub hlc: Hlc,
    /// That document.
    pub place: Place,
}

impl OrderKey {
    /// Of something that a document says happened at `effective`.
    pub fn new(document: &Document, effective: Timestamp) -> Self {
        Self {
            effective,
            hlc: document.hlc,
            place: document.place,
        }
    }

    /// Of a document that happened when it was written (a binding, the close of a count).
    pub fn of(document: &Document) -> Self {
        Self::new(document, document.wall)
    }

    /// Below every other key.
    pub const MIN: Self = Self {
        effective: Timestamp::from_millis(i64::MIN),
        hlc: Hlc::from_bits(0),
        place: Place {
            node: NodeId::from_bytes([0; NODE_ID_BYTES]),
            incarnation: Incarnation(0),
            seq: Seq(0),
        },
    };

    /// As bytes that compare like the key itself, for storages that compare bytes: effective
    /// (milliseconds, sign bit flipped), hlc, node, incarnation, seq; all big-endian.
    pub fn to_bytes(&self) -> [u8; ORDER_KEY_BYTES] {
        let mut bytes = [0; ORDER_KEY_BYTES];
        let effective = self.effective.as_millis().cast_unsigned() ^ SIGN;
        let fields: [&[u8]; 5] = [
            &effective.to_be_bytes(),
            &self.hlc.to_bits().to_be_bytes(),
            self.place.node.as_bytes(),
            &self.place.incarnation.0.to_be_bytes(),
            &self.place.seq.0.to_be_bytes(),
        ];
        for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }

    /// Back from [`OrderKey::to_bytes`]; `None` if there are not exactly that many bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; ORDER_KEY_BYTES] = bytes.try_into().ok()?;
        let (effective, rest) = bytes.split_first_chunk::<8>()?;
        let (hlc, rest) = rest.split_first_chunk::<8>()?;
        let (node, rest) = rest.split_first_chunk::<NODE_ID_BYTES>()?;
        let (incarnation, rest) = rest.split_first_chunk::<8>()?;
        let (seq, _) = rest.split_first_chunk::<8>()?;
        let effective = (u64::from_be_bytes(*effective) ^ SIGN).cast_signed();
        Some(Self {
            effective: Timestamp::from_millis(effective),
            hlc: Hlc::from_bits(u64::from_be_bytes(*hlc)),
            place: Place {
                node: NodeId::from_bytes(*node),
                incarnation: Incarnation(u64::from_be_bytes(*incarnation)),
                seq: Seq(u64::from_be_bytes(*seq)),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = OrderKey> {
        let edge = prop_oneof![any::<i64>(), -2i64..2];
        (
            edge,
            any::<u64>(),
            any::<[u8; 16]>(),
            any::<u64>(),
            any::<u64>(),
        )
            .prop_map(|(effective, hlc, node, incarnation, seq)| OrderKey {
                effective: Timestamp::from_millis(effective),
                hlc: Hlc::from_bits(hlc),
                place: Place {
                    node: NodeId::from_bytes(node),
                    incarnation: Incarnation(incarnation),
                    seq: Seq(seq),
                },
            })
    }

    proptest! {
        #[test]
        fn bytes_compare_like_keys_and_come_back(a in key(), b in key()) {
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(OrderKey::from_bytes(&a.to_bytes()), Some(a));
        }
    }

    #[test]
    fn the_least_key_is_below_the_wrongest_clock() {
        assert_eq!(OrderKey::MIN.to_bytes(), [0; ORDER_KEY_BYTES]);
        assert_eq!(OrderKey::from_bytes(&[0; 47]), None);
    }
}
