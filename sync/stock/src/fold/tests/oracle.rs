//! What a set of documents means, worked out from scratch and without care for speed: the second
//! opinion that the incremental fold is held against. Uses nothing of the fold.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{CountScope, Document, Kind, Subject};
use crate::identity::Place;
use crate::item::Part;
use crate::location::Location;
use crate::name::{AreaId, Code, ItemId, SessionId};
use crate::order::OrderKey;
use crate::quantity::Quantity;
use crate::time::Timestamp;

const TROLLEY_MS: i64 = 120_000;

type At = (ItemId, Location);

/// Anchor quantity, its cut, and how many movements make it ambiguous.
pub(super) type Anchor = (Quantity, OrderKey, u32);

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    pub(super) balances: BTreeMap<At, Quantity>,
    pub(super) anchors: BTreeMap<At, Anchor>,
    pub(super) pending: BTreeSet<(SessionId, AreaId, ItemId, Location, Quantity)>,
    pub(super) duplicates: BTreeSet<Place>,
    pub(super) waiting: BTreeSet<Place>,
}

struct Move {
    key: OrderKey,
    item: ItemId,
    location: Location,
    delta: Quantity,
}

struct Assertion<'a> {
    key: (OrderKey, usize),
    session: &'a SessionId,
    area: &'a AreaId,
    quantity: Quantity,
}

struct Close<'a> {
    key: OrderKey,
    session: &'a SessionId,
    listed: bool,
}

fn key(document: &Document, effective: Timestamp) -> OrderKey {
    OrderKey {
        effective,
        hlc: document.hlc,
        place: document.place,
    }
}

pub(super) fn truth(documents: &[Document]) -> Truth {
    let mut truth = Truth::default();
    let all: BTreeMap<Place, &Document> = documents.iter().map(|it| (it.place, it)).collect();
    let mut counted: Vec<&Document> = all.values().copied().collect();
    counted.retain(|it| is_complete(it, &all) || !truth.waiting.insert(it.place));
    // In order of places, so the first of a source key is the least.
    let mut sources = BTreeSet::new();
    counted.retain(|it| !matches!(it.draft.kind, Kind::Evidence { .. }));
    counted.retain(|it| match &it.draft.source {
        Some(key) => sources.insert(key.clone()) || !truth.duplicates.insert(it.place),
        None => true,
    });
    let moves = moves(&counted);
    let mut places: BTreeSet<At> = BTreeSet::new();
    for it in &moves {
        places.insert((it.item.clone(), it.location.clone()));
    }
    for document in &counted {
        if let Kind::Count { counted, .. } = &document.draft.kind {
            places.extend(
                counted
                    .iter()
                    .map(|it| (it.item.clone(), it.location.clone())),
            );
        }
        if let Kind::CountClose {
            location,
            scope: CountScope::Listed(items),
            ..
        } = &document.draft.kind
        {
            places.extend(items.iter().map(|it| (it.clone(), location.clone())));
        }
    }
    let mut totals = BTreeMap::<ItemId, Quantity>::new();
    for at in places {
        let book = book(&at, &counted, &moves, &mut truth);
        if at.1 != Location::Loss {
            let total = totals.entry(at.0.clone()).or_default();
            *total = total.plus(book);
            truth.balances.insert(at, book);
        }
    }
    for (item, total) in totals {
        truth
            .balances
            .insert((item, Location::Loss), total.negated());
    }
    truth.balances.retain(|_, it| *it != Quantity::ZERO);
    truth
}

fn is_complete(document: &Document, all: &BTreeMap<Place, &Document>) -> bool {
    let Some(group) = &document.draft.group else {
        return true;
    };
    (0..group.of).all(|index| {
        all.values().any(|it| {
            it.place.node == document.place.node
                && it.draft.group.as_ref().is_some_and(|other| {
                    other.id == group.id && other.of == group.of && other.index == index
                })
        })
    })
}

fn binding(code: &Code, counted: &[&Document]) -> Vec<Part> {
    let binds = counted.iter().filter_map(|it| match &it.draft.kind {
        Kind::Bind { code: of, parts } if of == code => Some((key(it, it.wall), parts)),
        _ => None,
    });
    let latest = binds.max_by_key(|(key, _)| *key);
    latest.map(|(_, parts)| parts.clone()).unwrap_or_default()
}

fn moves(counted: &[&Document]) -> Vec<Move> {
    let mut moves = Vec::new();
    for document in counted {
        for line in &document.draft.lines {
            let parts: Vec<(ItemId, Quantity)> = match &line.subject {
                Subject::Open => vec![],
                Subject::Item(item) if line.parts.is_empty() => {
                    vec![(item.clone(), line.quantity)]
                }
                Subject::Item(_) => line
                    .parts
                    .iter()
                    .map(|it| (it.item.clone(), it.quantity))
                    .collect(),
                Subject::Unbound(code) => binding(code, counted)
                    .iter()
                    .map(|it| (it.item.clone(), it.quantity.times(line.quantity)))
                    .collect(),
            };
            let mut sums = BTreeMap::<ItemId, Quantity>::new();
            for (item, quantity) in parts {
                let sum = sums.entry(item).or_default();
                *sum = sum.plus(quantity);
            }
            sums.retain(|_, it| *it != Quantity::ZERO);
            for (item, quantity) in sums {
                for (location, delta) in [(&line.from, quantity.negated()), (&line.to, quantity)] {
                    moves.push(Move {
                        key: key(document, line.effective),
                        item: item.clone(),
                        location: location.clone(),
                        delta,
                    });
                }
            }
        }
    }
    moves
}

