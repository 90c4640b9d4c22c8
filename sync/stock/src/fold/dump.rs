//! The whole folded state as text, and the proof that it is consistent.
//!
//! Two storages that folded the same set of documents dump the same bytes, whatever they use
//! inside. Verification folds again from base rows, so that a damaged derived row is found.

use std::collections::BTreeMap;

use super::store::{FoldListing, Step, StepsRow};
use crate::document::{DocumentRef, SourceAction, SourceKey};
use crate::location::Location;
use crate::name::ItemId;
use crate::order::OrderKey;
use crate::quantity::Quantity;

/// A balance is not what its movements and variances add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// The item.
    pub item: ItemId,
    /// The location; `None`: the item's locations don't add up to zero.
    pub location: Option<Location>,
    /// What the rows add up to.
    pub expected: Quantity,
    /// What the storage says.
    pub found: Quantity,
}

/// Everything, one row a line, sorted: byte-equal for equal sets of documents.
pub fn dump<S: FoldListing>(store: &S) -> Result<String, S::Error> {
    let mut lines = Vec::<String>::new();
    for (place, digest) in store.all_closed()? {
        lines.push(format!("closed {place} {digest:?}"));
    }
    for it in store.all_groups()? {
        let key = &it.key;
        let part = format!("{} {:?} {}/{}", key.node, key.id, it.index, key.of);
        lines.push(format!("group {part} {}", it.place));
    }
    for (key, place) in store.all_sources()? {
        lines.push(format!("source {} {place}", source(&key)));
    }
    for it in store.all_duplicates()? {
        lines.push(format!("duplicate {} {}", source(&it.source), it.place));
    }
    for it in store.all_movements()? {
        let (at, movement) = (key(&it.key), &it.movement);
        let way = format!("{} -> {}", movement.from, movement.to);
        let (item, line, quantity) = (&movement.item, movement.line, movement.quantity);
        lines.push(format!("movement {item:?} {at} #{line} {quantity} {way}"));
    }
    for (item, location, quantity) in store.all_balances()? {
        if quantity != Quantity::ZERO {
            lines.push(format!("balance {item:?} {location} {quantity}"));
        }
    }
    for it in store.all_unbound()? {
        lines.push(format!("unbound {:?} {} #{}", it.code, it.place, it.line));
    }
    for it in store.all_binds()? {
        lines.push(format!("bind {:?} {}", it.code, key(&it.key)));
    }
    for it in store.all_voids()? {
        let of = match &it.of {
            DocumentRef::Place(place) => place.to_string(),
            DocumentRef::Source(key) => source(key),
        };
        lines.push(format!("void {} of {of}", it.place));
    }
    for it in store.all_order_facts()? {
        lines.push(format!("order {:?} {}", it.order, it.place));
    }
    counts(store, &mut lines)?;
    lines.sort_unstable();
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn counts<S: FoldListing>(store: &S, lines: &mut Vec<String>) -> Result<(), S::Error> {
    for it in store.all_counts()? {
        let at = format!(
            "{:?} {} {} #{}",
            it.item,
            it.location,
            key(&it.key),
            it.line
        );
        let area = format!("{:?} {:?}", it.session, it.area);
        lines.push(format!("count {at} {area} {}", it.quantity));
    }
    for it in store.all_closes()? {
        let item = it.item.as_ref().map_or("*", ItemId::as_str);
        let at = format!("{} {}", it.location, key(&it.key));
        lines.push(format!("close {:?} {item:?} {at}", it.session));
    }
    for StepsRow {
        item,
        location,
        steps,
    } in store.all_steps()?
    {
        for (index, step) in steps.iter().enumerate() {
            let step = text(step);
            lines.push(format!("step {item:?} {location} {index:06} {step}"));
        }
    }
    Ok(())
}

fn key(key: &OrderKey) -> String {
    let (effective, hlc) = (key.effective.as_millis(), key.hlc.to_bits());
    format!("@{effective} {hlc:016x} {}", key.place)
}

fn source(key: &SourceKey) -> String {
    let action = match key.action {
        SourceAction::Record => "record",
        SourceAction::Void => "void",
    };
    format!("{:?} {:?} {action} {}", key.source, key.receipt, key.part)
}

fn text(step: &Step) -> String {
    format!(
        "= {} cut {} variance {} window {}..={} ambiguous {}",
        step.quantity,
        key(&step.cut),
        step.variance,
        step.window_from.as_millis(),
        step.window_to.as_millis(),
        step.ambiguous_movements
    )
}

/// Adds everything up again: balances against movements and variances, variances against
/// movements and anchors, each item's locations against zero. Empty: consistent. Scans.
pub fn verify<S: FoldListing>(store: &S) -> Result<Vec<Imbalance>, S::Error> {
    let expected = expected_balances(store)?;
    let mut found = Balances::new();
    let mut totals = BTreeMap::<ItemId, Quantity>::new();
    for (item, location, quantity) in store.all_balances()? {
        let total = totals.entry(item.clone()).or_default();
        *total = total.plus(quantity);
        found.insert((item, location), quantity);
    }
    let mut wrong = Vec::new();
    let mut places: Vec<_> = expected.keys().chain(found.keys()).collect();
    places.sort_unstable();
    places.dedup();
    for at in places {
        let expected = expected.get(at).copied().unwrap_or_default();
        let found = found.get(at).copied().unwrap_or_default();
        if expected != found {
            wrong.push(Imbalance {
                item: at.0.clone(),
                location: Some(at.1.clone()),
                expected,
                found,
            });
        }
    }
    let off = totals.into_iter().filter(|(_, it)| *it != Quantity::ZERO);
    wrong.extend(off.map(|(item, found)| Imbalance {
        item,
        location: None,
        expected: Quantity::ZERO,
        found,
    }));
    Ok(wrong)
}

/// Balances by location.
type Balances = BTreeMap<(ItemId, Location), Quantity>;

/// What movements and variances add up to.
fn expected_balances<S: FoldListing>(store: &S) -> Result<Balances, S::Error> {
    let mut balances = Balances::new();
    let mut add = |item: &ItemId, location: &Location, quantity: Quantity| {
        let sum = balances.entry((item.clone(), location.clone()));
        let sum = sum.or_default();
        *sum = sum.plus(quantity);
    };
    for row in store.all_movements()? {
        let movement = &row.movement;
        add(&movement.item, &movement.from, movement.quantity.negated());
        add(&movement.item, &movement.to, movement.quantity);
    }
    for StepsRow {
        item,
        location,
        steps,
    } in store.all_steps()?
    {
        let mut before: Option<Step> = None;
        for step in steps {
            let after = before.as_ref().map(|it| &it.cut);
            let net = store.net(&item, &location, after, &step.cut)?;
            let expected = before.map(|it| it.quantity).unwrap_or_default().plus(net);
            let variance = step.quantity.minus(expected);
            add(&item, &location, variance);
            add(&item, &Location::Loss, variance.negated());
            before = Some(step);
        }
    }
    Ok(balances)
}
