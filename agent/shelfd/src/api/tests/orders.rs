//! Orders, refusable operations, safety stock and its explanation over a real ledger. The orders
//! are put where the machine puts the hub's rows.

use std::sync::{Arc, Mutex};

use shelf_ledger::tables::TableError;
use shelf_replica::node::{Node, NodeConfig};
use shelf_replica::rights::Safety;
use shelf_replica::store::{Family, Store as _};
use shelf_stock::customer_order::{Order, OrderLine, OrderState};
use shelf_stock::document::{Draft, Kind, Line, PaymentState, Subject, Tender, TenderKind};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_wire::key::NodeKey;
use shelf_wire::message::write_order;

use super::*;
use crate::platform::wall_now;

#[expect(clippy::disallowed_methods, reason = "a test makes its own file")]
async fn shop() -> Bench {
    let bench = bench_of(None, |config, folder| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join("pins");
        std::fs::write(&path, "m7 4711\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        config.policy.manager_pin_file = Some(path);
    })
    .await;
    bench.stocked().await;
    bench
}

/// An order of the web shop: so many teas.
fn order(id: &str, teas: i64, paid: PaymentState) -> Order {
    Order {
        id: OrderId::new(id).unwrap(),
        channel: ChannelId::new("web").unwrap(),
        revision: 1,
        stamp: 1,
        state: OrderState::Reserved,
        cancel_wanted: false,
        owner: None,
        lines: vec![OrderLine {
            item: ItemId::new("tea").unwrap(),
            quantity: Quantity::units(teas),
            parts: vec![],
        }],
        shorted: vec![],
        accepted: wall_now(),
        promised: Some(Timestamp::from_millis(wall_now().as_millis() - 60_000)),
        pay_on_collection: false,
        tenders: vec![Tender {
            kind: TenderKind::Card,
            amount: Money::minor(700),
            reference: None,
            state: paid,
        }],
    }
}

/// The bytes of a stored order of which nothing is handed over: format, length, order, no items.
fn row(order: &Order) -> Vec<u8> {
    let written = write_order(order);
    let mut bytes = vec![1];
    bytes.extend(u16::try_from(written.len()).unwrap().to_le_bytes());
    bytes.extend(written);
    bytes.extend(0_u64.to_le_bytes());
    bytes
}

impl Bench {
    async fn put(&self, order: Order) {
        let shop = self.opened.shop.clone();
        let put = move || {
            let job = move |tx: &mut shelf_ledger::Tx<'_>| {
                let key = order.id.as_str().as_bytes().to_vec();
                tx.replica_store()
                    .set_row(Family::Order, &key, &row(&order))?;
                Ok::<_, TableError>(())
            };
            shop.writer.execute_blocking("test", job).wait().unwrap();
            shop.orders.changed();
        };
        tokio::task::spawn_blocking(put).await.unwrap();
    }

    async fn step(&self, order: &str, word: &str, body: &Value) -> Said {
        self.post(&format!("/api/v1/orders/{order}/{word}"), body)
            .await
    }

    async fn staging(&self) -> i64 {
        let stock = self.get("/api/v1/stock/tea").await.json();
        let all = stock["locations"].as_array().unwrap().clone();
        let staging = all.iter().find(|it| it["location"] == "staging");
        staging.map_or(0, |it| it["quantity"].as_i64().unwrap())
    }
}

