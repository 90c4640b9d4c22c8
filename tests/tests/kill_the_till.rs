//! Kill -9 while a cashier scans and a customer pays, at moments drawn from a seed: what the page
//! showed is there afterwards, what the terminal booked and heard acknowledged has its sale, and
//! nobody paid twice. `SHELF_TILL_KILLS` sets how many rounds (20).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "reads the number of rounds")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use shelf_sim::scanner_pty::PtyScanner;
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup, TillSetup};
use shelf_tests::patience::{Look, USUAL, pass, until};
use shelf_tests::wares::{draw, gtin13};

const ROUNDS_DEFAULT: u64 = 20;
/// The latest moment of a kill after the till is ready.
const KILL_AFTER_US_MAX: u64 = 1_200_000;
const WARES: u32 = 30;
const ROWS_PER_BASKET: usize = 3;
const TILL: &str = "till-1";

/// Rows that the page showed, by basket: row number and code.
type Shown = BTreeMap<String, BTreeMap<u64, String>>;

fn note(view: &Value, shown: &mut Shown) {
    for line in view["basket"]["lines"].as_array().into_iter().flatten() {
        let basket = view["basket"]["id"].as_str().unwrap().to_owned();
        let code = line["code"].as_str().unwrap().to_owned();
        shown
            .entry(basket)
            .or_default()
            .insert(line["no"].as_u64().unwrap(), code);
    }
}

/// One pass of scanning and paying; an error means that the daemon is dead.
fn work(
    daemon: &Daemon,
    scanner: &mut PtyScanner,
    seed: u64,
    dead: &AtomicBool,
    shown: &mut Shown,
) -> anyhow::Result<()> {
    for step in 0.. {
        let view = daemon.till(TILL)?;
        note(&view, shown);
        let rows = view["basket"]["lines"].as_array().map_or(0, Vec::len);
        let open = view["basket"].is_null() || view["basket"]["stage"] == "open";
        if open && rows >= ROWS_PER_BASKET {
            note(&daemon.act(TILL, "pay_card", &[])?, shown);
        } else if open {
            let ware = 1 + u32::try_from(draw(seed, step) % u64::from(WARES))?;
            scanner.scan(&gtin13(ware))?;
            let basket = view["basket"]["id"].clone();
            until("the scan", USUAL, || {
                let view = daemon.till(TILL);
                if dead.load(Ordering::Relaxed) {
                    return Ok(Look::Done(()));
                }
                let view = view?;
                note(&view, shown);
                let now = view["basket"]["lines"].as_array().map_or(0, Vec::len);
                let moved = now > rows || view["basket"]["id"] != basket;
                Ok(if moved {
                    Look::Done(())
                } else {
                    Look::NotYet(view.to_string())
                })
            })?;
        }
        if dead.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
    Ok(())
}

/// Works until the kill, which comes from another thread at its own moment.
fn round(daemon: &mut Daemon, scanner: &mut PtyScanner, seed: u64, number: u64, shown: &mut Shown) {
    let after = Duration::from_micros(draw(seed, number) % KILL_AFTER_US_MAX);
    // Every fifth time only once the terminal could be asked about what the last kill broke off
    // (a busy one is asked again after seconds); the other times in the middle of just that.
    if number % 5 == 4 {
        let free = |it: &Value| it["basket"]["stage"] != "paying";
        daemon.till_until(TILL, "no payment", free).unwrap();
    }
    let pid = i32::try_from(daemon.process().unwrap().id()).unwrap();
    let dead = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pass(after);
            dead.store(true, Ordering::Relaxed);
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        });
        let worked = work(daemon, scanner, seed ^ number, &dead, shown);
        assert!(
            worked.is_ok() || dead.load(Ordering::Relaxed),
            "seed {seed} round {number}: {worked:?}"
        );
    });
    daemon.kill9();
}

/// Every row that was ever shown is in an open basket or in a recorded sale.
fn rows_are_there(daemon: &Daemon, shown: &Shown, about: &str) {
    let view = daemon.till(TILL).unwrap();
    let mut there = Shown::new();
    let baskets = ["parked", "unsettled", "closing"]
        .iter()
        .flat_map(|it| view[*it].as_array().unwrap().clone())
        .chain(std::iter::once(view["basket"].clone()));
    for basket in baskets {
        note(&serde_json::json!({ "basket": basket }), &mut there);
    }
    let sales = daemon.documents_of("sale").unwrap();
    let sold: BTreeMap<&str, &Value> = sales
        .iter()
        .map(|it| (it["source"]["receipt"].as_str().unwrap(), it))
        .collect();
    assert_eq!(sold.len(), sales.len(), "{about}: a basket was sold twice");
    for (basket, rows) in shown {
        if let Some(sale) = sold.get(basket.as_str()) {
            let mut codes: Vec<&str> = Vec::new();
            for line in sale["lines"].as_array().unwrap() {
                codes.push(line["code"].as_str().unwrap());
            }
            let missing: Vec<_> = rows
                .values()
                .filter(|it| !codes.contains(&it.as_str()))
                .collect();
            assert!(
                missing.is_empty(),
                "{about}: {missing:?} were shown, not sold: {sale}"
            );
        } else {
            let rows_there = there.get(basket).cloned().unwrap_or_default();
            let missing: Vec<_> = rows
                .iter()
                .filter(|it| rows_there.get(it.0) != Some(it.1))
                .collect();
            assert!(
                missing.is_empty(),
                "{about}: {missing:?} were shown: {view}"
            );
        }
    }
}

