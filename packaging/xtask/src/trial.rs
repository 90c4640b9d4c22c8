//! The demo run as a new user would run it, with what it reports held against what it must.
//!
//! Three runs: the generated shop, real invoices where their files are beside the checkout, and
//! two sabotaged runs that must be caught, because a check that can't fail proves nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Runs the demo in its variants.
pub(crate) fn run(root: &Path) -> Result<()> {
    let report = honest(root, &[])?;
    devices(&report)?;
    web(&report)?;
    let data = root.join("../shared/data");
    let items = data.join("giftshop-items.csv.gz");
    let sales = data.join("giftshop-sales.csv.gz");
    if items.is_file() && sales.is_file() {
        let items = items.to_string_lossy();
        let sales = sales.to_string_lossy();
        honest(root, &["--items", &items, "--sales", &sales])?;
    } else {
        println!("no real sales beside this checkout: the generated shop stands for them");
    }
    sabotaged(root, "drop", "lost")?;
    sabotaged(root, "dup", "duplicated")
}

fn honest(root: &Path, more: &[&str]) -> Result<Value> {
    let (code, report) = demo(root, more)?;
    println!("demo {}: {report}", more.join(" "));
    ensure!(code == Some(0), "the demo ended with {code:?}");
    for name in ["scans", "sales_committed", "hub_acked"] {
        let value = report[name]
            .as_u64()
            .with_context(|| format!("`{name}` is missing"))?;
        ensure!(value > 0, "`{name}` is zero: nothing was exercised");
    }
    for name in ["lost", "duplicated"] {
        ensure!(
            report[name].as_u64() == Some(0),
            "`{name}` is {}",
            report[name]
        );
    }
    for name in ["scan_to_durable_ms", "sale_to_hub_ms"] {
        for part in ["p50", "p99"] {
            ensure!(
                report[name][part].as_f64().is_some(),
                "`{name}.{part}` is missing"
            );
        }
    }
    Ok(report)
}

/// The devices beside the scanners were at work: goods were weighed, and every tagged piece is known
/// where it lies.
fn devices(report: &Value) -> Result<()> {
    let weighed = report["weighed"].as_u64().unwrap_or(0);
    ensure!(weighed > 0, "nothing was weighed");
    let rfid = &report["rfid"];
    ensure!(rfid["carried"].as_u64() > Some(0), "no tag was carried");
    let zones = rfid["zones"].as_array().map_or(&[][..], Vec::as_slice);
    ensure!(!zones.is_empty(), "there are no RFID zones");
    for zone in zones {
        ensure!(
            zone["laid"].as_u64() > Some(0) && zone["laid"] == zone["present"],
            "tags are not where they were laid: {zone}"
        );
    }
    Ok(())
}

/// The web shop sold beside the tills, also while the store was cut off, and each order came to an end.
fn web(report: &Value) -> Result<()> {
    let web = &report["web"];
    for name in ["accepted", "handed_over"] {
        ensure!(web[name].as_u64() > Some(0), "web: `{name}` is zero: {web}");
    }
    let ended = web["handed_over"]
        .as_u64()
        .zip(web["not_delivered"].as_u64());
    let ended = ended.map(|(well, not)| well + not);
    ensure!(
        web["accepted"].as_u64() == ended,
        "web orders are open: {web}"
    );
    Ok(())
}

fn sabotaged(root: &Path, how: &str, field: &str) -> Result<()> {
    let (code, report) = demo(root, &["--sabotage", how])?;
    println!("demo --sabotage {how}: {report}");
    ensure!(
        code == Some(1),
        "sabotage `{how}` ended with {code:?} instead of 1"
    );
    ensure!(
        report[field].as_u64().unwrap_or(0) > 0,
        "sabotage `{how}` left `{field}` at zero"
    );
    Ok(())
}

fn demo(root: &Path, more: &[&str]) -> Result<(Option<i32>, Value)> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--locked", "--"])
        .args(["demo", "--duration", "30s", "--json"])
        .args(more)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the demo could not be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(last) = text.lines().rfind(|it| !it.trim().is_empty()) else {
        bail!("the demo printed nothing; it ended with {}", output.status);
    };
    let report = serde_json::from_str(last)
        .with_context(|| format!("the demo's last line is no JSON object: {last}"))?;
    Ok((output.status.code(), report))
}
