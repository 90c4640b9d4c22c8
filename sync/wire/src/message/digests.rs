//! Digests of balances: PCs and hub compare them from coarse to fine, and a difference names its
//! items.

use prost::Message as _;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;

use super::{MessageError, field, parse};
use crate::generated as proto;

/// Into so many buckets items fall.
pub const DIGEST_BUCKETS: usize = 256;
/// The most items that are named at once.
pub const DIGEST_ITEMS_MAX: usize = 500;

/// One step of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Drawn by the PC for one comparison.
    pub round: u64,
    /// Over every log that is held: only equal logs have equal balances.
    pub holds: u64,
    /// What is compared.
    pub level: DigestLevel,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestLevel {
    /// Everything as one number.
    All(u64),
    /// Every bucket, [`DIGEST_BUCKETS`] of them.
    Buckets(Vec<u64>),
    /// The items of some buckets.
    Items {
        /// Which buckets.
        buckets: Vec<u8>,
        /// Their items and books, at most [`DIGEST_ITEMS_MAX`].
        items: Vec<(ItemId, Quantity)>,
    },
    /// The receiver holds other logs: again later.
    Later,
    /// Nothing differs.
    Equal,
}

impl Digests {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut written = proto::Digests {
            round: self.round,
            holds: self.holds,
            ..proto::Digests::default()
        };
        let level = match &self.level {
            DigestLevel::All(digest) => {
                written.digests = vec![*digest];
                proto::DigestLevel::All
            }
            DigestLevel::Buckets(digests) => {
                written.digests.clone_from(digests);
                proto::DigestLevel::Buckets
            }
            DigestLevel::Items { buckets, items } => {
                written.buckets.clone_from(buckets);
                for (item, book) in items.iter().take(DIGEST_ITEMS_MAX) {
                    written.items.push(item.as_str().to_owned());
                    written.books.push(book.as_thousandths());
                }
                proto::DigestLevel::Items
            }
            DigestLevel::Later => proto::DigestLevel::Later,
            DigestLevel::Equal => proto::DigestLevel::Equal,
        };
        written.level = level.into();
        written.encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::Digests = parse(body)?;
        let level = match proto::DigestLevel::try_from(read.level) {
            Ok(proto::DigestLevel::All) => match read.digests.as_slice() {
                [one] => Some(DigestLevel::All(*one)),
                _ => None,
            },
            Ok(proto::DigestLevel::Buckets) => {
                (read.digests.len() == DIGEST_BUCKETS).then_some(DigestLevel::Buckets(read.digests))
            }
            Ok(proto::DigestLevel::Items) => items(read.buckets, &read.items, &read.books),
            Ok(proto::DigestLevel::Later) => Some(DigestLevel::Later),
            Ok(proto::DigestLevel::Equal) => Some(DigestLevel::Equal),
            Ok(proto::DigestLevel::Unknown) | Err(_) => None,
        };
        Ok(Self {
            round: read.round,
            holds: read.holds,
            level: field("level", level)?,
        })
    }
}

fn items(buckets: Vec<u8>, items: &[String], books: &[i64]) -> Option<DigestLevel> {
    let few = items.len() == books.len()
        && items.len() <= DIGEST_ITEMS_MAX
        && buckets.len() <= DIGEST_BUCKETS;
    let pair = |(item, book): (&String, &i64)| {
        Some((ItemId::new(item).ok()?, Quantity::thousandths(*book)))
    };
    let items = items.iter().zip(books).map(pair).collect::<Option<_>>();
    let items = items.filter(|_| few)?;
    Some(DigestLevel::Items { buckets, items })
}
