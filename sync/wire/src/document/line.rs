//! Lines, their parts, and what paid for them.

use shelf_stock::document::{CountLine, Line, PaymentState, Subject, Tender, TenderKind};
use shelf_stock::item::Part;
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::DecodeError;
use super::name::{
    optional, read as read_name, read_location, read_quantity, write as write_name, write_location,
    write_quantity,
};
use crate::generated as proto;

/// Where a kind's lines usually come from and go to. Frozen: it is part of the format.
fn usual(kind: proto::Kind) -> (Location, Location) {
    match kind {
        proto::Kind::Void => (Location::Customer, Location::SalesFloor),
        proto::Kind::GoodsReceipt => (Location::Supplier, Location::SalesFloor),
        proto::Kind::Transfer => (Location::Backroom, Location::SalesFloor),
        proto::Kind::Adjustment => (Location::SalesFloor, Location::Loss),
        proto::Kind::OrderPick => (Location::SalesFloor, Location::Staging),
        proto::Kind::OrderPutBack => (Location::Staging, Location::SalesFloor),
        proto::Kind::OrderHandOver => (Location::Staging, Location::Customer),
        _ => (Location::SalesFloor, Location::Customer),
    }
}

/// The amount that a priced line has unless it says otherwise.
fn usual_amount(price: Money, quantity: Quantity, from: &Location) -> Money {
    let amount = price.times(quantity);
    match from {
        Location::Customer => amount.negated(),
        _ => amount,
    }
}

fn delta(time: Timestamp, wall: Timestamp) -> i64 {
    time.as_millis().wrapping_sub(wall.as_millis())
}

fn at(wall: Timestamp, delta: i64) -> Timestamp {
    Timestamp::from_millis(wall.as_millis().wrapping_add(delta))
}

pub(super) fn write(line: &Line, kind: proto::Kind, wall: Timestamp) -> proto::Line {
    let (usual_from, usual_to) = usual(kind);
    let (units, thousandths) = write_quantity(line.quantity);
    let (from, from_store) = write_location(&line.from, &usual_from);
    let (to, to_store) = write_location(&line.to, &usual_to);
    let text = |name: Option<String>| name.unwrap_or_default();
    let mut written = proto::Line {
        units,
        thousandths,
        from,
        to,
        from_store,
        to_store,
        effective_delta: delta(line.effective, wall),
        unit_price: line.unit_price.map(Money::as_minor),
        reason: text(line.reason.as_ref().map(ToString::to_string)),
        parts: line.parts.iter().map(write_part).collect(),
        ..Default::default()
    };
    let subject = match &line.subject {
        Subject::Item(item) => {
            (written.item_gtin, written.item) = write_name(item.as_str());
            item.as_str()
        }
        Subject::Unbound(code) => {
            (written.unbound_gtin, written.unbound) = write_name(code.as_str());
            code.as_str()
        }
        Subject::Open => "",
    };
    match &line.code {
        Some(code) if code.as_str() == subject => written.code_is_subject = true,
        Some(code) => (written.code_gtin, written.code) = write_name(code.as_str()),
        None => {}
    }
    let usual = line
        .unit_price
        .map(|it| usual_amount(it, line.quantity, &line.from));
    match line.amount {
        None => written.no_amount = usual.is_some(),
        amount if amount == usual => {}
        Some(amount) => written.amount = Some(amount.as_minor()),
    }
    written
}

pub(super) fn read(
    read: proto::Line,
    kind: proto::Kind,
    wall: Timestamp,
) -> Result<Line, DecodeError> {
    let (usual_from, usual_to) = usual(kind);
    let item = read_name("item", read.item_gtin, read.item)?;
    let unbound = read_name("unbound", read.unbound_gtin, read.unbound)?;
    let subject = match (item, unbound) {
        (Some(item), None) => Subject::Item(item),
        (None, Some(code)) => Subject::Unbound(code),
        (None, None) => Subject::Open,
        (Some(_), Some(_)) => return Err(DecodeError::Field { field: "unbound" }),
    };
    let code = match (&subject, read.code_is_subject) {
        (_, false) => read_name("code", read.code_gtin, read.code)?,
        (Subject::Item(item), true) => optional("code", item.to_string())?,
        (Subject::Unbound(code), true) => Some(code.clone()),
        (Subject::Open, true) => return Err(DecodeError::Field { field: "code" }),
    };
    let quantity = read_quantity(read.units, read.thousandths)?;
    let from = read_location("from", read.from, read.from_store, &usual_from)?;
    let unit_price = read.unit_price.map(Money::minor);
    let amount = match read.amount {
        Some(amount) => Some(Money::minor(amount)),
        None if read.no_amount => None,
        None => unit_price.map(|it| usual_amount(it, quantity, &from)),
    };
    let parts = read.parts.into_iter().map(read_part);
    Ok(Line {
        subject,
        quantity,
        to: read_location("to", read.to, read.to_store, &usual_to)?,
        from,
        effective: at(wall, read.effective_delta),
        unit_price,
        amount,
        parts: parts.collect::<Result<_, _>>()?,
        code,
        reason: optional("reason", read.reason)?,
    })
}

