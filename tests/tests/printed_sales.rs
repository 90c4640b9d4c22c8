//! A till whose sales are what it prints: every receipt that came out of the printer is in the ledger
//! once, through copies, refunds, voids and a PC that is killed again and again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "plays another till")]

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use serde_json::Value;
use shelf_sim::receipt_printer;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::patience::{pass, until_eq};
use shelf_tests::printing_pos::{PrintedReceipt, PrintingPos, printed_now};
use shelf_tests::wares::{draw, item};

const RECEIPTS: u32 = 200;
const WARES: u32 = 12;
const PIECES: i64 = 5_000;
const KILLS: u64 = 6;

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A PC beside a POS that prints through `tee` to `printer`.
fn daemon(tee: SocketAddr, printer: SocketAddr) -> Daemon {
    let setup = Setup {
        pc: "PC 1".into(),
        more: format!(
            "[[till]]\nname = \"pos\"\nsales_source = \"tee\"\nprinter = \"tcp:{printer}\"\n\
             printer_from = \"tcp:{tee}\"\n"
        ),
        ..Setup::default()
    };
    let mut daemon = Daemon::prepare(&setup).unwrap();
    daemon.environment("TZ", Some("UTC"));
    daemon.restart().unwrap();
    daemon
        .stock_up(WARES, u32::try_from(PIECES).unwrap())
        .unwrap();
    daemon
}

/// What the book must say, in pieces.
#[derive(Default)]
struct Sold(BTreeMap<u32, i64>);

impl Sold {
    fn add(&mut self, goods: &[(u32, i64)], times: i64) {
        for &(ware, pieces) in goods {
            *self.0.entry(ware).or_default() += pieces * times;
        }
    }

    fn check(&self, daemon: &Daemon) {
        for ware in 1..=WARES {
            let sold = self.0.get(&ware).copied().unwrap_or(0);
            let want = (PIECES - sold) * 1_000;
            until_eq(&format!("ware {ware}"), &want, || {
                daemon.on_hand(&item(ware))
            })
            .unwrap();
        }
    }
}

fn goods(seed: u64, number: u32) -> Vec<(u32, i64)> {
    let draw = |step: u64| draw(seed, u64::from(number) * 100 + step);
    let first = u32::try_from(draw(0) % u64::from(WARES)).unwrap();
    let rows = u32::try_from(draw(1) % 4).unwrap() + 1;
    let pieces = |row: u32| i64::try_from(draw(2 + u64::from(row)) % 4).unwrap() + 1;
    (0..rows)
        .map(|row| ((first + row) % WARES + 1, pieces(row)))
        .collect()
}

/// Every twentieth receipt takes goods back.
fn comes_back(number: u32) -> bool {
    number.is_multiple_of(20)
}

