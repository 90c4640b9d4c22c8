//! The picker's page and an item's explanation in a real browser, with orders of every kind there
//! are: no barriers, nothing that sticks out, in every language, wide and narrow, light and dark.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::time::Duration;

use serde_json::{Value, json};
use shelf_tests::browser::Browser;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until};
use shelf_tests::wares::{catalogue, item, opening};

const PATIENCE: Duration = Duration::from_secs(60);
const WARES: u32 = 6;
const UNIT: i64 = 1_000;
/// Long before any test runs, and long after.
const YESTERDAY_MS: i64 = 1_704_067_200_000;
const SOMEDAY_MS: i64 = 4_102_444_800_000;
/// Every language, each in one of the views at least once; English in all.
const VIEWS: [(u32, bool, &[&str]); 4] = [
    (1280, false, &["en", "de"]),
    (1280, true, &["en", "zh"]),
    (390, false, &["en", "zh"]),
    (390, true, &["en", "de"]),
];

struct Shop {
    daemon: Daemon,
    hub: Hub,
    _broker: Broker,
}

fn shop() -> Shop {
    let broker = Broker::start().unwrap();
    let hub = Hub::start(broker.port()).unwrap();
    hub.catalogue(&catalogue(WARES)).unwrap();
    let channel = |name: &str| json!({ "channel": name, "coefficient_per_mille": 500 });
    let policy = json!({ "channels": [channel("web"), channel("bazaar")] });
    let policy = hub.ask("PUT", "/api/v1/stores/berlin/policy", &policy);
    assert_eq!(policy.unwrap().status, 200);
    let setup = Setup {
        pc: "Back office".into(),
        broker: Some(broker.port()),
        hub: Some(hub.http()),
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    let has = |it: &Value| it["sync"]["catalogue_revision"] == 1;
    daemon.status_until("the hub's catalogue", has).unwrap();
    let rows = opening(WARES, 40);
    daemon.import("/api/v1/opening", &rows).unwrap();
    until("levels", PATIENCE, || {
        let path = "/api/v1/channels/web/levels?store=berlin&limit=10";
        let levels = hub.get(path)?;
        let rows = levels["levels"].as_array().cloned().unwrap_or_default();
        let shown = |it: &Value| it["shown_thousandths"].as_i64() > Some(5 * UNIT);
        let all = rows.len() == usize::try_from(WARES)? && rows.iter().all(shown);
        Ok(match all {
            true => Look::Done(()),
            false => Look::NotYet(levels.to_string()),
        })
    })
    .unwrap();
    Shop {
        daemon,
        hub,
        _broker: broker,
    }
}

impl Shop {
    fn order(&self, name: &str, wares: &[u32], promised: i64, paid: Option<&str>) {
        let lines: Vec<Value> = wares
            .iter()
            .map(|ware| json!({ "item": item(*ware), "quantity_thousandths": 2 * UNIT }))
            .collect();
        let tender = |state| json!([{ "kind": "card", "amount": 100, "state": state }]);
        let body = json!({
            "order": name, "store": "berlin", "lines": lines, "promised_wall": promised,
            "tenders": paid.map_or(json!([]), tender),
        });
        let placed = self.hub.post("/api/v1/channels/web/orders", &body).unwrap();
        assert_eq!(placed.status, 201, "{}", placed.text());
        self.known_until(name, |it| it["id"] == name);
    }

    fn known_until(&self, name: &str, wanted: impl Fn(&Value) -> bool) {
        until(name, PATIENCE, || {
            let all = self.daemon.get("/api/v1/orders")?;
            let found = all["orders"].as_array().into_iter().flatten();
            let known = found.filter(|it| wanted(it)).count() == 1;
            let lost = all["lost"].as_array().into_iter().flatten();
            Ok(match known || lost.filter(|it| wanted(it)).count() > 0 {
                true => Look::Done(()),
                false => Look::NotYet(all.to_string()),
            })
        })
        .unwrap();
    }

    fn step(&self, order: &str, word: &str, body: &Value) {
        let path = format!("/api/v1/orders/{order}/{word}");
        let done = self.daemon.post(&path, body).unwrap();
        assert_eq!(done.status, 200, "{}", done.text());
    }

    /// One order of each kind.
    fn orders(&self) {
        self.order("W-1", &[1, 2, 3], SOMEDAY_MS, Some("captured"));
        self.order("W-late", &[2], YESTERDAY_MS, Some("captured"));
        self.order("W-unpaid", &[3], SOMEDAY_MS, None);
        self.order("W-picked", &[4], SOMEDAY_MS, Some("captured"));
        self.step("W-picked", "pick", &json!({}));
        let long = "W-20261122-0000000000000000000000017";
        self.order(long, &[1, 2, 3, 4, 5, 6], SOMEDAY_MS, Some("authorised"));
        self.order("W-ended", &[5], SOMEDAY_MS, Some("captured"));
        self.step("W-ended", "pick", &json!({}));
        let cancelled = "/api/v1/channels/web/orders/W-ended/cancel";
        self.hub.post(cancelled, &json!({})).unwrap();
        let contradicts = |it: &Value| it["exceptions"].as_array().is_some_and(|it| it.len() == 1);
        self.known_until("a contradiction", contradicts);
        self.order("W-short", &[6], SOMEDAY_MS, Some("captured"));
        let missing = json!({ "item": item(6), "quantity": "1" });
        self.step("W-short", "short", &missing);
        self.known_until("what was lost", |it| {
            it["order"] == "W-short" && it["cause"] == "not_found"
        });
    }
}

#[test]
fn pages_of_orders_and_explanations_have_no_barrier_and_say_what_was_lost() {
    let shop = shop();
    shop.orders();
    let mut browser = Browser::start(shop.daemon.http(), "en").unwrap();
    browser.open("/orders").unwrap();
    browser
        .until_text("[aria-labelledby=lost]", "the lost unit's cause", |it| {
            it.contains("W-short") && it.contains("a picker did not find it")
        })
        .unwrap();
    let explained = format!("/stock/{}", item(1));
    browser.open(&explained).unwrap();
    browser
        .until_text("[aria-labelledby=why] tbody", "channels first", |it| {
            it.contains("web\t50 %")
        })
        .unwrap();
    let pages = [
        ("status-orders", "/"),
        ("orders", "/orders"),
        ("orders-one", "/orders?order=W-1"),
        ("orders-ended", "/orders?order=W-ended"),
        ("orders-picked", "/orders?order=W-picked"),
        ("explain", &explained),
    ];
    let mut barriers = Vec::new();
    for (width, dark, languages) in VIEWS {
        browser.view(width, dark).unwrap();
        for ((name, path), language) in pages
            .iter()
            .flat_map(|it| languages.iter().map(move |language| (it, language)))
        {
            let joint = if path.contains('?') { '&' } else { '?' };
            browser
                .open(&format!("{path}{joint}lang={language}"))
                .unwrap();
            let shade = if dark { "dark" } else { "light" };
            let about = format!("{name}-{width}-{shade}-{language}");
            barriers.extend(browser.looked_at(&about).unwrap());
        }
    }
    assert!(barriers.is_empty(), "{}", barriers.join("\n"));
    browser.must_be_clean().unwrap();
}
