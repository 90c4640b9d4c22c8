//! Which very things were sold, by our tills and by the systems that report to us: what a pad must not sell
//! again, and what an exit lets pass.
//!
//! An own fold, beside the quantities of stock: a sale by barcode doesn't say which EPC left, and a sale that
//! names its thing says it for this thing alone. Written in the transaction of the sale or of its void; a void
//! undoes only what its own sale said of a thing, and nothing that came later.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shelf_codecs::barcode::Gtin;
use shelf_ledger::tables::TableError;
use shelf_ledger::{Tx, Writer};
use shelf_sessions::presence::{SOLD_THINGS_MAX, SoldFact, SoldThings, Thing};
use shelf_stock::document::{Draft, SourceKey};
use shelf_stock::location::Location;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_till::basket::Goods;

/// News that wait for whoever follows; more are dropped.
const NEWS_MAX: usize = 20_000;
/// Where facts about things are kept: `TIME sold|back SALE`.
const KEY: &str = "rfid.sold/";
/// Where it is kept what a sale said of its things: `TIME`, then a line for each, `+THING` or `-THING`.
const SALE_KEY: &str = "rfid.sale/";

/// Pieces of an article that were sold by barcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    /// The article.
    pub(crate) gtin: Gtin,
    /// How many.
    pub(crate) pieces: u16,
    /// Whether they came back, or their sale was undone.
    pub(crate) comes_back: bool,
    /// When.
    pub(crate) at: Timestamp,
}

/// What one sale or void changes for pads and exits; durable before it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SoldChanges {
    things: Vec<(Thing, SoldFact)>,
    pieces: Vec<Pieces>,
}

/// What was sold, tag by tag.
#[derive(Debug, Default)]
pub(crate) struct SoldTags {
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    things: SoldThings,
    /// News with their numbers; each follower knows how far it is.
    news: BTreeMap<u64, Pieces>,
    next: u64,
}

/// The name of a sale, as facts name it.
pub(crate) fn sale_name(source: &str, key: &SourceKey) -> String {
    format!("{source}/{}/{}", key.source, key.receipt)
}

/// Writes what a sale says of single things, in its transaction. `counts`: this source moves stock, so its
/// pieces by barcode may pass the exits, too.
pub(crate) fn write_sale(
    tx: &mut Tx<'_>,
    name: &str,
    goods: &[Goods],
    counts: bool,
) -> Result<SoldChanges, TableError> {
    let mut changes = SoldChanges::default();
    let mut said = Vec::new();
    for it in goods {
        let thing: Option<Thing> = it.thing.as_ref().and_then(|it| it.parse().ok());
        let gtin = it.code.as_ref();
        let gtin = gtin.and_then(|it| Gtin::parse(it.as_str()).ok());
        let is_sold = !it.comes_back;
        let at_ms = it.at.as_millis();
        match (thing, gtin) {
            (Some(thing), _) => {
                said.push(format!("{}{thing}", if is_sold { '+' } else { '-' }));
                put(tx, name, (thing, SoldFact { at_ms, is_sold }), &mut changes)?;
            }
            (None, Some(gtin)) if counts => changes.pieces.push(Pieces {
                gtin,
                pieces: u16::try_from(it.pieces).unwrap_or(u16::MAX),
                comes_back: it.comes_back,
                at: it.at,
            }),
            (None, _) => {}
        }
    }
    if let Some(at) = goods.iter().map(|it| it.at.as_millis()).max()
        && !said.is_empty()
    {
        let said = format!("{at}\n{}", said.join("\n"));
        tx.setting_put(&format!("{SALE_KEY}{name}"), &said)?;
    }
    Ok(changes)
}

/// Undoes what a sale said of single things, in the transaction of its void: what it sold is in stock again,
/// and what it took back is the customer's again. `drafts` are those of the void.
pub(crate) fn write_void(
    tx: &mut Tx<'_>,
    name: &str,
    at: Timestamp,
    drafts: &[Draft],
) -> Result<SoldChanges, TableError> {
    let mut changes = SoldChanges::default();
    let key = format!("{SALE_KEY}{name}");
    let said = tx.setting(&key)?.unwrap_or_default();
    for line in said.lines().skip(1) {
        let (was_sold, thing) = match (line.strip_prefix('+'), line.strip_prefix('-')) {
            (Some(thing), _) => (true, thing),
            (_, Some(thing)) => (false, thing),
            (None, None) => continue,
        };
        let Ok(thing) = thing.parse::<Thing>() else {
            continue;
        };
        let known = tx.setting(&format!("{KEY}{thing}"))?;
        let known = known.as_deref().map(read_fact);
        // Whoever sold it or took it back since then knows better.
        if let Some((fact, by)) = known.filter(|(_, by)| by == name) {
            let undone = SoldFact {
                at_ms: at.as_millis().max(fact.at_ms.saturating_add(1)),
                is_sold: !was_sold,
            };
            put(tx, &by, (thing, undone), &mut changes)?;
        }
    }
    tx.setting_drop(&key)?;
    changes.pieces = undone_pieces(drafts, &changes.things);
    Ok(changes)
}

