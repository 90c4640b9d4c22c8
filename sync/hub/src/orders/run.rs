//! Carries out one command inside the transaction.

use shelf_replica::Now;
use shelf_replica::hub::{Hub, HubEffect, HubInput};
use shelf_replica::orders::{
    Cancelling, Cause, Decision, NewOrder, Refusal, Remedy, StoredOrder, Undeliverable,
};
use shelf_stock::customer_order::{Order, OrderLine, OrderState};
use shelf_stock::name::{ChannelId, ItemId, OrderId, StoreId};
use shelf_stock::quantity::Quantity;

use super::legs::{self, Leg};
use super::place::{self, Place};
use super::{Command, Outcome, names};
use crate::storage::{Shop, StorageError, Transaction};

/// A store's machine and everything that a command may touch.
pub(crate) struct Desk<'a> {
    pub(crate) now: Now,
    pub(crate) name: &'a StoreId,
    pub(crate) hub: &'a mut Hub,
    pub(crate) shop: Shop<'a>,
    pub(crate) transaction: &'a dyn Transaction,
    pub(crate) effects: &'a mut Vec<HubEffect>,
}

type Told = Result<Outcome, StorageError>;

/// Carries out a command; the caller gives the machine's effects after the commit.
pub(crate) fn run(desk: &mut Desk<'_>, command: &Command) -> Told {
    let outcome = match command {
        Command::Accept(new) => desk.accept(new, None)?,
        Command::StartLeg { new, leg } => desk.accept(new, Some(leg))?,
        Command::FinishLeg(name) => desk.finish_leg(name)?,
        Command::TrimLeg(name) => desk.trim_leg(name)?,
        Command::Cancel { order, channel } => desk.cancel(order, channel)?,
        Command::Change { order, lines } => desk.change(order, lines)?,
        Command::Pay { order, tenders } => {
            let (hub, tenders) = (&mut *desk.hub, tenders.clone());
            known(hub.pay(order, tenders, &mut *desk.shop, desk.effects)?)
        }
        Command::Assign { order, owner } => {
            let hub = &mut *desk.hub;
            known(hub.assign(order, *owner, &mut *desk.shop, desk.effects)?)
        }
        Command::Policy(policy) => {
            if Hub::policy(&*desk.shop)?.revision >= policy.revision {
                return Ok(Outcome::OldPolicy);
            }
            desk.hub.set_policy(policy, &mut *desk.shop, desk.effects)?;
            Outcome::Done
        }
        Command::Grantor(node) => {
            desk.hub.set_grantor(*node, &mut *desk.shop, desk.effects)?;
            Outcome::Done
        }
        Command::Admit(node) => {
            let forgiven = HubInput::Forgive { node: *node };
            desk.hub
                .handle(desk.now, forgiven, &mut *desk.shop, desk.effects)?;
            Outcome::Done
        }
        Command::Restored => {
            desk.hub.restored(&mut *desk.shop, desk.effects)?;
            Outcome::Done
        }
        Command::Reconciled(channel) => {
            desk.hub
                .reconciled(channel, &mut *desk.shop, desk.effects)?;
            Outcome::Done
        }
        Command::Expose { channel, levels } => desk.expose(channel, levels)?,
        Command::Lowered { channel, levels } => desk.lowered(channel, levels)?,
        Command::Name { order, name } => desk.keep_name(order, name.as_deref())?,
    };
    desk.hub.finish(desk.now, &mut *desk.shop, desk.effects)?;
    Ok(outcome)
}

fn known(is_known: bool) -> Outcome {
    match is_known {
        true => Outcome::Done,
        false => Outcome::NoOrder,
    }
}

