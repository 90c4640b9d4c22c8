//! What the hub knows of a shop as a whole: who grants, under which number, how far its orders are,
//! and whether the hub itself lost time.

use shelf_stock::hours::OpeningHours;
use shelf_stock::identity::{NODE_ID_BYTES, NodeId};
use shelf_stock::name::ChannelId;
use shelf_stock::time::Timestamp;
use shelf_wire::message::{Message, Policy, Presence};

use crate::rights::{Reader, Writer};
use crate::store::{Family, Store};

const KEY: &str = "hub.shop";
const HEARD_KEY: &str = "hub.heard";
const GRANTING_KEY: &str = "hub.granting";
const WAITED_KEY: &str = "hub.granting.waited";
const HOURS_KEY: &str = "hub.hours";
const FORMAT: u8 = 1;
/// A restored hub goes on at the next multiple: it can't have forgotten more orders or epochs.
const STAMPS_OF_A_GENERATION: u64 = 1 << 32;
const POLICY_KEY: &[u8] = b"policy";

/// A shop's fencing and its recovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shop {
    /// The fencing number of rights.
    pub(super) rights_epoch: u64,
    pub(super) grantor: Option<NodeId>,
    /// The grantor's run that has the number.
    pub(super) grantor_boot: u64,
    /// The last stamp that an order got.
    pub(super) last_stamp: u64,
    /// Stamps up to here are of the time before the hub was last restored: what a PC has under
    /// them says nothing about what the hub means by them.
    pub(super) old_stamps: u64,
    /// Orders that are not at an end.
    pub(super) open_orders: u64,
    /// The hub was restored from a backup and is not open yet.
    pub(super) recovering: Option<Recovering>,
}

/// What is missing until a restored hub may sell again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recovering {
    /// The grantor has told all of its rows.
    pub(super) rights_done: bool,
    /// The store's orders up to this stamp are here.
    pub(super) orders_done: bool,
    /// The last stamp that a PC knew of the time that was lost.
    pub(super) orders_upto: u64,
    /// Channels that have not given their orders of that time yet.
    pub(super) channels: Vec<ChannelId>,
}

impl Shop {
    pub(super) fn load<S: Store + ?Sized>(store: &S) -> Result<Self, S::Error> {
        let bytes = store.state(KEY)?;
        Ok(bytes.and_then(|it| Self::read(&it)).unwrap_or_default())
    }

    pub(super) fn save<S: Store + ?Sized>(&self, store: &mut S) -> Result<(), S::Error> {
        let grantor = self.grantor.as_ref().map_or(&[][..], |it| it.as_bytes());
        let mut bytes = Writer::new(FORMAT)
            .number(self.rights_epoch)
            .text(grantor)
            .number(self.grantor_boot)
            .number(self.last_stamp)
            .number(self.old_stamps)
            .number(self.open_orders)
            .flag(self.recovering.is_some());
        if let Some(it) = &self.recovering {
            let channels = u64::try_from(it.channels.len()).unwrap_or(u64::MAX);
            bytes = bytes
                .flag(it.rights_done)
                .flag(it.orders_done)
                .number(it.orders_upto)
                .number(channels);
            for channel in &it.channels {
                bytes = bytes.text(channel.as_str().as_bytes());
            }
        }
        store.set_state(KEY, &bytes.done())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut it = Reader::new(bytes, FORMAT)?;
        let mut shop = Self {
            rights_epoch: it.number()?,
            grantor: <[u8; NODE_ID_BYTES]>::try_from(it.text()?)
                .ok()
                .map(NodeId::from_bytes),
            grantor_boot: it.number()?,
            last_stamp: it.number()?,
            old_stamps: it.number()?,
            open_orders: it.number()?,
            recovering: None,
        };
        if it.flag()? {
            let mut recovering = Recovering {
                rights_done: it.flag()?,
                orders_done: it.flag()?,
                orders_upto: it.number()?,
                channels: Vec::new(),
            };
            for _ in 0..it.number()? {
                let text = std::str::from_utf8(it.text()?).ok()?;
                recovering.channels.push(ChannelId::new(text).ok()?);
            }
            shop.recovering = Some(recovering);
        }
        Some(shop)
    }

    /// Whether a restored hub has learned everything again.
    pub(super) fn recovered(&mut self) -> bool {
        let done = |it: &Recovering| it.rights_done && it.orders_done && it.channels.is_empty();
        if self.recovering.as_ref().is_some_and(done) {
            self.recovering = None;
            return true;
        }
        false
    }

    /// The hub lost time: nothing is sold until it knows again what was promised, and from now on
    /// stamps are above any that it may have given and forgotten.
    pub(super) fn lose_time(&mut self, channels: Vec<ChannelId>, orders_upto: u64) {
        let known = self.last_stamp.max(orders_upto);
        self.old_stamps = (known | (STAMPS_OF_A_GENERATION - 1)).saturating_add(1);
        self.last_stamp = self.old_stamps;
        let recovering = self.recovering.get_or_insert_with(|| Recovering {
            channels,
            ..Recovering::default()
        });
        recovering.rights_done = false;
        recovering.orders_done = false;
        recovering.orders_upto = recovering.orders_upto.max(orders_upto);
    }

