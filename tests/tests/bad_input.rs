//! Bad input at a real daemon's scanner line and API: a message that says what and where, nothing
//! lost, nothing invented. Files are in `bad_files.rs`, disks and clocks in `bad_machine.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use serde_json::{Value, json};
use shelf_sim::scanner_pty::{PtyScanner, ScanFault};
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::card;
use shelf_tests::daemon::{Daemon, Setup, TillSetup, rows};
use shelf_tests::http;
use shelf_tests::patience::until_eq;
use shelf_tests::wares::{gtin13, iso_time, item, price_minor};

const TILL: &str = "till-1";
/// A test number of a card scheme; the check digit fits.
const CARD: &str = "4111111111111111";
/// What the daemon may take at most while it reads 2 MiB of nonsense, in KiB.
const MEMORY_KIB_MAX: u64 = 160 * 1024;

fn terminal(scripts: Vec<PaymentScript>) -> TerminalHandle {
    TerminalHandle::start(0, TerminalConfig::default(), scripts).unwrap()
}

fn quick() -> PaymentScript {
    PaymentScript {
        thinks_ms: 0,
        ..PaymentScript::default()
    }
}

fn shop(terminal: &TerminalHandle) -> (Daemon, PtyScanner) {
    let mut api = TillSetup {
        name: "pos-9".into(),
        source: "api".into(),
        ..TillSetup::default()
    };
    api.terminal = None;
    let setup = Setup {
        pc: "PC 1".into(),
        tills: vec![TillSetup::basket(TILL, Some(terminal.addr())), api],
        scanners: vec![("scanner".into(), format!("till:{TILL}"))],
        ..Setup::default()
    };
    let mut daemon = Daemon::prepare(&setup).unwrap();
    let scanner = daemon.plug("scanner").unwrap();
    daemon.restart().unwrap();
    daemon.stock_up(9, 100).unwrap();
    (daemon, scanner)
}

/// The newest notice of the till, once there is one more than before.
fn notice(daemon: &Daemon, before: usize) -> Value {
    let count = |it: &Value| it["notices"].as_array().map_or(0, Vec::len);
    let view = daemon
        .till_until(TILL, "a notice", |it| count(it) > before)
        .unwrap();
    view["notices"].as_array().unwrap().last().unwrap().clone()
}

fn page(daemon: &Daemon) -> String {
    http::get(daemon.http(), &format!("/till/{TILL}"))
        .unwrap()
        .text()
}

/// A good scan after the bad one sells as ever, and only it.
fn sells_on(daemon: &Daemon, scanner: &mut PtyScanner) {
    scanner.scan(&gtin13(3)).unwrap();
    let view = daemon
        .till_until(TILL, "the good scan", |it| rows(it) == 1)
        .unwrap();
    assert_eq!(view["basket"]["lines"][0]["name"], "Ware 3", "{view}");
}

#[test]
fn torn_bytes_are_a_notice_and_no_row() {
    let terminal = terminal(vec![quick()]);
    let (daemon, mut scanner) = shop(&terminal);
    // A scanner that ends its lines is known by its first scan; from then on silence is no end.
    sells_on(&daemon, &mut scanner);
    daemon.act(TILL, "void_basket", &[]).unwrap();
    scanner
        .scan_with_fault(&gtin13(1), &ScanFault::Torn(7))
        .unwrap();
    let seen = notice(&daemon, 0);
    assert_eq!(seen["notice"], "bad_read", "{seen}");
    assert!(rows(&daemon.till(TILL).unwrap()) == 0);
    sells_on(&daemon, &mut scanner);
}

#[test]
fn a_wrong_check_digit_is_named() {
    let terminal = terminal(vec![quick()]);
    let (daemon, mut scanner) = shop(&terminal);
    let mut code = gtin13(1);
    let last = code.pop().unwrap().to_digit(10).unwrap();
    code.push(char::from_digit((last + 1) % 10, 10).unwrap());
    scanner.scan(&code).unwrap();
    let seen = notice(&daemon, 0);
    assert_eq!(seen["notice"], "bad_read");
    assert!(
        seen["reason"].as_str().unwrap().contains("check digit"),
        "{seen}"
    );
    assert!(page(&daemon).contains("Not readable: "));
    sells_on(&daemon, &mut scanner);
}