pub(crate) fn write_part(part: &Part) -> proto::Part {
    let (item_gtin, item) = write_name(part.item.as_str());
    let thousandths = part.quantity.as_thousandths();
    proto::Part {
        item_gtin,
        item,
        thousandths: (part.quantity != Quantity::ONE).then_some(thousandths),
    }
}

pub(crate) fn read_part(read: proto::Part) -> Result<Part, DecodeError> {
    let item = read_name("part", read.item_gtin, read.item)?;
    Ok(Part {
        item: item.ok_or(DecodeError::Field { field: "part" })?,
        quantity: read_quantity(None, read.thousandths)?,
    })
}

pub(super) fn write_counted(line: &CountLine, wall: Timestamp) -> proto::CountLine {
    let (item_gtin, item) = write_name(line.item.as_str());
    let (units, thousandths) = write_quantity(line.quantity);
    let (location, location_store) = write_location(&line.location, &Location::SalesFloor);
    proto::CountLine {
        item_gtin,
        item,
        location,
        location_store,
        units,
        thousandths,
        effective_delta: delta(line.effective, wall),
    }
}

pub(super) fn read_counted(
    read: proto::CountLine,
    wall: Timestamp,
) -> Result<CountLine, DecodeError> {
    let item = read_name("counted", read.item_gtin, read.item)?;
    let floor = Location::SalesFloor;
    Ok(CountLine {
        item: item.ok_or(DecodeError::Field { field: "counted" })?,
        location: read_location("location", read.location, read.location_store, &floor)?,
        quantity: read_quantity(read.units, read.thousandths)?,
        effective: at(wall, read.effective_delta),
    })
}

pub(crate) fn write_tender(tender: &Tender, owed: Money) -> proto::Tender {
    let kind = match tender.kind {
        TenderKind::Cash => proto::TenderKind::Cash,
        TenderKind::Card => proto::TenderKind::Card,
        TenderKind::Other => proto::TenderKind::Other,
    };
    proto::Tender {
        kind: kind.into(),
        amount: (tender.amount != owed).then_some(tender.amount.as_minor()),
        reference: tender
            .reference
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        state: write_payment(tender.state).into(),
    }
}

/// How far a payment is, as the schema says it.
pub(crate) fn write_payment(state: PaymentState) -> proto::PaymentState {
    match state {
        PaymentState::Captured => proto::PaymentState::Captured,
        PaymentState::Authorised => proto::PaymentState::Authorised,
        PaymentState::Refunded => proto::PaymentState::Refunded,
        PaymentState::Unknown => proto::PaymentState::Unknown,
    }
}

/// What a newer version may add is not known here.
pub(crate) fn read_payment(state: i32) -> PaymentState {
    match proto::PaymentState::try_from(state) {
        Ok(proto::PaymentState::Captured) => PaymentState::Captured,
        Ok(proto::PaymentState::Authorised) => PaymentState::Authorised,
        Ok(proto::PaymentState::Refunded) => PaymentState::Refunded,
        Ok(proto::PaymentState::Unknown) | Err(_) => PaymentState::Unknown,
    }
}

pub(crate) fn read_tender(read: proto::Tender, owed: Money) -> Result<Tender, DecodeError> {
    let kind = match proto::TenderKind::try_from(read.kind) {
        Ok(proto::TenderKind::Cash) => TenderKind::Cash,
        Ok(proto::TenderKind::Card) => TenderKind::Card,
        Ok(proto::TenderKind::Other) => TenderKind::Other,
        Err(_) => {
            return Err(DecodeError::Unknown {
                field: "tender",
                value: read.kind,
            });
        }
    };
    Ok(Tender {
        kind,
        amount: read.amount.map_or(owed, Money::minor),
        reference: optional("reference", read.reference)?,
        state: read_payment(read.state),
    })
}
