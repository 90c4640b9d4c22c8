//! The kinds of documents and what only some of them have.

use shelf_stock::document::{CountScope, DocumentRef, Kind, OrderStep, SourceAction, SourceKey};
use shelf_stock::identity::{Incarnation, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;

use super::line::{read_counted, read_part, write_counted, write_part};
use super::name::{read_location, required, write_location};
use super::{DecodeError, opening, read_node};
use crate::generated as proto;

pub(super) fn write(kind: &Kind, wall: Timestamp) -> (proto::Kind, Option<proto::Particulars>) {
    let mut it = proto::Particulars::default();
    let code = match kind {
        Kind::Sale => return (proto::Kind::Sale, None),
        Kind::GoodsReceipt => return (proto::Kind::GoodsReceipt, None),
        Kind::Transfer => return (proto::Kind::Transfer, None),
        Kind::Void { of, reason } => {
            write_target(of, &mut it);
            it.reason = reason.to_string();
            proto::Kind::Void
        }
        Kind::Adjustment { reason } => {
            it.reason = reason.to_string();
            proto::Kind::Adjustment
        }
        Kind::Count {
            session,
            area,
            counted,
        } => {
            it.session = session.to_string();
            it.area = area.to_string();
            it.counted = counted
                .iter()
                .map(|line| write_counted(line, wall))
                .collect();
            proto::Kind::Count
        }
        Kind::CountClose {
            session,
            location,
            scope,
        } => {
            it.session = session.to_string();
            (it.location, it.location_store) = write_location(location, &Location::SalesFloor);
            it.listed = write_scope(scope);
            proto::Kind::CountClose
        }
        Kind::Bind { code, parts } => {
            it.code = code.to_string();
            it.parts = parts.iter().map(write_part).collect();
            proto::Kind::Bind
        }
        Kind::Evidence { about } => {
            it.reason = about.to_string();
            proto::Kind::Evidence
        }
        Kind::Opening {
            closed,
            claims,
            carried,
        } => {
            opening::write((closed, claims, carried), &mut it);
            proto::Kind::Opening
        }
        Kind::Order { order, step } => {
            it.order = order.to_string();
            write_step(step, &mut it)
        }
    };
    (code, Some(it))
}

pub(super) fn read(
    kind: proto::Kind,
    particulars: Option<proto::Particulars>,
    wall: Timestamp,
) -> Result<Kind, DecodeError> {
    let it = particulars.unwrap_or_default();
    Ok(match kind {
        proto::Kind::Sale => Kind::Sale,
        proto::Kind::GoodsReceipt => Kind::GoodsReceipt,
        proto::Kind::Transfer => Kind::Transfer,
        proto::Kind::Void => Kind::Void {
            of: read_target(it.void_place, it.void_source)?,
            reason: required("reason", it.reason)?,
        },
        proto::Kind::Adjustment => Kind::Adjustment {
            reason: required("reason", it.reason)?,
        },
        proto::Kind::Count => {
            let counted = it.counted.into_iter().map(|line| read_counted(line, wall));
            Kind::Count {
                session: required("session", it.session)?,
                area: required("area", it.area)?,
                counted: counted.collect::<Result<_, _>>()?,
            }
        }
        proto::Kind::CountClose => {
            let floor = Location::SalesFloor;
            Kind::CountClose {
                session: required("session", it.session)?,
                location: read_location("location", it.location, it.location_store, &floor)?,
                scope: read_scope(it.listed)?,
            }
        }
        proto::Kind::Bind => {
            let parts = it.parts.into_iter().map(read_part);
            Kind::Bind {
                code: required("code", it.code)?,
                parts: parts.collect::<Result<_, _>>()?,
            }
        }
        proto::Kind::Evidence => Kind::Evidence {
            about: required("about", it.reason)?,
        },
        proto::Kind::Opening => Kind::Opening {
            closed: opening::read_closed(&it.closed)?,
            claims: opening::read_claims(it.claims)?,
            carried: opening::read_carried(&it.carried)?,
        },
        proto::Kind::OrderPick
        | proto::Kind::OrderPutBack
        | proto::Kind::OrderHandOver
        | proto::Kind::OrderShort => Kind::Order {
            order: required("order", it.order)?,
            step: read_step(kind, it.parts)?,
        },
    })
}

fn read_step(kind: proto::Kind, parts: Vec<proto::Part>) -> Result<OrderStep, DecodeError> {
    Ok(match kind {
        proto::Kind::OrderPick => OrderStep::Pick,
        proto::Kind::OrderPutBack => OrderStep::PutBack,
        proto::Kind::OrderHandOver => OrderStep::HandOver,
        _ => OrderStep::Short {
            missing: parts.into_iter().map(read_part).collect::<Result<_, _>>()?,
        },
    })
}

fn write_step(step: &OrderStep, it: &mut proto::Particulars) -> proto::Kind {
    match step {
        OrderStep::Pick => proto::Kind::OrderPick,
        OrderStep::PutBack => proto::Kind::OrderPutBack,
        OrderStep::HandOver => proto::Kind::OrderHandOver,
        OrderStep::Short { missing } => {
            it.parts = missing.iter().map(write_part).collect();
            proto::Kind::OrderShort
        }
    }
}

fn write_scope(scope: &CountScope) -> Option<proto::ItemList> {
    let CountScope::Listed(items) = scope else {
        return None;
    };
    let items = items.iter().map(ToString::to_string).collect();
    Some(proto::ItemList { items })
}

fn read_scope(listed: Option<proto::ItemList>) -> Result<CountScope, DecodeError> {
    let Some(listed) = listed else {
        return Ok(CountScope::EveryCounted);
    };
    let items = listed.items.into_iter();
    let items = items.map(|item| required("listed", item));
    Ok(CountScope::Listed(items.collect::<Result<_, _>>()?))
}

fn write_target(of: &DocumentRef, it: &mut proto::Particulars) {
    match of {
        DocumentRef::Place(place) => it.void_place = Some(write_place(place)),
        DocumentRef::Source(key) => it.void_source = Some(write_source(key, None)),
    }
}

fn read_target(
    place: Option<proto::Place>,
    source: Option<proto::SourceKey>,
) -> Result<DocumentRef, DecodeError> {
    match (place, source) {
        (Some(place), None) => Ok(DocumentRef::Place(read_place(&place)?)),
        (None, Some(key)) => Ok(DocumentRef::Source(read_source(key, None)?)),
        _ => Err(DecodeError::Field { field: "void" }),
    }
}

fn write_place(place: &Place) -> proto::Place {
    proto::Place {
        node: place.node.as_bytes().to_vec(),
        incarnation: place.incarnation.0,
        seq: place.seq.0,
    }
}

fn read_place(read: &proto::Place) -> Result<Place, DecodeError> {
    Ok(Place {
        node: read_node(&read.node).ok_or(DecodeError::Field { field: "void" })?,
        incarnation: Incarnation(read.incarnation),
        seq: Seq(read.seq),
    })
}

pub(super) fn write_source(key: &SourceKey, till: Option<&str>) -> proto::SourceKey {
    let source = key.source.as_str();
    let receipt = key.receipt.as_str();
    let number = receipt
        .parse()
        .ok()
        .filter(|it: &u64| *it > 0 && it.to_string() == receipt);
    let action = match key.action {
        SourceAction::Record => proto::SourceAction::Record,
        SourceAction::Void => proto::SourceAction::Void,
    };
    proto::SourceKey {
        source: if till == Some(source) { "" } else { source }.to_owned(),
        receipt: if number.is_some() { "" } else { receipt }.to_owned(),
        receipt_number: number.unwrap_or(0),
        action: action.into(),
        part: key.part,
    }
}

pub(super) fn read_source(
    read: proto::SourceKey,
    till: Option<&TillId>,
) -> Result<SourceKey, DecodeError> {
    let source = match (read.source.as_str(), till) {
        ("", Some(till)) => till.to_string(),
        _ => read.source,
    };
    let receipt = match (read.receipt_number, read.receipt.as_str()) {
        (0, _) => read.receipt,
        (number, "") => number.to_string(),
        _ => return Err(DecodeError::Field { field: "receipt" }),
    };
    let action = match proto::SourceAction::try_from(read.action) {
        Ok(proto::SourceAction::Record) => SourceAction::Record,
        Ok(proto::SourceAction::Void) => SourceAction::Void,
        Err(_) => {
            return Err(DecodeError::Unknown {
                field: "action",
                value: read.action,
            });
        }
    };
    Ok(SourceKey {
        source: required("source", source)?,
        receipt: required("receipt", receipt)?,
        action,
        part: read.part,
    })
}
