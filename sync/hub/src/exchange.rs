//! The machines of all stores over the one database.
//!
//! Each store has its own hub machine of `shelf_replica`, made when the store is first heard and
//! made anew after a failed transaction: everything that counts is in the tables. Frames that
//! don't belong to this tenant are forgotten here; what is authentic is the machine's to decide.
//! Nothing is logged or counted before [`Exchange::committed`].

mod drive;
mod frames;

use std::collections::{BTreeMap, BTreeSet};

use shelf_link::Frame;
use shelf_replica::Now;
use shelf_replica::hub::{HubEffect, HubEvent, HubInput};
use shelf_stock::identity::NodeId;
use shelf_stock::name::{StoreId, TenantId};
use shelf_wire::topic::Lane;
use tokio::sync::mpsc;

use self::drive::Machine;
use self::frames::{hello_wanted, hint_of};
use crate::catalogue::table::Published;
use crate::config::HubConfig;
use crate::metrics::Metrics;
use crate::news::{News, tell};
use crate::orders::{self, Command, Desk, Outcome, names};
use crate::platform::{self, Moment};
use crate::presence;
use crate::storage::{StorageError, StoreKey, StoreRow, Transaction};

/// The longest that the writer waits for an input.
const WAKE_MS_MAX: u64 = 1_000;
/// Stores that one hub takes; more are not heard.
pub const STORES_MAX: usize = 20_000;

/// PCs that were heard within this time are asked for a hello when the hub comes back: a week.
const HELLO_ASKED_SINCE_MS: i64 = 7 * 24 * 3_600_000;

/// A transaction can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The storage said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// No randomness for a machine's tokens.
    #[error("a store's machine can't be made: {0}")]
    Entropy(#[from] platform::EntropyError),
}

impl ExchangeError {
    /// Whether the same transaction may succeed if it is tried again as a whole.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_transient())
    }
}

/// All machines.
#[derive(Debug)]
pub struct Exchange {
    tenant: TenantId,
    trust_first_use: bool,
    compensate_after_ms: u64,
    /// Whether other workers serve the same stores.
    several: bool,
    machines: BTreeMap<StoreId, Machine>,
    /// PCs that were heard in this transaction, and those whose last word in it was that they stop.
    heard: BTreeSet<(StoreKey, NodeId)>,
    parted: BTreeSet<(StoreKey, NodeId)>,
    /// What to tell and count once the transaction is committed.
    events: Vec<(StoreId, HubEvent)>,
    /// What the edge does about it.
    news: Vec<News>,
    reader: Option<mpsc::Sender<News>>,
    /// When names of collectors that are due are deleted next.
    purge_at_ms: u64,
    effects: Vec<HubEffect>,
    told: presence::Told,
    silent_after_ms: u64,
}

impl Exchange {
    /// No machine yet: they are made when their stores are heard.
    #[must_use]
    pub fn new(config: &HubConfig) -> Self {
        Self {
            tenant: config.tenant.clone(),
            trust_first_use: config.trust_first_use,
            compensate_after_ms: config.compensate_after_ms,
            several: config.worker.is_some(),
            machines: BTreeMap::new(),
            heard: BTreeSet::new(),
            parted: BTreeSet::new(),
            events: Vec::new(),
            news: Vec::new(),
            reader: None,
            purge_at_ms: 0,
            effects: Vec::new(),
            told: presence::Told::default(),
            silent_after_ms: config.silent_after_ms,
        }
    }

