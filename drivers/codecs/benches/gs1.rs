//! How many element strings of four elements are parsed and checked in a second.
//!
//! Prints one JSON line per case, median of the rounds; asserts nothing, for a bench that fails
//! on a busy machine is turned off. Run with `cargo bench -p shelf-codecs --bench gs1`. The engine
//! of GS1 itself is in no package registry and is quoted (0.67-1.0 M/s for four elements). With
//! `SHELF_PEER_PYTHON` set to a Python that has `biip`, that library parses the same strings,
//! round about with ours, and the ratio is printed.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock and prints its result"
)]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use shelf_codecs::barcode::{PrefixScheme, interpret};
use shelf_codecs::gs1::Elements;

const ROUNDS: usize = 9;
const PARSES: u32 = 400_000;

fn measure(name: &str, work: impl Fn() -> bool) {
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let good = (0..PARSES).filter(|_| work()).count();
            let seconds = start.elapsed().as_secs_f64();
            black_box(good);
            f64::from(PARSES) / seconds / 1e6
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let (low, median, high) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
    println!(
        r#"{{"bench":"{name}","unit":"M/s","median":{median:.3},"min":{low:.3},"max":{high:.3},"rounds":{ROUNDS},"per_round":{PARSES}}}"#
    );
}

/// Parses in one round of the peer.
const PEER_PARSES: u32 = 2_000;

/// Rounds of the peer and of ours in turn; the ratio of the medians.
fn beside_the_peer(python: &str, name: &str, text: &str) -> std::io::Result<()> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer/gs1_biip.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut asks), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("no pipes to the peer"));
    };
    let mut answers = BufReader::new(answers).lines();
    let (mut peer, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        writeln!(asks, "{PEER_PARSES} {}", text.replace('\u{1d}', "^"))?;
        let line = answers
            .next()
            .ok_or_else(|| std::io::Error::other("the peer gave up"))??;
        let seconds: f64 = line.parse().map_err(std::io::Error::other)?;
        peer.push(f64::from(PEER_PARSES) / seconds / 1e6);
        let start = Instant::now();
        let parse = |_: &u32| {
            Elements::parse(black_box(text)).is_ok_and(|elements| elements.check_pairings().is_ok())
        };
        black_box((0..PARSES).filter(parse).count());
        ours.push(f64::from(PARSES) / start.elapsed().as_secs_f64() / 1e6);
    }
    drop(asks);
    child.wait()?;
    peer.sort_by(f64::total_cmp);
    ours.sort_by(f64::total_cmp);
    let (peer, ours) = (peer[ROUNDS / 2], ours[ROUNDS / 2]);
    let ratio = ours / peer;
    println!(
        r#"{{"bench":"{name}_beside_biip","unit":"M/s","ours":{ours:.3},"peer":{peer:.5},"ratio":{ratio:.0},"rounds":{ROUNDS}}}"#
    );
    Ok(())
}

fn main() {
    let fixed = "010952012345678817271231310300125010AB12";
    let separated = "010952012345678810ABC123\u{1d}21XYZ0001\u{1d}17271231";
    for (name, text) in [("gs1_4ai_weight", fixed), ("gs1_4ai_serial", separated)] {
        assert_eq!(
            Elements::parse(text).map(|elements| elements.count()),
            Ok(4)
        );
        measure(&format!("{name}_parse"), || {
            Elements::parse(black_box(text)).is_ok()
        });
        measure(&format!("{name}_parse_and_pairings"), || {
            Elements::parse(black_box(text)).is_ok_and(|elements| elements.check_pairings().is_ok())
        });
        if let Ok(python) = std::env::var("SHELF_PEER_PYTHON")
            && let Err(error) = beside_the_peer(&python, name, text)
        {
            println!(r#"{{"bench":"{name}_beside_biip","error":"{error}"}}"#);
        }
    }
    let scan = format!("]C1{separated}");
    measure("interpret_gs1_128", || {
        black_box(interpret(
            &PrefixScheme::Aim.split(black_box(scan.as_bytes())),
            &[],
        ));
        true
    });
    measure("interpret_ean13", || {
        black_box(interpret(
            &PrefixScheme::Aim.split(black_box(b"]E05901234123457")),
            &[],
        ));
        true
    });
}
