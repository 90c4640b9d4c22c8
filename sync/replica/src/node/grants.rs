//! The PC that grants: what the store wants to allow online, told to the hub and repeated until
//! the hub has it.
//!
//! Only one PC of a store grants, under a fencing number that the hub gave it, and only after a
//! handshake: the hub's rows are read, every own document and every order that the hub had is
//! here. A cut link changes nothing: a grant that the hub hasn't seen binds nobody. Levels are
//! computed when they are told and kept nowhere; only what must never be forgotten (granted,
//! returned, handed over) is stored.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::identity::Seq;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_wire::message::{HelloAnswer, HubRight, Message, Policy, RightsPage, RightsPull};
use shelf_wire::topic::Up;

use super::orders::OpenOrders;
use super::{Node, NodeEffect, NodeEvent, send};
use crate::facts::Facts;
use crate::rights::{Safety, Situation, StoreCells, Wish, store_rows};
use crate::store::{Family, LogId, Store};
use crate::time::Now;

/// Items that are looked at for one input.
const LOOKED_AT_ONCE: usize = 500;
/// Rows leave at most this often.
pub(super) const TELL_INTERVAL_MS: u64 = 25;
/// How long an echo may take at first, and at most.
pub(super) const ECHO_TIMEOUT_MS: u64 = 5_000;
pub(super) const ECHO_TIMEOUT_MS_MAX: u64 = 60_000;

pub(super) const POLICY_KEY: &[u8] = b"policy";

/// Whether goods may be promised or sent away that could also be sold on the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// The store's own rights cover it.
    Granted,
    /// They cover only so much.
    Lacking {
        /// So much.
        available: Quantity,
    },
    /// This PC can't know: the store's grantor is another one, or has not shaken hands yet.
    NotGrantor,
}

#[derive(Debug)]
struct Pull {
    after: Option<ItemId>,
    retry_at_ms: u64,
    attempts: u32,
}

/// What a PC keeps in memory about rights.
#[derive(Debug, Default)]
pub(super) struct Grants {
    pub(super) loaded: bool,
    pub(super) policy: Policy,
    pub(super) open: OpenOrders,
    /// The fencing number under which this PC may grant.
    pub(super) epoch: Option<u64>,
    pub(super) ready: bool,
    pull: Option<Pull>,
    /// Own documents and orders that the hub had at the handshake.
    owed: Vec<(LogId, Seq)>,
    owed_orders: u64,
    /// Items to look at.
    pub(super) dirty: BTreeSet<ItemId>,
    /// Looking at every item, above this one.
    pub(super) sweep: Option<Option<ItemId>>,
    /// Rows that the hub has not echoed, with the number under which they were told; 0: not yet.
    pub(super) untold: BTreeMap<ItemId, u64>,
    pub(super) told_seq: u64,
    pub(super) told_at_ms: u64,
    pub(super) tell_at_ms: Option<u64>,
    pub(super) attempts: u32,
}

impl Grants {
    /// After a failed transaction: what memory says may be ahead of the store.
    pub(super) fn forget(&mut self) {
        *self = Self {
            // Numbers are never used twice under one fencing number.
            told_seq: self.told_seq,
            ..Self::default()
        };
    }

    pub(super) fn is_under(&self, rights_epoch: u64) -> bool {
        self.epoch == Some(rights_epoch)
    }

    pub(super) fn look_at(&mut self, items: impl IntoIterator<Item = ItemId>) {
        self.dirty.extend(items);
    }

    /// When there is something to do.
    pub(super) fn wake_at_ms(&self, now: Now, is_admitted: bool) -> Option<u64> {
        let busy = self.ready && (!self.dirty.is_empty() || self.sweep.is_some());
        let pull = self.pull.as_ref().map(|it| it.retry_at_ms);
        let timers = [
            busy.then_some(now.mono_ms),
            // Without the hub there is nobody to tell or to ask.
            self.tell_at_ms.filter(|_| self.ready && is_admitted),
            pull.filter(|_| is_admitted),
        ];
        timers.into_iter().flatten().min()
    }

