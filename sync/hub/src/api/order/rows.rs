//! Orders as JSON, in and out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shelf_replica::orders::Lack;
use shelf_stock::customer_order::{ORDER_LINES_MAX, Order, OrderLine};
use shelf_stock::document::{PaymentState, Tender};
use shelf_stock::identity::NodeId;
use shelf_stock::item::{Item, ItemKind, Part};
use shelf_stock::name::{ChannelId, ItemId, OrderId, StoreId};
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::time::Timestamp;
use utoipa::ToSchema;

use super::super::Problem;
use crate::storage::{StorageError, View};

/// So much of an item.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct PartRow {
    /// The item's number.
    pub(super) item: String,
    /// How much, in thousandths.
    pub(super) quantity_thousandths: i64,
}

/// An order with everything that a channel may know of it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct OrderRow {
    /// Its channel's own number.
    order: String,
    /// Where it is done.
    store: String,
    /// Whose it is.
    channel: String,
    /// `reserved`, `picking`, `handed_over`, `cancelled` or `shorted`; the last three are ends.
    state: &'static str,
    /// Grows with every change.
    revision: u64,
    /// The channel wants it cancelled and the store, which has begun, decides.
    cancel_wanted: bool,
    /// The PC that does it.
    owner: Option<String>,
    /// What was ordered.
    lines: Vec<LineRow>,
    /// What of it could not be delivered, in stocked items.
    shorted: Vec<PartRow>,
    /// When the hub accepted it.
    accepted_wall: i64,
    /// When the customer was promised to have it.
    promised_wall: Option<i64>,
    /// Whether it may be picked before it is paid.
    pay_on_collection: bool,
    /// How it is paid: `kind`, `amount`, `reference`, `state`.
    #[schema(value_type = Vec<Object>)]
    tenders: Vec<Tender>,
    /// The worst state of its payments: `authorised`, `captured`, `refunded`, `unknown`.
    #[schema(value_type = Option<String>)]
    payment: Option<PaymentState>,
    /// Whether the store may begin: it is paid, or paid on collection.
    may_be_picked: bool,
    /// Orders of other stores that deliver what this one lacked.
    legs: Vec<LegRow>,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct LineRow {
    /// What was ordered.
    item: String,
    /// How much, in thousandths.
    quantity_thousandths: i64,
    /// What it takes from stock where it is a pack or a bundle.
    parts: Vec<PartRow>,
}

/// A part of an order that another store delivers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct LegRow {
    /// Its number.
    pub(super) order: String,
    /// Where.
    pub(super) store: Option<String>,
}

/// An item that is lacking.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct LackRow {
    /// The item's number, of a bundle's part where one is lacking.
    item: String,
    /// What the basket takes of it, in thousandths.
    wanted_thousandths: i64,
    /// What could be had now, in thousandths.
    possible_thousandths: i64,
}

impl LackRow {
    pub(super) fn of(lack: &Lack) -> Self {
        Self {
            item: lack.item.to_string(),
            wanted_thousandths: lack.wanted.as_thousandths(),
            possible_thousandths: lack.possible.as_thousandths(),
        }
    }
}

fn parts(of: &[Part]) -> Vec<PartRow> {
    let part = |it: &Part| PartRow {
        item: it.item.to_string(),
        quantity_thousandths: it.quantity.as_thousandths(),
    };
    of.iter().map(part).collect()
}

impl OrderRow {
    pub(in crate::api) fn of(store: &StoreId, order: &Order, legs: Vec<LegRow>) -> Self {
        let line = |it: &OrderLine| LineRow {
            item: it.item.to_string(),
            quantity_thousandths: it.quantity.as_thousandths(),
            parts: parts(&it.parts),
        };
        Self {
            order: order.id.to_string(),
            store: store.to_string(),
            channel: order.channel.to_string(),
            state: order.state.word(),
            revision: order.revision,
            cancel_wanted: order.cancel_wanted,
            owner: order.owner.as_ref().map(NodeId::to_string),
            lines: order.lines.iter().map(line).collect(),
            shorted: parts(&order.shorted),
            accepted_wall: order.accepted.as_millis(),
            promised_wall: order.promised.map(Timestamp::as_millis),
            pay_on_collection: order.pay_on_collection,
            tenders: order.tenders.clone(),
            payment: order.payment(),
            may_be_picked: order.may_be_picked(),
            legs,
        }
    }
}

