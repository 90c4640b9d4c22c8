//! RFID from the reader's socket to the page: real daemon, a simulated reader in a process of its own. Tags
//! arrive, move and leave and move no stock; the cable is cut in a frame; the daemon is killed with a basket
//! from the till's pad, and no thing is in it twice or missing; it is killed with things in its rooms, and
//! tells no arrival again; and the exit knows what was sold, here and by another POS, and what was undone.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shelf_sim::rfid::sgtin;
use shelf_sim::zvt_terminal::{TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup, TillSetup, rows};
use shelf_tests::patience::{Look, USUAL, until, until_eq};
use shelf_tests::simulated::Simulated;
use shelf_tests::wares::{gtin13, item};

const TILL: &str = "till-1";

/// `shelf-sim llrp` as a process; dropping it switches the reader off.
struct Reader {
    simulated: Simulated,
    address: String,
    /// Of its log.
    _dir: tempfile::TempDir,
}

impl Reader {
    fn start() -> Reader {
        let dir = tempfile::tempdir().unwrap();
        let words = ["llrp", "--port", "0", "--rate", "100"];
        let (simulated, address) =
            Simulated::listening(&words, &dir.path().join("reader.log")).unwrap();
        Reader {
            simulated,
            address,
            _dir: dir,
        }
    }