/// The pieces that a void takes back which no tag names.
fn undone_pieces(drafts: &[Draft], things: &[(Thing, SoldFact)]) -> Vec<Pieces> {
    let mut named: BTreeMap<Gtin, u16> = BTreeMap::new();
    for gtin in things.iter().filter_map(|(thing, _)| thing.gtin()) {
        *named.entry(gtin).or_default() += 1;
    }
    let mut pieces = Vec::new();
    for line in drafts.iter().flat_map(|it| &it.lines) {
        let gtin = line.code.as_ref();
        let gtin = gtin.and_then(|it| Gtin::parse(it.as_str()).ok());
        let Some(gtin) = gtin.filter(|_| line.from == Location::Customer) else {
            continue;
        };
        let whole = line.quantity.as_thousandths() / Quantity::ONE.as_thousandths();
        let whole = u16::try_from(whole).unwrap_or(u16::MAX).max(1);
        let own = named.entry(gtin).or_default();
        let by_tag = (*own).min(whole);
        *own -= by_tag;
        pieces.push(Pieces {
            gtin,
            pieces: whole - by_tag,
            comes_back: true,
            at: line.effective,
        });
    }
    pieces.retain(|it| it.pieces > 0);
    pieces
}

/// Keeps a fact unless a later one is known.
fn put(
    tx: &mut Tx<'_>,
    name: &str,
    (thing, fact): (Thing, SoldFact),
    changes: &mut SoldChanges,
) -> Result<(), TableError> {
    let key = format!("{KEY}{thing}");
    let known = tx.setting(&key)?;
    let known = known.as_deref().map(read_fact);
    if known.is_some_and(|(known, _)| !fact.replaces(&known)) {
        return Ok(());
    }
    let word = if fact.is_sold { "sold" } else { "back" };
    tx.setting_put(&key, &format!("{} {word} {name}", fact.at_ms))?;
    changes.things.push((thing, fact));
    Ok(())
}

/// A kept fact, and the sale that said it. Versions before this one kept only the time of what was sold.
fn read_fact(text: &str) -> (SoldFact, String) {
    let mut parts = text.splitn(3, ' ');
    let at_ms = parts.next().and_then(|it| it.parse().ok()).unwrap_or(0);
    let is_sold = parts.next() != Some("back");
    let by = parts.next().unwrap_or_default().to_owned();
    (SoldFact { at_ms, is_sold }, by)
}

/// Forgets the oldest facts and sales, of more than are remembered.
pub(super) fn prune(tx: &mut Tx<'_>) -> Result<Vec<(String, String)>, TableError> {
    let time = |it: &(String, String)| {
        let text = it.1.split_whitespace().next();
        text.and_then(|it| it.parse::<i64>().ok()).unwrap_or(0)
    };
    let mut keep = Vec::new();
    for prefix in [SALE_KEY, KEY] {
        keep = tx.settings_under(prefix, usize::MAX)?;
        let excess = keep.len().saturating_sub(SOLD_THINGS_MAX);
        if excess > 0 {
            keep.sort_by_key(time);
            for (key, _) in keep.drain(..excess) {
                tx.setting_drop(&key)?;
            }
        }
    }
    Ok(keep)
}

impl SoldTags {
    /// What the ledger remembers.
    pub(crate) fn load(writer: &Writer) -> Self {
        let rows = match writer.execute_blocking("sold tags", prune).wait() {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "what was sold by tag can't be read");
                Vec::new()
            }
        };
        let sold = Self::default();
        let mut inside = sold.locked();
        for (key, text) in rows {
            let thing = key.strip_prefix(KEY).and_then(|it| it.parse().ok());
            if let Some(thing) = thing {
                inside.things.take(thing, read_fact(&text).0);
            }
        }
        drop(inside);
        sold
    }

    /// What was written is durable.
    pub(crate) fn committed(&self, changes: &SoldChanges) {
        if *changes == SoldChanges::default() {
            return;
        }
        let mut inside = self.locked();
        for (thing, fact) in &changes.things {
            inside.things.take(*thing, *fact);
        }
        for pieces in &changes.pieces {
            let number = inside.next;
            inside.next += 1;
            inside.news.insert(number, *pieces);
            if inside.news.len() > NEWS_MAX {
                inside.news.pop_first();
            }
        }
    }

    /// What was sold by barcode since a number, and the number to ask with next time.
    pub(super) fn since(&self, number: u64) -> (Vec<Pieces>, u64) {
        let inside = self.locked();
        let news = inside.news.range(number..).map(|it| *it.1).collect();
        (news, inside.next)
    }

    /// Asks the set of what is sold.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&SoldThings) -> T) -> T {
        ask(&self.locked().things)
    }

    fn locked(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
