//! Folding one document: which documents count, and what a counted one puts into the storage.
//!
//! Every effect is applied with a sign, so that taking a document back (when a lesser place of
//! the same source key arrives) is the same code run backwards.

use std::collections::BTreeSet;

use super::opening;
use super::settle::{self, Sign};
use super::store::{
    BindRow, CloseRow, CountRow, DuplicateRow, FoldStore, GroupKey, GroupRow, MovementRow,
    OrderFactRow, UnboundRow, VoidRow,
};
use crate::document::{CountLine, CountScope, Document, Group, Kind, Line, SourceKey, Subject};
use crate::identity::Place;
use crate::item::Part;
use crate::location::Location;
use crate::movement;
use crate::name::{Code, ItemId};
use crate::order::OrderKey;

/// What folding a document did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What became of this document.
    pub outcome: Outcome,
    /// Items whose stock may have changed, in order.
    pub touched: Vec<ItemId>,
    /// Documents that counted before and don't any more.
    pub displaced: Vec<Place>,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Counted,
    /// It is evidence: another document with its source key counts.
    Duplicate {
        /// The one that counts.
        counted: Place,
    },
    /// It counts as soon as the other parts of its group are here.
    WaitingGroup {
        /// How many different parts are here.
        have: u32,
        /// How many there are.
        of: u32,
    },
    /// It was folded before; nothing was done.
    Again,
}

/// What has changed so far while one document is folded.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) items: BTreeSet<ItemId>,
    displaced: Vec<Place>,
}

/// Folds a document. Any order and any number of repetitions of the same documents give the same
/// state. Must run inside a transaction: after an error the state is undefined and must be
/// rolled back.
pub fn apply<S: FoldStore>(store: &mut S, document: &Document) -> Result<Applied, S::Error> {
    let mut changes = Changes::default();
    let outcome = match opening::covers(store, document.place)? {
        // What carries on by itself came with the opening.
        true => Outcome::Again,
        false => fold(store, document, &mut changes)?,
    };
    Ok(Applied {
        outcome,
        touched: changes.items.into_iter().collect(),
        displaced: changes.displaced,
    })
}

/// Folds a document wherever it stands.
pub(super) fn fold<S: FoldStore>(
    store: &mut S,
    document: &Document,
    changes: &mut Changes,
) -> Result<Outcome, S::Error> {
    if !store.remember(document)? {
        return Ok(Outcome::Again);
    }
    match &document.draft.group {
        Some(group) => arrive(store, document, group, changes),
        None => {
            opening::close(store, std::slice::from_ref(document), changes)?;
            admit(store, document, changes)
        }
    }
}

/// A part of a group: admits all parts at the moment when the last one is here.
fn arrive<S: FoldStore>(
    store: &mut S,
    document: &Document,
    group: &Group,
    changes: &mut Changes,
) -> Result<Outcome, S::Error> {
    let row = GroupRow {
        key: GroupKey {
            node: document.place.node,
            id: group.id.clone(),
            of: group.of,
        },
        index: group.index,
        place: document.place,
    };
    let before = store.group_parts(&row.key)?;
    store.group_put(&row)?;
    let fits = |it: &GroupRow| (it.index < group.of).then_some(it.index);
    let mut indexes: BTreeSet<u32> = before.iter().filter_map(fits).collect();
    let of = usize::try_from(group.of).unwrap_or(usize::MAX);
    if indexes.len() == of {
        opening::close(store, std::slice::from_ref(document), changes)?;
        return admit(store, document, changes);
    }
    indexes.extend(fits(&row));
    if indexes.len() < of {
        let have = u32::try_from(indexes.len()).unwrap_or(u32::MAX);
        return Ok(Outcome::WaitingGroup { have, of: group.of });
    }
    let mut parts = Vec::with_capacity(before.len() + 1);
    for part in before {
        parts.push(store.document(part.place)?);
    }
    parts.push(document.clone());
    opening::close(store, &parts, changes)?;
    let mut outcome = Outcome::Counted;
    for part in &parts {
        outcome = admit(store, part, changes)?;
    }
    Ok(outcome)
}

