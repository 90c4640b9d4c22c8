//! The pages in a real browser: live without reloading, safe against a scanner's Enter, in the
//! reader's language, without errors, without another host, without barriers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use serde_json::Value;
use shelf_sim::scanner_pty::PtyScanner;
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::browser::Browser;
use shelf_tests::daemon::{Daemon, Setup, TillSetup, rows};
use shelf_tests::patience::until_eq;
use shelf_tests::wares::{gtin13, item};
use shelf_tests::webdriver::Key;

const TILL: &str = "till-1";
/// Windows in which every page is looked at, in CSS pixels.
const WIDTHS: [u32; 2] = [1280, 390];

struct Shop {
    daemon: Daemon,
    scanner: PtyScanner,
    counter: PtyScanner,
    _terminal: TerminalHandle,
}

/// A device that is configured and not plugged in: it needs somebody.
const GONE: &str = "[[device]]\nname = \"gone\"\nkind = \"hid_scanner\"\nselect = \"serial:NOBODY\"\n\
    role = \"receiving\"\n";

fn shop() -> Shop {
    shop_with("")
}

/// With more in its configuration.
fn shop_with(more: &str) -> Shop {
    let quick = PaymentScript {
        thinks_ms: 0,
        ..PaymentScript::default()
    };
    let terminal = TerminalHandle::start(0, TerminalConfig::default(), vec![quick; 99]).unwrap();
    let setup = Setup {
        pc: "Till 1, front".into(),
        tills: vec![TillSetup::basket(TILL, Some(terminal.addr()))],
        scanners: vec![
            ("till-scanner".into(), format!("till:{TILL}")),
            ("count-scanner".into(), "counting".into()),
        ],
        more: more.into(),
        ..Setup::default()
    };
    let mut daemon = Daemon::prepare(&setup).unwrap();
    let scanner = daemon.plug("till-scanner").unwrap();
    let counter = daemon.plug("count-scanner").unwrap();
    daemon.restart().unwrap();
    daemon.stock_up(9, 100).unwrap();
    let ready = |it: &Value| {
        it["devices"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["state"] == "ready" || it["name"] == "gone")
            && it["ledger"]["checked"] == true
    };
    daemon.status_until("scanners are ready", ready).unwrap();
    Shop {
        daemon,
        scanner,
        counter,
        _terminal: terminal,
    }
}

#[test]
fn the_status_page_shows_a_verdict_and_a_scan_without_reloading() {
    let mut shop = shop();
    let mut browser = Browser::start(shop.daemon.http(), "en").unwrap();
    browser.open("/").unwrap();
    let verdict = browser.until_text(".verdict", "a verdict", |it| it.contains("works alone"));
    assert!(verdict.unwrap().contains("Attention"));
    browser.mark().unwrap();
    shop.scanner.scan(&gtin13(4)).unwrap();
    browser
        .until_text("article.till", "the last scan", |it| it.contains("Ware 4"))
        .unwrap();
    assert!(browser.is_marked().unwrap(), "the page was loaded again");
    browser.session().type_into("#q", "Ware 7").unwrap();
    browser.session().press(Key::Enter).unwrap();
    browser
        .until_text("[aria-labelledby=stock] tbody", "the stock search", |it| {
            it.contains("Ware 7")
        })
        .unwrap();
    browser
        .until_text("[aria-labelledby=stock] tbody", "its stock", |it| {
            it.contains("100")
        })
        .unwrap();
    browser.must_be_clean().unwrap();
}

#[test]
fn a_cashier_scans_meets_an_unknown_code_takes_back_and_is_paid() {
    let mut shop = shop();
    let mut browser = Browser::start(shop.daemon.http(), "en").unwrap();
    browser.open(&format!("/till/{TILL}")).unwrap();
    browser.mark().unwrap();
    shop.scanner.scan(&gtin13(1)).unwrap();
    browser
        .until_text(".last .name", "the scan", |it| it.contains("Ware 1"))
        .unwrap();
    shop.scanner.scan(&gtin13(2)).unwrap();
    browser
        .until_text(".last .name", "the second scan", |it| it.contains("Ware 2"))
        .unwrap();
    browser.session().press(Key::F8).unwrap();
    let counted = |it: &Value| {
        it["basket"]["lines"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["voided"] == false)
            .count()
            == 1
    };
    shop.daemon.till_until(TILL, "one row", counted).unwrap();

    shop.scanner.scan(&gtin13(77)).unwrap();
    browser
        .until_text(".alert", "the alert", |it| {
            it.contains("Nobody knows the code")
        })
        .unwrap();
    browser.session().press(Key::Enter).unwrap();
    // A wedge's Enter on the button itself must not press it either.
    browser
        .session()
        .run("document.querySelector('.dismiss').focus();", &[])
        .unwrap();
    browser.session().press(Key::Enter).unwrap();
    shop.scanner.scan(&gtin13(3)).unwrap();
    browser
        .until_text(".last .name", "the next scan", |it| it.contains("Ware 3"))
        .unwrap();
    let alert = browser.session().text(".alert").unwrap();
    assert!(
        alert.is_some_and(|it| it.contains("Nobody knows")),
        "Enter or a scan closed it"
    );
    browser.picture("till-alert").unwrap();
    browser.session().press(Key::Escape).unwrap();
    browser.until_gone(".alert").unwrap();

    let view = shop.daemon.till(TILL).unwrap();
    let unknown = view["basket"]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["subject"]["unbound"].is_string());
    let line = unknown.unwrap()["no"].to_string();
    shop.daemon
        .act(TILL, "price", &[("line", &line), ("price", "2.50")])
        .unwrap();
    browser
        .until_text(".due", "the total", |it| it.contains("4.78"))
        .unwrap();
    browser.session().press(Key::F4).unwrap();
    let sold = |it: &Value| !it["last_sale"].is_null();
    shop.daemon.till_until(TILL, "the sale", sold).unwrap();
    browser
        .until_text(".last", "the sale", |it| it.contains("Recorded: 4.78"))
        .unwrap();
    assert_eq!(shop.daemon.documents_of("sale").unwrap().len(), 1);
    assert!(browser.is_marked().unwrap(), "the page was loaded again");
    browser.must_be_clean().unwrap();
}

