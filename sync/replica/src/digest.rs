//! Digests of balances: two sides with the same documents must have the same books.
//!
//! A scan reads every item's book in small steps, so that it never holds a writer up, and counts
//! only if the logs were the same at its end as at its beginning and have no gaps. The digest of
//! an item covers its name and book; a bucket's is the sum of its items', so that the order in
//! which a storage gives them doesn't matter.

use std::collections::BTreeMap;

use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_wire::message::DIGEST_BUCKETS;

use crate::store::Store;

/// Items that one step reads.
pub const SCAN_ITEMS: usize = 100;
/// Milliseconds between two steps.
pub const SCAN_PAUSE_MS: u64 = 50;
/// The most differences that are told one by one.
pub const DIFFERENCES_MAX: usize = 100;

const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

/// An item whose book is another on the two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub item: ItemId,
    /// The PC's book.
    pub at_pc: Quantity,
    /// The hub's.
    pub at_hub: Quantity,
}

/// Every item's book but zeros, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Books {
    /// Which logs these are the books of.
    pub(crate) holds: u64,
    books: BTreeMap<ItemId, Quantity>,
}

/// Reading all books step by step.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    holds: u64,
    after: Option<ItemId>,
    books: BTreeMap<ItemId, Quantity>,
}

impl Scan {
    /// Begins; `None` where a log has a gap, whose far side counts already.
    pub(crate) fn begin<S: Store + ?Sized>(store: &S) -> Result<Option<Self>, S::Error> {
        let begun = |holds| Self {
            holds,
            after: None,
            books: BTreeMap::new(),
        };
        Ok(holds(store)?.map(begun))
    }

    /// One step. `Some` at the end: the books, or nothing if documents came meanwhile.
    pub(crate) fn step<S: Store + ?Sized>(
        &mut self,
        store: &S,
    ) -> Result<Option<Option<Books>>, S::Error> {
        let items = store.items(self.after.as_ref(), SCAN_ITEMS)?;
        for item in &items {
            let book = store.book(item)?;
            if book != Quantity::ZERO {
                self.books.insert(item.clone(), book);
            }
        }
        let Some(last) = items.into_iter().last() else {
            let same = holds(store)? == Some(self.holds);
            return Ok(Some(same.then(|| Books {
                holds: self.holds,
                books: std::mem::take(&mut self.books),
            })));
        };
        self.after = Some(last);
        Ok(None)
    }
}

impl Books {
    /// Each bucket's digest.
    pub(crate) fn buckets(&self) -> Vec<u64> {
        let mut buckets = vec![0_u64; DIGEST_BUCKETS];
        for (item, book) in &self.books {
            if let Some(sum) = buckets.get_mut(usize::from(bucket(item))) {
                *sum = sum.wrapping_add(digest(item, *book));
            }
        }
        buckets
    }

    /// The digest of everything.
    pub(crate) fn all(&self) -> u64 {
        let buckets = self.buckets();
        buckets
            .iter()
            .fold(FNV_OFFSET, |hash, it| fnv(hash, &it.to_le_bytes()))
    }

    /// The items of some buckets, as many whole buckets as fit; at least the first one's.
    pub(crate) fn of(&self, wanted: &[u8], max: usize) -> (Vec<u8>, Vec<(ItemId, Quantity)>) {
        let (mut buckets, mut items) = (Vec::new(), Vec::new());
        for it in wanted {
            let mine = self.books.iter().filter(|(item, _)| bucket(item) == *it);
            let mine: Vec<_> = mine.map(|(item, book)| (item.clone(), *book)).collect();
            if !buckets.is_empty() && items.len() + mine.len() > max {
                break;
            }
            buckets.push(*it);
            items.extend(mine);
        }
        items.truncate(max);
        (buckets, items)
    }

    /// What differs from a PC's items of some buckets; at most [`DIFFERENCES_MAX`].
    pub(crate) fn against(&self, buckets: &[u8], at_pc: &[(ItemId, Quantity)]) -> Vec<Difference> {
        let at_pc: BTreeMap<_, _> = at_pc.iter().map(|it| (&it.0, it.1)).collect();
        let here = self.books.keys().filter(|it| buckets.contains(&bucket(it)));
        let mut items: Vec<&ItemId> = here.chain(at_pc.keys().copied()).collect();
        items.sort();
        items.dedup();
        let book = |item: &ItemId| Difference {
            item: item.clone(),
            at_pc: at_pc.get(item).copied().unwrap_or(Quantity::ZERO),
            at_hub: self.books.get(item).copied().unwrap_or(Quantity::ZERO),
        };
        let all = items.into_iter().map(book);
        let differing = all.filter(|it| it.at_pc != it.at_hub);
        differing.take(DIFFERENCES_MAX).collect()
    }

    pub(crate) fn book(&self, item: &ItemId) -> Quantity {
        self.books.get(item).copied().unwrap_or(Quantity::ZERO)
    }
}

/// One number for what is held of every log; `None` while one has a gap.
fn holds<S: Store + ?Sized>(store: &S) -> Result<Option<u64>, S::Error> {
    let mut sum = 0_u64;
    for state in store.logs()? {
        if state.last > state.upto {
            return Ok(None);
        }
        let hash = fnv(FNV_OFFSET, state.log.node.as_bytes());
        let hash = fnv(hash, &state.log.incarnation.0.to_le_bytes());
        sum = sum.wrapping_add(fnv(hash, &state.upto.0.to_le_bytes()));
    }
    Ok(Some(sum))
}

fn bucket(item: &ItemId) -> u8 {
    let [first, ..] = fnv(FNV_OFFSET, item.as_str().as_bytes()).to_le_bytes();
    first
}

fn digest(item: &ItemId, book: Quantity) -> u64 {
    let hash = fnv(FNV_OFFSET, item.as_str().as_bytes());
    fnv(hash, &book.as_thousandths().to_le_bytes())
}

/// FNV-1a.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
    bytes.iter().fold(hash, mix)
}
