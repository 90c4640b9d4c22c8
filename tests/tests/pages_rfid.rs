//! RFID in a real browser: the zones with their readers, and a count from its beginning to the book, with a
//! thing that nobody finds, a kill in the middle, and no button that counts what is in doubt.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use serde_json::{Value, json};
use shelf_sim::rfid::sgtin;
use shelf_tests::browser::Browser;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::patience::until_eq;
use shelf_tests::simulated::Simulated;
use shelf_tests::wares::{gtin13, item};

const ZONE: &str = "[data-zone=floor]";
const COUNT: &str = "[data-count]";

struct Room {
    daemon: Daemon,
    reader: Simulated,
    _dir: tempfile::TempDir,
}

/// Three pieces of one ware and two of another, before a reader; ten of each are in the book.
fn room() -> Room {
    let dir = tempfile::tempdir().unwrap();
    let words = ["llrp", "--port", "0", "--rate", "100"];
    let (mut reader, address) =
        Simulated::listening(&words, &dir.path().join("reader.log")).unwrap();
    // Nothing leaves in this test: what is taken away is missed by the count first.
    let more = format!(
        "[rfid]\nepoch_ms = 200\ndepart_s_min = 3600\n[[zone]]\nname = \"floor\"\n\
         [[device]]\nname = \"reader\"\nkind = \"llrp_reader\"\nselect = \"tcp:{address}\"\n\
         role = \"zone:floor\"\n"
    );
    let setup = Setup {
        pc: "PC 1".into(),
        more,
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(2, 10).unwrap();
    for (ware, serial) in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)] {
        reader
            .order(&format!("lay {}:{serial} 1", gtin13(ware)))
            .unwrap();
    }
    until_eq("things in the zone", &Some(5), || {
        Ok(daemon.get("/api/v1/rfid/zones")?["zones"][0]["present"].as_u64())
    })
    .unwrap();
    Room {
        daemon,
        reader,
        _dir: dir,
    }
}

fn press(browser: &Browser, place: &str, word: &str) {
    let press =
        format!("document.querySelector('{place} form:has([value={word}]) button').click();");
    browser.session().run(&press, &[]).unwrap();
}

/// The only open count.
fn count(daemon: &Daemon) -> anyhow::Result<Value> {
    Ok(daemon.get("/api/v1/rfid/counts")?["counts"][0].clone())
}

#[test]
fn a_zone_is_counted_on_the_page_and_what_is_in_doubt_is_not() {
    let Room {
        mut daemon,
        mut reader,
        _dir,
    } = room();
    let mut browser = Browser::start(daemon.http(), "en").unwrap();
    browser.open("/rfid").unwrap();
    browser
        .until_text(ZONE, "the zone", |it| {
            it.contains("Ware 1") && it.contains("reads")
        })
        .unwrap();
    browser.mark().unwrap();
    // One piece is gone and nobody knows yet.
    let gone = sgtin(&gtin13(1), 3).unwrap().to_string();
    reader.order(&format!("take {}:3", gtin13(1))).unwrap();
    press(&browser, ZONE, "begin");
    let four = |it: &str| it.contains("4 things read, 5 expected");
    browser.until_text(COUNT, "what was read", four).unwrap();
    press(&browser, COUNT, "pass");
    browser
        .until_text(COUNT, "the missing", |it| it.contains(&gone))
        .unwrap();

    // What one walk missed is in doubt: its article is not counted, the other one is.
    press(&browser, COUNT, "post");
    browser
        .until_text("#said", "what was counted", |it| {
            it.contains("In doubt and not counted: 1")
        })
        .unwrap();
    until_eq("the other ware", &2_000, || daemon.on_hand(&item(2))).unwrap();
    assert_eq!(daemon.on_hand(&item(1)).unwrap(), 10_000);
    assert!(browser.is_marked().unwrap(), "the page was loaded again");
    browser.must_be_clean().unwrap();

    // The count outlives a kill; then somebody looks, and says that it is not there.
    let before = count(&daemon).unwrap();
    daemon.kill9();
    daemon.restart().unwrap();
    assert_eq!(count(&daemon).unwrap(), before);
    let browser = Browser::start(daemon.http(), "en").unwrap();
    browser.open("/rfid").unwrap();
    browser
        .until_text(COUNT, "the missing", |it| it.contains(&gone))
        .unwrap();
    press(&browser, COUNT, "missing");
    browser
        .until_text(COUNT, "that it is not there", |it| {
            it.contains("is not there")
        })
        .unwrap();
    press(&browser, COUNT, "post");
    browser.until_gone(COUNT).unwrap();
    until_eq("the book", &2_000, || daemon.on_hand(&item(1))).unwrap();
    assert_eq!(count(&daemon).unwrap(), Value::Null);
}

#[test]
fn the_page_has_no_barrier_in_any_language_light_or_dark() {
    let mut room = room();
    room.reader.order(&format!("take {}:3", gtin13(1))).unwrap();
    let path = "/api/v1/rfid/counts/2026-11-22-0900-floor";
    let begin = json!({ "do": "begin", "zone": "floor" });
    assert_eq!(room.daemon.post(path, &begin).unwrap().status, 200);
    until_eq("what was read", &Some(4), || {
        Ok(count(&room.daemon)?["read"].as_u64())
    })
    .unwrap();
    let walked = room.daemon.post(path, &json!({ "do": "pass" })).unwrap();
    assert_eq!(walked.status, 200, "{}", walked.text());
    let mut barriers = Vec::new();
    for (language, word) in [("en", "Expected"), ("de", "Erwartet"), ("zh", "应有")] {
        let mut browser = Browser::start(room.daemon.http(), language).unwrap();
        for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
            browser.view(width, dark).unwrap();
            browser.open("/rfid").unwrap();
            browser
                .until_text(COUNT, language, |it| it.contains(word))
                .unwrap();
            let shade = if dark { "dark" } else { "light" };
            let about = format!("rfid-{language}-{width}-{shade}");
            barriers.extend(browser.looked_at(&about).unwrap());
        }
        browser.must_be_clean().unwrap();
    }
    assert!(barriers.is_empty(), "{}", barriers.join("\n"));
}