    /// A row must be told: soon, but not more often than the interval.
    fn tell(&mut self, item: ItemId, now: Now) {
        self.untold.insert(item, 0);
        let at_ms = now.mono_ms.max(self.told_at_ms + TELL_INTERVAL_MS);
        self.tell_at_ms = Some(self.tell_at_ms.map_or(at_ms, |it| it.min(at_ms)));
    }
}

impl Node {
    /// Whether this PC is the one that grants its store's rights.
    pub fn is_grantor(&self) -> bool {
        self.grants.epoch.is_some()
    }

    /// Whether it is, and has shaken hands.
    pub fn rights_ready(&self) -> bool {
        self.grants.ready
    }

    /// Whether so much of an item may be promised or sent away now.
    pub fn may_take<S: Store + ?Sized>(
        &self,
        store: &S,
        item: &ItemId,
        quantity: Quantity,
    ) -> Result<Permission, S::Error> {
        if !self.grants.ready {
            return Ok(Permission::NotGrantor);
        }
        let rights = StoreCells::load(store, item)?.store_rights(store.book(item)?);
        Ok(match rights >= quantity {
            true => Permission::Granted,
            false => Permission::Lacking {
                available: rights.max(Quantity::ZERO),
            },
        })
    }

    /// What the store's wish for an item follows from, as far as this PC knows.
    pub fn situation<S: Store + ?Sized>(
        &self,
        store: &S,
        item: &ItemId,
    ) -> Result<Situation, S::Error> {
        let safety = Safety::load(store, item)?;
        let (least, coefficient) = self.grants.policy.of(item);
        Ok(Situation {
            book: store.book(item)?,
            reserved: self.grants.open.reserved(item),
            safety_stock: safety.safety_stock.max(least),
            coefficient,
            unit: safety.unit,
            shut: StoreCells::load(store, item)?.shut_since.is_some(),
        })
    }

    /// The hub's answer says who grants.
    pub(super) fn take_role<S: Store + ?Sized>(
        &mut self,
        now: Now,
        answer: &HelloAnswer,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let epoch = (answer.grantor == Some(self.id)).then_some(answer.rights_epoch);
        let grants = &mut self.grants;
        if epoch.is_none() || epoch != grants.epoch {
            grants.ready = false;
        }
        grants.epoch = epoch;
        grants.pull = None;
        if epoch.is_some() {
            grants.pull = Some(Pull {
                after: None,
                retry_at_ms: now.mono_ms,
                attempts: 0,
            });
            grants.owed_orders = answer.orders_upto;
            grants.owed.clear();
            for cursor in &answer.cursors {
                let log = LogId {
                    node: self.id,
                    incarnation: cursor.incarnation,
                };
                let held = store.log(log)?.map_or(Seq(0), |it| it.upto);
                if held < cursor.upto {
                    grants.owed.push((log, cursor.upto));
                }
            }
        }
        self.say_role(answer.rights_epoch, effects);
        Ok(())
    }

    fn say_role(&self, rights_epoch: u64, effects: &mut Vec<NodeEffect>) {
        effects.push(NodeEffect::Event(NodeEvent::Rights {
            grantor: self.grants.epoch.is_some(),
            rights_epoch,
            ready: self.grants.ready,
        }));
    }

    /// New documents: what they touched is looked at.
    pub(super) fn note_facts<S: Store + ?Sized>(
        &mut self,
        facts: &Facts,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        super::restored::settle_counted(&facts.counted, store)?;
        for (item, at) in &facts.short {
            let mut cells = StoreCells::load(store, item)?;
            cells.shut_since = Some(cells.shut_since.map_or(*at, |it| it.max(*at)));
            cells.save(store, item)?;
            self.grants.look_at([item.clone()]);
        }
        for (item, at) in &facts.counted {
            let mut cells = StoreCells::load(store, item)?;
            if cells.shut_since.is_some_and(|it| it < *at) {
                cells.shut_since = None;
                cells.save(store, item)?;
            }
        }
        self.grants.look_at(facts.items.iter().cloned());
        for order in &facts.orders {
            self.settle_order(order, store, effects)?;
        }
        Ok(())
    }

