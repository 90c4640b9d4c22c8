//! A scanner that can be told so does not scan while a payment is under way, and always scans again: after
//! the payment, after a kill in the middle of one, and when the daemon stops. A real daemon, a terminal's
//! simulator that takes its time, and scanners on pseudo-terminals that hear what they are told.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed test panics, and owns its folder"
)]

use shelf_sim::scanner_pty::{Framing, PtyScanner};
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup, TillSetup};
use shelf_tests::patience::USUAL;
use shelf_tests::wares::gtin13;

const TILL: &str = "till-1";
/// How long the customer looks for the card.
const THINKS_MS: u64 = 3_000;

/// What the host told a scanner.
fn told(scanner: &mut PtyScanner, words: usize) -> String {
    let wrote = scanner.host_wrote(words, USUAL).unwrap();
    String::from_utf8(wrote).unwrap()
}

fn is_paused(daemon: &Daemon, name: &str, paused: bool) {
    let what = format!("{name} paused: {paused}");
    let so = |it: &serde_json::Value| {
        let mut devices = it["devices"].as_array().into_iter().flatten();
        devices.any(|it| it["name"] == name && it["paused"] == paused && it["state"] == "ready")
    };
    daemon.status_until(&what, so).unwrap();
}

#[test]
fn a_scanner_waits_for_a_payment_and_always_scans_again() {
    let script = PaymentScript {
        thinks_ms: THINKS_MS,
        ..PaymentScript::default()
    };
    let config = TerminalConfig::default();
    let terminal = TerminalHandle::start(0, config, vec![script; 6]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let plug = |name: &str| PtyScanner::plug(dir.path().join(name), Framing::default()).unwrap();
    let (mut hand, mut passive, mut back) = (plug("hand"), plug("passive"), plug("back"));
    let device = |name: &str, role: &str, more: &str| {
        let path = dir.path().join(name);
        format!(
            "[[device]]\nname = \"{name}\"\nkind = \"scanner\"\nselect = \"path:{}\"\nrole = \"{role}\"\n{more}",
            path.display()
        )
    };
    let switch = "scan_on = \"E\"\nscan_off = \"D\"\n";
    let role = format!("till:{TILL}");
    let setup = Setup {
        tills: vec![TillSetup::basket(TILL, Some(terminal.addr()))],
        more: device("hand", &role, switch)
            + &device("passive", &role, "")
            + &device("back", "counting", switch),
        ..Setup::default()
    };
    let mut daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(2, 100).unwrap();
    assert_eq!(told(&mut hand, 1), "E");
    // Nobody counts: the back room's scanner rests.
    assert_eq!(told(&mut back, 2), "ED");
    is_paused(&daemon, "back", true);

    let paid = |daemon: &Daemon, sales: usize| {
        let what = format!("{sales} sales");
        let free =
            |it: &serde_json::Value| it["basket"].is_null() || it["view"]["basket"].is_null();
        daemon.till_until(TILL, &what, free).unwrap();
        assert_eq!(daemon.documents_of("sale").unwrap().len(), sales);
    };
    hand.scan(&gtin13(1)).unwrap();
    daemon
        .till_until(TILL, "a row", |it| it["basket"]["lines"][0].is_object())
        .unwrap();
    daemon.act(TILL, "pay_card", &[]).unwrap();
    assert_eq!(told(&mut hand, 1), "D");
    is_paused(&daemon, "hand", true);
    is_paused(&daemon, "passive", false);
    assert_eq!(told(&mut hand, 1), "E");
    paid(&daemon, 1);
    is_paused(&daemon, "hand", false);

    // Killed in the middle of a payment: it scans again as soon as somebody is there to take a scan.
    daemon.act(TILL, "scan", &[("code", &gtin13(2))]).unwrap();
    daemon.act(TILL, "pay_card", &[]).unwrap();
    assert_eq!(told(&mut hand, 1), "D");
    daemon.kill9();
    daemon.restart().unwrap();
    // The till asks the terminal what became of it, which is a payment under way until it knows.
    is_paused(&daemon, "hand", false);
    let word = told(&mut hand, 1);
    assert!(word.starts_with('E') && word.ends_with('E'), "{word}");

    // Stopped while the back room rests: whoever opens its scanner next finds it awake.
    assert_eq!(told(&mut back, 2), "ED");
    let last = std::thread::spawn(move || told(&mut back, 1));
    daemon.stop().unwrap();
    assert_eq!(last.join().unwrap(), "E");
    assert!(
        passive
            .host_wrote(1, std::time::Duration::ZERO)
            .unwrap()
            .is_empty()
    );
}