    /// The next fencing number is above any that the time which is lost may have given.
    pub(super) fn skip_epochs(&mut self) {
        self.rights_epoch = (self.rights_epoch | (STAMPS_OF_A_GENERATION - 1)).saturating_add(1);
    }

    /// Another PC grants: one that knows of returns that this hub forgot has to say so before
    /// anything more is sold. A hub that never lost time forgot nothing.
    pub(super) fn ask_rights_again(&mut self) {
        if self.old_stamps > 0 {
            let recovering = self.recovering.get_or_insert_with(|| Recovering {
                orders_done: true,
                ..Recovering::default()
            });
            recovering.rights_done = false;
        }
    }

    /// From which stamp a PC that has the orders up to this one gets what changed.
    pub(super) fn orders_from(&self, orders_upto: u64) -> u64 {
        match orders_upto < self.old_stamps {
            true => 0,
            false => orders_upto,
        }
    }

    pub(super) fn next_stamp(&mut self) -> u64 {
        self.last_stamp = self.last_stamp.saturating_add(1);
        self.last_stamp
    }
}

/// When the grantor was heard last by the hub's clock, and whether it said goodbye.
/// The last fencing number that a grantor has used; 0: none.
pub(super) fn granting<S: Store + ?Sized>(store: &S) -> Result<u64, S::Error> {
    let bytes = store.state(GRANTING_KEY)?;
    let number = bytes.and_then(|it| <[u8; 8]>::try_from(it).ok());
    Ok(number.map_or(0, u64::from_be_bytes))
}

/// Whether the grantor was heard twice under this fencing number and hasn't begun to use it.
pub(super) fn is_unaware<S: Store + ?Sized>(
    rights_epoch: u64,
    store: &mut S,
) -> Result<bool, S::Error> {
    if granting(store)? == rights_epoch {
        return Ok(false);
    }
    let number = rights_epoch.to_be_bytes();
    if store.state(WAITED_KEY)?.as_deref() == Some(&number[..]) {
        return Ok(true);
    }
    store.set_state(WAITED_KEY, &number)?;
    Ok(false)
}

/// The grantor has begun to shake hands under this fencing number.
pub(super) fn set_granting<S: Store + ?Sized>(
    rights_epoch: u64,
    store: &mut S,
) -> Result<(), S::Error> {
    store.set_state(GRANTING_KEY, &rights_epoch.to_be_bytes())
}

pub(super) fn heard<S: Store + ?Sized>(store: &S) -> Result<Option<(Timestamp, bool)>, S::Error> {
    let bytes = store.state(HEARD_KEY)?;
    Ok(bytes.and_then(|bytes| {
        let mut it = Reader::new(&bytes, FORMAT)?;
        Some((Timestamp::from_millis(it.signed()?), it.flag()?))
    }))
}

pub(super) fn set_heard<S: Store + ?Sized>(
    at: Timestamp,
    stopping: bool,
    store: &mut S,
) -> Result<(), S::Error> {
    let bytes = Writer::new(FORMAT).signed(at.as_millis()).flag(stopping);
    store.set_state(HEARD_KEY, &bytes.done())
}

/// When the store is open, as the PC said that spoke last of it; `None`: nobody did.
pub(super) fn hours<S: Store + ?Sized>(store: &S) -> Result<Option<OpeningHours>, S::Error> {
    match crate::node::saved(store, HOURS_KEY)? {
        Some(Message::Presence(presence)) => Ok(presence.hours),
        _ => Ok(None),
    }
}

pub(super) fn set_hours<S: Store + ?Sized>(
    hours: &OpeningHours,
    store: &mut S,
) -> Result<(), S::Error> {
    if self::hours(store)?.as_ref() == Some(hours) {
        return Ok(());
    }
    let presence = Presence {
        rows: Vec::new(),
        hours: Some(hours.clone()),
    };
    crate::node::save(store, HOURS_KEY, &Message::Presence(presence))
}

/// How the store's stock is to be shown; nothing is, without a policy.
pub(super) fn policy<S: Store + ?Sized>(store: &S) -> Result<Policy, S::Error> {
    let bytes = store.row(Family::Policy, POLICY_KEY)?;
    Ok(bytes
        .and_then(|it| Policy::decode(&it).ok())
        .unwrap_or_default())
}

pub(super) fn set_policy<S: Store + ?Sized>(
    policy: &Policy,
    store: &mut S,
) -> Result<(), S::Error> {
    store.set_row(Family::Policy, POLICY_KEY, &policy.encode())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    #[test]
    fn a_shop_is_kept() {
        let mut store = MemoryStore::new();
        assert_eq!(Shop::load(&store).unwrap(), Shop::default());
        let mut shop = Shop {
            rights_epoch: 3,
            grantor: Some(NodeId::from_bytes([7; 16])),
            grantor_boot: 9,
            last_stamp: 11,
            old_stamps: 8,
            open_orders: 4,
            recovering: Some(Recovering {
                rights_done: true,
                orders_done: false,
                orders_upto: 10,
                channels: vec![ChannelId::new("web").unwrap()],
            }),
        };
        shop.save(&mut store).unwrap();
        assert_eq!(Shop::load(&store).unwrap(), shop);
        assert!(!shop.recovered());
        shop.recovering = Some(Recovering {
            rights_done: true,
            orders_done: true,
            ..Recovering::default()
        });
        assert!(shop.recovered() && shop.recovering.is_none());
    }
}
