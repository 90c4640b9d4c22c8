//! Balances that are others at the hub: named, shown, and folded again where they are wrong. The
//! fault is put into a database while its program is stopped, as a bug or a bad disk would.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use shelf_tests::browser::Browser;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::until_eq;
use shelf_tests::programs;
use shelf_tests::wares::{catalogue, item, opening};

const WARES: u32 = 4;
const PIECES: u32 = 40;

/// Lets the balances of one item be wrong by seven pieces, so that they still add up to nothing.
fn spoil(database: &Path) {
    let of = format!("item = (SELECT key FROM word WHERE text = '{}')", item(2));
    let change = format!(
        "UPDATE balance SET quantity = CASE WHEN quantity > 0 THEN quantity + 7000 \
         ELSE quantity - 7000 END WHERE {of}; SELECT changes();"
    );
    let output = Command::new(programs::installed("sqlite3").unwrap())
        .arg(database)
        .arg(change)
        .output()
        .unwrap();
    let changed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(changed.trim(), "2", "{output:?}");
}

/// `shelfd check --compare`, until the two sides could be compared.
fn compare(pc: &Daemon, json: bool) -> (i32, String, String) {
    let at = pc.http().to_string();
    let config = pc.config().display().to_string();
    let words = ["check", "--compare", "--at", &at, "--config", &config];
    let words = words.into_iter().chain(json.then_some("--json"));
    let words: Vec<&str> = words.collect();
    pc.ask(&words).unwrap()
}

fn metric(pc: &Daemon, name: &str) -> String {
    let text = shelf_tests::http::get(pc.http(), "/metrics")
        .unwrap()
        .text();
    let line = text.lines().find_map(|it| it.strip_prefix(name));
    line.unwrap_or("absent").trim().to_owned()
}

struct Shop {
    pc: Daemon,
    hub: Hub,
    _broker: Broker,
}

fn shop() -> Shop {
    let broker = Broker::start().unwrap();
    let hub = Hub::start(broker.port()).unwrap();
    hub.catalogue(&catalogue(WARES)).unwrap();
    let setup = Setup {
        pc: "Back office".into(),
        broker: Some(broker.port()),
        hub: Some(hub.http()),
        ..Setup::default()
    };
    let pc = Daemon::start(&setup).unwrap();
    let has = |it: &Value| it["sync"]["catalogue_revision"] == 1;
    pc.status_until("the hub's catalogue", has).unwrap();
    pc.import("/api/v1/opening", &opening(WARES, PIECES))
        .unwrap();
    let told = |it: &Value| it["sync"]["unsynced"] == 0 && it["sync"]["link_up"] == true;
    pc.status_until("everything acked", told).unwrap();
    Shop {
        pc,
        hub,
        _broker: broker,
    }
}

impl Shop {
    fn admitted(&self) {
        let told = |it: &Value| it["sync"]["unsynced"] == 0 && it["orders"]["grantor"] == true;
        self.pc.status_until("the hub knows it", told).unwrap();
    }
}

#[test]
fn a_wrong_balance_here_is_noticed_named_and_folded_again() {
    let mut shop = shop();
    shop.admitted();
    let (code, said, errors) = compare(&shop.pc, false);
    assert_eq!(code, 0, "{said} {errors}");
    assert!(said.contains("all balances are equal"), "{said}");

    shop.pc.stop().unwrap();
    spoil(&shop.pc.database());
    shop.pc.restart().unwrap();
    shop.admitted();
    assert_eq!(shop.pc.on_hand(&item(2)).unwrap(), 47_000, "the control");
    let (code, said, errors) = compare(&shop.pc, false);
    assert_eq!(code, 0, "{said} {errors}");
    assert!(said.contains("they were folded again"), "{said}");
    assert_eq!(shop.pc.on_hand(&item(2)).unwrap(), 40_000);
    assert_eq!(metric(&shop.pc, "shelfd_balances_differing"), "0");
    // What was done is still known after a restart.
    shop.pc.restart().unwrap();
    let compared = shop.pc.get("/api/v1/compare").unwrap();
    assert_eq!(compared["repair"]["step"], "folded_again", "{compared}");
    assert_eq!(compared["since"], Value::Null, "{compared}");
}

#[test]
fn a_wrong_balance_at_the_hub_stays_on_the_page_until_its_operator_has_mended_it() {
    let mut shop = shop();
    shop.admitted();
    shop.hub.kill9();
    spoil(&shop.hub.dir().join("data").join("ledger.db"));
    shop.hub.resume().unwrap();
    shop.pc.restart().unwrap();
    shop.admitted();
    let (code, said, errors) = compare(&shop.pc, true);
    assert_eq!(code, 1, "{said} {errors}");
    let found: Value = serde_json::from_str(&said).unwrap();
    let row = &found["differing"][0];
    assert_eq!(row["item"], Value::from(item(2)), "{found}");
    assert_eq!(
        (&row["at_pc"], &row["at_hub"]),
        (&40_000.into(), &47_000.into())
    );
    assert_eq!(found["repair"]["step"], "sound_here", "{found}");
    assert_eq!(
        shop.pc.on_hand(&item(2)).unwrap(),
        40_000,
        "nothing is taken over"
    );
    assert_eq!(metric(&shop.pc, "shelfd_balances_differing"), "1");
    until_eq("the need", &"balances", || {
        let status = shop.pc.status()?;
        Ok(match status["needs_you"][0]["need"] == "balances" {
            true => "balances",
            false => "none",
        })
    })
    .unwrap();

    let mut browser = Browser::start(shop.pc.http(), "en").unwrap();
    browser.open("/").unwrap();
    browser
        .until_text("[aria-labelledby=compare]", "what differs", |it| {
            it.contains("Ware 2: 40 here, 47 at the hub") && it.contains("the fault is at the hub")
        })
        .unwrap();
    browser
        .until_text("[aria-labelledby=needs]", "the alert", |it| {
            it.contains("The hub has other balances: 1 items, such as Ware 2")
        })
        .unwrap();
    for (width, dark, language) in [(1280, false, "de"), (390, true, "zh")] {
        browser.view(width, dark).unwrap();
        browser.open(&format!("/?lang={language}")).unwrap();
        browser
            .picture(&format!("compare-{width}-{language}"))
            .unwrap();
        assert_eq!(browser.barriers().unwrap(), Vec::<String>::new());
        assert_eq!(browser.overflow().unwrap(), 0);
    }
    browser.must_be_clean().unwrap();
}
