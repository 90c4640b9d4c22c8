//! What a store writes into its log about an order. Lines name stocked items, never bundles: what
//! leaves the shelf are the parts.

use std::collections::BTreeMap;

use shelf_stock::customer_order::Order;
use shelf_stock::document::{Draft, Kind, Line, OrderStep, Subject};
use shelf_stock::item::Part;
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// Goods for an order were taken from the shelf.
pub fn pick(order: &Order, effective: Timestamp) -> Draft {
    let way = (Location::SalesFloor, Location::Staging);
    moving(&order.id, OrderStep::Pick, &order.needs(), way, effective)
}

/// Picked goods went back to the shelf: so much of each item.
pub fn put_back(
    order: &OrderId,
    picked: &BTreeMap<ItemId, Quantity>,
    effective: Timestamp,
) -> Draft {
    let way = (Location::Staging, Location::SalesFloor);
    moving(order, OrderStep::PutBack, picked, way, effective)
}

/// The customer or the carrier has the goods; `picked`: they had waited in staging.
pub fn hand_over(order: &Order, picked: bool, effective: Timestamp) -> Draft {
    let from = match picked {
        true => Location::Staging,
        false => Location::SalesFloor,
    };
    let way = (from, Location::Customer);
    moving(
        &order.id,
        OrderStep::HandOver,
        &order.needs(),
        way,
        effective,
    )
}

/// The shelf doesn't have so much of these items.
pub fn short(order: &OrderId, missing: Vec<Part>) -> Draft {
    Draft::new(Kind::Order {
        order: order.clone(),
        step: OrderStep::Short { missing },
    })
}

fn moving(
    order: &OrderId,
    step: OrderStep,
    goods: &BTreeMap<ItemId, Quantity>,
    (from, to): (Location, Location),
    effective: Timestamp,
) -> Draft {
    let mut draft = Draft::new(Kind::Order {
        order: order.clone(),
        step,
    });
    let line = |(item, quantity): (&ItemId, &Quantity)| Line {
        subject: Subject::Item(item.clone()),
        quantity: *quantity,
        from: from.clone(),
        to: to.clone(),
        effective,
        unit_price: None,
        amount: None,
        parts: vec![],
        code: None,
        reason: None,
    };
    draft.lines = goods.iter().map(line).collect();
    draft
}