    /// Tells somebody what was committed, as far as the queue has room.
    #[must_use]
    pub fn with_reader(mut self, reader: mpsc::Sender<News>) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Locks the stores that a transaction's frames and timers touch.
    pub fn claim<'f>(
        &'f self,
        transaction: &dyn Transaction,
        now: Moment,
        frames: impl Iterator<Item = &'f Frame>,
    ) -> Result<(), ExchangeError> {
        self.claim_with(transaction, now, frames, std::iter::empty())
    }

    /// As [`Exchange::claim`], with the stores that commands name.
    pub fn claim_with<'f>(
        &'f self,
        transaction: &dyn Transaction,
        now: Moment,
        frames: impl Iterator<Item = &'f Frame>,
        stores: impl Iterator<Item = &'f StoreId>,
    ) -> Result<(), ExchangeError> {
        let ours = frames.filter(|it| it.topic.tenant == self.tenant && !it.payload.is_empty());
        let due = self.machines.iter().filter(|(_, it)| it.is_due(now));
        let names: BTreeSet<&str> = ours
            .map(|it| it.topic.store.as_str())
            .chain(due.map(|(store, _)| store.as_str()))
            .chain(stores.map(StoreId::as_str))
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        Ok(transaction.claim(self.tenant.as_str(), &names)?)
    }

    /// Takes a frame.
    pub fn frame(
        &mut self,
        transaction: &dyn Transaction,
        now: Moment,
        arrived: &Frame,
        leaving: &mut Vec<Frame>,
    ) -> Result<(), ExchangeError> {
        let Lane::Up(from, _) = arrived.topic.lane else {
            return Ok(());
        };
        // An empty payload is a retained one that was cleared.
        if arrived.topic.tenant != self.tenant || arrived.payload.is_empty() {
            return Ok(());
        }
        let frame = &arrived.payload;
        let input = HubInput::Frame { from, frame };
        self.handle(transaction, now, &arrived.topic.store, input, leaving)?;
        if let Some(machine) = self.machines.get(&arrived.topic.store)
            && machine.hub.present().any(|it| it == from)
        {
            self.heard.insert((machine.key, from));
        }
        Ok(())
    }

    /// Carries out a command for one store, or for none.
    pub fn command(
        &mut self,
        transaction: &dyn Transaction,
        now: Moment,
        (store, command): (Option<&StoreId>, &Command),
        leaving: &mut Vec<Frame>,
    ) -> Result<Outcome, ExchangeError> {
        let Some(store) = store else {
            return Ok(command.without_store(transaction)?);
        };
        if command.needs_store() && transaction.store_named(store.as_str())?.is_none() {
            return Ok(Outcome::NoStore);
        }
        let outcome = self.drive(transaction, now, store, leaving, |hub, shop, effects| {
            let mut desk = Desk {
                now: machine_time(now),
                name: store,
                hub,
                shop,
                transaction,
                effects,
            };
            orders::run(&mut desk, command)
        })?;
        if matches!(
            (command, &outcome),
            (Command::Policy(_), Some(Outcome::Done))
        ) {
            self.news.push(News::Sweep);
        }
        Ok(outcome.unwrap_or(Outcome::NoStore))
    }

    /// The broker is there: PCs that were heard lately and have not said hello to this process are
    /// asked to. An idle PC would else notice only at its next status row that the hub was
    /// restarted, and hear of its siblings' sales that much later.
    pub fn connected(
        &mut self,
        transaction: &dyn Transaction,
        now: Moment,
        leaving: &mut Vec<Frame>,
    ) -> Result<(), ExchangeError> {
        let since = now.wall.plus_millis(-HELLO_ASKED_SINCE_MS);
        for StoreRow { key, tenant, name } in transaction.stores()? {
            let (true, Ok(store)) = (tenant == self.tenant.as_str(), StoreId::new(name)) else {
                continue;
            };
            let machine = self.machines.get(&store);
            for (node, seen) in transaction.seen(key)? {
                let here = machine.is_some_and(|it| it.hub.present().any(|it| it == node));
                let lately = seen.last_seen.is_some_and(|at| at >= since);
                if !here && lately && !seen.stopping {
                    leaving.extend(hello_wanted(&self.tenant, &store, node));
                }
            }
        }
        Ok(())
    }

    /// A revision of the catalogue can be fetched: every store is told.
    pub fn published(
        &mut self,
        transaction: &dyn Transaction,
        now: Moment,
        published: &Published,
        leaving: &mut Vec<Frame>,
    ) -> Result<(), ExchangeError> {
        let hint = hint_of(published);
        for StoreRow { tenant, name, .. } in transaction.stores()? {
            if let (true, Ok(store)) = (tenant == self.tenant.as_str(), StoreId::new(name)) {
                let input = HubInput::Hint { hint: &hint };
                self.handle(transaction, now, &store, input, leaving)?;
            }
        }
        Ok(())
    }

    /// Ends a transaction: lets time pass and notes who was heard.
    pub fn tick(
        &mut self,
        transaction: &dyn Transaction,
        now: Moment,
        leaving: &mut Vec<Frame>,
    ) -> Result<(), ExchangeError> {
        let machines = self.machines.iter().filter(|(_, it)| it.is_due(now));
        let stores: Vec<StoreId> = machines.map(|(store, _)| store.clone()).collect();
        for store in stores {
            self.handle(transaction, now, &store, HubInput::Tick, leaving)?;
        }
        if self.purge_at_ms <= now.mono_ms {
            self.purge_at_ms = now.mono_ms.saturating_add(names::PURGE_INTERVAL_MS);
            names::purge(transaction, now.wall)?;
        }
        let parted = std::mem::take(&mut self.parted);
        for (store, node) in std::mem::take(&mut self.heard).difference(&parted) {
            transaction.heard(*store, *node, now.wall)?;
        }
        Ok(())
    }

    /// Whether a tick would do anything.
    #[must_use]
    pub fn is_due(&self, now_ms: u64) -> bool {
        let mut wakes = self.machines.values().filter_map(|it| it.wake_at_ms);
        self.purge_at_ms <= now_ms || wakes.any(|at| at <= now_ms)
    }

    /// In how many milliseconds a machine wants to be woken.
    #[must_use]
    pub fn wake_in_ms(&self, now_ms: u64) -> u64 {
        let wakes = self.machines.values().filter_map(|it| it.wake_at_ms);
        let first = wakes
            .min()
            .map_or(WAKE_MS_MAX, |at| at.saturating_sub(now_ms));
        first.clamp(1, WAKE_MS_MAX)
    }

    /// The transaction was committed: what it did is told and counted.
    pub fn committed(&mut self, metrics: &Metrics) {
        for machine in self.machines.values_mut().filter(|it| !it.settled) {
            machine.settled = true;
        }
        for (store, event) in self.events.drain(..) {
            if let HubEvent::Stored { new, .. } = &event {
                Metrics::add(&metrics.documents, *new);
            }
            tell(&store, &event);
        }
        let Some(reader) = &self.reader else {
            return self.news.clear();
        };
        for news in self.news.drain(..) {
            // What doesn't fit is found by the next sweep.
            if reader.try_send(news).is_err() {
                Metrics::add(&metrics.news_dropped, 1);
            }
        }
    }

    /// The transaction failed: the machines are made anew when they are needed. Those of one of
    /// several workers go on from the database and ask nobody for a hello: transactions that meet
    /// are usual there.
    pub fn reset(&mut self) {
        self.machines.retain(|_, it| self.several && it.settled);
        for machine in self.machines.values_mut() {
            machine.hub.reset();
            machine.wake_at_ms = None;
        }
        self.heard.clear();
        self.parted.clear();
        self.events.clear();
        self.news.clear();
        self.effects.clear();
    }
}

fn machine_time(now: Moment) -> Now {
    Now {
        mono_ms: now.mono_ms,
        wall: now.wall,
    }
}
