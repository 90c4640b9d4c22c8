//! A hub whose backup is put back, with real processes: it has forgotten an order, a sale and what it
//! was granted since. Until the store's PC and the channel have said again what was promised, nothing
//! is sold online; afterwards every promise counts, and no unit is promised twice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::time::Duration;

use serde_json::{Value, json};
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::http::Answer;
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until, within_eq};
use shelf_tests::pos::Pos;
use shelf_tests::wares::{catalogue, item};
use shelf_tests::wire::Wire;

const PATIENCE: Duration = Duration::from_secs(120);
const WARES: u32 = 2;
const PIECES: u32 = 10;
const WARE: u32 = 1;
const UNIT: i64 = 1_000;

struct World {
    hub: Hub,
    pc: Daemon,
    pos: Pos,
    wire: Wire,
    _broker: Broker,
}

impl World {
    fn open() -> Self {
        let broker = Broker::start().unwrap();
        let hub = Hub::start(broker.port()).unwrap();
        hub.catalogue(&catalogue(WARES)).unwrap();
        let policy = json!({ "channels": [{ "channel": "web", "coefficient_per_mille": 1000 }] });
        let answer = hub.ask("PUT", "/api/v1/stores/berlin/policy", &policy);
        assert_eq!(answer.unwrap().status, 200);
        let wire = Wire::to(broker.port()).unwrap();
        let pos = Pos::at("pos");
        let pc = Daemon::start(&Setup {
            broker: Some(wire.port()),
            hub: Some(hub.http()),
            tills: vec![pos.till()],
            ..Setup::default()
        });
        let pc = pc.unwrap();
        let has = |it: &Value| it["sync"]["catalogue_revision"] == 1;
        pc.status_until("the catalogue", has).unwrap();
        pc.stock_up(WARES, PIECES).unwrap();
        Self {
            hub,
            pc,
            pos,
            wire,
            _broker: broker,
        }
    }

    fn order(&self, name: &str, pieces: i64) -> Answer {
        let body = json!({
            "order": name, "store": "berlin",
            "lines": [{ "item": item(WARE), "quantity_thousandths": pieces * UNIT }],
            "tenders": [{ "kind": "card", "amount": 100, "state": "captured" }],
        });
        self.hub.post("/api/v1/channels/web/orders", &body).unwrap()
    }

    /// Waits until the web shop is shown something of the ware.
    fn shown(&self) {
        let path = format!(
            "/api/v1/channels/web/levels?store=berlin&item={}",
            item(WARE)
        );
        waits("a level", || {
            let page = self.hub.get(&path)?;
            let shown = page["levels"][0]["shown_thousandths"].as_i64();
            Ok(match shown > Some(2 * UNIT) {
                true => Look::Done(()),
                false => Look::NotYet(page.to_string()),
            })
        });
    }

    /// Waits until the PC lists an order.
    fn listed(&self, name: &str) {
        waits("the order in the store", || {
            let orders = self.pc.get("/api/v1/orders")?;
            let rows = orders["orders"].as_array().into_iter().flatten();
            Ok(match rows.into_iter().any(|it| it["id"] == name) {
                true => Look::Done(()),
                false => Look::NotYet(orders.to_string()),
            })
        });
    }

    fn same_book(&self, pieces: i64) {
        let ware = item(WARE);
        let left = pieces * UNIT;
        within_eq("the hub's book", PATIENCE, &left, || self.hub.book(&ware)).unwrap();
        within_eq("the PC's book", PATIENCE, &left, || self.pc.on_hand(&ware)).unwrap();
    }

    /// What the hub still has to learn, by its command: the exit code and the answer.
    fn recovery(&self) -> (i32, Value) {
        self.hub.asked("recovery", "berlin").unwrap()
    }

    /// Waits until the hub knows so much again.
    fn recovered(&self, what: &str, is_so: impl Fn(&Value) -> bool) {
        waits(what, || {
            let (code, missing) = self.recovery();
            assert_eq!(code == 0, missing["sells"] == true, "{missing}");
            Ok(match is_so(&missing) {
                true => Look::Done(()),
                false => Look::NotYet(missing.to_string()),
            })
        });
    }

    /// An order that nobody was promised is refused, because the hub does not know enough.
    fn sells_nothing(&self) {
        let (_, missing) = self.recovery();
        assert_eq!(missing["sells"], false, "{missing}");
        let answer = self.order("greedy", 1);
        let said = answer.text();
        assert!(
            matches!(answer.status, 409 | 503),
            "{} {said}",
            answer.status
        );
    }
}

fn waits<T>(what: &str, look: impl FnMut() -> anyhow::Result<Look<T>>) -> T {
    until(what, PATIENCE, look).unwrap()
}

#[test]
fn a_hub_from_a_backup_sells_nothing_until_store_and_channel_have_told_again_what_was_promised() {
    let mut world = World::open();
    world.shown();
    assert_eq!(world.order("before", 1).status, 201);
    world.listed("before");
    let backup = world.hub.backup().unwrap();
    world.hub.resume().unwrap();

    // What the backup does not know.
    world.shown();
    assert_eq!(world.order("since", 2).status, 201);
    world.listed("since");
    world.pos.sell(&world.pc, WARE, 1).unwrap();
    world.same_book(i64::from(PIECES) - 1);

    world.wire.cut();
    world.hub.put_back(backup.path()).unwrap();
    world.hub.resume_as(&["--restored"]).unwrap();
    let (_, missing) = world.recovery();
    assert_eq!(missing["rights_missing"], true, "{missing}");
    assert_eq!(missing["channels_missing"], json!(["web"]), "{missing}");
    world.sells_nothing();

    // The store tells; the channel has not yet.
    world.wire.heal();
    world.recovered("the store's word", |missing| {
        missing["rights_missing"] == false && missing["orders_missing"] == false
    });
    world.sells_nothing();

    // The channel places again what it sold since, which is taken although nothing is sold.
    let again = world.order("since", 2);
    assert!(
        matches!(again.status, 200 | 201),
        "{} {}",
        again.status,
        again.text()
    );
    let all = json!({ "stores": [] });
    let answer = world.hub.post("/api/v1/channels/web/reconciled", &all);
    assert_eq!(answer.unwrap().status, 204);
    world.recovered("selling again", |missing| missing["sells"] == true);
    every_promise_counts(&world);
}

/// Orders until nothing is left: with what was promised before they are no more than there is.
fn every_promise_counts(world: &World) {
    world.same_book(i64::from(PIECES) - 1);
    world.shown();
    let free = i64::from(PIECES) - 1 - 3;
    let mut taken = 0;
    while world.order(&format!("new-{taken}"), 1).status == 201 {
        taken += 1;
        assert!(
            taken <= free,
            "{taken} sold of {free} that nobody was promised"
        );
    }
    assert!(taken > 0, "nothing is sold although everything was told");
    let orders = world
        .hub
        .get("/api/v1/stores/berlin/orders?limit=1000")
        .unwrap();
    let rows = orders["orders"].as_array().cloned().unwrap_or_default();
    for name in ["before", "since"] {
        let found = rows.iter().filter(|it| it["order"] == name);
        let states: Vec<&Value> = found.map(|it| &it["state"]).collect();
        assert_eq!(states, ["reserved"], "{name}: {orders}");
    }
}
