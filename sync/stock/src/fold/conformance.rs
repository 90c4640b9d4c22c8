//! What every storage of the fold must pass: the same documents give the same dump.
//!
//! A storage is compared with [`MemoryFold`](super::memory::MemoryFold) on scenarios with a
//! meaning and on sets of documents drawn from fixed seeds, each in several orders and with
//! repetitions. The suite is for tests and panics with the seed of what differs.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test suite for other crates: a failure is a panic with its seed"
)]

use std::fmt::Debug;

use super::memory::MemoryFold;
use super::{FoldListing, apply, dump, exceptions, verify};
use crate::document::Document;
use crate::location::Location;
use crate::quantity::Quantity;

pub mod draw;
pub mod openings;
pub mod scenario;

/// How many sets are drawn from seeds.
const SEEDS: u64 = 60;
/// How many documents a set is drawn from.
const SET_SPECS_MAX: u64 = 40;

/// Runs the suite. `factory` gives an empty storage each time, with the default rules; a storage
/// that borrows its database may give a fresh partition of one leaked connection each time.
pub fn suite<S>(mut factory: impl FnMut() -> S)
where
    S: FoldListing,
    S::Error: Debug,
{
    for scenario in scenario::all() {
        compare(&mut factory, &scenario.documents, scenario.name, 0);
        end(&scenario);
    }
    for seed in 1..=SEEDS {
        let mut random = draw::Random::new(seed);
        let count = 1 + random.below(SET_SPECS_MAX);
        let specs: Vec<_> = (0..count).map(|_| random.spec()).collect();
        let mut documents = draw::documents(&specs);
        compare(&mut factory, &documents, "drawn", seed);
        // What comes after the openings may have a closed group's name.
        let known = documents.len() - documents.len() / 4;
        let mut model = MemoryFold::new();
        for document in documents.iter().take(known) {
            apply(&mut model, document).expect("the model folds");
        }
        for node in openings::nodes() {
            let opening = openings::of(&model, node, 1);
            for document in &opening {
                apply(&mut model, document).expect("the model folds");
            }
            documents.extend(opening);
        }
        compare(&mut factory, &documents, "closed", seed);
    }
}

/// The story ends as worked out by hand.
fn end(story: &scenario::Scenario) {
    let mut model = MemoryFold::new();
    for document in &story.documents {
        apply(&mut model, document).expect("the model folds");
    }
    let tea = draw::name("tea");
    let floor = model.balance(&tea, &Location::SalesFloor);
    let loss = model.balance(&tea, &Location::Loss);
    let listed = exceptions(&model).expect("the model lists");
    assert_eq!(floor, Quantity::units(story.floor), "{}: floor", story.name);
    assert_eq!(loss, Quantity::units(story.loss), "{}: loss", story.name);
    assert_eq!(listed.len(), story.exceptions, "{}: {listed:?}", story.name);
}

/// Folds documents in the given order and in two shuffled ones with repetitions.
fn compare<S>(factory: &mut impl FnMut() -> S, documents: &[Document], name: &str, seed: u64)
where
    S: FoldListing,
    S::Error: Debug,
{
    let mut model = MemoryFold::new();
    for document in documents {
        apply(&mut model, document).expect("the model folds");
    }
    let expected = model.dump();
    let asked = exceptions(&model).expect("the model lists");
    for round in 0..3 {
        let mut storage = factory();
        let order = match round {
            0 => documents.to_vec(),
            _ => draw::shuffled(documents, seed.wrapping_mul(31).wrapping_add(round)),
        };
        let mut twin = MemoryFold::new();
        for document in &order {
            let applied = apply(&mut storage, document);
            let applied = applied.expect("the storage folds");
            let same = apply(&mut twin, document).expect("the model folds");
            assert_eq!(applied, same, "{name}, seed {seed}, round {round}");
        }
        let found = dump(&storage).expect("the storage dumps");
        assert_eq!(found, expected, "{name}, seed {seed}, round {round}");
        let wrong = verify(&storage).expect("the storage verifies");
        assert_eq!(wrong, [], "{name}, seed {seed}, round {round}");
        let found = exceptions(&storage).expect("the storage lists");
        assert_eq!(found, asked, "{name}, seed {seed}, round {round}");
    }
}