#[test]
fn cards_are_refused_and_found_nowhere() {
    let unmasked = PaymentScript {
        unmasked_pan: Some(CARD.into()),
        ..quick()
    };
    let terminal = terminal(vec![unmasked.clone(), unmasked]);
    let (mut daemon, mut scanner) = shop(&terminal);
    let stripe = format!("%B{CARD}^DOE/JANE^2912101000000000000000?");
    for (number, swiped) in [stripe.as_str(), CARD, &format!(";{CARD}=29121010000?")]
        .iter()
        .enumerate()
    {
        scanner.scan(swiped).unwrap();
        let seen = notice(&daemon, number);
        assert_eq!(seen["notice"], "refused_read", "{seen}");
    }
    assert!(page(&daemon).contains("That was a card or wallet code. It was not kept."));
    sells_on(&daemon, &mut scanner);
    daemon.act(TILL, "scan", &[("code", CARD)]).unwrap();
    daemon.act(TILL, "pay_card", &[]).unwrap();
    let sold = daemon
        .till_until(TILL, "the sale", |it| !it["last_sale"].is_null())
        .unwrap();
    assert!(sold["basket"].is_null());
    let body = sale(&daemon, "r-1", &gtin13(2), "1");
    let slip = json!([{ "kind": "card", "amount": "1.14", "reference": CARD }]);
    let mut paid = body.clone();
    paid["payments"] = slip;
    let answer = daemon.post("/api/v1/sales", &paid).unwrap();
    assert!(!answer.text().contains(CARD), "{}", answer.text());
    paid["till"] = json!(CARD);
    daemon.post("/api/v1/sales", &paid).unwrap();

    let tail = &CARD[CARD.len() - 4..];
    let sales = daemon.documents_of("sale").unwrap();
    let reference = sales[0]["tenders"][0]["reference"].as_str().unwrap();
    assert!(reference.ends_with(&format!("*{tail}")), "{reference}");
    for path in [
        "/",
        "/api/v1/status",
        "/api/v1/inbox?all=true",
        "/api/v1/documents",
        "/metrics",
    ] {
        let text = http::get(daemon.http(), path).unwrap().text();
        assert_eq!(card::pieces(text.as_bytes(), CARD), 0, "{path}: {text}");
    }
    // With the write-ahead log as it lies there, and after a stop that empties it.
    assert_eq!(card::found_in(daemon.dir(), CARD).unwrap(), []);
    daemon.stop().unwrap();
    assert_eq!(card::found_in(daemon.dir(), CARD).unwrap(), []);
    the_search_finds_what_is_there(&mut daemon);
}

/// The control: the same search finds a piece of the number that came in by another field.
fn the_search_finds_what_is_there(daemon: &mut Daemon) {
    daemon.restart().unwrap();
    let name = format!("Ware {}", &CARD[..card::DIGITS]);
    let csv = format!("gtin,name,unit_price\n{},{name},1.00\n", gtin13(50));
    daemon.import("/api/v1/items", &csv).unwrap();
    let found = card::found_in(daemon.dir(), CARD).unwrap();
    assert!(
        found.iter().any(|it| it.0.starts_with(daemon.data())),
        "{found:?}"
    );
    let packed = [0x00, 0x41, 0x11, 0x11, 0x11, 0x11, 0xff];
    assert!(card::pieces(&packed, CARD) > 0);
}

#[test]
fn two_mebibytes_without_end_are_a_notice_and_little_memory() {
    let terminal = terminal(vec![quick()]);
    let (mut daemon, mut scanner) = shop(&terminal);
    scanner
        .scan_with_fault(&gtin13(1), &ScanFault::EndlessLine)
        .unwrap();
    let seen = notice(&daemon, 0);
    assert_eq!(seen["notice"], "bad_read");
    assert!(seen["reason"].as_str().unwrap().contains("long"), "{seen}");
    assert!(seen.to_string().len() < 500, "{seen}");
    let peak = peak_kib(daemon.process().unwrap().id());
    assert!(peak < MEMORY_KIB_MAX, "{peak} KiB");
    sells_on(&daemon, &mut scanner);
}

