//! Any order, any repetition: the same bytes, and what the oracle says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::mutant::{FAULTS, Fault, Mutant};
use super::oracle::{Truth, truth};
use crate::document::Document;
use crate::fold::conformance::draw::{Random, Spec, documents, shuffled};
use crate::fold::memory::MemoryFold;
use crate::fold::{Exception, FoldListing, apply, exceptions, verify};
use crate::location::Location;
use crate::name::ItemId;
use crate::quantity::Quantity;

fn fold(documents: &[Document], fault: Option<Fault>) -> Result<MemoryFold, String> {
    let mut mutant = Mutant::new(fault);
    for document in documents {
        apply(&mut mutant, document).map_err(|it| it.to_string())?;
    }
    Ok(mutant.inner)
}

/// What a fold says, in the words of the oracle.
fn said(fold: &MemoryFold, documents: &[Document]) -> Truth {
    let mut said = Truth::default();
    let balances = fold.all_balances().unwrap().into_iter();
    let balances = balances.filter(|(_, _, it)| *it != Quantity::ZERO);
    said.balances = balances.map(|(item, at, it)| ((item, at), it)).collect();
    let steps = fold.all_steps().unwrap().into_iter();
    let anchors = steps.map(|row| {
        let step = row.steps.last().unwrap();
        let anchor = (step.quantity, step.cut, step.ambiguous_movements);
        ((row.item, row.location), anchor)
    });
    said.anchors = anchors.collect();
    let mut incomplete = BTreeSet::new();
    for exception in exceptions(fold).unwrap() {
        match exception {
            Exception::Duplicate { place, counted } => {
                assert!(counted < place);
                said.duplicates.insert(place);
            }
            Exception::PendingCount {
                session,
                area,
                item,
                location,
                quantity,
            } => {
                let line = (session, area, item, location, quantity);
                said.pending.insert(line);
            }
            Exception::IncompleteGroup { group, .. } => {
                incomplete.insert((group.node, group.id, group.of));
            }
            _ => {}
        }
    }
    for document in documents {
        if let Some(group) = &document.draft.group
            && incomplete.contains(&(document.place.node, group.id.clone(), group.of))
        {
            said.waiting.insert(document.place);
        }
    }
    said
}

fn check(specs: &[Spec], seed: u64, fault: Option<Fault>) -> Result<(), String> {
    let documents = documents(specs);
    let first = fold(&documents, fault)?;
    let second = fold(&shuffled(&documents, seed), fault)?;
    let (one, other) = (first.dump(), second.dump());
    if one != other {
        return Err(format!("in one order\n{one}\nin another\n{other}"));
    }
    let wrong = verify(&first).unwrap();
    if !wrong.is_empty() {
        return Err(format!("does not add up: {wrong:?}\n{one}"));
    }
    let (truth, said) = (truth(&documents), said(&first, &documents));
    if truth != said {
        return Err(format!("truth\n{truth:#?}\nfold\n{said:#?}\n{one}"));
    }
    let mut totals = BTreeMap::new();
    for ((item, _), quantity) in said.balances {
        let total = totals.entry(item).or_insert(Quantity::ZERO);
        *total = total.plus(quantity);
    }
    match totals.values().all(|it| *it == Quantity::ZERO) {
        true => Ok(()),
        false => Err(format!("locations don't add up to zero: {totals:?}")),
    }
}

proptest! {
    #[test]
    fn i0_i9_i10_any_order_and_repetition_give_the_same_bytes_and_the_truth(
        specs in prop::collection::vec(any::<Spec>(), 1..48),
        seed in any::<u64>(),
    ) {
        let checked = check(&specs, seed, None);
        prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
    }
}

/// Whoever shows stock asks again for the touched items only.
#[test]
fn every_item_whose_stock_changed_is_touched() {
    type Balances = BTreeMap<(ItemId, Location), Quantity>;
    let balances = |fold: &MemoryFold| -> Balances {
        let all = fold.all_balances().unwrap().into_iter();
        let all = all.filter(|(_, _, it)| *it != Quantity::ZERO);
        all.map(|(item, at, it)| ((item, at), it)).collect()
    };
    for seed in 1..=64 {
        let mut fold = MemoryFold::new();
        for document in shuffled(&documents(&drawn(seed)), seed) {
            let before = balances(&fold);
            let applied = apply(&mut fold, &document).unwrap();
            let after = balances(&fold);
            let changed = before.iter().filter(|(at, it)| after.get(at) != Some(it));
            let changed = changed.chain(after.iter().filter(|(at, _)| !before.contains_key(at)));
            for ((item, _), _) in changed {
                let touched = &applied.touched;
                assert!(
                    touched.contains(item),
                    "seed {seed}: {item} not in {touched:?}"
                );
            }
        }
    }
}

fn drawn(seed: u64) -> Vec<Spec> {
    let mut random = Random::new(seed);
    (0..32).map(|_| random.spec()).collect()
}

#[test]
fn every_fault_on_purpose_is_caught() {
    for fault in FAULTS {
        let caught = (1..=256).find(|seed| check(&drawn(*seed), *seed, Some(fault)).is_err());
        assert!(caught.is_some(), "{fault:?} goes unnoticed");
    }
}

#[test]
fn the_drawn_sets_have_what_they_are_about() {
    let mut seen = BTreeMap::<&str, usize>::new();
    for seed in 1..=64 {
        let fold = fold(&documents(&drawn(seed)), None).unwrap();
        for exception in exceptions(&fold).unwrap() {
            let kind = match exception {
                Exception::Duplicate { .. } => "duplicate",
                Exception::IncompleteGroup { .. } => "group",
                Exception::OrphanVoid { .. } => "orphan void",
                Exception::VoidedAgain { .. } => "voided again",
                Exception::UnknownCode { .. } => "unknown code",
                Exception::AmbiguousCount { .. } => "ambiguous",
                Exception::PendingCount { .. } => "pending",
            };
            *seen.entry(kind).or_default() += 1;
        }
        for row in fold.all_steps().unwrap() {
            *seen.entry("anchor").or_default() += 1;
            *seen.entry("several anchors").or_default() += usize::from(row.steps.len() > 1);
        }
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
    assert!(seen.values().all(|it| *it >= 3), "{seen:?}");
}
