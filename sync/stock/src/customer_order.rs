//! Orders of customers: what the hub promised in a store's name, and how far it is.
//!
//! The hub is the only author of an order. What travels is always the whole current order with its
//! revision, never a step of it: the newest revision wins, an end absorbs everything after it, and
//! a cancelled order that nobody knew yet is its own tombstone. What the store does about it (pick,
//! hand over, find nothing) are documents of the store's log, which the hub reads. An order holds
//! no name, address or telephone number of anybody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::{PaymentState, Tender};
use crate::identity::NodeId;
use crate::item::Part;
use crate::name::{ChannelId, ItemId, OrderId};
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// The most lines of one order.
pub const ORDER_LINES_MAX: usize = 200;

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Its units are reserved: they lie on the shelf and count against what channels may sell.
    Reserved,
    /// Somebody has begun to take it from the shelf.
    Picking,
    /// The customer or the carrier has it. An end.
    HandedOver,
    /// It was cancelled, and its units are free again. An end.
    Cancelled,
    /// Nothing of it was on the shelf. An end.
    Shorted,
}

impl OrderState {
    /// Whether nothing can come after it.
    pub fn is_end(self) -> bool {
        matches!(self, Self::HandedOver | Self::Cancelled | Self::Shorted)
    }

    /// Its word in the API and in texts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Picking => "picking",
            Self::HandedOver => "handed_over",
            Self::Cancelled => "cancelled",
            Self::Shorted => "shorted",
        }
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What was ordered: an item, a pack or a bundle.
    pub item: ItemId,
    /// How much of it.
    pub quantity: Quantity,
    /// What the whole line takes from stock, totals; empty: the item itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

impl OrderLine {
    /// What the line takes from stock.
    fn takes(&self) -> Vec<Part> {
        match self.parts.as_slice() {
            [] => vec![Part {
                item: self.item.clone(),
                quantity: self.quantity,
            }],
            parts => parts.to_vec(),
        }
    }
}

/// An order as the hub knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its channel's own number.
    pub id: OrderId,
    /// Where it comes from.
    pub channel: ChannelId,
    /// Grows with every change.
    pub revision: u64,
    /// Grows with every change of any order of the store: a store has all orders up to one.
    pub stamp: u64,
    /// How far it is.
    pub state: OrderState,
    /// The channel wants it cancelled and the store has begun: the store decides.
    pub cancel_wanted: bool,
    /// The PC that does it.
    pub owner: Option<NodeId>,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What of it the shelf didn't have, in stocked items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shorted: Vec<Part>,
    /// When the hub accepted it, by the hub's clock.
    pub accepted: Timestamp,
    /// When the customer was promised to have it.
    pub promised: Option<Timestamp>,
    /// Whether it may be picked before it is paid.
    pub pay_on_collection: bool,
    /// How it is paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenders: Vec<Tender>,
}

impl Order {
    /// What it takes from stock in all, per item, without what was short. An item that stands in
    /// two lines, or in a line and a bundle, is one entry: each is checked once.
    pub fn needs(&self) -> BTreeMap<ItemId, Quantity> {
        let mut needs = BTreeMap::<ItemId, Quantity>::new();
        for part in self.lines.iter().flat_map(OrderLine::takes) {
            let sum = needs.entry(part.item).or_default();
            *sum = sum.plus(part.quantity);
        }
        for part in &self.shorted {
            if let Some(sum) = needs.get_mut(&part.item) {
                *sum = sum.minus(part.quantity).max(Quantity::ZERO);
            }
        }
        needs.retain(|_, quantity| *quantity > Quantity::ZERO);
        needs
    }

    /// Whether goods may be taken from the shelf for it: paid, or to be paid on collection.
    pub fn may_be_picked(&self) -> bool {
        let paid = !self.tenders.is_empty() && self.tenders.iter().all(|it| it.state.is_paid());
        !self.state.is_end() && !self.cancel_wanted && (paid || self.pay_on_collection)
    }

    /// The worst state of its payments; `None` without any.
    pub fn payment(&self) -> Option<PaymentState> {
        let rank = |it: &PaymentState| match it {
            PaymentState::Captured => 0,
            PaymentState::Authorised => 1,
            PaymentState::Unknown => 2,
            PaymentState::Refunded => 3,
        };
        self.tenders.iter().map(|it| it.state).max_by_key(rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::TenderKind;
    use crate::money::Money;

    fn part(id: &str, units: i64) -> Part {
        Part {
            item: ItemId::new(id).unwrap(),
            quantity: Quantity::units(units),
        }
    }

    fn line(id: &str, units: i64, parts: Vec<Part>) -> OrderLine {
        let Part { item, quantity } = part(id, units);
        OrderLine {
            item,
            quantity,
            parts,
        }
    }

    fn order(lines: Vec<OrderLine>) -> Order {
        Order {
            id: OrderId::new("W-1").unwrap(),
            channel: ChannelId::new("web").unwrap(),
            revision: 1,
            stamp: 1,
            state: OrderState::Reserved,
            cancel_wanted: false,
            owner: None,
            lines,
            shorted: vec![],
            accepted: Timestamp::default(),
            promised: None,
            pay_on_collection: false,
            tenders: vec![],
        }
    }

    #[test]
    fn an_item_in_two_lines_and_a_bundle_is_needed_once_with_its_sum() {
        let bundle = line("set", 2, vec![part("mug", 4), part("tea", 2)]);
        let mut order = order(vec![line("mug", 1, vec![]), bundle, line("mug", 2, vec![])]);
        let needs = |order: &Order| order.needs().into_iter().collect::<Vec<_>>();
        let of = |id: &str, units| (ItemId::new(id).unwrap(), Quantity::units(units));
        assert_eq!(needs(&order), [of("mug", 7), of("tea", 2)]);
        order.shorted = vec![part("mug", 3), part("tea", 2)];
        assert_eq!(needs(&order), [of("mug", 4)]);
    }

    #[test]
    fn only_paid_orders_are_picked() {
        let mut order = order(vec![line("mug", 1, vec![])]);
        assert!(!order.may_be_picked());
        order.pay_on_collection = true;
        assert!(order.may_be_picked());
        order.pay_on_collection = false;
        let mut paid = |state| {
            order.tenders = vec![Tender {
                kind: TenderKind::Card,
                amount: Money::minor(100),
                reference: None,
                state,
            }];
            order.may_be_picked()
        };
        assert!(paid(PaymentState::Captured) && paid(PaymentState::Authorised));
        assert!(!paid(PaymentState::Unknown) && !paid(PaymentState::Refunded));
        order.tenders.clear();
        order.pay_on_collection = true;
        order.state = OrderState::HandedOver;
        assert!(!order.may_be_picked());
    }
}
