//! Lets the machine of one store do something, and takes what it wants done.

use shelf_link::Frame;
use shelf_replica::hub::{Hub, HubConfig as MachineConfig, HubEffect, HubEvent, HubInput};
use shelf_stock::name::StoreId;
use shelf_wire::topic::{Lane, Topic};

use super::frames::{files_hint, hint_of};
use super::{Exchange, ExchangeError, STORES_MAX, machine_time};
use crate::news::news_of;
use crate::orders::names;
use crate::platform::{self, Moment};
use crate::presence::{self, Look};
use crate::seen::Seen;
use crate::storage::{Shop, StorageError, StoreKey, Transaction};

/// A store's machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) key: StoreKey,
    pub(super) hub: Hub,
    pub(super) wake_at_ms: Option<u64>,
    /// Whether its key is committed.
    pub(super) settled: bool,
}

impl Machine {
    pub(super) fn is_due(&self, now: Moment) -> bool {
        self.wake_at_ms.is_some_and(|at| at <= now.mono_ms)
    }
}

impl Exchange {
    pub(super) fn handle(
        &mut self,
        transaction: &dyn Transaction,
        now: Moment,
        store: &StoreId,
        input: HubInput<'_>,
        leaving: &mut Vec<Frame>,
    ) -> Result<(), ExchangeError> {
        self.drive(
            transaction,
            now,
            store,
            leaving,
            |hub, mut shop, effects| hub.handle(machine_time(now), input, &mut *shop, effects),
        )?;
        Ok(())
    }

    /// Lets a store's machine do something and takes its effects; `None` where there is no room
    /// for another store.
    pub(super) fn drive<'t, T>(
        &mut self,
        transaction: &'t dyn Transaction,
        now: Moment,
        store: &StoreId,
        leaving: &mut Vec<Frame>,
        work: impl FnOnce(&mut Hub, Shop<'t>, &mut Vec<HubEffect>) -> Result<T, StorageError>,
    ) -> Result<Option<T>, ExchangeError> {
        if !self.machines.contains_key(store) {
            if self.machines.len() >= STORES_MAX {
                return Ok(None);
            }
            let machine = self.make(transaction, now, store)?;
            self.machines.insert(store.clone(), machine);
        }
        let Some(machine) = self.machines.get_mut(store) else {
            return Ok(None);
        };
        let key = machine.key;
        let mut effects = std::mem::take(&mut self.effects);
        effects.clear();
        let done = work(&mut machine.hub, transaction.shop(key), &mut effects)?;
        let mut wakes = effects.iter().filter_map(|it| match it {
            HubEffect::WakeAt(at) => Some(*at),
            HubEffect::Send { .. } | HubEffect::Event(_) => None,
        });
        machine.wake_at_ms = wakes.next_back();
        for effect in effects.drain(..) {
            match effect {
                HubEffect::Send { to, channel, frame } => leaving.push(Frame {
                    topic: Topic {
                        tenant: self.tenant.clone(),
                        store: store.clone(),
                        lane: Lane::Down(to, channel),
                    },
                    payload: frame,
                }),
                HubEffect::WakeAt(_) => {}
                HubEffect::Event(event) => {
                    self.happened(transaction, now, (store, key), &event, leaving)?;
                    self.events.push((store.clone(), event));
                }
            }
        }
        self.effects = effects;
        Ok(Some(done))
    }

    /// What the hub itself does about what happened in a store.
    fn happened(
        &mut self,
        transaction: &dyn Transaction,
        now: Moment,
        (store, key): (&StoreId, StoreKey),
        event: &HubEvent,
        leaving: &mut Vec<Frame>,
    ) -> Result<(), ExchangeError> {
        match event {
            HubEvent::FarBehind { node, .. } => {
                leaving.extend(files_hint(&self.tenant, store, *node));
            }
            HubEvent::Stat { node, stat } => {
                transaction.reported(key, *node, &Seen::of(stat, now.wall))?;
                if stat.stopping {
                    self.parted.insert((key, *node));
                    self.told.changed(key);
                } else if self.told.is_due(key, *node, now.mono_ms) {
                    let look = Look {
                        now: now.wall,
                        silent_after_ms: self.silent_after_ms,
                    };
                    let rows = presence::rows(&transaction.seen(key)?, look);
                    leaving.extend(presence::frame(&self.tenant, store, *node, rows));
                }
            }
            HubEvent::OrderChanged { order, state } if state.is_end() => {
                names::ended(transaction, order, now.wall)?;
            }
            _ => {}
        }
        self.news.extend(news_of(store, event));
        Ok(())
    }

    /// A machine for a store, told of the catalogue's revision that can be fetched.
    fn make(
        &self,
        transaction: &dyn Transaction,
        now: Moment,
        store: &StoreId,
    ) -> Result<Machine, ExchangeError> {
        let key = transaction.store_key(self.tenant.as_str(), store.as_str())?;
        let mut hub = Hub::new(MachineConfig {
            seed: platform::random_u64()?,
            trust_first_use: self.trust_first_use,
        })
        .compensating_after(self.compensate_after_ms);
        if self.several {
            hub = hub.one_of_several();
        }
        if let Some(published) = transaction.published(None)? {
            let hint = hint_of(&published);
            let mut shop = transaction.shop(key);
            let input = HubInput::Hint { hint: &hint };
            // It has heard of nobody yet: there is nobody to send anything to.
            hub.handle(machine_time(now), input, &mut *shop, &mut Vec::new())?;
        }
        Ok(Machine {
            key,
            hub,
            wake_at_ms: None,
            settled: false,
        })
    }
}
