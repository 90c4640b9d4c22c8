//! Payment terminals of every kind behind real tills: ZVT and ECR17, over TCP and over serial lines,
//! with all four check bytes, and errands beside payments.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use shelf_codecs::ecr17::LrcMode;
use shelf_sim::ecr17_terminal::{Ecr17Config, Ecr17Handle, Ecr17Script};
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::paying::{TERMINAL, errand, sell, shop};
use shelf_tests::wares::price_minor;

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
    let daemon = shop(tills).unwrap();
    for (name, terminal) in [("zvt-tcp", &tcp), ("zvt-serial", &serial)] {
        let sale = sell(&daemon, name).unwrap();
        let booked = terminal.books()[0];
        let reference = sale["tenders"][0]["reference"].as_str().unwrap().to_owned();
        assert!(
            reference.contains(&format!("R{:04}", booked.receipt)),
            "{sale}"
        );
        errand(&daemon, name, "status", "ready").unwrap();
        errand(
            &daemon,
            name,
            "repeat_receipt",
            "its last receipt is printed again",
        )
        .unwrap();
        let told = errand(&daemon, name, "end_of_day", "its day is closed").unwrap();
        assert_eq!(told["day"]["total"], price_minor(1), "{told}");
        assert_eq!(terminal.acknowledged().len(), 1);
    }
    let slip = daemon.till("zvt-serial").unwrap()["terminal"]["slip"].clone();
    assert!(slip.to_string().contains("Zahlung erfolgt"), "{slip}");
    for (name, terminal) in &italian {
        let sale = sell(&daemon, name).unwrap();
        let reference = sale["tenders"][0]["reference"].as_str().unwrap().to_owned();
        assert!(reference.contains("S000041"), "{sale}");
        errand(&daemon, name, "status", "ready").unwrap();
        let told = errand(&daemon, name, "totals", "told its totals").unwrap();
        assert_eq!(told["day"]["total"], price_minor(1), "{told}");
        let told = errand(&daemon, name, "end_of_day", "its day is closed").unwrap();
        assert_eq!(told["day"]["host_total"], price_minor(1), "{told}");
        let books = terminal.books();
        assert!(
            books.len() == 1 && books[0].acknowledged,
            "{name} {books:?}"
        );
        assert_eq!(terminal.payments_heard(), 1);
    }
}
