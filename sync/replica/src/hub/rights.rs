//! The hub's side of rights: what the store granted, what goes back, and which channel has it.
//!
//! Only the store's grantor is heard, under the current fencing number. The hub returns what is
//! free and never more; what it gives to channels never exceeds what it has; so it can't promise a
//! unit that the store didn't grant, whatever it missed.

use std::collections::BTreeMap;

use shelf_stock::identity::NodeId;
use shelf_stock::name::{ChannelId, ItemId};
use shelf_stock::quantity::Quantity;
use shelf_wire::message::{
    Hello, HubRight, HubRights, Message, Policy, RIGHTS_ROWS_MAX, RightsPage, RightsPull,
    StoreRight, StoreRights,
};
use shelf_wire::topic::Down;

use super::shop::{self, Shop};
use super::{Hub, HubEffect, HubEvent, ask_for_hello, roster, send};
use crate::rights::quotas::{self, Quotas};
use crate::rights::{HubCells, StoreReport, hub_rows};
use crate::store::Store;
use crate::time::Now;

/// How long a store may take to say that it has a row, at first and at most.
const ECHO_TIMEOUT_MS: u64 = 5_000;
const ECHO_TIMEOUT_MS_MAX: u64 = 120_000;

/// A row whose returned units the store hasn't said that it saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Untold {
    at_ms: u64,
    attempts: u32,
}

/// An item of the hub with everything that belongs to it, as read in one transaction.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) item: ItemId,
    pub(super) cells: HubCells,
    pub(super) quotas: Quotas,
}

impl Desk {
    pub(super) fn load<S: Store + ?Sized>(store: &S, item: &ItemId) -> Result<Self, S::Error> {
        Ok(Self {
            item: item.clone(),
            cells: HubCells::load(store, item)?,
            quotas: store.quotas(item)?.into_iter().collect(),
        })
    }

    /// What the hub may still sell: G - T - A.
    pub(super) fn free(&self) -> Quantity {
        let granted = self.cells.granted.minus(self.cells.returned);
        granted.minus(quotas::used(&self.quotas))
    }

    /// What is granted and has no channel.
    pub(super) fn spare(&self) -> Quantity {
        let granted = self.cells.granted.minus(self.cells.returned);
        granted.minus(quotas::limits(&self.quotas))
    }

    /// A: accepted and not handed over.
    pub(super) fn accepted_open(&self) -> Quantity {
        quotas::used(&self.quotas).minus(self.cells.handed_over)
    }

    /// Returns what the store wants back, as far as it is free, and gives the rest to channels.
    /// Returns whether anything went back.
    pub(super) fn settle(&mut self, policy: &Policy) -> bool {
        let mut spare = self.spare();
        if spare < Quantity::ZERO {
            // A restored hub learns that more had been returned than it remembers.
            quotas::take(&mut self.quotas, policy, spare.negated(), None);
            spare = Quantity::ZERO;
        }
        let spare = quotas::level(&mut self.quotas, policy, spare);
        let excess = self.cells.outstanding().minus(self.cells.level);
        let wanted = excess.min(self.free()).max(Quantity::ZERO);
        let own = wanted.min(spare);
        let taken = quotas::take(&mut self.quotas, policy, wanted.minus(own), None);
        let returned = own.plus(taken);
        self.cells.returned = self.cells.returned.plus(returned);
        quotas::give(&mut self.quotas, policy, spare.minus(own));
        returned > Quantity::ZERO
    }

    /// Writes what changed since `before`.
    pub(super) fn save<S: Store + ?Sized>(
        &self,
        before: &Self,
        store: &mut S,
    ) -> Result<bool, S::Error> {
        if self.cells != before.cells {
            self.cells.save(store, &self.item)?;
        }
        let mut levels = false;
        for (channel, quota) in &self.quotas {
            if before.quotas.get(channel) != Some(quota) {
                store.set_quota(&self.item, channel, *quota)?;
                levels = true;
            }
        }
        Ok(levels || self.cells.report != before.cells.report)
    }

    fn row(&self, rights_epoch: u64) -> HubRight {
        let (epoch, seq) = self.cells.target;
        HubRight {
            item: self.item.clone(),
            granted_seen: self.cells.granted,
            returned: self.cells.returned,
            handed_over: self.cells.handed_over,
            target_seq_seen: if epoch == rights_epoch { seq } else { 0 },
            level_seen: self.cells.level,
        }
    }
}

