//! Which very things were sold at the tills of this PC: what a pad must not sell again, and what an exit lets
//! pass.
//!
//! An own fold, beside the quantities of stock: a sale by barcode doesn't say which EPC left, and a sale by
//! EPC says it for this thing alone. Written in the transaction of the sale.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::EpcBytes;
use shelf_ledger::tables::TableError;
use shelf_ledger::{Tx, Writer};
use shelf_stock::time::Timestamp;
use shelf_till::basket::Goods;

/// Sold EPCs that are remembered; of more, those sold longest ago are forgotten at the next start.
const SOLD_MAX: usize = 20_000;
/// News that wait for whoever follows; more are dropped, and the sets still say all.
const NEWS_MAX: usize = 20_000;
/// Where sold EPCs are kept.
const KEY: &str = "rfid.sold/";

/// What a sale means to pads and exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// This thing was sold.
    Sold(EpcBytes),
    /// This thing came back.
    Returned(EpcBytes),
    /// Pieces of an article were sold by barcode.
    Pieces(Gtin, u16),
}

/// What was sold, tag by tag.
#[derive(Debug, Default)]
pub(crate) struct SoldTags {
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    sold: BTreeSet<EpcBytes>,
    /// News with their numbers; each follower knows how far it is.
    news: BTreeMap<u64, News>,
    next: u64,
}

impl SoldTags {
    /// What the ledger remembers.
    pub(crate) fn load(writer: &Writer) -> Self {
        let load = |tx: &mut Tx<'_>| {
            let mut rows = tx.settings_under(KEY, usize::MAX)?;
            if let Some(excess) = rows.len().checked_sub(SOLD_MAX) {
                rows.sort_by_key(|(_, at)| at.parse::<i64>().unwrap_or(0));
                for (key, _) in rows.drain(..excess) {
                    tx.setting_drop(&key)?;
                }
            }
            Ok::<_, TableError>(rows)
        };
        let rows = match writer.execute_blocking("sold tags", load).wait() {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "what was sold by tag can't be read");
                Vec::new()
            }
        };
        let epc = |(key, _): &(String, String)| EpcBytes::from_hex(key.strip_prefix(KEY)?);
        let sold = Self::default();
        sold.locked().sold = rows.iter().filter_map(epc).collect();
        sold
    }

    /// Writes what a basket sells and takes back, in the transaction of its sale.
    pub(crate) fn write(tx: &mut Tx<'_>, goods: &[Goods], at: Timestamp) -> Result<(), TableError> {
        for it in goods {
            let Some(epc) = &it.epc else { continue };
            let key = format!("{KEY}{epc}");
            match it.comes_back {
                true => tx.setting_drop(&key)?,
                false => tx.setting_put(&key, &at.as_millis().to_string())?,
            }
        }
        Ok(())
    }

    /// The sale is durable.
    pub(crate) fn committed(&self, goods: &[Goods]) {
        let mut inside = self.locked();
        for it in goods {
            let epc = it
                .epc
                .as_ref()
                .and_then(|it| EpcBytes::from_hex(it.as_str()));
            let gtin = it
                .code
                .as_ref()
                .and_then(|it| Gtin::parse(it.as_str()).ok());
            let news = match (epc, gtin, it.comes_back) {
                (Some(epc), _, true) => {
                    inside.sold.remove(&epc);
                    News::Returned(epc)
                }
                (Some(epc), _, false) => {
                    inside.sold.insert(epc);
                    News::Sold(epc)
                }
                (None, Some(gtin), false) => {
                    News::Pieces(gtin, u16::try_from(it.pieces).unwrap_or(u16::MAX))
                }
                (None, _, _) => continue,
            };
            let number = inside.next;
            inside.next += 1;
            inside.news.insert(number, news);
            if inside.news.len() > NEWS_MAX {
                inside.news.pop_first();
            }
        }
    }

    /// What happened since a number, and the number to ask with next time.
    pub(super) fn since(&self, number: u64) -> (Vec<News>, u64) {
        let inside = self.locked();
        let news = inside.news.range(number..).map(|it| *it.1).collect();
        (news, inside.next)
    }

    /// All of them, for whoever begins.
    pub(super) fn all(&self) -> Vec<EpcBytes> {
        self.locked().sold.iter().copied().collect()
    }

    fn locked(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
