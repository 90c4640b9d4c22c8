//! Coverage-guided fuzzing of every parser, for as long as wanted.
//!
//! The test command runs 200,000 seeded inputs through each parser; this is the long run beside it.
//! It needs a nightly compiler and `cargo-fuzz`, and installs both where they are missing. Corpora
//! grow under `target/fuzz-corpus` and are found again by the next run. An input that breaks a
//! parser stops the run and is named.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Folders above a `fuzz` workspace.
const WORKSPACES: [&str; 2] = ["drivers/codecs", "sync/wire"];
/// Seconds for each target where nothing else is said.
pub(crate) const SECONDS_DEFAULT: u64 = 60;

/// Runs every target for so many seconds.
pub(crate) fn run(root: &Path, seconds: u64) -> Result<()> {
    install()?;
    for workspace in WORKSPACES {
        let folder = root.join(workspace);
        for target in targets(&folder)? {
            let corpus = root.join("target/fuzz-corpus").join(&target);
            std::fs::create_dir_all(&corpus).with_context(|| corpus.display().to_string())?;
            println!("==> {workspace}: {target}, {seconds} s");
            let corpus = corpus.to_string_lossy().into_owned();
            let limit = format!("-max_total_time={seconds}");
            let words = ["fuzz", "run", &target, &corpus, "--", &limit];
            cargo(&folder, &words).with_context(|| {
                format!("`{target}` broke: the input is in {workspace}/fuzz/artifacts/{target}")
            })?;
        }
    }
    Ok(())
}

fn install() -> Result<()> {
    let has = |words: &[&str]| {
        let output = Command::new("cargo").arg("+nightly").args(words).output();
        output.is_ok_and(|it| it.status.success())
    };
    if !has(&["--version"]) {
        println!("installing a nightly compiler");
        let installed = Command::new("rustup")
            .args(["toolchain", "install", "nightly", "--profile", "minimal"])
            .status()
            .context("rustup could not be started")?;
        ensure!(
            installed.success(),
            "no nightly compiler could be installed"
        );
    }
    if !has(&["fuzz", "--version"]) {
        println!("installing cargo-fuzz");
        cargo(Path::new("."), &["install", "cargo-fuzz", "--locked"])?;
    }
    Ok(())
}

/// The names of a workspace's targets, in order.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let list = folder.join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&list).with_context(|| list.display().to_string())?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "rs")
            && let Some(name) = path.file_stem()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The nightly cargo; the compiler that runs us would say otherwise in the environment.
fn cargo(folder: &Path, words: &[&str]) -> Result<()> {
    let status = Command::new("cargo")
        .arg("+nightly")
        .args(words)
        .current_dir(folder)
        .env_remove("RUSTUP_TOOLCHAIN")
        .status()
        .with_context(|| format!("cargo {} could not be started", words.join(" ")))?;
    if !status.success() {
        bail!("cargo {} failed", words.join(" "));
    }
    Ok(())
}
