//! Units that were promised online and that the store doesn't have any more.
//!
//! Only a floor sale, a count or a loss can bring that about, and by no more than the store's own
//! rights are overdrawn. Free rights have gone back by then; whoever knows other stores is told
//! first and may find the units elsewhere. What nobody has taken care of after a while is taken
//! from orders: unpaid before paid, the newest first, never one that is being picked.

use shelf_stock::customer_order::{Order, OrderState};
use shelf_stock::document::PaymentState;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::sellable;

use super::rights::Desk;
use super::shop::{self, Shop};
use super::{Hub, HubEffect, HubEvent};
use crate::orders::{Cause, Remedy, StoredOrder, Undeliverable};
use crate::store::{Family, Store};
use crate::time::Now;

/// How long an oversold unit waits for somebody who knows better, unless the operator says
/// otherwise ([`Hub::compensating_after`]).
pub const COMPENSATE_AFTER_MS: u64 = 120_000;
/// Open orders that are read at once.
const PAGE_ORDERS: usize = 500;

impl Hub {
    /// Keeps in mind whether more is promised of an item than the store has.
    pub(super) fn note_oversold<S: Store + ?Sized>(
        &mut self,
        now: Now,
        desk: &Desk,
        store: &S,
    ) -> Result<(), S::Error> {
        if oversold(desk, store)? > Quantity::ZERO {
            if !self.oversold.contains_key(&desk.item) {
                self.oversold.insert(desk.item.clone(), now.mono_ms);
                self.told_oversold.insert(desk.item.clone());
            }
        } else {
            self.oversold.remove(&desk.item);
        }
        Ok(())
    }

    pub(super) fn oversold_wake_at_ms(&self) -> Option<u64> {
        let first = self.oversold.values().min();
        first.map(|it| it.saturating_add(self.compensate_after_ms))
    }

    /// Tells of what is newly oversold, and takes from orders what waited long enough. Waits on
    /// while the store is away: its documents may be on their way.
    pub(super) fn compensate_due<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        for item in std::mem::take(&mut self.told_oversold) {
            let quantity = oversold(&Desk::load(store, &item)?, store)?;
            if quantity > Quantity::ZERO {
                effects.push(HubEffect::Event(HubEvent::Oversold { item, quantity }));
            }
        }
        let wait_ms = self.compensate_after_ms;
        let is_due = |since: &u64| since.saturating_add(wait_ms) <= now.mono_ms;
        let due: Vec<ItemId> = self
            .oversold
            .iter()
            .filter(|(_, since)| is_due(since))
            .map(|(item, _)| item.clone())
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let grantor = Shop::load(store)?.grantor;
        let is_here = grantor.is_some_and(|it| self.sessions.contains_key(&it));
        for item in due {
            self.oversold.insert(item.clone(), now.mono_ms);
            if is_here {
                self.compensate_item(now, &item, store, effects)?;
            }
        }
        Ok(())
    }

    fn compensate_item<S: Store + ?Sized>(
        &mut self,
        now: Now,
        item: &ItemId,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let desk = Desk::load(store, item)?;
        let mut rest = oversold(&desk, store)?;
        let cause = match desk.cells.report.shut {
            true => Cause::Shrink,
            false => Cause::FloorOverdraft,
        };
        for order in candidates(item, store)? {
            if rest <= Quantity::ZERO {
                break;
            }
            let missing = Undeliverable {
                item: item.clone(),
                quantity: rest,
                cause,
                remedy: Remedy::Cancelled,
            };
            let taken = self.compensate(now, &order.id, &missing, store, effects)?;
            rest = rest.minus(taken);
        }
        let desk = Desk::load(store, item)?;
        self.note_oversold(now, &desk, store)
    }

    /// What a channel may sell of an item now, others' free units included.
    pub fn possible<S: Store + ?Sized>(
        &self,
        now: Now,
        channel: &ChannelId,
        item: &ItemId,
        store: &S,
    ) -> Result<Quantity, S::Error> {
        let desk = Desk::load(store, item)?;
        let own = desk.quotas.get(channel).copied().unwrap_or_default().left();
        let others = desk.quotas.iter().filter(|(it, _)| *it != channel);
        let free: Quantity = others.map(|(_, it)| it.free()).sum();
        let all = own.plus(desk.spare().max(Quantity::ZERO)).plus(free);
        // A restored hub's channel may stand beyond its limit: then nobody's free units help.
        let all = all.min(desk.free());
        let haircut = self.haircut(now, &desk, store)?;
        Ok(all.minus(haircut).max(Quantity::ZERO))
    }

    /// What the hub holds back because the store has not been heard of: what its floor may have
    /// sold since, beyond its own rights then. Only opening hours count, where they are known.
    fn haircut<S: Store + ?Sized>(
        &self,
        now: Now,
        desk: &Desk,
        store: &S,
    ) -> Result<Quantity, S::Error> {
        let Some((heard, stopping)) = shop::heard(store)? else {
            return Ok(Quantity::ZERO);
        };
        let silent_ms = match shop::hours(store)? {
            Some(hours) => hours.open_ms(heard, now.wall),
            None => u64::try_from(now.wall.millis_since(heard)).unwrap_or(0),
        };
        if stopping || silent_ms < crate::SILENCE_MS_MAX {
            return Ok(Quantity::ZERO);
        }
        let report = &desk.cells.report;
        let rights_last = report.book.minus(desk.cells.outstanding());
        Ok(shelf_stock::demand::staleness_haircut(
            report.demand_milli_per_hour,
            silent_ms,
            shelf_stock::demand::ExposureWindow::default(),
            shelf_stock::demand::Ratio::DEFAULT,
            rights_last.max(Quantity::ZERO),
        ))
    }

    /// What a channel is shown of an item, and why.
    pub fn level<S: Store + ?Sized>(
        &self,
        now: Now,
        item: &ItemId,
        channel: &ChannelId,
        store: &S,
    ) -> Result<Level, S::Error> {
        let desk = Desk::load(store, item)?;
        let policy = shop::policy(store)?;
        let (_, all) = policy.of(item);
        let own = policy.channels.iter().find(|it| it.channel == *channel);
        let coefficient = own.map_or(sellable::Coefficient::NONE, |it| it.coefficient.min(all));
        let report = desk.cells.report;
        let usable = sellable::offline_usable(report.book, desk.accepted_open());
        let unit = match desk.cells.granted.is_whole() && report.book.is_whole() {
            true => shelf_stock::quantity::Unit::Piece,
            false => shelf_stock::quantity::Unit::Kilogram,
        };
        let may = match report.shut {
            true => Quantity::ZERO,
            false => sellable::sellable(usable, report.safety_stock, coefficient, unit),
        };
        let quota = desk.quotas.get(channel).copied().unwrap_or_default();
        let quota_left = quota.left().max(Quantity::ZERO);
        let haircut = self.haircut(now, &desk, store)?;
        let is_closed = Shop::load(store)?.recovering.is_some();
        let shown = match is_closed {
            true => Quantity::ZERO,
            false => may.min(quota_left).minus(haircut).max(Quantity::ZERO),
        };
        Ok(Level {
            shown,
            sellable: may,
            quota_left,
            haircut,
            desk: LevelDesk {
                granted: desk.cells.granted,
                returned: desk.cells.returned,
                handed_over: desk.cells.handed_over,
                accepted_open: desk.accepted_open(),
                store_level: desk.cells.level,
                report,
                reported: desk.cells.reported,
            },
        })
    }

    /// An external marketplace is about to be shown a level: it may sell so much by itself from
    /// now on. Returns what it may be shown, at most what it has left.
    pub fn expose<S: Store + ?Sized>(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        wanted: Quantity,
        store: &mut S,
    ) -> Result<Quantity, S::Error> {
        let mut quota = store.quota(item, channel)?;
        let shown = wanted.min(quota.left()).max(Quantity::ZERO);
        if shown > quota.held {
            quota.held = shown;
            store.set_quota(item, channel, quota)?;
        }
        Ok(shown)
    }

    /// An external marketplace has confirmed that it shows this level now.
    pub fn lowered<S: Store + ?Sized>(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        confirmed: Quantity,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let mut quota = store.quota(item, channel)?;
        if confirmed >= quota.held {
            return Ok(());
        }
        quota.held = confirmed.max(Quantity::ZERO);
        store.set_quota(item, channel, quota)?;
        let policy = shop::policy(store)?;
        let before = Desk::load(store, item)?;
        let mut desk = before.clone();
        if desk.settle(&policy) {
            self.changed.insert(item.clone());
        }
        if desk.save(&before, store)? {
            let items = vec![item.clone()];
            effects.push(HubEffect::Event(HubEvent::LevelsChanged { items }));
        }
        Ok(())
    }
}

