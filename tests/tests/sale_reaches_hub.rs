//! The main road, with real processes: scanner → till → card → ledger → broker → hub → sibling PC;
//! and the same road under load while the broker dies twenty times and the hub once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test panics"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use shelf_sim::scanner_pty::PtyScanner;
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup, TillSetup, rows};
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until, until_eq};
use shelf_tests::wares::{catalogue, draw, gtin13, item, opening, price_minor};

const WARES: u32 = 12;
const PIECES: u32 = 1_000;
const BROKER_RESTARTS: usize = 20;
/// Sales that must be made between two restarts, so that each meets traffic.
const SALES_BETWEEN: usize = 3;
const PATIENCE: Duration = Duration::from_secs(90);

/// Payments that take no time; the machine's own default is a customer who thinks.
pub fn quick_terminal() -> TerminalHandle {
    let quick = PaymentScript {
        thinks_ms: 0,
        ..PaymentScript::default()
    };
    TerminalHandle::start(0, TerminalConfig::default(), vec![quick; 3_000]).unwrap()
}

struct Pc {
    daemon: Daemon,
    terminal: TerminalHandle,
    scanner: PtyScanner,
    till: String,
}

fn pc(number: u32, broker: &Broker, hub: &Hub) -> Pc {
    let terminal = quick_terminal();
    let till = format!("till-{number}");
    let setup = Setup {
        pc: format!("PC {number}"),
        broker: Some(broker.port()),
        hub: Some(hub.http()),
        tills: vec![TillSetup::basket(&till, Some(terminal.addr()))],
        scanners: vec![("scanner".into(), format!("till:{till}"))],
        ..Setup::default()
    };
    let mut daemon = Daemon::prepare(&setup).unwrap();
    let scanner = daemon.plug("scanner").unwrap();
    daemon.restart().unwrap();
    Pc {
        daemon,
        terminal,
        scanner,
        till,
    }
}

impl Pc {
    fn has_catalogue(&self) {
        let has = |it: &Value| it["sync"]["catalogue_revision"] == 1;
        self.daemon
            .status_until("the hub's catalogue", has)
            .unwrap();
    }

    fn has_told_all(&self) {
        until("everything acked", PATIENCE, || {
            let status = self.daemon.status()?;
            Ok(
                match status["sync"]["unsynced"] == 0 && status["sync"]["link_up"] == true {
                    true => Look::Done(()),
                    false => Look::NotYet(status["sync"].to_string()),
                },
            )
        })
        .unwrap();
    }