#[tokio::test]
async fn an_order_is_picked_and_handed_over_once() {
    let bench = shop().await;
    bench.put(order("w-1", 2, PaymentState::Captured)).await;
    bench.put(order("w-2", 1, PaymentState::Unknown)).await;
    let listed = bench.get("/api/v1/orders").await.json();
    assert_eq!((&listed["open"], &listed["late"]), (&json!(2), &json!(2)));
    assert_eq!(listed["orders"][0]["may_be_picked"], true);
    assert_eq!(listed["orders"][1]["may_be_picked"], false);

    let refused = bench.step("w-2", "pick", &json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("not paid"), "{}", refused.text);

    let picked = bench.step("w-1", "pick", &json!({})).await;
    assert_eq!(picked.status, StatusCode::OK, "{}", picked.text);
    assert_eq!(picked.json()["order"]["stage"], "picked");
    assert_eq!(
        (bench.staging().await, bench.on_hand("tea").await),
        (2_000, 10_000)
    );
    let again = bench.step("w-1", "pick", &json!({})).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);

    let done = bench.step("w-1", "hand-over", &json!({})).await;
    assert_eq!(done.json()["order"]["stage"], "handed_over");
    assert_eq!(
        (bench.staging().await, bench.on_hand("tea").await),
        (0, 8_000)
    );

    // A second one needs somebody who answers for it, and is recorded as it happened.
    let second = bench.step("w-1", "hand-over", &json!({})).await;
    assert_eq!(second.status, StatusCode::FORBIDDEN);
    assert!(second.text.contains("needs-manager"), "{}", second.text);
    let wrong = bench.step("w-1", "hand-over", &json!({"pin": "1"})).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert_eq!(bench.on_hand("tea").await, 8_000);
    let second = bench
        .step("w-1", "hand-over", &json!({"pin": "4711"}))
        .await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    assert_eq!(
        second.json()["order"]["exceptions"],
        json!(["handed_over_twice"])
    );
    assert_eq!(bench.on_hand("tea").await, 6_000);
    let status = bench.get("/api/v1/status").await.json();
    assert_eq!(status["orders"]["exceptions"], 1);
    let need = &status["needs_you"][0];
    assert_eq!(
        (&need["need"], &need["order"]),
        (&json!("order"), &json!("w-1"))
    );
    let documents = bench.get("/api/v1/documents?limit=50").await.text;
    assert!(
        documents.contains("\"m7\"") && documents.contains("second_hand_over"),
        "{documents}"
    );
    assert!(!documents.contains("\"4711\""));
}

#[tokio::test]
async fn scanning_everything_picks_and_what_is_missing_is_listed() {
    let bench = shop().await;
    bench.put(order("w-1", 2, PaymentState::Captured)).await;
    let tea = json!({"code": "4006381333931"});
    let nuts = bench
        .step("w-1", "scan", &json!({"code": "Nuts"}))
        .await
        .json();
    assert!(
        nuts["message"].as_str().unwrap().contains("not part"),
        "{nuts}"
    );
    let first = bench.step("w-1", "scan", &tea).await.json();
    assert_eq!(first["message"], "Green <tea>: 1 of 2");
    assert_eq!(first["order"]["stage"], "waiting");
    let page = bench.get("/orders?order=w-1").await.text;
    assert!(page.contains("Green &lt;tea&gt;") && page.contains("/events/orders?order=w-1"));
    let last = bench.step("w-1", "scan", &tea).await.json();
    assert_eq!(last["order"]["stage"], "picked");
    assert_eq!(bench.staging().await, 2_000);
    let back = bench.step("w-1", "put-back", &json!({})).await.json();
    assert_eq!(back["order"]["stage"], "waiting");
    assert_eq!(bench.staging().await, 0);

    let too_many = bench
        .step("w-1", "short", &json!({"item": "tea", "quantity": 3}))
        .await;
    assert_eq!(too_many.status, StatusCode::UNPROCESSABLE_ENTITY);
    let short = bench
        .step("w-1", "short", &json!({"missing.tea": 1}))
        .await
        .json();
    assert_eq!(short["order"]["goods"][0]["missing"], 1_000);
    let nobody = bench.step("w-9", "pick", &json!({})).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    let unknown = bench.step("w-1", "burn", &json!({})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn goods_of_a_cancelled_order_are_put_back() {
    let bench = shop().await;
    bench.put(order("w-1", 2, PaymentState::Captured)).await;
    bench.step("w-1", "pick", &json!({})).await;
    let mut cancelled = order("w-1", 2, PaymentState::Captured);
    (cancelled.state, cancelled.revision) = (OrderState::Cancelled, 2);
    bench.put(cancelled).await;
    let listed = bench.get("/api/v1/orders").await.json();
    assert_eq!(
        listed["orders"][0]["exceptions"],
        json!(["picked_after_end"])
    );
    let page = bench.get("/orders?order=w-1&lang=de").await.text;
    assert!(page.contains("zurücklegen") && page.contains("put-back"));
    bench.step("w-1", "put-back", &json!({})).await;
    let listed = bench.get("/api/v1/orders").await.json();
    assert_eq!(listed["orders"], json!([]));
}

#[tokio::test]
async fn what_can_be_refused_asks_for_rights() {
    let bench = shop().await;
    let take = json!({"item": "tea", "quantity": 1, "to": "store:north"});
    let alone = bench.post("/api/v1/takes", &take).await;
    assert_eq!(alone.status, StatusCode::OK, "{}", alone.text);
    let node = Node::new(NodeConfig {
        key: NodeKey::from_seed([7; 32]),
        boot_nonce: 1,
        seed: 1,
        version: "test".into(),
    });
    let set = bench.opened.shop.machine.set(Arc::new(Mutex::new(node)));
    assert!(set.is_ok());
    let refused = bench.post("/api/v1/takes", &take).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("not-grantor"), "{}", refused.text);
    let mut overruled = take.clone();
    overruled["pin"] = "4711".into();
    let silent = bench.post("/api/v1/takes", &overruled).await;
    assert!(silent.text.contains("reason"), "{}", silent.text);
    overruled["reason"] = "customer waits".into();
    let said = bench.post("/api/v1/takes", &overruled).await.json();
    assert_eq!(said["overruled"], "not_grantor");
    assert_eq!(said["on_hand"], 8_000);
    let nowhere = json!({"item": "tea", "quantity": 1, "to": "moon"});
    let nowhere = bench.post("/api/v1/takes", &nowhere).await;
    assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY);
}

