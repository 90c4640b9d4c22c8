//! What stands at the counter, on the device page in a real browser and on the command line: how printer
//! and display are, and what a person may try there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "plays another till")]

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::json;
use shelf_sim::customer_display::CustomerDisplay;
use shelf_sim::line_server::LineServer;
use shelf_sim::receipt_printer::{self, ReceiptPrinter};
use shelf_tests::browser::Browser;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::patience::until_eq;
use shelf_tests::wares::gtin13;

const WIDTHS: [u32; 2] = [1280, 390];
const PRINTER: &str = "[data-printer=front]";
const DISPLAY: &str = "[data-display=front]";

struct Counter {
    daemon: Daemon,
    printer: LineServer<ReceiptPrinter>,
    display: LineServer<CustomerDisplay>,
    tee: SocketAddr,
}

fn counter() -> Counter {
    let printer = receipt_printer::on_tcp(0).unwrap();
    printer.device().status.paper_near_end = true;
    let display = LineServer::on_tcp(0, CustomerDisplay::default()).unwrap();
    let tee = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (at, shown) = (printer.addr().unwrap(), display.addr().unwrap());
    let more = format!(
        "[[till]]\nname = \"front\"\nprinter = \"tcp:{at}\"\nprinter_from = \"tcp:{tee}\"\n\
         display = \"tcp:{shown}\"\n"
    );
    let setup = Setup {
        pc: "PC 1".into(),
        more,
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(3, 100).unwrap();
    Counter {
        daemon,
        printer,
        display,
        tee,
    }
}

impl Counter {
    /// Tries something; status and text of the answer.
    fn errand(&self, errand: &str) -> (u16, String) {
        let body = json!({ "do": errand, "confirm": "yes" });
        let answer = self
            .daemon
            .post("/api/v1/tills/front/beside", &body)
            .unwrap();
        (answer.status, answer.text().to_string())
    }

    fn printed(&self, text: &str) -> bool {
        let device = self.printer.device();
        device
            .receipts()
            .iter()
            .flat_map(|it| &it.lines)
            .any(|it| it.contains(text))
    }
}

fn press(browser: &Browser, place: &str, word: &str) {
    let press =
        format!("document.querySelector('{place} form:has([value={word}]) button').click();");
    browser.session().run(&press, &[]).unwrap();
}

#[test]
fn a_person_sees_how_printer_and_display_are_and_tries_them() {
    let counter = counter();
    let mut browser = Browser::start(counter.daemon.http(), "en").unwrap();
    browser.open("/devices").unwrap();
    browser.mark().unwrap();
    let low = |it: &str| it.contains("paper near its end");
    browser.until_text(PRINTER, "the paper", low).unwrap();
    press(&browser, PRINTER, "print");
    until_eq("the printed line", &true, || {
        Ok(counter.printed("shelfd: test of front"))
    })
    .unwrap();
    press(&browser, DISPLAY, "show");
    until_eq("the shown text", &true, || {
        Ok(counter.display.device().shows().0.contains("shelfd front"))
    })
    .unwrap();
    browser
        .until_text(DISPLAY, "what it shows", |it| it.contains("shelfd front"))
        .unwrap();
    // The drawer asks first, and what was done is in the ledger.
    press(&browser, PRINTER, "open_drawer");
    let unconfirmed = counter
        .daemon
        .post(
            "/api/v1/tills/front/beside",
            &json!({ "do": "open_drawer" }),
        )
        .unwrap();
    assert_eq!(unconfirmed.status, 422);
    assert_eq!(counter.printer.device().drawer_opened(), 0);
    let check = format!("document.querySelector('{PRINTER} input[type=checkbox]').click();");
    browser.session().run(&check, &[]).unwrap();
    press(&browser, PRINTER, "open_drawer");
    until_eq("the drawer", &1, || {
        Ok(counter.printer.device().drawer_opened())
    })
    .unwrap();
    browser
        .until_text("#said", "the answer", |it| it.contains("recorded"))
        .unwrap();
    let evidence = counter.daemon.documents_of("evidence").unwrap();
    assert_eq!(evidence.len(), 1, "{evidence:?}");
    assert_eq!(evidence[0]["kind"]["about"], "drawer");
    assert!(browser.is_marked().unwrap(), "the page was loaded again");
    browser.must_be_clean().unwrap();
}

#[test]
fn nothing_is_tried_while_somebody_sells_or_prints() {
    let counter = counter();
    let till = &counter.daemon;
    till.act("front", "scan", &[("code", &gtin13(1))]).unwrap();
    for errand in ["show", "print", "open_drawer"] {
        let (status, text) = counter.errand(errand);
        assert_eq!(status, 409, "{errand}: {text}");
        assert!(text.contains("sale is under way"), "{errand}: {text}");
    }
    assert!(till.documents_of("evidence").unwrap().is_empty());
    till.act("front", "void_basket", &[]).unwrap();
    // A POS that holds the printer all day is in nobody's way while it is quiet.
    let mut pos = TcpStream::connect(counter.tee).unwrap();
    pos.write_all(b"Bon 1\n").unwrap();
    until_eq("the POS's line", &6, || {
        Ok(counter.printer.device().bytes().min(6))
    })
    .unwrap();
    let (status, text) = counter.errand("print");
    assert!(
        status == 409 && text.contains("till is printing"),
        "{status} {text}"
    );
    until_eq("a quiet moment", &200, || Ok(counter.errand("print").0)).unwrap();
    until_eq("the printed line", &true, || {
        Ok(counter.printed("shelfd: test of front"))
    })
    .unwrap();
    drop(pos);
    let at = counter.daemon.http().to_string();
    let ask = |words: &[&str]| {
        let words: Vec<&str> = ["devices", "test", "front"]
            .iter()
            .chain(words)
            .copied()
            .chain(["--at", &at])
            .collect();
        counter.daemon.ask(&words).unwrap()
    };
    let (code, out, errors) = ask(&["show", "--json"]);
    assert_eq!(code, 0, "{errors}");
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["display"]["connected"], true);
    let (code, _, errors) = ask(&["open-drawer"]);
    assert!(code == 1 && errors.contains("recorded"), "{code} {errors}");
}

#[test]
fn the_counter_has_no_barrier_in_any_language_light_or_dark() {
    let counter = counter();
    let mut barriers = Vec::new();
    for (language, word) in [
        ("en", "paper near its end"),
        ("de", "Papier geht zu Ende"),
        ("zh", "纸将用尽"),
    ] {
        let mut browser = Browser::start(counter.daemon.http(), language).unwrap();
        for (width, dark) in WIDTHS.into_iter().flat_map(|it| [(it, false), (it, true)]) {
            browser.view(width, dark).unwrap();
            browser.open("/devices").unwrap();
            browser
                .until_text(PRINTER, language, |it| it.contains(word))
                .unwrap();
            let about = format!(
                "counter-{language}-{width}-{}",
                if dark { "dark" } else { "light" }
            );
            barriers.extend(browser.looked_at(&about).unwrap());
        }
        browser.must_be_clean().unwrap();
    }
    assert!(barriers.is_empty(), "{}", barriers.join("\n"));
}