    /// The hub's rows, as an answer or because they changed.
    pub(super) fn on_hub_rights<S: Store + ?Sized>(
        &mut self,
        now: Now,
        rows: &[HubRight],
        wants_rows: bool,
        store: &mut S,
    ) -> Result<(), S::Error> {
        for row in rows {
            let before = StoreCells::load(store, &row.item)?;
            let cells = StoreCells {
                granted: before.granted.max(row.granted_seen),
                returned_seen: before.returned_seen.max(row.returned),
                ..before
            };
            if cells != before {
                cells.save(store, &row.item)?;
            }
            let told = self.grants.untold.get(&row.item).copied();
            if told.is_some_and(|it| it > 0 && it <= row.target_seq_seen) {
                self.grants.untold.remove(&row.item);
                self.grants.attempts = 0;
            }
            let behind = row.granted_seen < cells.granted && told.is_none();
            if wants_rows || behind || cells.returned_seen != before.returned_seen {
                self.grants.tell(row.item.clone(), now);
                self.grants.look_at([row.item.clone()]);
            }
        }
        Ok(())
    }

    /// A page of the handshake.
    pub(super) fn on_rights_page<S: Store + ?Sized>(
        &mut self,
        now: Now,
        page: &RightsPage,
        store: &mut S,
    ) -> Result<(), S::Error> {
        let asked = self.grants.pull.as_ref().map(|it| &it.after);
        if self.grants.epoch != Some(page.rights_epoch) || asked != Some(&page.after) {
            return Ok(());
        }
        self.on_hub_rights(now, &page.rows, false, store)?;
        for row in &page.rows {
            // What the hub follows already needn't be told again.
            let cells = StoreCells::load(store, &row.item)?;
            let wish = self.situation(store, &row.item)?.wish(cells.outstanding());
            let same = row.granted_seen == cells.granted && row.level_seen == wish.level;
            if !same || row.returned != cells.returned_seen {
                self.grants.tell(row.item.clone(), now);
            }
        }
        self.tell_unnamed(now, page, store)?;
        let last = page.rows.last().map(|it| it.item.clone());
        self.grants.pull = match last {
            Some(item) if page.more => Some(Pull {
                after: Some(item),
                retry_at_ms: now.mono_ms,
                attempts: 0,
            }),
            _ => None,
        };
        Ok(())
    }