impl Desk<'_> {
    fn accept(&mut self, new: &NewOrder, leg: Option<&Leg>) -> Told {
        place::turn(self.transaction, &new.id)?;
        if let Some(place) = place::find(self.transaction, &new.id)? {
            return self.again(new, place);
        }
        let policy = Hub::policy(&*self.shop)?;
        let channel = policy.channels.iter().find(|it| it.channel == new.channel);
        match channel {
            None => return Ok(Outcome::NoChannel),
            // A channel of a restored hub gives again what it sold in the time that was lost.
            Some(it) if new.sold_already && !it.external => {
                if Hub::recovery(&*self.shop)?.is_none() {
                    return Ok(Outcome::NotExternal);
                }
            }
            Some(_) => {}
        }
        let decision = self
            .hub
            .accept(self.now, new, &mut *self.shop, self.effects)?;
        if matches!(decision, Decision::Accepted(_) | Decision::Again(_)) {
            let place = Place {
                store: Some(self.name.clone()),
                channel: new.channel.clone(),
            };
            place::set(self.transaction, &new.id, &place)?;
            if leg.is_some() {
                legs::set(self.transaction, &new.id, leg)?;
            }
        }
        Ok(Outcome::Decided(self.name.clone(), decision))
    }

    /// The same number again: what it is by now, whichever store it is in.
    fn again(&self, new: &NewOrder, place: Place) -> Told {
        let Some(store) = place.store else {
            return Ok(Outcome::Dead);
        };
        let held = if store == *self.name {
            StoredOrder::load(&*self.shop, &new.id)?
        } else {
            match self.transaction.store_named(store.as_str())? {
                Some(key) => StoredOrder::load(&*self.transaction.shop(key), &new.id)?,
                None => None,
            }
        };
        let Some(StoredOrder { order, .. }) = held else {
            return Ok(Outcome::Dead);
        };
        let order = Box::new(order);
        // What a bundle holds may have changed since.
        let plain = |lines: &[OrderLine]| -> Vec<(ItemId, Quantity)> {
            let line = |it: &OrderLine| (it.item.clone(), it.quantity);
            lines.iter().map(line).collect()
        };
        let same = order.channel == new.channel && plain(&order.lines) == plain(&new.lines);
        Ok(Outcome::Decided(
            store,
            match same {
                true => Decision::Again(order),
                false => Decision::Refused(Refusal::Conflict(order)),
            },
        ))
    }

    fn cancel(&mut self, order: &OrderId, channel: &ChannelId) -> Told {
        place::turn(self.transaction, order)?;
        let cancelling =
            self.hub
                .cancel(self.now, order, channel, &mut *self.shop, self.effects)?;
        if cancelling == Cancelling::Tombstone {
            let place = Place {
                store: Some(self.name.clone()),
                channel: channel.clone(),
            };
            place::set(self.transaction, order, &place)?;
        }
        Ok(Outcome::Cancel(cancelling))
    }

    fn change(&mut self, order: &OrderId, lines: &[OrderLine]) -> Told {
        let lines = lines.to_vec();
        let shop = &mut *self.shop;
        let decision = self
            .hub
            .change(self.now, order, lines, shop, self.effects)?;
        Ok(match decision {
            Some(decision) => Outcome::Decided(self.name.clone(), decision),
            None => Outcome::NoOrder,
        })
    }

    fn expose(&mut self, channel: &ChannelId, levels: &[(ItemId, Quantity)]) -> Told {
        let mut shown = Vec::with_capacity(levels.len());
        for (item, wanted) in levels {
            let level = self.hub.expose(item, channel, *wanted, &mut *self.shop)?;
            shown.push((item.clone(), level));
        }
        Ok(Outcome::Exposed(shown))
    }

    fn lowered(&mut self, channel: &ChannelId, levels: &[(ItemId, Quantity)]) -> Told {
        for (item, level) in levels {
            let shop = &mut *self.shop;
            self.hub
                .lowered(item, channel, *level, shop, self.effects)?;
        }
        Ok(Outcome::Done)
    }

    fn keep_name(&mut self, order: &OrderId, name: Option<&str>) -> Told {
        let Some(held) = StoredOrder::load(&*self.shop, order)? else {
            return Ok(Outcome::NoOrder);
        };
        let ended = held.order.state.is_end().then_some(self.now.wall);
        names::set(self.transaction, order, name, ended)?;
        Ok(Outcome::Done)
    }

    /// In the store that lacks the units.
    fn finish_leg(&mut self, name: &OrderId) -> Told {
        let Some(mut leg) = legs::find(self.transaction, name)? else {
            return Ok(Outcome::NoOrder);
        };
        if let Some(taken) = leg.taken {
            return Ok(Outcome::Taken(taken));
        }
        let missing = Undeliverable {
            item: leg.item.clone(),
            quantity: leg.quantity,
            cause: Cause::FloorOverdraft,
            remedy: Remedy::OtherStore,
        };
        let shop = &mut *self.shop;
        let taken = self
            .hub
            .compensate(self.now, &leg.order, &missing, shop, self.effects)?;
        leg.taken = Some(taken);
        legs::set(self.transaction, name, Some(&leg))?;
        Ok(Outcome::Taken(taken))
    }

    /// In the store that has the units.
    fn trim_leg(&mut self, name: &OrderId) -> Told {
        let Some(leg) = legs::find(self.transaction, name)? else {
            return Ok(Outcome::NoOrder);
        };
        let taken = leg.taken.unwrap_or_default();
        let held = StoredOrder::load(&*self.shop, name)?.map(|it| it.order);
        let open = |it: &Order| it.state == OrderState::Reserved;
        if let Some(order) = held.filter(|it| taken < leg.quantity && open(it)) {
            if taken <= Quantity::ZERO {
                let shop = &mut *self.shop;
                self.hub
                    .cancel(self.now, name, &order.channel, shop, self.effects)?;
            } else {
                let line = OrderLine {
                    item: leg.item.clone(),
                    quantity: taken,
                    parts: Vec::new(),
                };
                self.change(name, &[line])?;
            }
        }
        legs::set(self.transaction, name, None)?;
        Ok(Outcome::Done)
    }
}

impl Command {
    /// Carries out what needs no store: a number that nobody knows and no store was named for.
    pub(crate) fn without_store(&self, transaction: &dyn Transaction) -> Told {
        let Self::Cancel { order, channel } = self else {
            return Ok(Outcome::NoStore);
        };
        place::turn(transaction, order)?;
        if place::find(transaction, order)?.is_some_and(|it| it.store.is_some()) {
            // It came this moment: whoever asks again finds it.
            return Ok(Outcome::NoStore);
        }
        let place = Place {
            store: None,
            channel: channel.clone(),
        };
        place::set(transaction, order, &place)?;
        Ok(Outcome::Cancel(Cancelling::Tombstone))
    }

    /// Whether the store must exist already.
    pub(crate) fn needs_store(&self) -> bool {
        !self.makes_store()
    }
}