    fn tell(&mut self, line: &str) {
        self.simulated.order(line).unwrap();
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

/// All that was observed, `WHAT EPC`, in its order.
fn all_observed(daemon: &Daemon) -> Vec<String> {
    let zones = zones(daemon).unwrap();
    let all = zones["observed"].as_array().unwrap().iter();
    let words = |it: &Value| {
        let (what, epc) = (it["what"].as_str().unwrap(), it["epc"].as_str().unwrap());
        format!("{what} {epc}")
    };
    all.map(words).collect()
}

/// What partners are told from observation `after` on; the number of events.
fn told(daemon: &Daemon, after: u64) -> anyhow::Result<usize> {
    let events = daemon.get(&format!("/api/v1/rfid/epcis?after={after}"))?;
    Ok(events["epcisBody"]["eventList"].as_array().unwrap().len())
}

#[test]
fn a_kill_neither_announces_again_nor_forgets_nor_invents() {
    let mut reader = Reader::start();
    let two = "[[zone]]\nname = \"floor\"\n\
               [[zone]]\nname = \"backroom\"\nlocation = \"backroom\"\nantennas = [\"reader:2\"]\n";
    let setup = Setup {
        pc: "PC 1".into(),
        more: reader.config("floor", two),
        ..Setup::default()
    };
    let mut daemon = Daemon::start(&setup).unwrap();
    for (serial, antenna) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
        reader.tell(&format!("lay {}:{serial} {antenna}", gtin13(1)));
    }
    until_there(&daemon, &[3, 1]);
    // Partners are told what a kill can't undo.
    until_eq("events", &4, || told(&daemon, 0)).unwrap();
    let before = all_observed(&daemon);
    assert_eq!(before.len(), 4, "{before:?}");

    daemon.kill9();
    daemon.restart().unwrap();
    // They are known before the reader has said anything, and nothing is told again once it did.
    let here = zones(&daemon).unwrap();
    let present = |at: usize| here["zones"][at]["present"].as_u64();
    assert_eq!((present(0), present(1)), (Some(3), Some(1)), "{here}");
    until_there(&daemon, &[3, 1]);
    until_read_on(&daemon, 300);
    assert_eq!(all_observed(&daemon), before);

    // What happened while the PC was off is told as what it is, and nothing else.
    daemon.kill9();
    reader.tell(&format!("take {}:1", gtin13(1)));
    reader.tell(&format!("lay {}:2 2", gtin13(1)));
    daemon.restart().unwrap();
    until_there(&daemon, &[1, 2]);
    let after: Vec<String> = all_observed(&daemon).split_off(4);
    let expected = [
        format!("moved {}", epc(1, 2)),
        format!("departed {}", epc(1, 1)),
    ];
    assert_eq!(after, expected);
    until_eq("events", &5, || told(&daemon, 0)).unwrap();
    let zones = zones(&daemon).unwrap();
    let numbers = zones["observed"].as_array().unwrap().iter();
    let numbers: Vec<u64> = numbers.filter_map(|it| it["n"].as_u64()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!(told(&daemon, numbers[3]).unwrap(), 1);

    // A stop loses nothing either.
    daemon.stop().unwrap();
    daemon.restart().unwrap();
    until_there(&daemon, &[1, 2]);
    assert_eq!(all_observed(&daemon).len(), 6);
}

const POS: &str = "pos-1";

/// Another system says what it sold, or that it undid a receipt.
fn report(daemon: &Daemon, body: &Value) {
    let mut whole = json!({ "till": POS, "time": "2026-11-20T10:00:00Z" });
    let own = body.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(own);
    let said = daemon.post("/api/v1/sales", &whole).unwrap();
    assert_eq!(said.status, 201, "{}", said.text());
}

/// One receipt of one line.
fn sale(receipt: &str, line: &Value) -> Value {
    let mut whole = json!({ "quantity": "1", "unit_price": "1.00" });
    let own = line.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(own);
    json!({ "transaction": receipt, "lines": [whole] })
}

/// Waits until what was last observed of each thing is one of these.
fn until_last(daemon: &Daemon, serials: &[u64], wanted: &[&str]) {
    until("observations", USUAL, || {
        let last = |it: &u64| observed(daemon, &epc(1, *it)).pop().unwrap_or_default();
        let all: Vec<String> = serials.iter().map(last).collect();
        Ok(match all.iter().all(|it| wanted.contains(&it.as_str())) {
            true => Look::Done(()),
            false => Look::NotYet(format!("{all:?}")),
        })
    })
    .unwrap();
}

/// Carries things from the sales floor through the exit; what the exit said of each.
fn carry_out(daemon: &Daemon, reader: &mut Reader, serials: &[u64]) -> Vec<String> {
    let gtin = gtin13(1);
    let said = |serial: &u64| -> Vec<String> {
        let all = observed(daemon, &epc(1, *serial)).into_iter();
        all.filter(|it| it == "passed" || it == "alarm").collect()
    };
    let mut lay = |what: &str, antenna: &str| {
        for serial in serials {
            reader.tell(&format!("{what} {gtin}:{serial}{antenna}"));
        }
    };
    let before: Vec<usize> = serials.iter().map(|it| said(it).len()).collect();
    lay("lay", " 1");
    until_last(daemon, serials, &["arrived", "moved"]);
    lay("lay", " 2");
    let what = until("through the exit", USUAL, || {
        let new = serials.iter().zip(&before);
        let new: Option<Vec<String>> = new.map(|(it, n)| said(it).get(*n).cloned()).collect();
        Ok(match new {
            Some(what) => Look::Done(what),
            None => Look::NotYet(format!("{:?}", all_observed(daemon))),
        })
    });
    lay("take", "");
    until_last(daemon, serials, &["departed"]);
    what.unwrap()
}

/// Waits until all that was observed outlives a kill: until partners are told of one more arrival.
fn until_kept(daemon: &Daemon, reader: &mut Reader) {
    reader.tell(&format!("lay {}:1 1", gtin13(2)));
    let uri = format!("/01/0{}/21/1\"", gtin13(2));
    until("kept", USUAL, || {
        let events = daemon.get("/api/v1/rfid/epcis")?.to_string();
        Ok(match events.contains(&uri) {
            true => Look::Done(()),
            false => Look::NotYet(events),
        })
    })
    .unwrap();
}

/// Alarms that lie in the inbox.
fn alarms(daemon: &Daemon) -> usize {
    let inbox = daemon.inbox().unwrap();
    inbox.iter().filter(|it| it["kind"] == "exit_alarm").count()
}

/// A till of ours with a pad, another system's till, and a door that tags pass.
fn shop_with_a_door(reader: &Reader) -> (Daemon, TerminalHandle) {
    let terminal = TerminalHandle::start(0, TerminalConfig::default(), Vec::new()).unwrap();
    let zones = format!(
        "[[zone]]\nname = \"floor\"\n\
         [[zone]]\nname = \"door\"\nkind = \"exit\"\ninside = \"floor\"\nantennas = [\"reader:2\"]\n\
         [[zone]]\nname = \"pad\"\nkind = \"till_pad\"\ntill = \"{TILL}\"\nantennas = [\"reader:4\"]\n"
    );
    let pos = TillSetup {
        name: POS.into(),
        source: "api".into(),
        ..TillSetup::default()
    };
    let setup = Setup {
        pc: "PC 1".into(),
        tills: vec![TillSetup::basket(TILL, Some(terminal.addr())), pos],
        more: reader.config("floor", &zones),
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(2, 10).unwrap();
    (daemon, terminal)
}

/// Pays what lies in the basket.
fn pay(daemon: &Daemon, things: usize) {
    let there = |it: &Value| rows(it) == things;
    daemon.till_until(TILL, "rows", there).unwrap();
    daemon.act(TILL, "pay_card", &[]).unwrap();
    let sold = |it: &Value| it["last_sale"].is_object() && rows(it) == 0;
    daemon.till_until(TILL, "sold", sold).unwrap();
}

#[test]
fn the_exit_knows_what_was_sold_and_what_was_undone() {
    let mut reader = Reader::start();
    let (mut daemon, _terminal) = shop_with_a_door(&reader);

    // Unsold: an alarm, once, for people and for partners; no stock moves.
    assert_eq!(carry_out(&daemon, &mut reader, &[1]), ["alarm"]);
    assert_eq!(alarms(&daemon), 1);
    assert_eq!(daemon.on_hand(&item(1)).unwrap(), 10_000);
    until("an event", USUAL, || {
        let events = daemon.get("/api/v1/rfid/epcis")?.to_string();
        Ok(match events.contains("entering_exiting") {
            true => Look::Done(()),
            false => Look::NotYet(events),
        })
    })
    .unwrap();

    // Sold at our till, from its pad.
    reader.tell(&format!("lay {}:2 4", gtin13(1)));
    pay(&daemon, 1);
    reader.tell(&format!("take {}:2", gtin13(1)));

    // Sold by another POS: by serial number, by tag, by a code that has the serial number in it.
    let gtin = gtin13(1);
    let by_serial = |serial: &str| json!({ "code": gtin, "serial": serial });
    report(&daemon, &sale("1", &by_serial("3")));
    report(&daemon, &sale("2", &json!({ "epc": epc(1, 4) })));
    let label = format!("(01)0{gtin}(21)5");
    report(&daemon, &sale("3", &json!({ "code": label })));
    report(&daemon, &sale("4", &by_serial("6")));
    // One is voided, one comes back.
    report(&daemon, &json!({ "transaction": "3", "action": "void" }));
    let mut back = by_serial("6");
    back["return"] = json!(true);
    report(&daemon, &sale("5", &back));
    let said = carry_out(&daemon, &mut reader, &[2, 3, 5]);
    assert_eq!(said, ["passed", "passed", "alarm"]);

    until_kept(&daemon, &mut reader);
    daemon.kill9();
    daemon.restart().unwrap();
    let said = carry_out(&daemon, &mut reader, &[2, 3, 4, 5, 6]);
    assert_eq!(said, ["passed", "passed", "passed", "alarm", "alarm"]);
    assert_eq!(alarms(&daemon), 4);
}

#[test]
fn what_was_sold_by_barcode_may_pass_once_also_after_a_kill() {
    let mut reader = Reader::start();
    let (mut daemon, _terminal) = shop_with_a_door(&reader);
    for _ in 0..2 {
        daemon.act(TILL, "scan", &[("code", &gtin13(1))]).unwrap();
        pay(&daemon, 1);
    }
    assert_eq!(carry_out(&daemon, &mut reader, &[7]), ["passed"]);
    until_kept(&daemon, &mut reader);
    daemon.kill9();
    daemon.restart().unwrap();
    assert_eq!(carry_out(&daemon, &mut reader, &[8]), ["passed"]);
    assert_eq!(carry_out(&daemon, &mut reader, &[9]), ["alarm"]);
}
