//! The simulated chain: many seeds without a violation, and every planted error found.
//!
//! What the simulator reports is held against what it must reach; the figures are printed so that
//! a run that proves less than yesterday's is seen. A planted error counts only where the rule that
//! it breaks finds it, and the same world without it is well. The time is reported, not judged.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Seeds of one run of the test command.
const SEEDS: &str = "10000";
/// An oversell was possible in at least so many of a thousand runs.
const OVERSELL_POSSIBLE_PER_MILLE_MIN: u64 = 200;
/// Each fault, and each of these situations, happened in at least so many of a thousand runs.
const SHARE_PER_MILLE_MIN: u64 = 10;
/// The situations that a run has to lead into.
const SITUATIONS: [&str; 18] = [
    "accepted_basket",
    "cancel_while_picking",
    "clone_found",
    "compensated",
    "count_changed_book",
    "external_sale",
    "handed_over_after_cancel",
    "handed_over_twice",
    "hub_caught_up",
    "lan_exchange",
    "order_changed",
    "oversold",
    "paid_later",
    "restored_disk_found",
    "rights_returned",
    "role_moved",
    "shorted",
    "tail_returned",
];
/// Planted errors, at least.
const MUTANTS_MIN: usize = 12;

/// Explores, then hunts planted errors.
pub(crate) fn run(root: &Path) -> Result<()> {
    explore(root)?;
    hunt(root)
}

fn explore(root: &Path) -> Result<()> {
    let (ended, report) = simulator(root, &["explore", "--seeds", SEEDS, "--json"])?;
    println!("explore: {report}");
    println!("explore took {} s", report["seconds"]);
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
    let situations = &report["situations_per_mille"];
    let situations = SITUATIONS.map(|it| (it, &situations[it]));
    let faults = faults.iter().map(|(word, share)| (word.as_str(), share));
    for (word, share) in faults.chain(situations) {
        ensure!(
            share.as_u64().is_some_and(|it| it >= SHARE_PER_MILLE_MIN),
            "`{word}` happened in {share} of 1,000 runs: too few"
        );
    }
    Ok(())
}

fn hunt(root: &Path) -> Result<()> {
    let (ended, report) = simulator(root, &["mutants", "--json"])?;
    let mutants = report["mutants"]
        .as_array()
        .context("`mutants` is missing")?;
    for it in mutants {
        println!(
            "planted error {}: {} by seed {}, {}",
            it["mutant"], it["verdict"], it["seed"], it["violation"]["invariant"]
        );
    }
    println!("the hunt took {} s", report["seconds"]);
    ensure!(mutants.len() >= MUTANTS_MIN, "too few errors are planted");
    ensure!(report["missed"] == 0, "planted errors were missed");
    ensure!(
        report["controls_failed"] == 0,
        "a world broke a rule without the planted error"
    );
    ensure!(ended, "the hunt failed");
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
