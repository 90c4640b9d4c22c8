//! Openings: the same stock with them as without, and in any order.

use proptest::prelude::*;

use crate::document::{Document, Kind};
use crate::fold::conformance::draw::{Random, Spec, documents, shuffled};
use crate::fold::conformance::openings;
use crate::fold::memory::MemoryFold;
use crate::fold::{FoldListing, apply, exceptions, verify};
use crate::quantity::Quantity;

fn fold(documents: &[Document]) -> MemoryFold {
    let mut fold = MemoryFold::new();
    for document in documents {
        apply(&mut fold, document).unwrap();
    }
    fold
}

/// What must not change: balances, variances, everything about counts and codes.
fn stock(fold: &MemoryFold) -> String {
    let dump = fold.dump();
    let kept = ["balance ", "step ", "count ", "close ", "bind ", "unbound "];
    let lines = dump
        .lines()
        .filter(|it| kept.iter().any(|kept| it.starts_with(kept)));
    lines.collect::<Vec<_>>().join("\n")
}

/// The lines that only one of two dumps has.
fn difference(one: &str, other: &str) -> String {
    let lacks = |text: &str, of: &str, sign: &str| -> String {
        let lines = text
            .lines()
            .filter(|it| !of.lines().any(|other| other == *it));
        lines.map(|it| format!("\n{sign} {it}")).collect()
    };
    lacks(one, other, "-") + &lacks(other, one, "+")
}

/// Closes everything that is in a fold, author by author; what was added.
fn close_all(fold: &mut MemoryFold, number: u64) -> Result<Vec<Document>, String> {
    let before = stock(fold);
    let mut added = Vec::new();
    for node in openings::nodes() {
        for document in openings::of(fold, node, number) {
            document.draft.validate().map_err(|it| it.to_string())?;
            apply(fold, &document).map_err(|it| it.to_string())?;
            added.push(document);
        }
        let after = stock(fold);
        if before != after {
            return Err(format!("closing {node}: {}", difference(&before, &after)));
        }
    }
    Ok(added)
}

fn check(specs: &[Spec], seed: u64) -> Result<(), String> {
    let all = documents(specs);
    let at = usize::try_from(Random::new(seed).below(1 << 30)).unwrap() % (all.len() + 1);
    let (old, late) = all.split_at(at);
    // A name of a group is never used again: its author draws it.
    let group = |it: &Document| {
        let group = it.draft.group.as_ref();
        group.map(|of| (it.place.node, of.id.clone(), of.index))
    };
    let used: Vec<_> = old.iter().filter_map(group).collect();
    let late = late
        .iter()
        .filter(|it| group(it).is_none_or(|it| !used.contains(&it)));
    let late: Vec<Document> = late.cloned().collect();
    // Some come only after the second openings.
    let (late, later) = late.split_at(late.len() / 2);
    let (late, later) = (late.to_vec(), later.to_vec());
    let all = [old, &late[..]].concat();
    let mut model = fold(old);
    let first = close_all(&mut model, 1)?;
    for document in &late {
        apply(&mut model, document).map_err(|it| it.to_string())?;
    }
    let once = model.dump();
    let wrong = verify(&model).unwrap();
    if !wrong.is_empty() {
        return Err(format!("does not add up: {wrong:?}"));
    }
    // Whoever has the old documents and whoever lacks them come to the same.
    let both = [all.clone(), first.clone()].concat();
    let lacking = [late, first.clone()].concat();
    for (sent, name) in [(&both, "all"), (&lacking, "no old ones")] {
        for round in 0..3 {
            let other = fold(&shuffled(sent, seed ^ round));
            if other.dump() != once {
                return Err(format!("{name}: {}", difference(&once, &other.dump())));
            }
            let (one, two) = (exceptions(&model).unwrap(), exceptions(&other).unwrap());
            if one != two {
                return Err(format!("{name}: {one:?} {two:?}"));
            }
        }
    }
    let second = close_all(&mut model, 2)?;
    for document in &later {
        apply(&mut model, document).map_err(|it| it.to_string())?;
    }
    let both = [both, later.clone()].concat();
    let lacking = [lacking, later.clone()].concat();
    let twice = model.dump();
    for sent in [
        [both, second.clone()].concat(),
        [lacking, second.clone()].concat(),
        [second, later].concat(),
    ] {
        let other = fold(&shuffled(&sent, seed));
        if other.dump() != twice {
            return Err(format!("second: {}", difference(&twice, &other.dump())));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn openings_change_nothing_and_come_in_any_order(
        specs in prop::collection::vec(any::<Spec>(), 1..48),
        seed in any::<u64>(),
    ) {
        let checked = check(&specs, seed);
        prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
    }
}

#[test]
fn what_is_drawn_is_closed_summed_up_claimed_and_carried() {
    let (mut lines, mut claims, mut carried, mut forgotten) = (0, 0, 0, 0);
    for seed in 1..=64 {
        let mut random = Random::new(seed);
        let specs: Vec<_> = (0..32).map(|_| random.spec()).collect();
        let mut model = fold(&documents(&specs));
        let before = model.documents().count();
        let moved = model.all_movements().unwrap().len();
        let added = close_all(&mut model, 1).unwrap();
        for opening in &added {
            let Kind::Opening {
                claims: claimed,
                carried: kept,
                ..
            } = &opening.draft.kind
            else {
                panic!("not an opening");
            };
            (claims, carried) = (claims + claimed.len(), carried + kept.len());
            lines += opening.draft.lines.len();
            assert!(
                opening
                    .draft
                    .lines
                    .iter()
                    .all(|it| it.quantity > Quantity::ZERO)
            );
        }
        forgotten += before - (model.documents().count() - added.len());
        assert!(model.all_movements().unwrap().len() <= moved);
    }
    assert!(
        lines > 100 && claims > 40 && carried > 100 && forgotten > 300,
        "{lines} lines, {claims} claims, {carried} carried, {forgotten} forgotten"
    );
}