    /// Rows between those of a page are news to a hub that forgot them.
    fn tell_unnamed<S: Store + ?Sized>(
        &mut self,
        now: Now,
        page: &RightsPage,
        store: &S,
    ) -> Result<(), S::Error> {
        let end = page.rows.last().map(|it| &it.item).filter(|_| page.more);
        let named = |item: &ItemId| page.rows.iter().any(|it| it.item == *item);
        let mut after = page.after.clone();
        loop {
            let rows = store_rows(store, after.as_ref(), LOOKED_AT_ONCE)?;
            let count = rows.len();
            for (item, cells) in rows {
                if end.is_some_and(|it| item > *it) {
                    return Ok(());
                }
                if cells.granted > Quantity::ZERO && !named(&item) {
                    self.grants.tell(item.clone(), now);
                }
                after = Some(item);
            }
            if count < LOOKED_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Asks, looks and tells, as far as time and place allow.
    pub(super) fn grant<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let Some(epoch) = self.grants.epoch else {
            self.grants.dirty.clear();
            return Ok(());
        };
        if self.is_admitted() {
            self.ask_for_rows(now, epoch, effects);
        }
        if !self.grants.ready && !self.shake_hands(epoch, store, effects)? {
            return Ok(());
        }
        self.sweep(store)?;
        for _ in 0..LOOKED_AT_ONCE {
            let Some(item) = self.grants.dirty.pop_first() else {
                break;
            };
            self.consider(now, item, store)?;
        }
        if self.is_admitted() && self.grants.tell_at_ms.is_some_and(|it| it <= now.mono_ms) {
            self.tell_rows(now, epoch, store, effects)?;
        }
        Ok(())
    }

    fn ask_for_rows(&mut self, now: Now, rights_epoch: u64, effects: &mut Vec<NodeEffect>) {
        let Some(pull) = self.grants.pull.as_mut() else {
            return;
        };
        if pull.retry_at_ms > now.mono_ms {
            return;
        }
        let wait_ms = self
            .jitter
            .backoff_ms(ECHO_TIMEOUT_MS, ECHO_TIMEOUT_MS_MAX, pull.attempts);
        pull.retry_at_ms = now.mono_ms.saturating_add(wait_ms);
        pull.attempts = pull.attempts.saturating_add(1);
        let message = Message::RightsPull(RightsPull {
            rights_epoch,
            after: pull.after.clone(),
        });
        send(Up::Rights, &message, effects);
    }

    /// The handshake is done when nothing is owed any more.
    fn shake_hands<S: Store + ?Sized>(
        &mut self,
        epoch: u64,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<bool, S::Error> {
        for (log, upto) in &self.grants.owed {
            if store.log(*log)?.is_none_or(|it| it.upto < *upto) {
                return Ok(false);
            }
        }
        let orders = self.grants.open.upto() >= self.grants.owed_orders;
        if self.grants.pull.is_some() || !orders {
            return Ok(false);
        }
        let grants = &mut self.grants;
        grants.ready = true;
        grants.owed.clear();
        grants.sweep = Some(None);
        // Nothing may be left to tell: the hub has to hear that too.
        grants.tell_at_ms = Some(0);
        self.say_role(epoch, effects);
        Ok(true)
    }

    /// Puts the next items of a round over all of them on the list.
    fn sweep<S: Store + ?Sized>(&mut self, store: &S) -> Result<(), S::Error> {
        let Some(after) = self.grants.sweep.take() else {
            return Ok(());
        };
        if !self.grants.dirty.is_empty() {
            self.grants.sweep = Some(after);
            return Ok(());
        }
        let items = store.items(after.as_ref(), LOOKED_AT_ONCE)?;
        if items.len() == LOOKED_AT_ONCE {
            self.grants.sweep = Some(items.last().cloned());
        }
        self.grants.dirty.extend(items);
        Ok(())
    }

    /// Grants what the store can spare of one item.
    fn consider<S: Store + ?Sized>(
        &mut self,
        now: Now,
        item: ItemId,
        store: &mut S,
    ) -> Result<(), S::Error> {
        let mut cells = StoreCells::load(store, &item)?;
        let Wish { level, grant } = self.situation(store, &item)?.wish(cells.outstanding());
        if grant > Quantity::ZERO {
            cells.granted = cells.granted.plus(grant);
            cells.save(store, &item)?;
        }
        let is_online = cells.granted != cells.returned_seen || level > Quantity::ZERO;
        if is_online {
            self.grants.tell(item, now);
        }
        Ok(())
    }

    /// A newer policy: every item is looked at again.
    pub(super) fn on_policy<S: Store + ?Sized>(
        &mut self,
        policy: Policy,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if policy.revision <= self.grants.policy.revision {
            return Ok(());
        }
        store.set_row(Family::Policy, POLICY_KEY, &policy.encode())?;
        self.grants.policy = policy.clone();
        self.grants.sweep = Some(None);
        effects.push(NodeEffect::Event(NodeEvent::Policy(policy)));
        Ok(())
    }
}

/// The policy that was kept.
pub(crate) fn policy<S: Store + ?Sized>(store: &S) -> Result<Policy, S::Error> {
    let bytes = store.row(Family::Policy, POLICY_KEY)?;
    Ok(bytes
        .and_then(|it| Policy::decode(&it).ok())
        .unwrap_or_default())
}
