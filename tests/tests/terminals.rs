//! Payment terminals of every kind behind real tills: ZVT and ECR17, over TCP and over serial lines,
//! with all four check bytes; errands beside payments; and the cable of a serial terminal pulled at
//! moments over the whole dialogue, after which till and terminal agree about every cent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test panics"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use shelf_codecs::ecr17::LrcMode;
use shelf_sim::ecr17_terminal::{Ecr17Config, Ecr17Handle, Ecr17Script};
use shelf_sim::zvt_terminal::{
    BookedState, Cut, Direction, PaymentScript, TerminalConfig, TerminalHandle,
};
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::patience::{Look, until};
use shelf_tests::wares::{gtin13, price_minor};

/// Moments of a pulled cable in each direction.
const PULLS: u64 = 8;
/// What a terminal and a till need to agree after a pulled cable: the terminal waits for answers,
/// and the till asks again after pauses.
const AGREED: Duration = Duration::from_secs(120);
const TERMINAL: u32 = 12_345_678;

fn quick() -> PaymentScript {
    PaymentScript {
        thinks_ms: 0,
        ..PaymentScript::default()
    }
}

fn quick_ecr17() -> Ecr17Script {
    Ecr17Script {
        thinks_ms: 0,
        ..Ecr17Script::default()
    }
}

fn till(name: &str, terminal: &str, more: &str) -> String {
    format!("[[till]]\nname = \"{name}\"\nterminal = \"{terminal}\"\n{more}\n")
}

