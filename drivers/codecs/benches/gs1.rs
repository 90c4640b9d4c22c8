//! How many element strings of four elements are parsed and checked in a second.
//!
//! Prints one JSON line per case, median of the rounds; asserts nothing, for a bench that fails
//! on a busy machine is turned off. Run with `cargo bench -p shelf-codecs --bench gs1`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock and prints its result"
)]

use std::hint::black_box;
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
