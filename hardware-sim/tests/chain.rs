//! The simulated chain: some seeds, the same seed twice, and every planted error. The long runs are
//! the command line's (`shelf-sim explore`).

use shelf_replica::memory::MemoryStore;
use shelf_sim::chain::run::{self, Plan, Verdict};

const SEEDS: u64 = 24;
const MUTANT_SEEDS: u64 = 60;

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

#[test]
fn every_planted_error_is_found() {
    let missed: Vec<_> = run::hunt_all(MUTANT_SEEDS, 2)
        .into_iter()
        .filter(|it| it.verdict == Verdict::Missed)
        .map(|it| it.mutant)
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
}