/// What stands at a place; notes its anchor and its pending lines.
fn book(at: &At, counted: &[&Document], moves: &[Move], truth: &mut Truth) -> Quantity {
    let here: Vec<&Move> = moves
        .iter()
        .filter(|it| it.item == at.0 && it.location == at.1)
        .collect();
    let physical = [
        Location::SalesFloor,
        Location::Backroom,
        Location::Staging,
        Location::Inspection,
        Location::Damaged,
    ];
    if !physical.contains(&at.1) {
        return here.iter().map(|it| it.delta).sum();
    }
    let (lines, closes) = assertions(at, counted);
    let Some((quantity, cut, first)) = replay(at, &lines, &closes, truth) else {
        return here.iter().map(|it| it.delta).sum();
    };
    let from = first.min(cut.effective.plus_millis(-TROLLEY_MS));
    let to = cut.effective.plus_millis(TROLLEY_MS);
    let doubtful = here
        .iter()
        .filter(|it| from <= it.key.effective && it.key.effective <= to);
    let doubtful = u32::try_from(doubtful.count()).unwrap();
    truth.anchors.insert(at.clone(), (quantity, cut, doubtful));
    let later: Quantity = here
        .iter()
        .filter(|it| it.key > cut)
        .map(|it| it.delta)
        .sum();
    quantity.plus(later)
}

fn assertions<'a>(at: &At, counted: &[&'a Document]) -> (Vec<Assertion<'a>>, Vec<Close<'a>>) {
    let mut lines = Vec::new();
    for document in counted {
        if let Kind::Count {
            session,
            area,
            counted,
        } = &document.draft.kind
        {
            for (number, line) in counted.iter().enumerate() {
                if line.item == at.0 && line.location == at.1 {
                    lines.push(Assertion {
                        key: (key(document, line.effective), number),
                        session,
                        area,
                        quantity: line.quantity,
                    });
                }
            }
        }
    }
    lines.sort_by_key(|it| it.key);
    let mut closes = Vec::new();
    for document in counted {
        if let Kind::CountClose {
            session,
            location,
            scope,
        } = &document.draft.kind
        {
            let listed = match scope {
                CountScope::Listed(items) => items.contains(&at.0),
                CountScope::EveryCounted => false,
            };
            let every =
                *scope == CountScope::EveryCounted && lines.iter().any(|it| it.session == session);
            if *location == at.1 && (listed || every) {
                closes.push(Close {
                    key: key(document, document.wall),
                    session,
                    listed,
                });
            }
        }
    }
    closes.sort_by_key(|it| it.key);
    (lines, closes)
}

/// Sum of the accepted lines, cut, effective time of the first accepted line.
fn replay(
    at: &At,
    lines: &[Assertion<'_>],
    closes: &[Close<'_>],
    truth: &mut Truth,
) -> Option<(Quantity, OrderKey, Timestamp)> {
    let mut moments: Vec<OrderKey> = lines.iter().map(|it| it.key.0).collect();
    moments.extend(closes.iter().map(|it| it.key));
    moments.sort_unstable();
    moments.dedup();
    let mut areas = BTreeMap::<&AreaId, &Assertion<'_>>::new();
    let mut pending = BTreeMap::<(&SessionId, &AreaId), &Assertion<'_>>::new();
    let mut anchored: Option<OrderKey> = None;
    let mut closed: Option<&SessionId> = None;
    let mut fresh = false;
    for moment in moments {
        for line in lines.iter().filter(|it| it.key.0 == moment) {
            let own = closed == Some(line.session);
            if own && std::mem::take(&mut fresh) {
                areas.clear();
            }
            if own || areas.contains_key(line.area) {
                areas.insert(line.area, line);
                pending.remove(&(line.session, line.area));
                anchored = Some(moment);
            } else {
                pending.insert((line.session, line.area), line);
            }
        }
        for close in closes.iter().filter(|it| it.key == moment) {
            if closed == Some(close.session) && !(fresh && close.listed) {
                continue;
            }
            closed = Some(close.session);
            let before = lines.iter().filter(|it| it.key.0 < moment);
            let own: Vec<_> = before.filter(|it| it.session == close.session).collect();
            fresh = own.is_empty() && !close.listed;
            if fresh {
                continue;
            }
            areas = own.iter().map(|it| (it.area, *it)).collect();
            pending.retain(|(session, _), _| *session != close.session);
            anchored = Some(moment);
        }
    }
    for ((session, area), line) in pending {
        let (item, location) = at.clone();
        let line = (session.clone(), area.clone(), item, location, line.quantity);
        truth.pending.insert(line);
    }
    let keys = || areas.values().map(|it| it.key.0);
    let cut = keys().max().or(anchored)?;
    let first = keys().map(|it| it.effective).min();
    let sum = areas.values().map(|it| it.quantity).sum();
    Some((sum, cut, first.unwrap_or(cut.effective)))
}
