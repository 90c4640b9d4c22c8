//! The hunt for planted errors.
//!
//! A seed that caught an error once is tried first, so that proving it again is quick; then every
//! seed from 0. Only the rule that the error breaks counts, and the same world without the error
//! must be well.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use serde::Serialize;
use shelf_replica::memory::MemoryStore;

use super::mutant::Mutant;
use super::run::{RESULTS_MAX, control, once};
use super::swarm::words;
use super::violation::Violation;

words! {
    /// Whether a planted error was found.
    Verdict {
        /// It was.
        Caught = "caught",
        /// It was not, in all seeds that were tried.
        Missed = "missed",
    }
}

/// What became of a planted error.
#[derive(Clone, Debug, Serialize)]
pub struct MutantReport {
    /// Which.
    pub mutant: &'static str,
    /// The rules that it breaks.
    pub breaks: &'static [&'static str],
    /// Whether it was found.
    pub verdict: Verdict,
    /// The seed that found it.
    pub seed: Option<u64>,
    /// What it broke.
    pub violation: Option<Violation>,
    /// How many seeds were tried.
    pub seeds_tried: u64,
    /// In how many of them another rule was broken first.
    pub otherwise: u64,
    /// Worlds that ran again without the error.
    pub controls: u64,
    /// Those of them that broke something as well: there must be none.
    pub controls_failed: u64,
}

/// What is hunted, and where.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// Which errors; each to be found.
    pub mutants: Vec<Mutant>,
    /// Seeds that caught something once are tried first.
    pub remembered: bool,
    /// At most so many other seeds for each.
    pub seeds: u64,
    /// How many at once.
    pub threads: usize,
}

/// The seed that caught an error once.
pub fn remembered(mutant: Mutant) -> Option<u64> {
    let lines = include_str!("../../corpus/mutants.txt").lines();
    let mut words = lines.map(str::split_whitespace);
    let mut of_mutant = words.find(|it| it.clone().next() == Some(mutant.word()))?;
    of_mutant.nth(1)?.parse().ok()
}

/// Looks for a seed that finds a planted error.
pub fn hunt(mutant: Mutant, seeds: impl Iterator<Item = u64>) -> MutantReport {
    let mut report = MutantReport {
        mutant: mutant.word(),
        breaks: mutant.breaks(),
        verdict: Verdict::Missed,
        seed: None,
        violation: None,
        seeds_tried: 0,
        otherwise: 0,
        controls: 0,
        controls_failed: 0,
    };
    for seed in seeds {
        report.seeds_tried += 1;
        let Some(violation) = once::<MemoryStore>(seed, Some(mutant)).violation else {
            continue;
        };
        if !mutant.breaks().contains(&violation.invariant.as_str()) {
            report.otherwise += 1;
            report.violation = Some(violation);
            continue;
        }
        // The same world without the error must be well, or the error wasn't what was found.
        report.controls += 1;
        report.violation = Some(violation);
        if control(seed, mutant).violation.is_some() {
            report.controls_failed += 1;
            continue;
        }
        report.verdict = Verdict::Caught;
        report.seed = Some(seed);
        return report;
    }
    report
}

/// Looks for a seed for every planted error, on several threads.
pub fn hunt_all(hunt: &Hunt, mut tell: impl FnMut(&MutantReport)) -> Vec<MutantReport> {
    let next = AtomicU64::new(0);
    let mut reports = Vec::new();
    std::thread::scope(|scope| {
        let (done, results) = sync_channel(RESULTS_MAX);
        for _ in 0..hunt.threads.max(1) {
            let (done, next) = (done.clone(), &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let number = usize::try_from(number).unwrap_or(usize::MAX);
                    let Some(mutant) = hunt.mutants.get(number) else {
                        return;
                    };
                    let first = remembered(*mutant).filter(|_| hunt.remembered);
                    let seeds = first.into_iter().chain(0..hunt.seeds);
                    if done.send((number, self::hunt(*mutant, seeds))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        for (number, report) in results {
            tell(&report);
            reports.push((number, report));
        }
    });
    reports.sort_by_key(|(number, _)| *number);
    reports.into_iter().map(|(_, report)| report).collect()
}
