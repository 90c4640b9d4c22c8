//! The steps of `cargo xtask test`, in the order in which they fail fastest, each with its time.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{deb, install, simulate, tidy, trial};

/// Everything: what CI runs.
pub(crate) fn all(root: &Path) -> Result<()> {
    let mut clock = StepClock::default();
    clock.step("install", install::everything)?;
    lints(root, &mut clock)?;
    clock.step("workspace tests", || {
        cargo(root, &["test", "--workspace", "--no-fail-fast"])
    })?;
    clock.step("release build", || {
        cargo(root, &["build", "--release", "--locked"])
    })?;
    // Apart, so that no feature of the simulator gets into the daemon.
    clock.step("release build of the simulator", || {
        cargo(root, &["build", "--release", "--locked", "-p", "shelf-sim"])
    })?;
    clock.step("simulated chain", || simulate::run(root))?;
    clock.step("trial of the demo", || trial::run(root))?;
    clock.step("package in a container", || deb::prove(root))?;
    clock.report();
    Ok(())
}

/// What needs nothing but Rust and a C compiler.
pub(crate) fn quick(root: &Path) -> Result<()> {
    let mut clock = StepClock::default();
    lints(root, &mut clock)?;
    let words = [
        "test",
        "--workspace",
        "--exclude",
        "shelf-tests",
        "--no-fail-fast",
    ];
    clock.step("workspace tests", || cargo(root, &words))?;
    clock.report();
    Ok(())
}

fn lints(root: &Path, clock: &mut StepClock) -> Result<()> {
    clock.step("formatting", || cargo(root, &["fmt", "--all", "--check"]))?;
    clock.step("tidy", || tidy::check(root))?;
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    clock.step("lints", || cargo(root, &clippy))
}

/// Runs cargo in the workspace and fails if it fails.
pub(crate) fn cargo(root: &Path, words: &[&str]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(words)
        .current_dir(root)
        .status()
        .with_context(|| format!("cargo {} could not be started", words.join(" ")))?;
    if !status.success() {
        bail!("cargo {} failed", words.join(" "));
    }
    Ok(())
}

#[derive(Default)]
struct StepClock {
    taken: Vec<(String, Duration)>,
}

impl StepClock {
    fn step(&mut self, name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("==> {name}");
        let start = Instant::now();
        let outcome = run().with_context(|| format!("step `{name}`"));
        self.taken.push((name.to_owned(), start.elapsed()));
        if outcome.is_err() {
            self.report();
        }
        outcome
    }

    fn report(&self) {
        println!("\nsteps and seconds:");
        for (name, taken) in &self.taken {
            println!("  {name:<28} {:>6.0}", taken.as_secs_f64());
        }
        let all: Duration = self.taken.iter().map(|(_, taken)| *taken).sum();
        println!("  {:<28} {:>6.0}", "all", all.as_secs_f64());
    }
}
