//! Orders over HTTP, with a real broker and PCs that count, sell, and hand over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]

mod shop;
mod support;

use serde_json::{Value, json};
use shelf_hub::config::ChannelConfig;
use shelf_stock::customer_order::OrderState;
use shop::{Pc, Webhook, until};
use support::{Answer, TestHub};

fn put(hub: &TestHub, path: &str, body: &Value) -> Answer {
    let kind = [("content-type", "application/json")];
    hub.ask("PUT", path, &kind, body.to_string().as_bytes())
}

fn post(hub: &TestHub, path: &str, body: &Value) -> Answer {
    hub.post(path, "application/json", &body.to_string())
}

fn policy(external: bool) -> Value {
    json!({
        "safety_stock_thousandths": 1000,
        "channels": [{"channel": "web", "coefficient_per_mille": 1000, "priority": 1,
            "external": external}],
    })
}

fn order(number: &str, store: &str, lines: &[(&str, i64)]) -> Value {
    let line =
        |(item, units): &(&str, i64)| json!({"item": item, "quantity_thousandths": units * 1000});
    let lines: Vec<Value> = lines.iter().map(line).collect();
    json!({"order": number, "store": store, "lines": lines, "pay_on_collection": true})
}

fn place(hub: &TestHub, body: &Value) -> Answer {
    post(hub, "/api/v1/channels/web/orders", body)
}

fn shown(hub: &TestHub, store: &str, item: &str) -> i64 {
    let path = format!("/api/v1/channels/web/levels?store={store}&item={item}");
    let page = hub.get(&path).json();
    page["levels"][0]["shown_thousandths"].as_i64().unwrap_or(0)
}

/// Two stores with counted shelves whose levels the hub knows.
fn shops(hub: &TestHub, port: u16) -> (Pc, Pc) {
    for store in ["berlin", "hamburg"] {
        let answer = put(
            hub,
            &format!("/api/v1/stores/{store}/policy"),
            &policy(false),
        );
        assert_eq!(answer.json()["revision"], 1, "{store}");
    }
    let (berlin, hamburg) = (Pc::start(1, "berlin", port), Pc::start(2, "hamburg", port));
    berlin.count(&[("mug", 10), ("tea", 3)]);
    hamburg.count(&[("mug", 10), ("tea", 3)]);
    until("both stores' levels", || {
        ["berlin", "hamburg"]
            .iter()
            .all(|it| shown(hub, it, "mug") == 9_000 && shown(hub, it, "tea") == 2_000)
    });
    (berlin, hamburg)
}

#[test]
fn an_order_reaches_the_store_and_its_hand_over_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let broker = support::pcs::Mosquitto::start(directory.path());
    let hub = shop::hub(directory.path(), broker.port, Vec::new());
    let (berlin, _hamburg) = shops(&hub, broker.port);

    let wanted = order("W-1", "berlin", &[("mug", 2), ("tea", 1)]);
    let created = place(&hub, &wanted);
    assert_eq!(
        (created.status, &created.json()["state"]),
        (201, &json!("reserved"))
    );
    let again = place(&hub, &wanted);
    assert_eq!(
        (again.status, &again.json()["revision"]),
        (200, &json!(1)),
        "idempotent"
    );
    let elsewhere = place(&hub, &order("W-1", "hamburg", &[("mug", 2), ("tea", 1)]));
    assert_eq!(
        (elsewhere.status, &elsewhere.json()["store"]),
        (200, &json!("berlin"))
    );
    let other = place(&hub, &order("W-1", "berlin", &[("mug", 3)]));
    assert_eq!(other.json()["type"], "urn:shelf:problem:conflict");

    let held = berlin.order("W-1", OrderState::Reserved);
    berlin.hand_over(&held);
    berlin.order("W-1", OrderState::HandedOver);
    let path = "/api/v1/channels/web/orders/W-1";
    assert_eq!(hub.get(path).json()["state"], "handed_over");
    let cancel = post(&hub, &format!("{path}/cancel"), &json!({})).json();
    assert_eq!(
        cancel,
        json!({"result": "too_late", "state": "handed_over"})
    );
    hub.stop();
}

#[test]
fn a_refused_basket_names_what_is_possible_and_where() {
    let directory = tempfile::tempdir().unwrap();
    let broker = support::pcs::Mosquitto::start(directory.path());
    let hub = shop::hub(directory.path(), broker.port, Vec::new());
    let (berlin, _hamburg) = shops(&hub, broker.port);
    let bundle = json!([{"item": "gift", "name": "Gift", "unit_price": "9.00",
        "kind": {"bundle": [{"item": "mug", "quantity": 2000}, {"item": "tea", "quantity": 1000}]}}]);
    assert_eq!(post(&hub, "/api/v1/catalogue", &bundle).status, 200);

    let gift = place(&hub, &order("G-1", "berlin", &[("gift", 2)])).json();
    let parts = json!([{"item": "mug", "quantity_thousandths": 4000},
        {"item": "tea", "quantity_thousandths": 2000}]);
    assert_eq!(gift["lines"][0]["parts"], parts, "{gift}");
    let half = json!({"order": "G-2", "store": "berlin",
        "lines": [{"item": "gift", "quantity_thousandths": 500}]});
    assert_eq!(place(&hub, &half).status, 422);

    let refused = place(&hub, &order("W-2", "berlin", &[("mug", 7), ("tea", 1)]));
    let body = refused.json();
    assert_eq!(
        (refused.status, &body["type"]),
        (409, &json!("urn:shelf:problem:refused"))
    );
    let lacking = json!([
        {"item": "mug", "wanted_thousandths": 7000, "possible_thousandths": 5000},
        {"item": "tea", "wanted_thousandths": 1000, "possible_thousandths": 0}]);
    assert_eq!(
        (&body["lacking"], &body["stores"]),
        (&lacking, &json!(["hamburg"]))
    );
    let nowhere = place(&hub, &order("W-3", "any", &[("mug", 70)]));
    assert_eq!(
        (nowhere.status, &nowhere.json()["stores"]),
        (409, &json!([]))
    );
    let any = place(&hub, &order("W-2", "any", &[("mug", 7), ("tea", 1)])).json();
    assert_eq!(any["store"], "hamburg", "{any}");

    let path = "/api/v1/channels/web/orders/G-1";
    let fewer = json!({"lines": [{"item": "mug", "quantity_thousandths": 1000}]});
    assert_eq!(
        put(&hub, &format!("{path}/lines"), &fewer).json()["revision"],
        2
    );
    let paid = json!({"tenders": [{"kind": "card", "amount": 900, "state": "authorised"}]});
    let paid = put(&hub, &format!("{path}/payment"), &paid).json();
    assert_eq!(
        (&paid["payment"], &paid["may_be_picked"]),
        (&json!("authorised"), &json!(true))
    );
    until("the payment reaches the store", || {
        let held = berlin.order("G-1", OrderState::Reserved);
        held.tenders.len() == 1
    });
    hub.stop();
}

