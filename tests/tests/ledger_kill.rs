//! Kill -9 at random moments: what was acknowledged is there, and everything adds up (I8).
//!
//! The parent reads every acknowledgement from a pipe, kills the child after a random time from a
//! seed, opens the ledger in place and judges it. `SHELF_KILL_ROUNDS` sets how many rounds (300).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "waits a random time before it kills: the moment is what is tested"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use shelf_stock::identity::Place;
use shelf_tests::ledger_lab::{Verdict, judge};

const ROUNDS_DEFAULT: u64 = 300;
/// Rounds on one directory, so that wrecks are opened, written to and killed again.
const ROUNDS_PER_DIR: u64 = 15;
const CONTROL_ROUNDS_MAX: u64 = 150;

/// A number from a seed and a round (SplitMix64).
fn draw(seed: u64, round: u64) -> u64 {
    let mut bits = seed.wrapping_add(round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Runs the child, kills it some time after it is ready, and returns what it acknowledged.
fn run_and_kill(dir: &Path, words: &[&str], after: Duration) -> Vec<Place> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ledger_child"))
        .arg(dir)
        .args(["3", "0"])
        .args(words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut ready = String::new();
    lines.read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");
    let reader = std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap() > 0 {
            if line.ends_with('\n') {
                acknowledged.push(line.trim_end().parse::<Place>().unwrap());
            }
            line.clear();
        }
        acknowledged
    });
    // A random moment is what this test is about.
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

fn round(dir: &Path, words: &[&str], seed: u64, round: u64, known: &mut Vec<Place>) -> Verdict {
    let after = Duration::from_micros(draw(seed, round) % 160_000);
    known.extend(run_and_kill(dir, words, after));
    judge(dir, known).unwrap_or_else(|error| panic!("seed {seed} round {round}: {error:#}"))
}

#[test]
fn i8_nothing_acknowledged_is_lost_to_kill_9() {
    let rounds = std::env::var("SHELF_KILL_ROUNDS")
        .ok()
        .and_then(|it| it.parse().ok());
    let rounds: u64 = rounds.unwrap_or(ROUNDS_DEFAULT);
    let seed = u64::from(std::process::id());
    let mut total = 0;
    for first in (0..rounds).step_by(usize::try_from(ROUNDS_PER_DIR).unwrap()) {
        let dir = tempfile::tempdir().unwrap();
        let mut known = Vec::new();
        for number in first..rounds.min(first + ROUNDS_PER_DIR) {
            let verdict = round(dir.path(), &[], seed, number, &mut known);
            assert!(verdict.is_good(), "seed {seed} round {number}: {verdict:?}");
            assert!(verdict.documents >= known.len() as u64);
        }
        total += known.len();
    }
    println!("{rounds} kills, {total} acknowledged, 0 lost (seed {seed})");
    assert!(
        total as u64 > rounds,
        "the child hardly worked: {total} in {rounds} rounds"
    );
}

#[test]
fn the_kill_test_catches_a_writer_that_answers_before_the_commit() {
    let seed = 7;
    for number in 0..CONTROL_ROUNDS_MAX {
        let dir = tempfile::tempdir().unwrap();
        let verdict = round(dir.path(), &["early"], seed, number, &mut Vec::new());
        if !verdict.missing.is_empty() {
            println!("caught in round {number}: {} lost", verdict.missing.len());
            return;
        }
    }
    panic!("{CONTROL_ROUNDS_MAX} rounds and the control was not caught");
}
