//! One run of one seed, and many of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use serde::Serialize;
use shelf_ledger::in_memory::InMemory;
use shelf_replica::memory::MemoryStore;

use super::coverage::{Coverage, Danger};
use super::disk::Disk;
use super::mutant::Mutant;
use super::random::Random;
use super::swarm::Fault;
use super::violation::Violation;
use super::world::World;

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happened, as a number.
    pub trace: u64,
    /// How many events there were.
    pub steps: u64,
    /// What happened.
    pub coverage: Coverage,
    /// What was broken.
    pub violation: Option<Violation>,
}

/// Runs the world of a planted error without the error.
pub fn control(seed: u64, mutant: Mutant) -> Outcome {
    let world = World::<MemoryStore>::new(seed, Some(mutant));
    run(world.map(|mut world| {
        world.mutant = None;
        world
    }))
}

/// Runs a seed once.
pub fn once<D: Disk>(seed: u64, mutant: Option<Mutant>) -> Outcome {
    run(World::<D>::new(seed, mutant))
}

fn run<D: Disk>(world: Result<World<D>, Violation>) -> Outcome {
    match world {
        Ok(mut world) => {
            let violation = live(&mut world).err();
            Outcome {
                trace: world.trace.value(),
                steps: world.step,
                violation: violation.map(|it| Violation {
                    step: world.step,
                    ..it
                }),
                coverage: world.coverage,
            }
        }
        Err(violation) => Outcome {
            trace: 0,
            steps: 0,
            coverage: Coverage::default(),
            violation: Some(violation),
        },
    }
}

fn live<D: Disk>(world: &mut World<D>) -> Result<(), Violation> {
    world.begin()?;
    while world.acts_left > 0 {
        world.step(u64::MAX)?;
    }
    world.rest()
}

/// Runs a seed again on real tables.
pub fn on_tables(seed: u64) -> Outcome {
    once::<InMemory>(seed, None)
}

/// Whether a seed is one of those that run again on real tables.
pub fn is_on_tables(seed: u64, per_mille: u64) -> bool {
    Random::new(seed).per_mille(per_mille)
}

/// Runs a seed twice: the same seed must give the same run.
pub fn twice(seed: u64) -> Outcome {
    let first = once::<MemoryStore>(seed, None);
    let second = once::<MemoryStore>(seed, None);
    if first.trace == second.trace && first.steps == second.steps {
        return first;
    }
    let what = format!(
        "two runs differ: {:016x} after {} events, {:016x} after {}",
        first.trace, first.steps, second.trace, second.steps
    );
    Outcome {
        violation: Some(Violation::of("determinism", what)),
        ..first
    }
}

/// What is explored.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seeds that failed once, always first.
    pub corpus: Vec<u64>,
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// How many at once.
    pub threads: usize,
    /// So many of a thousand seeds run again on real tables.
    pub sqlite_per_mille: u64,
}

/// The seeds that failed once.
pub fn corpus() -> Vec<u64> {
    let lines = include_str!("../../corpus/seeds.txt").lines();
    let words = lines.filter_map(|it| it.split_whitespace().next());
    words.filter_map(|it| it.parse().ok()).collect()
}

/// A seed that broke something.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Which.
    pub seed: u64,
    /// What it broke.
    #[serde(flatten)]
    pub violation: Violation,
    /// How to see it.
    pub replay: String,
}

/// What an exploration found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How many seeds ran, each twice.
    pub seeds: u64,
    /// How many of them are of the corpus.
    pub corpus_seeds: u64,
    /// How many of them ran again on real tables.
    pub sqlite_seeds: u64,
    /// How many events there were, in one of the two runs.
    pub events: u64,
    /// How many seeds broke something.
    pub violations: u64,
    /// The first of them.
    pub failures: Vec<Failure>,
    /// Share of the runs in which an oversell was possible, in per mille.
    pub oversell_possible_per_mille: u64,
    /// Share of the runs in which each fault happened, in per mille.
    pub faults_per_mille: BTreeMap<&'static str, u64>,
    /// Share of the runs in which each situation occurred, in per mille.
    pub situations_per_mille: BTreeMap<&'static str, u64>,
}

/// At most so many failures are listed.
pub const FAILURES_MAX: usize = 20;

impl Report {
    fn add(&mut self, seed: u64, outcome: Outcome, runs: &mut BTreeMap<&'static str, u64>) {
        self.seeds += 1;
        self.events += outcome.steps;
        for fault in outcome.coverage.faults.keys() {
            *runs.entry(fault.word()).or_default() += 1;
        }
        for danger in outcome.coverage.dangers.keys() {
            *runs.entry(danger.word()).or_default() += 1;
        }
        if let Some(violation) = outcome.violation {
            self.violations += 1;
            self.failures.push(Failure {
                seed,
                violation,
                replay: format!("shelf-sim replay {seed}"),
            });
            self.failures.sort_by_key(|it| it.seed);
            self.failures.truncate(FAILURES_MAX);
        }
    }

    fn finish(&mut self, runs: &BTreeMap<&'static str, u64>) {
        let share = |word| runs.get(word).copied().unwrap_or(0) * 1000 / self.seeds.max(1);
        self.faults_per_mille = Fault::ALL
            .iter()
            .map(|it| (it.word(), share(it.word())))
            .collect();
        self.situations_per_mille = Danger::ALL
            .iter()
            .map(|it| (it.word(), share(it.word())))
            .collect();
        self.oversell_possible_per_mille = share(Danger::OversellPossible.word());
    }
}

/// Results that may wait for the counting thread.
pub(super) const RESULTS_MAX: usize = 64;

/// Explores seeds on several threads; `tell` hears of each seed that is done.
pub fn explore(plan: &Plan, mut tell: impl FnMut(&Report)) -> Report {
    let (mut report, mut runs) = (Report::default(), BTreeMap::new());
    report.corpus_seeds = plan.corpus.len() as u64;
    let (next, tables) = (AtomicU64::new(0), plan.sqlite_per_mille);
    let total = plan.corpus.len() as u64 + plan.seeds;
    let seed_of = |number: u64| {
        let corpus = usize::try_from(number)
            .ok()
            .and_then(|it| plan.corpus.get(it));
        corpus
            .copied()
            .unwrap_or(plan.from + number.saturating_sub(plan.corpus.len() as u64))
    };
    std::thread::scope(|scope| {
        let (done, results) = sync_channel(RESULTS_MAX);
        for _ in 0..plan.threads.max(1) {
            let (done, next, seed_of) = (done.clone(), &next, &seed_of);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= total {
                        return;
                    }
                    let seed = seed_of(number);
                    let mut outcome = twice(seed);
                    let again = is_on_tables(seed, tables);
                    if again && outcome.violation.is_none() {
                        outcome.violation = on_tables(seed).violation;
                    }
                    if done.send((seed, again, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        for (seed, again, outcome) in results {
            report.sqlite_seeds += u64::from(again);
            report.add(seed, outcome, &mut runs);
            tell(&report);
        }
    });
    report.finish(&runs);
    report
}