#[test]
fn contradictions_and_names_are_kept_where_they_belong() {
    let directory = tempfile::tempdir().unwrap();
    let broker = support::pcs::Mosquitto::start(directory.path());
    let hub = shop::hub(directory.path(), broker.port, Vec::new());
    let (berlin, _hamburg) = shops(&hub, broker.port);
    let base = "/api/v1/channels/web/orders";

    place(&hub, &order("W-1", "berlin", &[("mug", 2)]));
    let name = format!("{base}/W-1/pickup-name");
    assert_eq!(put(&hub, &name, &json!({"name": "Ada L."})).status, 204);
    assert_eq!(hub.get(&name).json(), json!({"name": "Ada L."}));
    let row = String::from_utf8(hub.get(&format!("{base}/W-1")).body).unwrap();
    assert!(!row.contains("Ada"), "{row}");
    assert_eq!(hub.ask("DELETE", &name, &[], b"").status, 204);
    assert_eq!(hub.get(&name).status, 404);

    // The customer has it, and the channel cancels before the hub hears of it.
    let held = berlin.order("W-1", OrderState::Reserved);
    let cancelled = post(&hub, &format!("{base}/W-1/cancel"), &json!({})).json();
    assert_eq!(cancelled["result"], "cancelled");
    berlin.hand_over(&held);
    until("the contradiction is listed", || {
        let found = hub.get("/api/v1/stores/berlin/exceptions").json();
        found["orders"][0]["what"] == "handed_over_after_end"
            && found["orders"][0]["order"] == "W-1"
    });

    let unknown = post(&hub, &format!("{base}/late/cancel"), &json!({})).json();
    assert_eq!(unknown, json!({"result": "unknown", "state": null}));
    assert_eq!(
        place(&hub, &order("late", "berlin", &[("mug", 1)])).status,
        409
    );
    let recovery = hub.get("/api/v1/stores/berlin/recovery").json();
    assert_eq!(recovery["sells"], true);
    hub.stop();
}

#[test]
fn units_that_a_store_lost_come_from_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let broker = support::pcs::Mosquitto::start(directory.path());
    let hub = shop::hub(directory.path(), broker.port, Vec::new());
    let (berlin, hamburg) = shops(&hub, broker.port);
    place(&hub, &order("W-1", "berlin", &[("mug", 5)]));
    berlin.order("W-1", OrderState::Reserved);
    berlin.sell("mug", 8);
    let leg = hamburg.order("W-1/2", OrderState::Reserved);
    assert_eq!(leg.lines[0].quantity.as_thousandths(), 3_000);
    until("the record of what happened", || {
        let found = hub.get("/api/v1/stores/berlin/compensations").json();
        found["compensations"][0]["remedy"] == "other_store"
    });
    let row = hub.get("/api/v1/channels/web/orders/W-1").json();
    assert_eq!(row["legs"], json!([{"order": "W-1/2", "store": "hamburg"}]));
    let lost = json!([{"item": "mug", "quantity_thousandths": 3000}]);
    assert_eq!(row["shorted"], lost, "{row}");
    let cancel = post(&hub, "/api/v1/channels/web/orders/W-1/cancel", &json!({})).json();
    assert_eq!(cancel["result"], "cancelled");
    hamburg.order("W-1/2", OrderState::Cancelled);
    hub.stop();
}

#[test]
fn a_channel_is_told_its_levels_even_if_it_fails_at_first() {
    let directory = tempfile::tempdir().unwrap();
    let broker = support::pcs::Mosquitto::start(directory.path());
    let webhook = Webhook::start(2);
    let mut channel = ChannelConfig::new("web".parse().unwrap(), webhook.url());
    channel.interval_ms = 1;
    channel.grace_ms = Some(1);
    let hub = shop::hub(directory.path(), broker.port, vec![channel]);
    put(&hub, "/api/v1/stores/berlin/policy", &policy(true));
    let berlin = Pc::start(1, "berlin", broker.port);
    berlin.count(&[("mug", 10)]);
    webhook.until("mug", 9_000);
    berlin.sell("mug", 4);
    webhook.until("mug", 5_000);
    let metrics = String::from_utf8(hub.get("/metrics").body).unwrap();
    let failures = "shelf_hub_channel_push_failures_total 2";
    assert!(metrics.lines().any(|it| it == failures), "{metrics}");
    hub.stop();
}
