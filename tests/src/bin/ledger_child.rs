//! The program that the ledger's crash tests kill: writes sales and prints each acknowledgement.
//!
//! Usage: `ledger_child DIR THREADS COUNT [early|normal] [paced_us]`. Prints `ready`, then a
//! document's place per line as soon as its answer is there; ends after COUNT sales of each thread
//! (0: never). `early` answers before the commit and `normal` syncs too little: controls that the
//! tests must catch. After the last sale it prints `wal BYTES commits N` and leaves without closing.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "its output is its purpose; it reads its arguments and writes on its own"
)]

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use shelf_ledger::{Durability, Ledger};
use shelf_tests::ledger_lab::{options, sale};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, threads, count, rest @ ..] = arguments.as_slice() else {
        bail!("usage: ledger_child DIR THREADS COUNT [early|normal]");
    };
    let dir = PathBuf::from(dir);
    let mut options = options(&dir, 8 << 20)?;
    for word in rest {
        match word.as_str() {
            "early" => options.control_answer_early = true,
            "normal" => options.durability = Durability::ControlThatLosesData,
            other => bail!("unknown word {other}"),
        }
    }
    let (threads, count): (u64, u64) = (threads.parse()?, count.parse()?);
    let (ledger, _) = Ledger::open(options)?;
    acknowledge("ready")?;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn({
                    let ledger = &ledger;
                    move || sell(ledger, thread, count)
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|it| it.join().unwrap_or_else(|_| bail!("a thread panicked")))
    })?;
    let wal = std::fs::metadata(ledger.paths().wal())?.len();
    acknowledge(&format!("wal {wal} commits {}", ledger.metrics().commits))?;
    std::mem::forget(ledger);
    Ok(())
}

/// Sells until the count is reached, one sale after the other, each with its own receipt.
fn sell(ledger: &Ledger, thread: u64, count: u64) -> Result<()> {
    let source = format!(
        "pos-{thread}-{}",
        ledger.paths().dir().display().to_string().len()
    );
    let mut number = 0;
    let start = u64::from(std::process::id()) * 1_000_000;
    while count == 0 || number < count {
        number += 1;
        let draft = sale(start + number, Some(&source))?;
        let recorded = ledger
            .writer()
            .execute("sale", move |tx| tx.record(&draft))
            .wait()
            .context("a sale was refused")?;
        acknowledge(&recorded.place().to_string())?;
    }
    Ok(())
}

/// One line, in one write: a kill leaves whole lines or a last torn one.
fn acknowledge(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()?;
    Ok(())
}