impl Hub {
    /// Who grants after this hello, and under which number. Notices that the hub lost time.
    pub(super) fn assign_role<S: Store + ?Sized>(
        &mut self,
        hello: &Hello,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<Shop, S::Error> {
        let node = hello.public_key.node_id();
        let before = Shop::load(store)?;
        let mut shop = before.clone();
        let is_behind =
            hello.rights_epoch > shop.rights_epoch || hello.orders_upto > shop.last_stamp;
        if is_behind {
            shop.rights_epoch = shop.rights_epoch.max(hello.rights_epoch).saturating_add(1);
            shop.lose_time(channels(store)?, hello.orders_upto);
            effects.push(HubEffect::Event(HubEvent::Behind {
                rights_epoch: shop.rights_epoch,
            }));
        }
        if let Some(recovering) = &mut shop.recovering
            && hello.orders_upto < shop.old_stamps
            && hello.orders_upto > recovering.orders_upto
        {
            recovering.orders_upto = hello.orders_upto;
            recovering.orders_done = false;
        }
        if shop.grantor.is_none() {
            shop.grantor = Some(node);
        }
        if shop.grantor == Some(node) && shop.grantor_boot != hello.boot_nonce {
            shop.grantor_boot = hello.boot_nonce;
            shop.rights_epoch = shop.rights_epoch.saturating_add(u64::from(!is_behind));
        }
        if shop != before {
            shop.save(store)?;
        }
        if is_behind && shop.grantor != Some(node) {
            // The grantor has to learn the new number.
            shop.grantor
                .into_iter()
                .for_each(|it| ask_for_hello(it, effects));
        }
        Ok(shop)
    }

    /// Somebody says that this hub was restored from a backup: nothing is sold until it is known
    /// again what was promised, whether a PC knows more or not.
    pub fn restored<S: Store + ?Sized>(
        &mut self,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let mut shop = Shop::load(store)?;
        shop.skip_epochs();
        shop.lose_time(channels(store)?, 0);
        shop.save(store)?;
        let rights_epoch = shop.rights_epoch;
        effects.push(HubEffect::Event(HubEvent::Behind { rights_epoch }));
        for key in roster(store)?.keys {
            ask_for_hello(key.node_id(), effects);
        }
        Ok(())
    }

    /// Makes another PC the store's grantor, from its next hello on.
    pub fn set_grantor<S: Store + ?Sized>(
        &mut self,
        node: NodeId,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let mut shop = Shop::load(store)?;
        if shop.grantor != Some(node) {
            let old = shop.grantor.replace(node);
            shop.grantor_boot = 0;
            shop.rights_epoch = shop.rights_epoch.saturating_add(1);
            shop.ask_rights_again();
            shop.save(store)?;
            for node in old.into_iter().chain([node]) {
                ask_for_hello(node, effects);
            }
        }
        Ok(())
    }

    pub(super) fn on_store_rights<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        rights: &StoreRights,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let mut shop = Shop::load(store)?;
        if shop.grantor != Some(from) || shop.rights_epoch != rights.rights_epoch {
            ask_for_hello(from, effects);
            return Ok(());
        }
        let policy = shop::policy(store)?;
        let mut rows = Vec::with_capacity(rights.rows.len());
        let mut items = Vec::new();
        for row in &rights.rows {
            let before = Desk::load(store, &row.item)?;
            let mut desk = before.clone();
            follow(&mut desk.cells, row, rights.rights_epoch, now);
            let returned = desk.settle(&policy);
            if desk.save(&before, store)? {
                items.push(row.item.clone());
            }
            self.note_returned(now, &desk, returned);
            self.note_oversold(now, &desk, store)?;
            rows.push(desk.row(rights.rights_epoch));
        }
        if !rows.is_empty() {
            let message = Message::HubRights(HubRights {
                rights_epoch: rights.rights_epoch,
                rows,
                wants_rows: false,
            });
            send(from, Down::Rights, &message, effects);
        }
        if !items.is_empty() {
            effects.push(HubEffect::Event(HubEvent::LevelsChanged { items }));
        }
        if let (true, Some(recovering)) = (rights.settled, &mut shop.recovering)
            && !recovering.rights_done
        {
            recovering.rights_done = true;
            self.note_recovered(&mut shop, effects);
            shop.save(store)?;
        }
        Ok(())
    }

    pub(super) fn note_recovered(&self, shop: &mut Shop, effects: &mut Vec<HubEffect>) {
        if shop.recovered() {
            effects.push(HubEffect::Event(HubEvent::Recovered));
        }
    }

    /// What the store hasn't said that it saw is said again later.
    fn note_returned(&mut self, now: Now, desk: &Desk, returned: bool) {
        if desk.cells.returned_seen >= desk.cells.returned {
            self.untold.remove(&desk.item);
        } else if returned || !self.untold.contains_key(&desk.item) {
            let untold = Untold {
                at_ms: now.mono_ms + ECHO_TIMEOUT_MS,
                attempts: 0,
            };
            self.untold.insert(desk.item.clone(), untold);
        }
    }

    /// Tells the grantor about items whose cells the hub changed by itself.
    pub(super) fn tell_rights<S: Store + ?Sized>(
        &mut self,
        now: Now,
        items: &[ItemId],
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let shop = Shop::load(store)?;
        let mut rows = Vec::new();
        for item in items {
            let desk = Desk::load(store, item)?;
            self.note_returned(now, &desk, true);
            rows.push(desk.row(shop.rights_epoch));
        }
        self.send_rows(&shop, rows, false, effects);
        Ok(())
    }