/// A complete fact: counts unless a lesser place has its source key. Evidence about a receipt
/// never stands in for the receipt: it moves nothing, so it does not compete for the key.
fn admit<S: FoldStore>(
    store: &mut S,
    document: &Document,
    changes: &mut Changes,
) -> Result<Outcome, S::Error> {
    let place = document.place;
    let is_evidence = matches!(document.draft.kind, Kind::Evidence { .. });
    if let Some(source) = document.draft.source.as_ref().filter(|_| !is_evidence) {
        let duplicate = |place| DuplicateRow {
            source: source.clone(),
            place,
        };
        match store.source_claim(source, place)? {
            // A document that an opening stands for can't be taken back any more.
            Some(counted) if counted < place || !store.is_known(counted)? => {
                store.duplicate_put(&duplicate(place))?;
                return Ok(Outcome::Duplicate { counted });
            }
            Some(displaced) => displace(store, source, (displaced, place), changes)?,
            None => {}
        }
    }
    count(store, document, Sign::Plus, changes)?;
    Ok(Outcome::Counted)
}

/// Another document counts for a source key from now on: takes back the one that did.
pub(super) fn displace<S: FoldStore>(
    store: &mut S,
    source: &SourceKey,
    (displaced, by): (Place, Place),
    changes: &mut Changes,
) -> Result<(), S::Error> {
    let other = store.document(displaced)?;
    count(store, &other, Sign::Minus, changes)?;
    store.duplicate_put(&DuplicateRow {
        source: source.clone(),
        place: displaced,
    })?;
    changes.displaced.push(displaced);
    store.source_set(source, by)
}

/// Applies a document's effect or takes it back.
pub(super) fn count<S: FoldStore>(
    store: &mut S,
    document: &Document,
    sign: Sign,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    match &document.draft.kind {
        Kind::Sale | Kind::GoodsReceipt | Kind::Transfer | Kind::Adjustment { .. } => {}
        Kind::Void { of, .. } => {
            let row = VoidRow {
                of: of.clone(),
                place: document.place,
            };
            match sign {
                Sign::Plus => store.void_put(&row)?,
                Sign::Minus => store.void_delete(&row)?,
            }
        }
        Kind::Count { counted, .. } => assertions(store, document, counted, sign, changes)?,
        Kind::CountClose {
            location, scope, ..
        } => close(store, document, (location, scope), sign, changes)?,
        Kind::Bind { code, .. } => bind(store, document, code, sign, changes)?,
        Kind::Order { order, .. } => {
            let row = OrderFactRow {
                order: order.clone(),
                place: document.place,
            };
            match sign {
                Sign::Plus => store.order_fact_put(&row)?,
                Sign::Minus => store.order_fact_delete(&row)?,
            }
        }
        Kind::Evidence { .. } => {}
        Kind::Opening { claims, .. } => opening::claims(store, document, claims, sign, changes)?,
    }
    for (number, line) in movement::lines(document) {
        let parts = match &line.subject {
            Subject::Unbound(code) => {
                let row = UnboundRow {
                    code: code.clone(),
                    place: document.place,
                    line: number,
                };
                match sign {
                    Sign::Plus => store.unbound_put(&row)?,
                    Sign::Minus => store.unbound_delete(&row)?,
                }
                binding(store, code)?
            }
            Subject::Item(_) | Subject::Open => Vec::new(),
        };
        post(store, document, (number, line, &parts), sign, changes)?;
    }
    Ok(())
}

/// Posts the movements of one line or takes them back.
fn post<S: FoldStore>(
    store: &mut S,
    document: &Document,
    (number, line, parts): (u16, &Line, &[Part]),
    sign: Sign,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    for movement in movement::of_line(line, number, parts) {
        let row = MovementRow {
            key: OrderKey::new(document, movement.effective),
            movement,
        };
        match sign {
            Sign::Plus => store.movement_put(&row)?,
            Sign::Minus => store.movement_delete(&row)?,
        }
        settle::movement(store, &row, sign)?;
        changes.items.insert(row.movement.item);
    }
    Ok(())
}

