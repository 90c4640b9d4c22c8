//! Openings: the same stock with them as without, and in any order.

use proptest::prelude::*;

use super::sale;
use crate::document::{Document, Group, Kind};
use crate::fold::conformance::draw::{Random, Spec, documents, shuffled};
use crate::fold::conformance::openings;
use crate::fold::memory::MemoryFold;
use crate::fold::{FoldListing, Outcome, apply, exceptions, verify};
use crate::identity::{Incarnation, NodeId};
use crate::location::Location;
use crate::name::{GroupId, ItemId};
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

/// One of the two documents of a large receipt, written by PC 1.
fn half(incarnation: u64, seq: u64, index: u32, units: i64) -> Document {
    let mut document = sale(1, seq, units);
    document.place.incarnation = Incarnation(incarnation);
    document.draft.group = Some(Group {
        id: GroupId::new("receipt-1").unwrap(),
        index,
        of: 2,
    });
    let key = document.draft.source.as_mut().unwrap();
    // Parts are keyed by their first line; a corrected receipt is cut elsewhere.
    key.part = index * u32::try_from(units).unwrap();
    document
}

fn tea_on_the_floor(fold: &MemoryFold) -> Quantity {
    fold.balance(&ItemId::new("tea").unwrap(), &Location::SalesFloor)
}

/// PC 1 has closed a receipt of two documents. It is put back from an older backup and reports
/// the receipt again, which gives the group the same name; but its disk fails when only the
/// second document has got out. Whoever still has the closed first half must not take the two
/// for a whole receipt: whoever has only the opening can't.
#[test]
fn a_closed_half_of_a_receipt_makes_no_later_one_whole() {
    let closed = [half(1, 1, 0, 2), half(1, 2, 1, 3)];
    let (again, rest) = (half(2, 2, 1, 4), half(2, 1, 0, 1));
    let mut author = fold(&closed);
    let opening = openings::of(&author, NodeId::from_bytes([1; 16]), 1);
    for document in &opening {
        apply(&mut author, document).unwrap();
    }
    let waits = Outcome::WaitingGroup { have: 1, of: 2 };
    assert_eq!(apply(&mut author, &again).unwrap().outcome, waits);
    assert_eq!(tea_on_the_floor(&author), Quantity::units(-5));

    let everything = [&closed[..], std::slice::from_ref(&again), &opening].concat();
    let mut sibling = fold(&everything);
    assert_eq!(tea_on_the_floor(&sibling), Quantity::units(-5));
    for seed in 0..32 {
        sibling = fold(&shuffled(&everything, seed));
        assert_eq!(sibling.dump(), author.dump(), "seed {seed}");
    }

    // The disk was saved after all: the later receipt is whole by its own halves. Its first
    // line is taken by the closed receipt, its other one is new.
    for storage in [&mut author, &mut sibling] {
        apply(storage, &rest).unwrap();
        assert_eq!(tea_on_the_floor(storage), Quantity::units(-9));
        assert_eq!(verify(storage).unwrap(), []);
    }
    assert_eq!(sibling.dump(), author.dump());
}