    fn send_rows(
        &self,
        shop: &Shop,
        rows: Vec<HubRight>,
        wants_rows: bool,
        effects: &mut Vec<HubEffect>,
    ) {
        let Some(grantor) = shop.grantor.filter(|it| self.sessions.contains_key(it)) else {
            return;
        };
        for rows in rows.chunks(RIGHTS_ROWS_MAX) {
            let message = Message::HubRights(HubRights {
                rights_epoch: shop.rights_epoch,
                rows: rows.to_vec(),
                wants_rows,
            });
            send(grantor, Down::Rights, &message, effects);
        }
    }

    /// Says again what the store hasn't said that it saw.
    pub(super) fn repeat_rights<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let due: Vec<ItemId> = self
            .untold
            .iter()
            .filter(|(_, it)| it.at_ms <= now.mono_ms)
            .take(RIGHTS_ROWS_MAX)
            .map(|(item, _)| item.clone())
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let shop = Shop::load(store)?;
        let mut rows = Vec::with_capacity(due.len());
        for item in due {
            let desk = Desk::load(store, &item)?;
            rows.push(desk.row(shop.rights_epoch));
            if let Some(untold) = self.untold.get_mut(&item) {
                let wait_ms =
                    self.jitter
                        .backoff_ms(ECHO_TIMEOUT_MS, ECHO_TIMEOUT_MS_MAX, untold.attempts);
                untold.attempts = untold.attempts.saturating_add(1);
                untold.at_ms = now.mono_ms.saturating_add(wait_ms);
            }
        }
        self.send_rows(&shop, rows, true, effects);
        Ok(())
    }

    pub(super) fn rights_wake_at_ms(&self) -> Option<u64> {
        self.untold.values().map(|it| it.at_ms).min()
    }

    pub(super) fn on_rights_pull<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        pull: &RightsPull,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let shop = Shop::load(store)?;
        if shop.grantor != Some(from) || shop.rights_epoch != pull.rights_epoch {
            ask_for_hello(from, effects);
            return Ok(());
        }
        if shop::granting(store)? != pull.rights_epoch {
            shop::set_granting(pull.rights_epoch, store)?;
        }
        let mut page = hub_rows(store, pull.after.as_ref(), RIGHTS_ROWS_MAX + 1)?;
        let more = page.len() > RIGHTS_ROWS_MAX;
        page.truncate(RIGHTS_ROWS_MAX);
        let mut rows = Vec::with_capacity(page.len());
        for (item, cells) in page {
            let desk = Desk {
                item,
                cells,
                quotas: BTreeMap::new(),
            };
            rows.push(desk.row(pull.rights_epoch));
            self.note_returned(now, &desk, false);
            let whole = Desk::load(store, &desk.item)?;
            self.note_oversold(now, &whole, store)?;
        }
        let message = Message::RightsPage(RightsPage {
            rights_epoch: pull.rights_epoch,
            after: pull.after.clone(),
            rows,
            more,
        });
        send(from, Down::Rights, &message, effects);
        Ok(())
    }

    /// The shop's stock is to be shown like this; a revision that is not newer changes nothing.
    pub fn set_policy<S: Store + ?Sized>(
        &mut self,
        policy: &Policy,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        if policy.revision <= shop::policy(store)?.revision {
            return Ok(());
        }
        shop::set_policy(policy, store)?;
        let message = Message::Policy(policy.clone());
        for node in self.sessions.keys() {
            send(*node, Down::Cfg, &message, effects);
        }
        Ok(())
    }

    /// How the shop's stock is shown.
    pub fn policy<S: Store + ?Sized>(store: &S) -> Result<Policy, S::Error> {
        shop::policy(store)
    }
}

fn channels<S: Store + ?Sized>(store: &S) -> Result<Vec<ChannelId>, S::Error> {
    let channels = shop::policy(store)?.channels.into_iter();
    Ok(channels.map(|it| it.channel).collect())
}

/// Takes over what the store says: the largest of what both sides know of cumulative cells, and
/// the newest level.
fn follow(cells: &mut HubCells, row: &StoreRight, rights_epoch: u64, now: Now) {
    cells.granted = cells.granted.max(row.granted);
    cells.returned = cells.returned.max(row.returned_seen);
    cells.returned_seen = cells.returned_seen.max(row.returned_seen);
    let target = (rights_epoch, row.target_seq);
    if target > cells.target {
        cells.target = target;
        cells.level = row.level;
        cells.reported = now.wall;
        cells.report = StoreReport {
            book: row.book,
            reserved: row.reserved,
            safety_stock: row.safety_stock,
            demand_milli_per_hour: row.demand_milli_per_hour,
            shut: row.shut,
        };
    }
}