fn daemon(tills: String) -> Daemon {
    let setup = Setup {
        pc: "PC 1".into(),
        more: tills,
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(3, 1_000).unwrap();
    daemon
}

/// Sells one piece of ware 1 by card, and waits for the receipt.
fn sell(daemon: &Daemon, till: &str) -> Value {
    daemon.act(till, "scan", &[("code", &gtin13(1))]).unwrap();
    let before = sales_of(daemon, till).len();
    daemon.act(till, "pay_card", &[]).unwrap();
    until(&format!("{till}: the sale"), AGREED, || {
        let sales = sales_of(daemon, till);
        Ok(match sales.len() > before {
            true => Look::Done(sales.last().cloned().unwrap_or_default()),
            false => Look::NotYet(daemon.till(till)?.to_string()),
        })
    })
    .unwrap()
}

fn sales_of(daemon: &Daemon, till: &str) -> Vec<Value> {
    let mut sales = daemon.documents_of("sale").unwrap();
    sales.retain(|it| it["till"] == till);
    sales
}

/// Asks for an errand and waits for the terminal's answer in words.
fn errand(daemon: &Daemon, till: &str, errand: &str, words: &str) -> Value {
    let fields = [("errand", errand)];
    until(&format!("{till}: free for {errand}"), AGREED, || {
        Ok(match daemon.act(till, "terminal", &fields) {
            Ok(_) => Look::Done(()),
            Err(error) => Look::NotYet(error.to_string()),
        })
    })
    .unwrap();
    let done = |it: &Value| {
        let doing = it["terminal"]["doing"].as_str().unwrap_or_default();
        it["terminal"]["busy"] == false && doing == words
    };
    let view = daemon
        .till_until(till, &format!("{errand}: {words}"), done)
        .unwrap();
    view["terminal"].clone()
}

#[test]
fn every_kind_of_terminal_is_paid_at_and_asked_alike() {
    let dir = tempfile::tempdir().unwrap();
    let scripts = vec![quick(); 10];
    let character = TerminalConfig::default;
    let tcp = TerminalHandle::start(0, character(), scripts.clone()).unwrap();
    let line = dir.path().join("zvt");
    let serial = TerminalHandle::on_pty(&line, character(), scripts).unwrap();
    let mut tills = till("zvt-tcp", &format!("zvt://{}", tcp.addr()), "");
    let place = format!("zvt+serial:path:{}", line.display());
    tills += &till("zvt-serial", &place, "terminal_prints = false");
    let mut italian = Vec::new();
    for (number, (name, lrc)) in LrcMode::NAMES.into_iter().enumerate() {
        let mut config = Ecr17Config::new(TERMINAL).unwrap();
        config.lrc = lrc;
        let scripts = vec![quick_ecr17(); 10];
        let line = dir.path().join(name);
        let (terminal, place) = if number % 2 == 0 {
            let terminal = Ecr17Handle::on_tcp(0, config, scripts).unwrap();
            let place = format!("ecr17://{}", terminal.addr());
            (terminal, place)
        } else {
            let terminal = Ecr17Handle::on_pty(&line, config, scripts).unwrap();
            (terminal, format!("ecr17+serial:path:{}", line.display()))
        };
        let more = format!("terminal_id = {TERMINAL}\nterminal_lrc = \"{name}\"");
        tills += &till(&format!("ecr17-{name}"), &place, &more);
        italian.push((format!("ecr17-{name}"), terminal));
    }
    let daemon = daemon(tills);
    for (name, terminal) in [("zvt-tcp", &tcp), ("zvt-serial", &serial)] {
        let sale = sell(&daemon, name);
        let booked = terminal.books()[0];
        let reference = sale["tenders"][0]["reference"].as_str().unwrap().to_owned();
        assert!(
            reference.contains(&format!("R{:04}", booked.receipt)),
            "{sale}"
        );
        errand(&daemon, name, "status", "ready");
        errand(
            &daemon,
            name,
            "repeat_receipt",
            "its last receipt is printed again",
        );
        let told = errand(&daemon, name, "end_of_day", "its day is closed");
        assert_eq!(told["day"]["total"], price_minor(1), "{told}");
        assert_eq!(terminal.acknowledged().len(), 1);
    }
    let slip = daemon.till("zvt-serial").unwrap()["terminal"]["slip"].clone();
    assert!(slip.to_string().contains("Zahlung erfolgt"), "{slip}");
    for (name, terminal) in &italian {
        let sale = sell(&daemon, name);
        let reference = sale["tenders"][0]["reference"].as_str().unwrap().to_owned();
        assert!(reference.contains("S000041"), "{sale}");
        errand(&daemon, name, "status", "ready");
        let told = errand(&daemon, name, "totals", "told its totals");
        assert_eq!(told["day"]["total"], price_minor(1), "{told}");
        let told = errand(&daemon, name, "end_of_day", "its day is closed");
        assert_eq!(told["day"]["host_total"], price_minor(1), "{told}");
        let books = terminal.books();
        assert!(
            books.len() == 1 && books[0].acknowledged,
            "{name} {books:?}"
        );
        assert_eq!(terminal.payments_heard(), 1);
    }
}

/// Bytes of one payment on a fresh terminal.
fn bytes_of_a_payment() -> (u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let line = dir.path().join("zvt");
    let terminal = TerminalHandle::on_pty(&line, TerminalConfig::default(), vec![quick()]).unwrap();
    let place = format!("zvt+serial:path:{}", line.display());
    let daemon = daemon(till("till-1", &place, ""));
    sell(&daemon, "till-1");
    let idle = |it: &Value| it["terminal"]["busy"] == false;
    daemon.till_until("till-1", "the end of it", idle).unwrap();
    terminal.bytes_in_out()
}

#[test]
fn a_serial_cable_pulled_at_any_moment_costs_nobody_money() {
    let (to_terminal, from_terminal) = bytes_of_a_payment();
    let dir = tempfile::tempdir().unwrap();
    let mut tills = String::new();
    let mut terminals = BTreeMap::new();
    for (direction, word, bytes) in [
        (Direction::ToTerminal, "to", to_terminal),
        (Direction::FromTerminal, "from", from_terminal),
    ] {
        for pull in 0..PULLS {
            let after_bytes = 1 + bytes.saturating_sub(2) * pull / (PULLS - 1);
            let mut name = String::new();
            write!(name, "{word}-{after_bytes}").unwrap();
            let config = TerminalConfig {
                cut: Some(Cut {
                    direction,
                    after_bytes,
                }),
                ..TerminalConfig::default()
            };
            let line = dir.path().join(&name);
            let terminal = TerminalHandle::on_pty(&line, config, vec![quick()]).unwrap();
            let place = format!("zvt+serial:path:{}", line.display());
            tills += &till(&name, &place, "");
            terminals.insert(name, terminal);
        }
    }
    let daemon = daemon(tills);
    for name in terminals.keys() {
        daemon.act(name, "scan", &[("code", &gtin13(1))]).unwrap();
        daemon.act(name, "pay_card", &[]).unwrap();
    }
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, terminal) in &terminals {
        let end = until(&format!("{name}: they agree"), AGREED, || {
            let view = daemon.till(name)?;
            let (sales, stands) = (sales_of(&daemon, name).len(), terminal.standing().len());
            let asked = terminal.commands();
            let asked = asked.iter().filter(|it| **it == (0x06, 0x01)).count();
            assert!(asked <= 1, "{name}: asked {asked} times to pay");
            let unknown = view["unsettled"]
                .as_array()
                .is_some_and(|it| !it.is_empty());
            let idle = view["basket"]["stage"] != "paying" && view["terminal"]["busy"] == false;
            let open = terminal
                .books()
                .iter()
                .any(|it| it.state == BookedState::Stands && !it.acknowledged);
            Ok(match (idle, sales, stands) {
                (true, 1, 1) => Look::Done("paid"),
                (true, 0, 0) if !unknown => Look::Done("not paid"),
                (true, 0, _) if unknown && !open => Look::Done("people decide"),
                _ => Look::NotYet(format!("{sales} sales, {stands} stand, {view}")),
            })
        })
        .unwrap();
        *ends.entry(end).or_default() += 1;
    }
    println!("{} pulls: {ends:?}", terminals.len());
    assert!(
        ends.contains_key("paid") && ends.contains_key("not paid"),
        "{ends:?}"
    );
}