fn keys(documents: &[Value]) -> Vec<String> {
    let key = |it: &Value| {
        it["source"]["receipt"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    documents.iter().map(key).collect()
}

#[test]
fn two_hundred_receipts_with_copies_and_kills_are_sold_once_each() {
    let seed = getrandom::u64().unwrap();
    println!("seed {seed}");
    let printer = receipt_printer::on_tcp(0).unwrap();
    let tee = free_address();
    let mut daemon = daemon(tee, printer.addr().unwrap());
    let printed = AtomicU32::new(0);
    let mut sold = Sold::default();
    std::thread::scope(|scope| {
        let pos = scope.spawn(|| {
            let mut pos = PrintingPos::at(tee);
            let mut earlier: Vec<PrintedReceipt> = Vec::new();
            for number in 1..=RECEIPTS {
                let receipt = PrintedReceipt::of(number, &goods(seed, number), comes_back(number));
                pos.print(&receipt)?;
                let copied = usize::try_from(draw(seed, number.into())).unwrap_or(0);
                match (number % 7, earlier.get(copied % earlier.len().max(1))) {
                    (3, Some(earlier)) => pos.print(&earlier.copy())?,
                    (5, Some(earlier)) => pos.print(earlier)?,
                    _ => {}
                }
                earlier.push(receipt);
                printed.store(number, Relaxed);
            }
            anyhow::Ok(pos.again)
        });
        for kill in 1..=KILLS {
            // Somewhere in the middle of its share of the receipts.
            let share = RECEIPTS / u32::try_from(KILLS + 1).unwrap() * u32::try_from(kill).unwrap();
            until_eq("enough is printed", &true, || {
                Ok(printed.load(Relaxed) >= share)
            })
            .unwrap();
            pass(Duration::from_micros(draw(seed, 1_000 + kill) % 60_000));
            daemon.kill9();
            daemon.restart().unwrap();
        }
        let again = pos.join().unwrap().unwrap();
        println!("printed again because of a kill: {again}");
    });
    // Returned goods wait for inspection: they are not on the floor again.
    for number in (1..=RECEIPTS).filter(|it| !comes_back(*it)) {
        sold.add(&goods(seed, number), 1);
    }
    let sales = daemon.documents_of("sale").unwrap();
    let mut keys = keys(&sales);
    keys.sort();
    keys.dedup();
    let inbox = daemon.inbox().unwrap();
    assert_eq!(
        (sales.len(), keys.len(), inbox.len()),
        (200, 200, 0),
        "seed {seed}: {inbox:?}"
    );
    sold.check(&daemon);
    assert!(printer.device().receipts().len() >= 200);
}

#[test]
fn voids_undo_and_what_is_in_doubt_waits_with_its_receipt() {
    let printer = receipt_printer::on_tcp(0).unwrap();
    let tee = free_address();
    let daemon = daemon(tee, printer.addr().unwrap());
    let mut pos = PrintingPos::at(tee);
    let mut sold = Sold::default();
    pos.print(&PrintedReceipt::of(1, &[(1, 2)], false)).unwrap();
    pos.print(&PrintedReceipt::of(2, &[(2, 3)], false)).unwrap();
    sold.add(&[(2, 3)], 1);
    let now = printed_now();
    let total = shelf_tests::printing_pos::money(2 * shelf_tests::wares::price_minor(1));
    let row = format!("2 x Ware 1  -{total}");
    let sum = format!("SUMME EUR -{total}");
    let void = ["STORNO zu Bon 1", &format!("Bon 3 {now}"), &row, &sum];
    // A void that is printed again undoes nothing again.
    for _ in 0..2 {
        pos.print(&PrintedReceipt::plain(&void)).unwrap();
    }
    // A name that nobody knows is counted later, and the rest now.
    let mixed = [
        &format!("Bon 4 {now}"),
        "Ware 3 1,21",
        "Marmelade 3,00",
        "SUMME 4,21",
    ];
    pos.print(&PrintedReceipt::plain(&mixed)).unwrap();
    sold.add(&[(3, 1)], 1);
    let wrong = [
        &format!("Bon 5 {now}"),
        "Ware 4 1,28",
        "Karte 4111 1111 1111 1111",
        "SUMME 9,99",
    ];
    pos.print(&PrintedReceipt::plain(&wrong)).unwrap();
    pos.print(&PrintedReceipt::plain(&[
        "Z-BERICHT",
        "Warengruppe 1 100,00",
        "SUMME 100,00",
    ]))
    .unwrap();
    let old = ["Bon 6 01.02.2020 10:00", "Ware 5 1,35", "SUMME 1,35"];
    pos.print(&PrintedReceipt::plain(&old)).unwrap();
    pos.print(&PrintedReceipt::of(7, &[(6, 1)], false)).unwrap();
    sold.add(&[(6, 1)], 1);

    sold.check(&daemon);
    assert_eq!(daemon.documents_of("void").unwrap().len(), 1);
    let inbox = daemon.inbox().unwrap();
    let reasons: Vec<&str> = inbox
        .iter()
        .filter_map(|it| it["reason"].as_str())
        .collect();
    assert_eq!(inbox.len(), 3, "{reasons:#?}");
    assert!(reasons[0].contains("MARMELADE"), "{reasons:?}");
    assert!(reasons[1].contains("add up to 1.28"), "{reasons:?}");
    assert!(reasons[2].contains("not of today"), "{reasons:?}");
    let raw = inbox[1]["raw"].as_str().unwrap();
    assert!(
        raw.contains("Ware 4") && raw.contains("1111") && !raw.contains("4111"),
        "{raw}"
    );
    let beside = daemon.get("/api/v1/tills/pos/beside").unwrap();
    let printer = &beside["printer"];
    assert_eq!(
        (&printer["sales"], &printer["copies"], &printer["put_aside"]),
        (&5.into(), &1.into(), &2.into())
    );
}
