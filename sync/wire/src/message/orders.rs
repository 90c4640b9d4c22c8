//! Orders on the wire and in storage: always the whole current order.

use prost::Message as _;
use shelf_stock::customer_order::{ORDER_LINES_MAX, Order, OrderLine, OrderState};
use shelf_stock::item::{COMPOSITION_PARTS_MAX, Part};
use shelf_stock::money::Money;
use shelf_stock::name::{ChannelId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::{MessageError, field, node_bytes, optional_node, parse, rights};
use crate::document::{read_part, read_tender, write_part, write_tender};
use crate::generated as proto;

/// The most orders of one message.
pub const ORDER_ROWS_MAX: usize = 100;

/// Every order that changed after one stamp up to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRows {
    /// What the receiver must have already.
    pub after: u64,
    /// What it has after taking these.
    pub upto: u64,
    /// By stamp, at most [`ORDER_ROWS_MAX`].
    pub rows: Vec<Order>,
}

/// Orders are committed up to a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderAck {
    /// Which.
    pub upto: u64,
}

/// A hub that lost orders asks for those that a store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdersPull {
    /// Orders above this one, by name; `None`: from the first.
    pub after: Option<OrderId>,
}

/// Orders that a store knows, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdersPage {
    /// As it was asked.
    pub after: Option<OrderId>,
    /// At most [`ORDER_ROWS_MAX`].
    pub rows: Vec<Order>,
    /// Whether there are more.
    pub more: bool,
}

/// An order's bytes, as they travel and are stored.
pub fn write_order(order: &Order) -> Vec<u8> {
    row(order).encode_to_vec()
}

/// An order from its bytes.
pub fn read_order(bytes: &[u8]) -> Result<Order, MessageError> {
    read_row(parse(bytes)?)
}

fn row(order: &Order) -> proto::OrderRow {
    let line = |it: &OrderLine| proto::OrderedLine {
        item: it.item.to_string(),
        quantity: it.quantity.as_thousandths(),
        parts: it.parts.iter().map(write_part).collect(),
    };
    let state = match order.state {
        OrderState::Reserved => proto::OrderState::Reserved,
        OrderState::Picking => proto::OrderState::Picking,
        OrderState::HandedOver => proto::OrderState::HandedOver,
        OrderState::Cancelled => proto::OrderState::Cancelled,
        OrderState::Shorted => proto::OrderState::Shorted,
    };
    let lines = order.lines.iter().take(ORDER_LINES_MAX);
    proto::OrderRow {
        order: order.id.to_string(),
        channel: order.channel.to_string(),
        revision: order.revision,
        stamp: order.stamp,
        state: state.into(),
        cancel_wanted: order.cancel_wanted,
        owner: node_bytes(order.owner),
        lines: lines.map(line).collect(),
        shorted: order.shorted.iter().map(write_part).collect(),
        accepted_wall: order.accepted.as_millis(),
        promised_wall: order.promised.map_or(0, Timestamp::as_millis),
        pay_on_collection: order.pay_on_collection,
        tenders: order
            .tenders
            .iter()
            .map(|it| write_tender(it, Money::ZERO))
            .collect(),
    }
}

fn read_row(read: proto::OrderRow) -> Result<Order, MessageError> {
    let few = read.lines.len() <= ORDER_LINES_MAX;
    field("lines", few.then_some(()))?;
    let state = match proto::OrderState::try_from(read.state) {
        Ok(proto::OrderState::Reserved) => OrderState::Reserved,
        Ok(proto::OrderState::Picking) => OrderState::Picking,
        Ok(proto::OrderState::HandedOver) => OrderState::HandedOver,
        Ok(proto::OrderState::Cancelled) => OrderState::Cancelled,
        Ok(proto::OrderState::Shorted) => OrderState::Shorted,
        Ok(proto::OrderState::Unknown) | Err(_) => {
            return Err(MessageError::Field { field: "state" });
        }
    };
    let tender = |it| field("tenders", read_tender(it, Money::ZERO).ok());
    Ok(Order {
        id: field("order", OrderId::new(read.order).ok())?,
        channel: field("channel", ChannelId::new(read.channel).ok())?,
        revision: read.revision,
        stamp: read.stamp,
        state,
        cancel_wanted: read.cancel_wanted,
        owner: optional_node(&read.owner)?,
        lines: read
            .lines
            .into_iter()
            .map(read_line)
            .collect::<Result<_, _>>()?,
        shorted: read_parts(read.shorted, ORDER_LINES_MAX * COMPOSITION_PARTS_MAX)?,
        accepted: Timestamp::from_millis(read.accepted_wall),
        promised: Some(read.promised_wall)
            .filter(|it| *it != 0)
            .map(Timestamp::from_millis),
        pay_on_collection: read.pay_on_collection,
        tenders: read
            .tenders
            .into_iter()
            .map(tender)
            .collect::<Result<_, _>>()?,
    })
}

fn read_line(read: proto::OrderedLine) -> Result<OrderLine, MessageError> {
    let quantity = Quantity::thousandths(read.quantity);
    Ok(OrderLine {
        item: rights::item(read.item)?,
        quantity: field("quantity", quantity.fits_a_line().then_some(quantity))?,
        parts: read_parts(read.parts, COMPOSITION_PARTS_MAX)?,
    })
}

fn read_parts(parts: Vec<proto::Part>, parts_max: usize) -> Result<Vec<Part>, MessageError> {
    field("parts", (parts.len() <= parts_max).then_some(()))?;
    let part = |it| {
        let part = read_part(it).ok().filter(|it| it.quantity.fits_a_line());
        field("parts", part)
    };
    parts.into_iter().map(part).collect()
}

fn write_rows(rows: &[Order]) -> Vec<proto::OrderRow> {
    rows.iter().take(ORDER_ROWS_MAX).map(row).collect()
}

fn read_rows(rows: Vec<proto::OrderRow>) -> Result<Vec<Order>, MessageError> {
    field("rows", (rows.len() <= ORDER_ROWS_MAX).then_some(()))?;
    rows.into_iter().map(read_row).collect()
}

fn name(order: Option<&OrderId>) -> String {
    order.map(ToString::to_string).unwrap_or_default()
}

fn optional_order(text: String) -> Result<Option<OrderId>, MessageError> {
    match text.as_str() {
        "" => Ok(None),
        _ => field("after", OrderId::new(text).ok()).map(Some),
    }
}

impl OrderRows {
    pub(super) fn encode(&self) -> Vec<u8> {
        proto::OrderRows {
            after: self.after,
            upto: self.upto,
            rows: write_rows(&self.rows),
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::OrderRows = parse(body)?;
        Ok(Self {
            after: read.after,
            upto: read.upto,
            rows: read_rows(read.rows)?,
        })
    }
}

impl OrderAck {
    pub(super) fn encode(self) -> Vec<u8> {
        proto::OrderAck { upto: self.upto }.encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::OrderAck = parse(body)?;
        Ok(Self { upto: read.upto })
    }
}

impl OrdersPull {
    pub(super) fn encode(&self) -> Vec<u8> {
        proto::OrdersPull {
            after: name(self.after.as_ref()),
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::OrdersPull = parse(body)?;
        Ok(Self {
            after: optional_order(read.after)?,
        })
    }
}

impl OrdersPage {
    pub(super) fn encode(&self) -> Vec<u8> {
        proto::OrdersPage {
            after: name(self.after.as_ref()),
            rows: write_rows(&self.rows),
            more: self.more,
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::OrdersPage = parse(body)?;
        Ok(Self {
            after: optional_order(read.after)?,
            rows: read_rows(read.rows)?,
            more: read.more,
        })
    }
}
