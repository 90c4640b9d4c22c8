//! RFID from the reader's socket to the page: real daemon, a simulated reader in a process of its own. Tags
//! arrive, move and leave and move no stock; the cable is cut in a frame; the daemon is killed with a basket
//! from the till's pad, and no thing is in it twice or missing.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use shelf_sim::rfid::sgtin;
use shelf_sim::zvt_terminal::{TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup, TillSetup, rows};
use shelf_tests::patience::{Look, USUAL, until, until_eq};
use shelf_tests::programs;
use shelf_tests::wares::{gtin13, item};

const TILL: &str = "till-1";

/// `shelf-sim llrp` as a process; dropping it switches the reader off.
struct Reader {
    child: Child,
    orders: ChildStdin,
    /// Kept, or its next line would break.
    _output: BufReader<ChildStdout>,
    address: String,
}

impl Reader {
    fn start() -> Reader {
        let mut child = Command::new(programs::shelf_sim().unwrap())
            .args(["llrp", "--port", "0", "--rate", "100"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on ").unwrap();
        Reader {
            address: address.to_owned(),
            orders: child.stdin.take().unwrap(),
            _output: output,
            child,
        }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.orders, "{line}").unwrap();
        self.orders.flush().unwrap();
    }

    /// The device and the zones of this reader, as a configuration writes them.
    fn config(&self, zone: &str, zones: &str) -> String {
        format!(
            "[rfid]\nepoch_ms = 200\ndepart_s_min = 1\n{zones}\n\
             [[device]]\nname = \"reader\"\nkind = \"llrp_reader\"\nselect = \"tcp:{}\"\n\
             role = \"zone:{zone}\"\n",
            self.address
        )
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // An error means that it ended already.
        let _was_dead = self.child.kill();
        let _taken = self.child.wait();
    }
}

fn zones(daemon: &Daemon) -> anyhow::Result<Value> {
    daemon.get("/api/v1/rfid/zones")
}

/// Waits until every zone holds so many things and sees.
fn until_there(daemon: &Daemon, expected: &[u64]) {
    until_eq("things in the zones", &expected.to_vec(), || {
        let zones = zones(daemon)?;
        let all = zones["zones"].as_array().unwrap();
        let seen = all.iter().all(|it| it["blind"] == false);
        anyhow::ensure!(seen, "a zone is blind: {zones}");
        Ok(all.iter().filter_map(|it| it["present"].as_u64()).collect())
    })
    .unwrap();
}

/// What was observed of a thing, in its order.
fn observed(daemon: &Daemon, thing: &str) -> Vec<String> {
    let zones = zones(daemon).unwrap();
    let all = zones["observed"].as_array().unwrap().iter();
    let own = all.filter(|it| it["epc"] == thing);
    own.map(|it| it["what"].as_str().unwrap().to_owned())
        .collect()
}

fn epc(ware: u32, serial: u64) -> String {
    sgtin(&gtin13(ware), serial).unwrap().to_string()
}

/// Waits until the reader told so many more sightings, to whatever pad or zone.
fn until_read_on(daemon: &Daemon, more: u64) {
    let reads = || -> anyhow::Result<u64> {
        let zones = zones(daemon)?;
        let all = zones["zones"].as_array().unwrap().iter();
        Ok(all.filter_map(|it| it["reads"].as_u64()).sum())
    };
    let before = until("an answer", USUAL, || Ok(Look::Done(reads()?))).unwrap();
    until("more reads", USUAL, || {
        let now = reads()?;
        Ok(match now >= before + more {
            true => Look::Done(()),
            false => Look::NotYet(format!("{before}, then {now}")),
        })
    })
    .unwrap();
}

#[test]
fn tags_arrive_move_and_leave_and_the_book_stays_as_it_is() {
    let mut reader = Reader::start();
    let two = "[[zone]]\nname = \"floor\"\nsgln = \"urn:epc:id:sgln:0614141.12345.0\"\n\
               [[zone]]\nname = \"backroom\"\nlocation = \"backroom\"\nantennas = [\"reader:2\"]\n";
    let setup = Setup {
        pc: "PC 1".into(),
        more: reader.config("floor", two),
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(2, 10).unwrap();
    let documents = daemon.documents().unwrap().len();
    for (ware, serial) in [(1, 1), (1, 2), (2, 1)] {
        reader.tell(&format!("lay {}:{serial} 1", gtin13(ware)));
    }
    until_there(&daemon, &[3, 0]);
    let here = zones(&daemon).unwrap();
    let articles = &here["zones"][0]["articles"];
    let expected = json!([
        { "gtin": item(1), "name": "Ware 1", "epcs": 2 },
        { "gtin": item(2), "name": "Ware 2", "epcs": 1 },
    ]);
    assert_eq!(*articles, expected);

    reader.tell(&format!("lay {}:1 2", gtin13(2)));
    until_there(&daemon, &[2, 1]);
    assert_eq!(observed(&daemon, &epc(2, 1)), ["arrived", "moved"]);
    reader.tell(&format!("take {}:2", gtin13(1)));
    until_there(&daemon, &[1, 1]);
    assert_eq!(observed(&daemon, &epc(1, 2)), ["arrived", "departed"]);

    // The cable is cut in a frame: what is not seen meanwhile has not left.
    reader.tell("fault cut");
    let starts = |it: &Value| it["devices"][0]["counters"]["reopens"].as_u64() > Some(0);
    daemon.status_until("connected again", starts).unwrap();
    until_there(&daemon, &[1, 1]);
    assert_eq!(observed(&daemon, &epc(1, 1)), ["arrived"]);

    let events = daemon.get("/api/v1/rfid/epcis").unwrap();
    let events = events["epcisBody"]["eventList"].as_array().unwrap();
    let steps: Vec<&str> = events
        .iter()
        .filter_map(|it| it["bizStep"].as_str())
        .collect();
    assert_eq!(steps, ["stocking", "stocking", "stocking", "storing"]);
    let ids: BTreeSet<&str> = events
        .iter()
        .filter_map(|it| it["eventID"].as_str())
        .collect();
    assert_eq!(ids.len(), 4);

    // Observations move nothing.
    assert_eq!(daemon.documents().unwrap().len(), documents);
    assert_eq!(daemon.on_hand(&item(1)).unwrap(), 10_000);
}

/// The things in the basket on the counter.
fn things(view: &Value) -> Vec<String> {
    let lines = view["basket"]["lines"].as_array().into_iter().flatten();
    let live = lines.filter(|it| it["voided"] != true);
    let mut things: Vec<String> = live
        .map(|it| it["epc"].as_str().unwrap().to_owned())
        .collect();
    things.sort();
    things
}

#[test]
fn a_thing_on_the_pad_is_a_line_once_whatever_is_killed() {
    let mut reader = Reader::start();
    let terminal = TerminalHandle::start(0, TerminalConfig::default(), Vec::new()).unwrap();
    let pad = format!("[[zone]]\nname = \"pad\"\nkind = \"till_pad\"\ntill = \"{TILL}\"\n");
    let setup = Setup {
        pc: "PC 1".into(),
        tills: vec![TillSetup::basket(TILL, Some(terminal.addr()))],
        more: reader.config("pad", &pad),
        ..Setup::default()
    };
    let mut daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(2, 10).unwrap();
    for serial in 1..=3 {
        reader.tell(&format!("lay {}:{serial}", gtin13(1)));
    }
    daemon
        .till_until(TILL, "three things", |it| rows(it) == 3)
        .unwrap();
    let expected: Vec<String> = (1..=3).map(|it| epc(1, it)).collect();

    // Killed with the basket on the pad; the things still lie there and are read again and again.
    daemon.kill9();
    reader.tell(&format!("lay {}:1", gtin13(2)));
    daemon.restart().unwrap();
    let view = daemon
        .till_until(TILL, "the fourth thing", |it| rows(it) >= 4)
        .unwrap();
    assert_eq!(things(&view)[..3], expected);
    until_read_on(&daemon, 200);
    let view = daemon.till(TILL).unwrap();
    assert_eq!(rows(&view), 4, "{view}");

    // A line that the cashier takes out stays out while its thing lies there, and may come again later.
    daemon.act(TILL, "void_line", &[("line", "4")]).unwrap();
    until_read_on(&daemon, 100);
    assert_eq!(things(&daemon.till(TILL).unwrap()), expected);

    daemon.act(TILL, "pay_card", &[]).unwrap();
    daemon
        .till_until(TILL, "sold", |it| it["last_sale"].is_object())
        .unwrap();
    until_eq("pieces left", &7_000, || daemon.on_hand(&item(1))).unwrap();
    // What was sold still lies there while the customer packs: it is no new basket, not even after a kill.
    until_read_on(&daemon, 100);
    daemon.kill9();
    daemon.restart().unwrap();
    until_read_on(&daemon, 200);
    let view = daemon.till(TILL).unwrap();
    let sold: BTreeSet<String> = expected.into_iter().collect();
    let doubled = things(&view).into_iter().any(|it| sold.contains(&it));
    assert!(!doubled, "{view}");
    assert_eq!(daemon.documents_of("sale").unwrap().len(), 1);
    assert_eq!(daemon.on_hand(&item(1)).unwrap(), 7_000);
}
