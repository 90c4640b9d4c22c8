//! From a sale on the floor to the level that a channel is shown at the hub (BARS 19): real daemon,
//! real hub, mosquitto on the same machine as a LAN. One JSON line for each pace and round.
//!
//! A sale is reported over the PC's API; the clock runs from before the request until the hub's API
//! shows a level that follows from it, polled without a pause, so a figure holds the commit, the
//! broker twice, the hub's commit and at most one more look. *Till*: sales with 300 ms between
//! them, as a busy till makes. *Rush*: the next sale as soon as the last is seen, where the PC
//! gathers what it tells. It asserts nothing about time.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench owns the clock and prints figures"
)]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, pass, until};
use shelf_tests::pos::Pos;
use shelf_tests::wares::{catalogue, item};

const ROUNDS: usize = 5;
const SALES: usize = 60;
const WARES: u32 = 50;
const PIECES: u32 = 10_000;
const START: Duration = Duration::from_secs(60);
const LATEST: Duration = Duration::from_secs(20);

struct Chain {
    hub: Hub,
    pc: Daemon,
    pos: Pos,
    _broker: Broker,
}

fn main() -> Result<()> {
    // What `cargo test` asks of every target.
    if std::env::args().any(|it| it == "--test" || it == "--list") {
        return Ok(());
    }
    let mut chain = open()?;
    let mut ware = 0;
    for (pace, pause_ms) in [("till", 300), ("rush", 0)] {
        let mut all = Vec::new();
        for round in 1..=ROUNDS {
            let mut times = Vec::new();
            for _ in 0..SALES {
                ware = ware % WARES + 1;
                times.push(measured(&mut chain, ware)?);
                pass(Duration::from_millis(pause_ms));
            }
            all.extend(&times);
            report(pace, &round.to_string(), times);
        }
        report(pace, "all", all);
    }
    Ok(())
}

fn open() -> Result<Chain> {
    let broker = Broker::start()?;
    let hub = Hub::start(broker.port())?;
    hub.catalogue(&catalogue(WARES))?;
    let policy = json!({ "channels": [{ "channel": "web", "coefficient_per_mille": 1000 }] });
    let answer = hub.ask("PUT", "/api/v1/stores/berlin/policy", &policy)?;
    if answer.status != 200 {
        bail!("policy: {}", answer.text());
    }
    let pos = Pos::at("pos");
    let pc = Daemon::start(&Setup {
        pc: "PC 1".into(),
        broker: Some(broker.port()),
        tills: vec![pos.till()],
        ..Setup::default()
    })?;
    pc.stock_up(WARES, PIECES)?;
    let chain = Chain {
        hub,
        pc,
        pos,
        _broker: broker,
    };
    for ware in 1..=WARES {
        until("the first levels", START, || {
            let (shown, book) = level(&chain.hub, ware)?;
            Ok(match shown > 0 && book == i64::from(PIECES) * 1_000 {
                true => Look::Done(()),
                false => Look::NotYet(format!("{shown} of {book}")),
            })
        })?;
    }
    Ok(chain)
}

/// What the channel is shown, and the book that it follows from.
fn level(hub: &Hub, ware: u32) -> Result<(i64, i64)> {
    let path = format!(
        "/api/v1/channels/web/levels?store=berlin&item={}",
        item(ware)
    );
    let row = hub.get(&path)?["levels"][0].clone();
    let shown = row["shown_thousandths"].as_i64().context("shown")?;
    let book = row["explain"]["book_thousandths"].as_i64();
    Ok((shown, book.context("book")?))
}

/// Milliseconds from a sale to its level.
fn measured(chain: &mut Chain, ware: u32) -> Result<f64> {
    let (_, before) = level(&chain.hub, ware)?;
    let sale = chain.pos.prepared(&chain.pc, ware, 1)?;
    let start = Instant::now();
    chain.pos.report(&chain.pc, &sale)?;
    loop {
        let (shown, book) = level(&chain.hub, ware)?;
        if book == before - 1_000 && shown <= book {
            return Ok(start.elapsed().as_secs_f64() * 1e3);
        }
        if start.elapsed() > LATEST {
            bail!("ware {ware}: {book} after {before}, not within {LATEST:?}");
        }
    }
}

fn report(pace: &str, round: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        let index = times.len().saturating_sub(1) * percent / 100;
        times.get(index).map(|it| (it * 10.0).round() / 10.0)
    };
    println!(
        "{}",
        json!({ "bench": "floor_to_channel", "bar": 19, "pace": pace, "round": round,
            "sales": times.len(), "ms_p50": at(50), "ms_p90": at(90), "ms_p99": at(99),
            "ms_max": at(100) })
    );
}