    /// Scans, waits until the till shows it, pays, and gives the sale's document.
    fn sell(&mut self, wares: &[u32]) -> String {
        let before = self.daemon.till(&self.till).unwrap()["last_sale"]["place"].clone();
        for (index, ware) in wares.iter().enumerate() {
            self.scanner.scan(&gtin13(*ware)).unwrap();
            let shown = |it: &Value| rows(it) == index + 1;
            self.daemon
                .till_until(&self.till, "the scan is shown", shown)
                .unwrap();
        }
        self.daemon.act(&self.till, "pay_card", &[]).unwrap();
        let sold = |it: &Value| it["basket"].is_null() && it["last_sale"]["place"] != before;
        let view = self
            .daemon
            .till_until(&self.till, "the sale is recorded", sold)
            .unwrap();
        view["last_sale"]["place"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_scan_becomes_a_sale_at_the_hub_and_in_the_siblings_stock() {
    let broker = Broker::start().unwrap();
    let hub = Hub::start(broker.port()).unwrap();
    assert_eq!(hub.catalogue(&catalogue(WARES)).unwrap(), 1);
    let (mut one, two) = (pc(1, &broker, &hub), pc(2, &broker, &hub));
    one.has_catalogue();
    two.has_catalogue();
    one.daemon
        .import("/api/v1/opening", &opening(WARES, PIECES))
        .unwrap();
    let place = one.sell(&[1, 2, 2]);

    let row = until("the sale at the hub", PATIENCE, || {
        let found = hub
            .documents()?
            .into_iter()
            .find(|it| it["id"] == place.as_str());
        Ok(found.map_or_else(|| Look::NotYet("not there".into()), Look::Done))
    });
    let sale = row.unwrap()["document"].clone();
    assert_eq!(sale["kind"]["type"], "sale", "{sale}");
    assert_eq!(sale["till"], "till-1");
    assert_eq!(sale["lines"][0]["subject"]["item"], item(1));
    let total = price_minor(1) + 2 * price_minor(2);
    assert_eq!(sale["tenders"][0]["amount"], total, "{sale}");
    assert_eq!(sale["tenders"][0]["kind"], "card");
    let booked = one.terminal.acknowledged();
    assert_eq!(booked.len(), 1);
    assert_eq!(i64::try_from(booked[0].amount.minor()).unwrap(), total);

    let thousandths = |less: i64| (i64::from(PIECES) - less) * 1_000;
    until_eq("the sibling's stock", &thousandths(2), || {
        two.daemon.on_hand(&item(2))
    })
    .unwrap();
    until_eq("the hub's stock", &thousandths(2), || hub.book(&item(2))).unwrap();
    assert_eq!(one.daemon.on_hand(&item(2)).unwrap(), thousandths(2));
    one.has_told_all();
    let fine = |it: &Value| it["verdict"]["level"] == "green";
    two.daemon.status_until("a green light", fine).unwrap();
}

#[test]
fn twenty_broker_restarts_and_a_killed_hub_lose_and_double_nothing() {
    let mut broker = Broker::start().unwrap();
    let mut hub = Hub::start(broker.port()).unwrap();
    hub.catalogue(&catalogue(WARES)).unwrap();
    let pcs = [pc(1, &broker, &hub), pc(2, &broker, &hub)];
    pcs.iter().for_each(Pc::has_catalogue);
    pcs[0]
        .daemon
        .import("/api/v1/opening", &opening(WARES, PIECES))
        .unwrap();

    let (closed, sales) = (AtomicBool::new(false), AtomicUsize::new(0));
    let sold = std::thread::scope(|scope| {
        let sellers: Vec<_> = (1_u64..)
            .zip(pcs)
            .map(|(seed, mut pc)| {
                let (closed, sales) = (&closed, &sales);
                scope.spawn(move || {
                    let (mut places, mut wares) = (Vec::new(), Vec::new());
                    while !closed.load(Ordering::Relaxed) {
                        let ware = |step| 1 + u32::try_from(draw(seed, step) % 12).unwrap();
                        let step = 2 * places.len() as u64;
                        let basket = [ware(step), ware(step + 1)];
                        places.push(pc.sell(&basket));
                        wares.extend(basket);
                        sales.fetch_add(1, Ordering::Relaxed);
                    }
                    (pc, places, wares)
                })
            })
            .collect();
        for restart in 0..BROKER_RESTARTS {
            let target = sales.load(Ordering::Relaxed) + SALES_BETWEEN;
            let traffic = until("sales between restarts", PATIENCE, || {
                let now = sales.load(Ordering::Relaxed);
                Ok(if now >= target {
                    Look::Done(())
                } else {
                    Look::NotYet(now.to_string())
                })
            });
            let restarted = traffic.and_then(|()| broker.restart()).and_then(|()| {
                if restart != BROKER_RESTARTS / 2 {
                    return Ok(());
                }
                hub.kill9();
                hub.resume()
            });
            if let Err(error) = restarted {
                closed.store(true, Ordering::Relaxed);
                panic!("restart {restart}: {error:#}");
            }
        }
        closed.store(true, Ordering::Relaxed);
        sellers
            .into_iter()
            .map(|it| it.join().unwrap())
            .collect::<Vec<_>>()
    });
    audit(&hub, &sold);
}

/// What the simulators saw against what the hub has and what each PC counts.
fn audit(hub: &Hub, sold: &[(Pc, Vec<String>, Vec<u32>)]) {
    sold.iter().for_each(|(pc, _, _)| pc.has_told_all());
    let documents = hub.documents().unwrap();
    let ids: Vec<&str> = documents
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "the hub has a document twice");
    let sale_ids: BTreeSet<&str> = documents
        .iter()
        .filter(|it| it["document"]["kind"]["type"] == "sale")
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    let places: BTreeSet<&str> = sold
        .iter()
        .flat_map(|(_, places, _)| places)
        .map(String::as_str)
        .collect();
    println!("{} sales, {} documents at the hub", places.len(), ids.len());
    assert!(places.len() > BROKER_RESTARTS * SALES_BETWEEN);
    assert_eq!(
        sale_ids, places,
        "sales at the hub and sales that the tills showed"
    );

    let mut left: BTreeMap<u32, i64> = (1..=WARES)
        .map(|it| (it, i64::from(PIECES) * 1_000))
        .collect();
    for (pc, places, wares) in sold {
        assert_eq!(pc.scanner.shown().len(), wares.len());
        assert_eq!(
            pc.terminal.acknowledged().len(),
            places.len(),
            "payments and sales"
        );
        assert_eq!(
            pc.terminal.standing().len(),
            places.len(),
            "money taken and sales"
        );
        wares
            .iter()
            .for_each(|it| *left.entry(*it).or_default() -= 1_000);
    }
    for (ware, expected) in left {
        let item = item(ware);
        let at = |what: &str| format!("{what}: {item}");
        until_eq(&at("hub"), &expected, || hub.book(&item)).unwrap();
        for (pc, _, _) in sold {
            until_eq(&at(&pc.till), &expected, || pc.daemon.on_hand(&item)).unwrap();
        }
    }
}