/// What one unit of a code takes from stock now; empty: it is not bound.
pub(super) fn binding<S: FoldStore>(store: &S, code: &Code) -> Result<Vec<Part>, S::Error> {
    let latest = store.bind_latest(code)?;
    bound_parts(store, latest)
}

/// What one unit of a code takes from stock under a binding.
fn bound_parts<S: FoldStore>(store: &S, key: Option<OrderKey>) -> Result<Vec<Part>, S::Error> {
    let Some(key) = key else {
        return Ok(Vec::new());
    };
    Ok(match store.document(key.place)?.draft.kind {
        Kind::Bind { parts, .. } => parts,
        _ => Vec::new(),
    })
}

/// A binding comes or goes: if that changes the one in force, the code's lines post again.
fn bind<S: FoldStore>(
    store: &mut S,
    document: &Document,
    code: &Code,
    sign: Sign,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    let row = BindRow {
        code: code.clone(),
        key: OrderKey::of(document),
    };
    let before = store.bind_latest(code)?;
    match sign {
        Sign::Plus => store.bind_put(&row)?,
        Sign::Minus => store.bind_delete(&row)?,
    }
    let after = store.bind_latest(code)?;
    if before == after {
        return Ok(());
    }
    let before = bound_parts(store, before)?;
    let after = bound_parts(store, after)?;
    for waiting in store.unbound_lines(code)? {
        let sold = store.document(waiting.place)?;
        let Some(line) = sold.draft.lines.get(usize::from(waiting.line)) else {
            continue;
        };
        post(
            store,
            &sold,
            (waiting.line, line, &before),
            Sign::Minus,
            changes,
        )?;
        post(
            store,
            &sold,
            (waiting.line, line, &after),
            Sign::Plus,
            changes,
        )?;
    }
    Ok(())
}

/// The lines of a count come or go.
fn assertions<S: FoldStore>(
    store: &mut S,
    document: &Document,
    counted: &[CountLine],
    sign: Sign,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    let Kind::Count { session, area, .. } = &document.draft.kind else {
        return Ok(());
    };
    let mut asserted = BTreeSet::<(&ItemId, &Location)>::new();
    for (number, line) in (0_u16..).zip(counted) {
        let row = CountRow {
            item: line.item.clone(),
            location: line.location.clone(),
            key: OrderKey::new(document, line.effective),
            line: number,
            session: session.clone(),
            area: area.clone(),
            quantity: line.quantity,
        };
        match sign {
            Sign::Plus => store.count_put(&row)?,
            Sign::Minus => store.count_delete(&row)?,
        }
        asserted.insert((&line.item, &line.location));
    }
    for (item, location) in asserted {
        settle::counts(store, item, location)?;
        changes.items.insert(item.clone());
    }
    Ok(())
}

/// The close of a session comes or goes.
fn close<S: FoldStore>(
    store: &mut S,
    document: &Document,
    (location, scope): (&Location, &CountScope),
    sign: Sign,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    let Kind::CountClose { session, .. } = &document.draft.kind else {
        return Ok(());
    };
    let row = |item| CloseRow {
        session: session.clone(),
        location: location.clone(),
        item,
        key: OrderKey::of(document),
    };
    let (rows, items): (Vec<CloseRow>, BTreeSet<ItemId>) = match scope {
        CountScope::EveryCounted => {
            let items = store.session_items(session, location)?;
            (vec![row(None)], items.into_iter().collect())
        }
        CountScope::Listed(listed) => {
            let items: BTreeSet<ItemId> = listed.iter().cloned().collect();
            let rows = items.iter().cloned().map(Some).map(row).collect();
            (rows, items)
        }
    };
    for row in &rows {
        match sign {
            Sign::Plus => store.close_put(row)?,
            Sign::Minus => store.close_delete(row)?,
        }
    }
    for item in items {
        settle::counts(store, &item, location)?;
        changes.items.insert(item);
    }
    Ok(())
}
