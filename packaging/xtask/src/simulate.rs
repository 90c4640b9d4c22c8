//! The simulated chain: many seeds without a violation.
//!
//! What the simulator reports is held against what it must reach; the figures are printed so that
//! a run that proves less than yesterday's is seen. The time it takes is reported, not judged. The
//! long exploration and the hunt for planted errors are the command line's: `shelf-sim explore`,
//! `shelf-sim mutants`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Seeds of one run of the test command.
const SEEDS: &str = "1000";
/// An oversell was possible in at least so many of a thousand runs.
const OVERSELL_POSSIBLE_PER_MILLE_MIN: u64 = 200;
/// Each fault happened in at least so many of a thousand runs.
const FAULT_PER_MILLE_MIN: u64 = 10;

/// Explores.
pub(crate) fn run(root: &Path) -> Result<()> {
    let (ended, report) = simulator(root, &["explore", "--seeds", SEEDS, "--json"])?;
    println!("explore: {report}");
    ensure!(ended, "the simulator found violations");
    ensure!(report["violations"] == 0, "violations were found");
    let possible = report["oversell_possible_per_mille"].as_u64();
    ensure!(
        possible.is_some_and(|it| it >= OVERSELL_POSSIBLE_PER_MILLE_MIN),
        "an oversell was possible in {possible:?} of 1,000 runs: too few to prove a bound"
    );
    let faults = report["faults_per_mille"]
        .as_object()
        .context("`faults_per_mille` is missing")?;
    for (fault, share) in faults {
        ensure!(
            share.as_u64().is_some_and(|it| it >= FAULT_PER_MILLE_MIN),
            "the fault `{fault}` happened in {share} of 1,000 runs: too few"
        );
    }
    Ok(())
}

/// Whether the simulator ended well, and what it printed.
fn simulator(root: &Path, words: &[&str]) -> Result<(bool, Value)> {
    let program = root.join("target/release/shelf-sim");
    let output = Command::new(&program)
        .args(words)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} could not be started", program.display()))?;
    let report = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("shelf-sim {} printed no JSON", words.join(" ")))?;
    Ok((output.status.success(), report))
}