#[test]
fn a_count_is_scanned_entered_and_saved() {
    let mut shop = shop();
    let mut browser = Browser::start(shop.daemon.http(), "en").unwrap();
    browser.open("/count").unwrap();
    browser
        .until_text("#live", "the page", |it| it.contains("Nothing"))
        .unwrap();
    shop.counter.scan(&gtin13(5)).unwrap();
    browser
        .until_text(".last .name", "the scan", |it| it.contains("Ware 5"))
        .unwrap();
    browser.session().type_into("#counted", "97").unwrap();
    browser.session().press(Key::Enter).unwrap();
    browser
        .until_text("#live tbody", "the counted row", |it| it.contains("97"))
        .unwrap();
    until_eq("the book", &97_000, || shop.daemon.on_hand(&item(5))).unwrap();
    browser.must_be_clean().unwrap();
}

#[test]
fn the_devices_page_shows_scans_states_and_what_to_do_without_reloading() {
    let mut shop = shop_with(GONE);
    let mut browser = Browser::start(shop.daemon.http(), "en").unwrap();
    browser.open("/devices").unwrap();
    browser.mark().unwrap();
    let gone = "[data-device=gone]";
    browser
        .until_text(gone, "what to do", |it| it.contains("Check its cable"))
        .unwrap();
    let front = "[data-device=till-scanner]";
    shop.scanner.scan(&gtin13(4)).unwrap();
    browser
        .until_text(front, "the scan", |it| it.contains(&gtin13(4)))
        .unwrap();
    // A beep is asked for by keyboard, and nothing is sold by it.
    let focus = format!("document.querySelector('{front} button').focus();");
    browser.session().run(&focus, &[]).unwrap();
    browser.session().press(Key::Enter).unwrap();
    browser
        .until_text("#said", "the answer", |it| it.contains("told to beep"))
        .unwrap();
    drop(shop.scanner);
    browser
        .until_text(front, "that it is gone", |it| {
            it.contains("Check its cable")
        })
        .unwrap();
    assert!(browser.is_marked().unwrap(), "the page was loaded again");
    assert_eq!(shop.daemon.documents_of("sale").unwrap().len(), 0);
    browser.must_be_clean().unwrap();
}

#[test]
fn pages_speak_the_readers_language() {
    let shop = shop();
    for (languages, word, tag) in [
        ("de-DE,de,en", "arbeitet allein", "de"),
        ("zh-CN,zh,en", "本机独立工作", "zh"),
        ("fr,it", "works alone", "en"),
    ] {
        let mut browser = Browser::start(shop.daemon.http(), languages).unwrap();
        browser.open("/").unwrap();
        browser
            .until_text(".verdict", languages, |it| it.contains(word))
            .unwrap();
        let lang = browser
            .session()
            .run("return document.documentElement.lang;", &[])
            .unwrap();
        assert!(lang.as_str().unwrap().starts_with(tag), "{lang}");
        browser.must_be_clean().unwrap();
    }
}

#[test]
fn no_page_has_a_barrier_or_a_row_that_sticks_out_in_light_and_dark() {
    let mut shop = shop_with(GONE);
    shop.scanner.scan(&gtin13(1)).unwrap();
    shop.scanner.scan(&gtin13(78)).unwrap();
    shop.daemon
        .till_until(TILL, "two rows", |it| rows(it) == 2)
        .unwrap();
    let mut browser = Browser::start(shop.daemon.http(), "en").unwrap();
    let mut barriers = Vec::new();
    for (name, path) in [
        ("status", "/?q=Ware"),
        ("till", "/till/till-1"),
        ("count", "/count"),
        ("devices", "/devices"),
    ] {
        for (width, dark) in WIDTHS.into_iter().flat_map(|it| [(it, false), (it, true)]) {
            browser.view(width, dark).unwrap();
            browser.open(path).unwrap();
            // What is folded away must have no barrier either.
            let unfold =
                "document.querySelectorAll('details').forEach((it) => { it.open = true; });";
            browser.session().run(unfold, &[]).unwrap();
            let about = format!("{name}-{width}-{}", if dark { "dark" } else { "light" });
            barriers.extend(browser.looked_at(&about).unwrap());
        }
    }
    assert!(barriers.is_empty(), "{}", barriers.join("\n"));
    browser.must_be_clean().unwrap();
}
