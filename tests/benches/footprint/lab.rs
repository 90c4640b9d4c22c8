//! What the parts share: the disk's floor, percentiles, and the shape of a result.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

/// What is measured.
pub(crate) struct Lab {
    /// The program.
    pub(crate) shelfd: PathBuf,
}

/// 4 KiB and fdatasync into a file that was written before.
pub(crate) struct Floor {
    file: File,
    at: u64,
}

impl Floor {
    const BYTES: usize = 16 << 20;

    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .open(dir.join("floor"))?;
        file.write_all_at(&vec![0; Self::BYTES], 0)?;
        file.sync_all()?;
        Ok(Self { file, at: 0 })
    }

    pub(crate) fn write(&mut self) -> Result<()> {
        self.file.write_all_at(&[0x5A; 4096], self.at)?;
        self.file.sync_data()?;
        self.at = (self.at + 4096) % Self::BYTES as u64;
        Ok(())
    }
}

/// How long something took, in microseconds.
pub(crate) fn micros<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e6)
}

/// Times, round by round.
#[derive(Default)]
pub(crate) struct Times {
    rounds: Vec<Vec<f64>>,
}

impl Times {
    /// A round begins.
    pub(crate) fn next_round(&mut self) {
        self.rounds.push(Vec::new());
    }

    /// One time of this round.
    pub(crate) fn add(&mut self, time: f64) {
        if self.rounds.is_empty() {
            self.next_round();
        }
        if let Some(round) = self.rounds.last_mut() {
            round.push(time);
        }
    }

    /// The median over rounds of a percentile, given in thousandths.
    pub(crate) fn at(&self, thousandths: usize) -> f64 {
        let of_round = |it: &Vec<f64>| percentile(it.clone(), thousandths);
        percentile(self.rounds.iter().map(of_round).collect(), 500)
    }

    /// The largest.
    pub(crate) fn worst(&self) -> f64 {
        self.rounds.iter().flatten().copied().fold(0.0, f64::max)
    }

    pub(crate) fn count(&self) -> usize {
        self.rounds.iter().map(Vec::len).sum()
    }

    /// Percentiles in microseconds.
    pub(crate) fn us(&self) -> Value {
        json!({ "p50_us": self.at(500).round(), "p99_us": self.at(990).round(),
            "worst_us": self.worst().round() })
    }

    /// Percentiles in milliseconds.
    pub(crate) fn ms(&self) -> Value {
        let ms = |it: f64| (it / 10.0).round() / 100.0;
        json!({ "p50_ms": ms(self.at(500)), "p99_ms": ms(self.at(990)),
            "least_ms": ms(self.at(0)), "worst_ms": ms(self.worst()) })
    }
}

/// The value below which so many thousandths of all are; 0 of none.
pub(crate) fn percentile(mut values: Vec<f64>, thousandths: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let index = (last * thousandths + 500) / 1000;
    values.get(index).copied().unwrap_or_default()
}

/// Two decimals.
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    (a / b * 100.0).round() / 100.0
}