#[allow(
    clippy::disallowed_methods,
    reason = "reads what the kernel says of the process"
)]
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|it| it.starts_with("VmHWM:"))
        .unwrap()
        .to_owned();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_unknown_code_is_sold_now_and_counts_at_its_own_time_when_bound() {
    let terminal = terminal(vec![quick()]);
    let (daemon, mut scanner) = shop(&terminal);
    let unknown = gtin13(77);
    scanner.scan(&unknown).unwrap();
    let alert = |it: &Value| it["alerts"][0]["alert"] == "unknown_code";
    daemon.till_until(TILL, "the alert", alert).unwrap();
    assert!(page(&daemon).contains(&format!("Nobody knows the code 0{unknown}.")));
    let refused = daemon.act(TILL, "pay_card", &[]).unwrap();
    assert_eq!(
        refused["message"], "Not now: a row needs a price first",
        "{refused}"
    );
    daemon.act(TILL, "price", &[("price", "2.50")]).unwrap();
    daemon.act(TILL, "pay_card", &[]).unwrap();
    daemon
        .till_until(TILL, "the sale", |it| !it["last_sale"].is_null())
        .unwrap();
    let need = |it: &Value| it["needs_you"][0]["need"] == "unknown_codes";
    daemon.status_until("the need for a binding", need).unwrap();
    assert_eq!(daemon.on_hand(&item(7)).unwrap(), 100_000);

    // Counted after the sale: the count saw the shelf without it, so binding changes nothing now.
    let count = json!({ "session": "s1", "area": "shop", "code": gtin13(7), "quantity": "99", "done": true });
    assert_eq!(daemon.post("/api/v1/counts", &count).unwrap().status, 200);
    let bind = json!({ "code": unknown, "item": item(7) });
    let bound = daemon.post("/api/v1/bind", &bind).unwrap();
    assert_eq!(bound.status, 200, "{}", bound.text());
    until_eq("no unknown code", &json!([]), || {
        Ok(daemon.get("/api/v1/unknown")?["codes"].clone())
    })
    .unwrap();
    assert_eq!(daemon.on_hand(&item(7)).unwrap(), 99_000);
    // Its next scan is the item, and a sale behind the count counts.
    scanner.scan(&unknown).unwrap();
    let view = daemon
        .till_until(TILL, "the bound code", |it| rows(it) == 1)
        .unwrap();
    assert_eq!(view["basket"]["lines"][0]["name"], "Ware 7");
    daemon.act(TILL, "pay_card", &[]).unwrap();
    until_eq("the book", &98_000, || daemon.on_hand(&item(7))).unwrap();
}

fn sale(daemon: &Daemon, receipt: &str, code: &str, quantity: &str) -> Value {
    let now = daemon.status().unwrap()["started"].as_i64().unwrap();
    json!({ "till": "pos-9", "transaction": receipt, "time": iso_time(now + 3_600_000),
        "lines": [{ "code": code, "quantity": quantity, "unit_price": "1.14" }] })
}

#[test]
fn a_report_repeated_is_taken_once_and_a_contradiction_waits_in_the_inbox() {
    let terminal = terminal(vec![]);
    let (daemon, _scanner) = shop(&terminal);
    assert_eq!(price_minor(2), 114);
    let first = daemon
        .post("/api/v1/sales", &sale(&daemon, "r-7", &gtin13(2), "2"))
        .unwrap();
    assert_eq!(first.status, 201, "{}", first.text());
    let place = first.json().unwrap()["document"].clone();
    let again = daemon
        .post("/api/v1/sales", &sale(&daemon, "r-7", &gtin13(2), "2"))
        .unwrap();
    assert_eq!(
        (again.status, &again.json().unwrap()["document"]),
        (200, &place)
    );
    assert_eq!(again.json().unwrap()["again"], true);
    let other = daemon
        .post("/api/v1/sales", &sale(&daemon, "r-7", &gtin13(2), "3"))
        .unwrap();
    assert_eq!(other.status, 409, "{}", other.text());
    let said = other.json().unwrap();
    let expected = format!(
        "the receipt was already recorded as {} with another content: it was not changed",
        place.as_str().unwrap()
    );
    assert_eq!(said["detail"], expected);
    let inbox = daemon.inbox().unwrap();
    assert_eq!(
        (inbox.len(), &inbox[0]["kind"]),
        (1, &json!("sale_conflict")),
        "{inbox:?}"
    );
    assert!(
        inbox[0]["raw"]
            .as_str()
            .unwrap()
            .contains("\"quantity\":\"3\""),
        "{inbox:?}"
    );
    assert_eq!(daemon.on_hand(&item(2)).unwrap(), 98_000);
    let status = daemon.status().unwrap();
    assert_eq!(status["verdict"]["level"], "red", "{status}");
    assert_eq!(daemon.documents_of("sale").unwrap().len(), 1);
}

#[test]
fn a_report_that_cannot_be_used_is_answered_with_what_and_where() {
    let terminal = terminal(vec![]);
    let (daemon, _scanner) = shop(&terminal);
    for (body, expected) in [
        ("{", "the body is no sale document"),
        (
            &sale(&daemon, "r-8", &gtin13(2), "x").to_string(),
            "quantity",
        ),
        (
            &sale(&daemon, "r-8", &gtin13(2), "1")
                .to_string()
                .replace("pos-9", "pos-10"),
            "no till of this PC",
        ),
    ] {
        let kind = [("content-type", "application/json")];
        let answer = http::ask(
            daemon.http(),
            "POST",
            "/api/v1/sales",
            &kind,
            body.as_bytes(),
        )
        .unwrap();
        assert!(
            (400..500).contains(&answer.status),
            "{body}: {}",
            answer.text()
        );
        let text = answer.text();
        assert!(text.contains(expected), "{body}: {text}");
    }
    assert_eq!(daemon.documents_of("sale").unwrap().len(), 0);
    assert_eq!(daemon.inbox().unwrap().len(), 3);
}