/// Every payment that the terminal heard acknowledged has its sale, and each sale one payment.
fn money_is_right(daemon: &Daemon, terminal: &TerminalHandle, about: &str) {
    let sales = daemon.documents_of("sale").unwrap();
    let references: Vec<&str> = sales
        .iter()
        .flat_map(|it| it["tenders"].as_array().unwrap())
        .map(|it| it["reference"].as_str().unwrap())
        .collect();
    for booked in terminal.acknowledged() {
        let number = format!("R{:04} N{:06}", booked.receipt, booked.trace);
        let with = references.iter().filter(|it| it.contains(&number)).count();
        assert_eq!(
            with, 1,
            "{about}: {booked:?} acknowledged, sales: {references:?}"
        );
    }
    assert!(
        sales
            .iter()
            .all(|it| it["tenders"].as_array().unwrap().len() == 1),
        "{about}"
    );
}

#[test]
fn kill_9_while_scanning_and_paying_loses_no_row_and_takes_no_money_twice() {
    let rounds = std::env::var("SHELF_TILL_KILLS")
        .ok()
        .and_then(|it| it.parse().ok());
    let rounds: u64 = rounds.unwrap_or(ROUNDS_DEFAULT);
    let seed = u64::from(std::process::id());
    let script = |it| PaymentScript {
        thinks_ms: draw(seed, it) % 60,
        ..PaymentScript::default()
    };
    let scripts = (0..3_000).map(script).collect();
    let terminal = TerminalHandle::start(0, TerminalConfig::default(), scripts).unwrap();
    let setup = Setup {
        pc: "PC 1".into(),
        tills: vec![TillSetup::basket(TILL, Some(terminal.addr()))],
        scanners: vec![("scanner".into(), format!("till:{TILL}"))],
        ..Setup::default()
    };
    let mut daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(WARES, 1_000).unwrap();
    let mut scanner = daemon.plug("scanner").unwrap();
    let mut shown = Shown::new();
    for number in 0..rounds {
        round(&mut daemon, &mut scanner, seed, number, &mut shown);
        daemon.restart().unwrap();
        let about = format!("seed {seed} round {number}");
        rows_are_there(&daemon, &shown, &about);
        money_is_right(&daemon, &terminal, &about);
    }
    settled(&daemon, &terminal, seed);
    let rows: usize = shown.values().map(BTreeMap::len).sum();
    let sales = daemon.documents_of("sale").unwrap().len();
    println!(
        "{rounds} kills, {rows} rows shown in {} baskets, {sales} sales, {} payments (seed {seed})",
        shown.len(),
        terminal.books().len()
    );
    assert!(
        2 * rows as u64 >= rounds && sales > 0,
        "hardly worked: {rows} rows, {sales} sales"
    );
}

/// At the end the till and the terminal agree about every cent: what stands has its sale, or is
/// named as a payment that a person must look at. A kill between the sale and the terminal's receipt
/// leaves a question that the till asks by itself; until the answer the two may differ.
fn settled(daemon: &Daemon, terminal: &TerminalHandle, seed: u64) {
    let about = format!("seed {seed}: the till and the terminal agree");
    until(&about, USUAL, || {
        let view = daemon.till(TILL)?;
        let busy = view["basket"]["stage"] == "paying" || view["closing"] != serde_json::json!([]);
        if busy {
            return Ok(Look::NotYet(view.to_string()));
        }
        let certain = sum(&daemon.documents_of("sale")?)
            - sum(&daemon.documents_of("void").unwrap_or_default()).abs();
        let doubtful = doubtful(&view);
        let stands: i64 = terminal
            .standing()
            .iter()
            .map(|it| i64::try_from(it.amount.minor()).unwrap())
            .sum();
        Ok(if (certain..=certain + doubtful).contains(&stands) {
            Look::Done(())
        } else {
            Look::NotYet(format!(
                "the terminal keeps {stands}, sales say {certain}, doubtful {doubtful}"
            ))
        })
    })
    .unwrap();
}

fn sum(documents: &[Value]) -> i64 {
    let tenders = documents
        .iter()
        .flat_map(|it| it["tenders"].as_array().unwrap());
    tenders.map(|it| it["amount"].as_i64().unwrap()).sum()
}

/// What payments that nobody knows the end of would add up to.
fn doubtful(view: &Value) -> i64 {
    view["unsettled"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|it| it["payments"].as_array().unwrap())
        .filter(|it| it["state"] == "unknown")
        .map(|it| it["amount"].as_i64().unwrap())
        .sum()
}