/// Lines with their composition resolved by the catalogue; an item that it doesn't have is taken
/// as it is.
pub(super) fn resolve(
    view: &dyn View,
    given: &[(ItemId, Quantity)],
) -> Result<Result<Vec<OrderLine>, Problem>, StorageError> {
    let mut lines = Vec::with_capacity(given.len());
    for (item, quantity) in given {
        let body = view.item_body(item.as_str())?;
        let known = body.and_then(|it| serde_json::from_str::<Item>(&it).ok());
        let parts = match &known {
            Some(known) if matches!(known.kind, ItemKind::Pack(_) | ItemKind::Bundle(_)) => {
                known.explode(*quantity)
            }
            _ => Vec::new(),
        };
        let by_piece = known
            .as_ref()
            .is_some_and(|it| it.unit == Unit::Piece && it.kind != ItemKind::Weighed);
        if by_piece && !quantity.is_whole() {
            return Ok(Err(Problem::unusable(
                format!("`{item}` is sold by the piece, and {quantity:?} is not whole"),
                "quantities are in thousandths: 1000 is one piece",
            )));
        }
        lines.push(OrderLine {
            item: item.clone(),
            quantity: *quantity,
            parts,
        });
    }
    Ok(Ok(lines))
}

/// What lines take from stock, per item.
pub(super) fn needs(lines: &[OrderLine]) -> BTreeMap<ItemId, Quantity> {
    let mut needs = BTreeMap::<ItemId, Quantity>::new();
    let mut add = |item: &ItemId, quantity: Quantity| {
        let sum = needs.entry(item.clone()).or_default();
        *sum = sum.plus(quantity);
    };
    for line in lines {
        if line.parts.is_empty() {
            add(&line.item, line.quantity);
        }
        line.parts.iter().for_each(|it| add(&it.item, it.quantity));
    }
    needs
}

/// The lines of a request.
pub(super) fn lines(given: &[PartRow]) -> Result<Vec<(ItemId, Quantity)>, Problem> {
    let hint = "send 1 to 200 lines, each with an `item` and a `quantity_thousandths` above 0";
    if !(1..=ORDER_LINES_MAX).contains(&given.len()) {
        let count = given.len();
        return Err(Problem::unusable(
            format!("the order has {count} lines"),
            hint,
        ));
    }
    let line = |it: &PartRow| {
        let quantity = Quantity::thousandths(it.quantity_thousandths);
        match ItemId::new(&it.item) {
            Ok(item) if quantity.fits_a_line() => Ok((item, quantity)),
            Ok(item) => Err(Problem::unusable(
                format!(
                    "`{item}` is ordered {} thousandths",
                    it.quantity_thousandths
                ),
                hint,
            )),
            Err(error) => Err(Problem::unusable(format!("a line's item: {error}"), hint)),
        }
    };
    given.iter().map(line).collect()
}

/// The names of a path.
pub(super) fn names(channel: &str, order: &str) -> Result<(ChannelId, OrderId), Problem> {
    Ok((channel_name(channel)?, order_name(order)?))
}

pub(in crate::api) fn channel_name(text: &str) -> Result<ChannelId, Problem> {
    ChannelId::new(text).map_err(|error| {
        Problem::bad_request(
            format!("the channel: {error}"),
            "use letters, digits, `-_.`",
        )
    })
}

pub(in crate::api) fn store_name(text: &str) -> Result<StoreId, Problem> {
    StoreId::new(text).map_err(|error| {
        Problem::bad_request(
            format!("the store: {error}"),
            "the known stores are listed at /api/v1/stores",
        )
    })
}

pub(super) fn order_name(text: &str) -> Result<OrderId, Problem> {
    OrderId::new(text).map_err(|error| {
        Problem::bad_request(
            format!("the order's number: {error}"),
            "use the number that your channel gave it",
        )
    })
}
