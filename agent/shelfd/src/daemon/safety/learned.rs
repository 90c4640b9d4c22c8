//! What was learned from the ledger's documents beside each item's own demand: the shop's week,
//! how long things take, how fast books go wrong.
//!
//! Small and kept as one value. Measures are means in which old ones count less and less; the
//! first one counts fully.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shelf_ledger::Read;
use shelf_ledger::tables::TableError;
use shelf_replica::store::Store as _;
use shelf_stock::demand::{Calendar, Demand, HOUR_MS, LossRate, Profile};
use shelf_stock::document::{CountScope, Document, Kind, OrderStep, Subject};
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::model::Model;
use super::{Known, shop_time};

/// Where it is kept.
pub(super) const STATE_KEY: &str = "shelfd.demand";
/// How much a new measure counts: one in so many.
const MEAN_OF: u64 = 16;
/// The longest lag between a sale and its document that is taken for a usual one.
const CAPTURE_LAG_MS_MAX: u64 = 24 * 3_600_000;
/// An hour with this share of an average hour's sales counts as open, in per mille.
const OPEN_PER_MILLE: u64 = 100;
/// Hours after which nobody counts any more how long a pick took.
const PICK_HOURS_MAX: i64 = 24 * 14;

#[derive(Clone, Debug, Default)]
pub(super) struct Learned {
    pub(super) profile: Profile,
    pub(super) losses: LossRate,
    /// From a sale to its document.
    pub(super) capture_lag_ms: u64,
    /// From an order to its pick, in opening time; 0: none was measured.
    pub(super) pick_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    profile: Vec<u8>,
    losses: LossRate,
    capture_lag_ms: u64,
    pick_ms: u64,
}

impl Learned {
    /// As it was kept; nothing where it can't be read.
    pub(super) fn load(ledger: &Read<'_>) -> Result<Self, TableError> {
        let bytes = ledger.tables().state(STATE_KEY)?.unwrap_or_default();
        let kept: Option<Kept> = serde_json::from_slice(&bytes).ok();
        Ok(kept.map_or_else(Self::default, |it| Self {
            profile: Profile::from_bytes(&it.profile).unwrap_or_default(),
            losses: it.losses,
            capture_lag_ms: it.capture_lag_ms,
            pick_ms: it.pick_ms,
        }))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let kept = Kept {
            profile: self.profile.to_bytes(),
            losses: self.losses,
            capture_lag_ms: self.capture_lag_ms,
            pick_ms: self.pick_ms,
        };
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// An order of then was picked now: the opening time between counts.
    pub(super) fn picked(&mut self, accepted: Timestamp, picked: Timestamp) {
        let (mut from, until) = (shop_time(accepted), shop_time(picked));
        let mut open_ms = 0;
        for _ in 0..PICK_HOURS_MAX {
            let left_ms = until.as_millis() - from.as_millis();
            if left_ms <= 0 {
                break;
            }
            let hour_ms = (HOUR_MS - from.as_millis().rem_euclid(HOUR_MS)).min(left_ms);
            if self.profile.week().per_mille(from.slot()) >= OPEN_PER_MILLE {
                open_ms += hour_ms.unsigned_abs();
            }
            from = from.plus_millis(hour_ms);
        }
        mean(&mut self.pick_ms, open_ms.max(1));
    }
}

fn mean(of: &mut u64, new: u64) {
    *of = match *of {
        0 => new,
        before => (before * (MEAN_OF - 1) + new) / MEAN_OF,
    };
}

/// What a document sold, per item: lines of one receipt added up.
fn sold(document: &Document) -> BTreeMap<ItemId, Quantity> {
    let mut sold = BTreeMap::<ItemId, Quantity>::new();
    if document.draft.kind != Kind::Sale {
        return sold;
    }
    let out = |it: &&shelf_stock::document::Line| it.to == Location::Customer;
    for line in document.draft.lines.iter().filter(out) {
        let mut add = |item: &ItemId, quantity| {
            let sum = sold.entry(item.clone()).or_default();
            *sum = sum.plus(quantity);
        };
        match (&line.subject, line.parts.as_slice()) {
            (Subject::Item(item), []) => add(item, line.quantity),
            (_, parts) => parts.iter().for_each(|it| add(&it.item, it.quantity)),
        }
    }
    sold
}

/// Items that a document sold.
pub(super) fn sold_items(document: &Document) -> Vec<ItemId> {
    sold(document).into_keys().collect()
}

/// Learns from a document. `own`: this PC wrote it, so that both its times are of one clock.
pub(super) fn learn(
    learned: &mut Learned,
    items: &mut BTreeMap<ItemId, Known>,
    document: &Document,
    own: bool,
) {
    let Some(first) = document.draft.lines.first() else {
        return;
    };
    let at = shop_time(first.effective);
    let calendar = Calendar::default();
    let sold = sold(document);
    if own && !sold.is_empty() {
        let lag_ms = document.wall.millis_since(first.effective);
        let lag_ms = u64::try_from(lag_ms).unwrap_or(0);
        if lag_ms <= CAPTURE_LAG_MS_MAX {
            mean(&mut learned.capture_lag_ms, lag_ms);
        }
    }
    for (item, quantity) in sold {
        let Some(known) = items.get_mut(&item) else {
            continue;
        };
        // Where the book says that there is none, no sale teaches anything: the book is wrong.
        let (unit, book) = (known.unit, known.book);
        let model = known
            .model
            .get_or_insert_with(|| Model::new(Demand::new(unit, at)));
        if !model.demand.in_stock() && book > Quantity::ZERO {
            model
                .demand
                .stocked(&mut learned.profile, &calendar, at, book);
        }
        model
            .demand
            .sold(&mut learned.profile, &calendar, at, quantity);
    }
}

/// The order that a document says was picked, and when.
pub(super) fn pick(document: &Document) -> Option<(&OrderId, Timestamp)> {
    match &document.draft.kind {
        Kind::Order {
            order,
            step: OrderStep::Pick,
        } => Some((order, document.draft.lines.first()?.effective)),
        _ => None,
    }
}

/// What a document closed the count of.
pub(super) fn counts(document: &Document) -> Vec<(ItemId, Location)> {
    match &document.draft.kind {
        Kind::CountClose {
            location,
            scope: CountScope::Listed(items),
            ..
        } => items
            .iter()
            .map(|it| (it.clone(), location.clone()))
            .collect(),
        _ => Vec::new(),
    }
}
