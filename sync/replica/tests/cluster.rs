//! Whatever the network and the machines do: at rest everybody has everything, and nobody ever
//! believed too much (I8, I9, I10, I12, I15). And the same test finds planted errors.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod harness;

use harness::{Faults, Mutant, World};

const SEEDS: u64 = 20;
const MUTANT_SEEDS: u64 = 40;

fn run(seed: u64, mutant: Mutant) -> Result<World, String> {
    let mut world = World::new(seed, 3, Faults::MANY, mutant);
    for index in 0..world.pcs.len() {
        world.set_link(index, true);
    }
    for _ in 0..80 {
        let index = usize::try_from(world.random.below(3)).unwrap();
        match world.random.below(20) {
            0 => world.set_link(index, false),
            1..=4 => world.set_link(index, true),
            5 => world.restart_pc(index),
            6 => {
                for _ in 0..40 {
                    world.record(index);
                }
            }
            _ => world.record(index),
        }
        let pause_ms = world.random.below(4_000);
        world.run_for(pause_ms);
    }
    world.settle();
    match world.differences() {
        None => Ok(world),
        Some(difference) => Err(difference),
    }
}

#[test]
fn i6_i12_i15_at_rest_everybody_has_everything() {
    for seed in 0..SEEDS {
        match std::panic::catch_unwind(|| run(seed, Mutant::None)) {
            Ok(Ok(world)) => assert!(world.written.len() > 50, "seed {seed} did nothing"),
            Ok(Err(difference)) => panic!("seed {seed}: {difference}"),
            Err(_) => panic!("seed {seed}: see the message above"),
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let one = run(7, Mutant::None).unwrap_or_else(|it| panic!("{it}"));
    let two = run(7, Mutant::None).unwrap_or_else(|it| panic!("{it}"));
    assert_eq!(one.hub_store, two.hub_store);
    assert_eq!(one.hub_events, two.hub_events);
    assert_eq!(one.now_ms, two.now_ms);
}

#[test]
fn every_mutant_is_caught() {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let first: Vec<_> = Mutant::ALL
        .into_iter()
        .map(|mutant| {
            let caught = (0..MUTANT_SEEDS).find(|seed| {
                let run = std::panic::catch_unwind(|| run(*seed, mutant).map(drop));
                !matches!(run, Ok(Ok(())))
            });
            (mutant, caught)
        })
        .collect();
    std::panic::set_hook(quiet);
    for (mutant, seed) in first {
        println!("{mutant:?}: first caught by seed {seed:?}");
        assert!(
            seed.is_some(),
            "{mutant:?} was not caught by {MUTANT_SEEDS} seeds"
        );
    }
}