fn sale_at(at: Timestamp) -> Draft {
    let mut draft = Draft::new(Kind::Sale);
    draft.lines = vec![Line {
        subject: Subject::Item(ItemId::new("tea").unwrap()),
        quantity: Quantity::ONE,
        from: Location::SalesFloor,
        to: Location::Customer,
        effective: at,
        unit_price: None,
        amount: None,
        parts: vec![],
        code: None,
        reason: None,
    }];
    draft
}

#[tokio::test]
async fn safety_stock_follows_sales_and_every_number_is_explained() {
    let bench = shop().await;
    let before = bench.get("/api/v1/stock/tea/explain").await.json();
    assert_eq!(before["in_force"], Value::Null);
    let shop = bench.opened.shop.clone();
    let learn = move || {
        let now = wall_now().as_millis();
        for hour in (1..=240).rev() {
            let draft = sale_at(Timestamp::from_millis(now - hour * 1_800_000));
            let job = move |tx: &mut shelf_ledger::Tx<'_>| tx.record(&draft);
            shop.writer.execute_blocking("test", job).wait().unwrap();
        }
        // The book must say that there is some, or nothing is learned.
        let draft = Draft {
            lines: vec![Line {
                quantity: Quantity::units(500),
                from: Location::Supplier,
                to: Location::SalesFloor,
                ..sale_at(Timestamp::from_millis(now)).lines.remove(0)
            }],
            ..Draft::new(Kind::GoodsReceipt)
        };
        let job = move |tx: &mut shelf_ledger::Tx<'_>| tx.record(&draft);
        shop.writer.execute_blocking("test", job).wait().unwrap();
        crate::daemon::safety::pass(&shop).unwrap();
        let tea = ItemId::new("tea").unwrap();
        let read = |ledger: &shelf_ledger::Read<'_>| Safety::load(ledger.tables(), &tea);
        let first = shop.readers.with(read).unwrap();
        // Nothing is learned twice.
        crate::daemon::safety::pass(&shop).unwrap();
        let second = shop.readers.with(read).unwrap();
        (first, second)
    };
    let (first, second) = tokio::task::spawn_blocking(learn).await.unwrap();
    assert!(first.safety_stock > Quantity::ZERO, "{first:?}");
    assert!(first.demand_milli_per_hour > 0, "{first:?}");
    assert_eq!(first.model.get(73..), second.model.get(73..));

    let explained = bench.get("/api/v1/stock/tea/explain").await.json();
    assert_eq!(
        explained["in_force"]["safety_stock"],
        explained["explain"]["safety_stock"]
    );
    let force = explained["in_force"]["safety_stock"].as_i64().unwrap();
    assert_eq!(force, second.safety_stock.as_thousandths());
    for language in ["en", "de", "zh"] {
        let page = format!("/api/v1/stock/tea/explain?lang={language}");
        let said = bench.get(&page).await.json();
        let sentences = said["sentences"].as_array().unwrap().clone();
        assert!(sentences.len() >= 6, "{sentences:?}");
        for it in sentences.iter().map(|it| it.as_str().unwrap()) {
            assert!(!it.contains("{}") && !it.starts_with("explain."), "{it}");
        }
    }
    let page = bench.get("/stock/tea?lang=de").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Laut Buch"), "{}", page.text);
    assert_eq!(bench.get("/stock/salt").await.status, StatusCode::NOT_FOUND);
}