/// What a channel is shown of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// So much.
    pub shown: Quantity,
    /// `floor(a * max(0, U - SS))` of this channel.
    pub sellable: Quantity,
    /// What its quota has left.
    pub quota_left: Quantity,
    /// Held back because the store is silent.
    pub haircut: Quantity,
    /// What it follows from.
    pub desk: LevelDesk,
}

/// The cells behind a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelDesk {
    /// G.
    pub granted: Quantity,
    /// T.
    pub returned: Quantity,
    /// O.
    pub handed_over: Quantity,
    /// A - O.
    pub accepted_open: Quantity,
    /// How many outstanding units the store wants to allow.
    pub store_level: Quantity,
    /// What the store said last.
    pub report: crate::rights::StoreReport,
    /// When, by the hub's clock.
    pub reported: shelf_stock::time::Timestamp,
}

/// How many units are promised that the store doesn't have.
fn oversold<S: Store + ?Sized>(desk: &Desk, store: &S) -> Result<Quantity, S::Error> {
    let open = desk.accepted_open();
    if open <= Quantity::ZERO {
        return Ok(Quantity::ZERO);
    }
    let book = store.book(&desk.item)?.max(Quantity::ZERO);
    Ok(open.minus(book).max(Quantity::ZERO))
}

/// Open orders that want an item and are not being picked, the one first that loses it first.
pub fn candidates<S: Store + ?Sized>(item: &ItemId, store: &S) -> Result<Vec<Order>, S::Error> {
    let mut found = Vec::new();
    let mut after = Vec::new();
    loop {
        let names = store.rows(Family::OpenOrder, &after, PAGE_ORDERS)?;
        for (name, _) in &names {
            let id = std::str::from_utf8(name)
                .ok()
                .and_then(|it| OrderId::new(it).ok());
            let Some(id) = id else { continue };
            let Some(stored) = StoredOrder::load(store, &id)? else {
                continue;
            };
            let wants = stored.order.needs().contains_key(item);
            if wants && stored.order.state == OrderState::Reserved {
                found.push(stored.order);
            }
        }
        match names.last() {
            Some((name, _)) if names.len() == PAGE_ORDERS => after.clone_from(name),
            _ => break,
        }
    }
    let paid = |it: &Order| it.payment().is_some_and(PaymentState::is_paid);
    found.sort_by_key(|it| (paid(it), std::cmp::Reverse(it.accepted), it.id.clone()));
    Ok(found)
}
