//! Seeded inputs for the fuzz-style tests: good ones with a few changes, now and then noise.
//! A failure names its parser, seed and round.

use std::panic::{AssertUnwindSafe, catch_unwind};

const ROUNDS: u32 = 200_000;
const SEED: u64 = 0x5EED_2026;

/// A small generator: splitmix64.
struct Bytes(u64);

impl Bytes {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let word = u32::from_le_bytes(self.word().to_le_bytes()[..4].try_into().unwrap_or([0; 4]));
        usize::try_from(word).unwrap_or(0) % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.word().to_le_bytes()[0]
    }

    /// A seed input with a few changes, or noise.
    fn input(&mut self, seeds: &[&[u8]]) -> Vec<u8> {
        let mut out = seeds[self.below(seeds.len())].to_vec();
        if self.below(16) == 0 {
            out = (0..self.below(80)).map(|_| self.byte()).collect();
        }
        for _ in 0..self.below(5) {
            let at = self.below(out.len() + 1);
            match self.below(5) {
                0 if at < out.len() => out[at] = self.byte(),
                1 if at < out.len() => {
                    out.remove(at);
                }
                2 => out.insert(at, b"0123456789\x1d]/%?&=\r\n\x02\x03"[self.below(20)]),
                3 => out.truncate(at),
                _ => {
                    let other = seeds[self.below(seeds.len())];
                    let from = self.below(other.len());
                    out.splice(at..at, other[from..].iter().copied());
                    out.truncate(600);
                }
            }
        }
        out
    }
}

pub(crate) fn run(name: &str, seeds: &[&[u8]], mut check: impl FnMut(&[u8])) {
    let mut bytes = Bytes(SEED);
    for round in 0..ROUNDS {
        let input = bytes.input(seeds);
        let result = catch_unwind(AssertUnwindSafe(|| check(&input)));
        assert!(
            result.is_ok(),
            "{name}: seed {SEED:#x}, round {round}, input {input:02x?}"
        );
    }
}
