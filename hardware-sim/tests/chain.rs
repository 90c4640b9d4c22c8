//! The simulated chain: some seeds, the same seed twice, and a planted error. The long runs are
//! the command line's (`shelf-sim explore` and `shelf-sim mutants`), which the test command runs in a
//! release build.

use shelf_replica::memory::MemoryStore;
use shelf_sim::chain::hunt::{self, Verdict};
use shelf_sim::chain::mutant::Mutant;
use shelf_sim::chain::run::{self, Plan};

const SEEDS: u64 = 24;
const MUTANT_SEEDS: u64 = 8;

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..3 {
        let first = run::once::<MemoryStore>(seed, None);
        let second = run::once::<MemoryStore>(seed, None);
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first, second, "seed {seed}");
    }
    let other = run::once::<MemoryStore>(3, None);
    assert_ne!(other.trace, run::once::<MemoryStore>(4, None).trace);
}

#[test]
fn i0_to_i15_hold_in_every_world() {
    let plan = Plan {
        corpus: Vec::new(),
        from: 0,
        seeds: SEEDS,
        threads: 2,
        sqlite_per_mille: 80,
    };
    let report = run::explore(&plan, |_| {});
    assert_eq!(report.violations, 0, "{:#?}", report.failures);
    assert!(report.oversell_possible_per_mille >= 200);
    assert!(report.sqlite_seeds > 0);
}

/// One that is found at once; `shelf-sim mutants` hunts them all, in a release build.
#[test]
fn a_hub_that_accepts_without_looking_is_found() {
    let hunted = hunt::hunt(Mutant::NoCheck, 0..MUTANT_SEEDS);
    assert_ne!(hunted.verdict, Verdict::Missed, "{hunted:?}");
}
