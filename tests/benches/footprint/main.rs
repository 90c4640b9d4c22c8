//! What the daemon costs and how quickly it answers, measured on the program as packages ship it:
//! scan to beep, idle memory, size, start, wake-ups, status page. One JSON line for each.
//!
//! It drives the real binary from outside (a pseudo-terminal, the local API, what the kernel says
//! of the process) and asserts nothing about time: figures depend on the machine, so those that
//! wait for the disk come with the disk's floor, interleaved in the same run. `cargo bench -p
//! shelf-tests --bench footprint -- scan idle` runs only the parts named; `SHELFD` names a binary
//! that is built already. On a machine with other work run it under `chrt -f 10`.
#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench owns the clock, reads what the kernel says and prints figures"
)]

mod idle;
mod lab;
mod page;
mod pc;
mod scan;
mod start;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;

type Part = fn(&lab::Lab) -> Result<()>;

const PARTS: &[(&str, Part)] = &[
    ("size", size),
    ("start", start::measure),
    ("scan", scan::measure),
    ("idle", idle::measure),
    ("page", page::measure),
];

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    if let Some(odd) = wanted
        .iter()
        .find(|it| PARTS.iter().all(|(name, _)| name != it))
    {
        bail!("there is no part `{odd}`");
    }
    let lab = lab::Lab { shelfd: shelfd()? };
    for (name, part) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|it| it == name) {
            part(&lab).with_context(|| format!("part `{name}`"))?;
        }
    }
    Ok(())
}

/// BARS 16.
fn size(lab: &lab::Lab) -> Result<()> {
    let bytes = std::fs::metadata(&lab.shelfd)?.len();
    println!(
        "{}",
        json!({ "bench": "footprint", "bar": 16, "what": "stripped binary",
            "bytes": bytes, "mb": (bytes as f64 / 1e4).round() / 1e2 })
    );
    Ok(())
}

/// The program as packages ship it: alone in its build, so that no other package switches features
/// of shared crates on.
fn shelfd() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SHELFD") {
        return Ok(path.into());
    }
    let target = shelf_tests::programs::target()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "-p", "shelfd"])
        .args(["--no-default-features", "--target-dir"])
        .arg(&target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .context("cargo can't be started")?;
    if !status.success() {
        bail!("cargo build failed");
    }
    Ok(target.join("release/shelfd"))
}
