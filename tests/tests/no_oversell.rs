//! No oversell through a cut WAN, with real processes: a hub on PostgreSQL, two stores, two PCs in
//! the first, web orders and floor sales all the while. One store is cut off; its floor sells the
//! last pieces that the web had been promised; then it is healed, and everything that somebody has
//! to know is listed and explained.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::http;
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until, within_eq};
use shelf_tests::pos::Pos;
use shelf_tests::postgres::{Disk, Postgres};
use shelf_tests::wares::{catalogue, item, opening};
use shelf_tests::wire::Wire;

const PATIENCE: Duration = Duration::from_secs(120);
const WARES: u32 = 4;
/// Of each ware in the store that is cut off.
const BERLIN: u32 = 12;
/// Of each ware in the other store.
const HAMBURG: u32 = 2;
/// The ware that is fought for, and one that nobody else touches.
const SCARCE: u32 = 1;
const PLENTY: u32 = 2;
/// Long enough for another store to be asked first, short enough to wait for.
const COMPENSATE_AFTER_MS: u32 = 2_000;
const UNIT: i64 = 1_000;

struct Pc {
    daemon: Daemon,
    pos: Pos,
}

impl Pc {
    fn start(name: &str, store: &str, port: u16, hub: &Hub) -> Self {
        let pos = Pos::at(&format!("pos-{name}"));
        let setup = Setup {
            pc: format!("PC {name}"),
            store: store.into(),
            broker: Some(port),
            hub: Some(hub.http()),
            tills: vec![pos.till()],
            ..Setup::default()
        };
        let daemon = Daemon::start(&setup).unwrap();
        let has = |it: &Value| it["sync"]["catalogue_revision"] == 1;
        daemon.status_until("the hub's catalogue", has).unwrap();
        Self { daemon, pos }
    }

    fn stock_up(&self, pieces: u32) {
        let rows = opening(WARES, pieces);
        self.daemon.import("/api/v1/opening", &rows).unwrap();
    }

    fn sell(&mut self, ware: u32) {
        self.pos.sell(&self.daemon, ware, 1).unwrap();
    }
}

struct Chain {
    hub: Hub,
    one: Pc,
    two: Pc,
    other: Pc,
    wire: Wire,
    _database: Postgres,
    _broker: Broker,
}

/// What was promised of a ware: per order what it has, accepted and not cancelled.
type Promised = BTreeMap<String, i64>;

fn waits<T>(what: &str, look: impl FnMut() -> anyhow::Result<Look<T>>) -> T {
    until(what, PATIENCE, look).unwrap()
}

impl Chain {
    fn open() -> Self {
        let broker = Broker::start().unwrap();
        let database = Postgres::start(Disk::Unsynced).unwrap();
        let more = format!(
            "[database]\nurl = \"{}\"\n[orders]\ncompensate_after_ms = {COMPENSATE_AFTER_MS}\n",
            database.database().unwrap()
        );
        let hub = Hub::start_with(broker.port(), &more).unwrap();
        hub.catalogue(&catalogue(WARES)).unwrap();
        let policy = json!({ "channels": [{ "channel": "web", "coefficient_per_mille": 1000 }] });
        for store in ["berlin", "hamburg"] {
            let path = format!("/api/v1/stores/{store}/policy");
            let answer = hub.ask("PUT", &path, &policy).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let wire = Wire::to(broker.port()).unwrap();
        let one = Pc::start("1", "berlin", wire.port(), &hub);
        one.stock_up(BERLIN);
        let two = Pc::start("2", "berlin", wire.port(), &hub);
        let other = Pc::start("3", "hamburg", broker.port(), &hub);
        other.stock_up(HAMBURG);
        Self {
            hub,
            one,
            two,
            other,
            wire,
            _database: database,
            _broker: broker,
        }
    }

    fn level(&self, store: &str, ware: u32) -> anyhow::Result<Value> {
        let item = item(ware);
        let path = format!("/api/v1/channels/web/levels?store={store}&item={item}");
        Ok(self.hub.get(&path)?["levels"][0].clone())
    }

    /// Waits until a store's web level of a ware is as wanted, and gives its row.
    fn level_until(&self, store: &str, ware: u32, wanted: impl Fn(i64) -> bool) -> Value {
        waits(&format!("a level of ware {ware} at {store}"), || {
            let row = self.level(store, ware)?;
            let shown = row["shown_thousandths"].as_i64().unwrap_or(-1);
            Ok(match wanted(shown) {
                true => Look::Done(row),
                false => Look::NotYet(row.to_string()),
            })
        })
    }

    fn order(&self, name: &str, store: &str, wares: &[(u32, i64)]) -> http::Answer {
        let lines: Vec<Value> = wares
            .iter()
            .map(|(ware, units)| json!({ "item": item(*ware), "quantity_thousandths": units * UNIT }))
            .collect();
        let paid = json!([{ "kind": "card", "amount": 100, "state": "captured" }]);
        let body = json!({ "order": name, "store": store, "lines": lines, "tenders": paid });
        self.hub.post("/api/v1/channels/web/orders", &body).unwrap()
    }

    fn order_now(&self, name: &str) -> Value {
        let path = format!("/api/v1/channels/web/orders/{name}");
        self.hub.get(&path).unwrap()
    }

    fn compensations(&self) -> anyhow::Result<Vec<Value>> {
        let found = self.hub.get("/api/v1/stores/berlin/compensations")?;
        Ok(found["compensations"]
            .as_array()
            .cloned()
            .unwrap_or_default())
    }
}

/// Web orders of the scarce ware until the hub has no more; each must be taken or refused with what
/// is possible.
fn order_all(chain: &Chain, prefix: &str) -> Promised {
    let mut promised = Promised::new();
    for number in 0.. {
        let name = format!("{prefix}-{number}");
        // Every third wants something else besides: all or nothing.
        let wares: &[(u32, i64)] = match number % 3 {
            2 => &[(SCARCE, 1), (PLENTY, 1)],
            _ => &[(SCARCE, 1)],
        };
        let answer = chain.order(&name, "berlin", wares);
        match answer.status {
            201 => promised.insert(name, 1),
            409 => {
                let said = answer.json().unwrap();
                assert_eq!(said["lacking"][0]["possible_thousandths"], 0, "{said}");
                return promised;
            }
            _ => panic!("{} {}", answer.status, answer.text()),
        };
        assert!(
            promised.len() <= BERLIN as usize,
            "more than there ever was"
        );
    }
    promised
}

fn same_everywhere(chain: &Chain, sold: &BTreeMap<u32, i64>) {
    for ware in 1..=WARES {
        let item = item(ware);
        let left = (i64::from(BERLIN) - sold.get(&ware).copied().unwrap_or(0)) * UNIT;
        let at = |who: &str| format!("{who}: ware {ware}");
        within_eq(&at("hub"), PATIENCE, &left, || chain.hub.book(&item)).unwrap();
        within_eq(&at("PC 1"), PATIENCE, &left, || {
            chain.one.daemon.on_hand(&item)
        })
        .unwrap();
        within_eq(&at("PC 2"), PATIENCE, &left, || {
            chain.two.daemon.on_hand(&item)
        })
        .unwrap();
        let other = i64::from(HAMBURG) * UNIT;
        within_eq(&at("hub, hamburg"), PATIENCE, &other, || {
            chain.hub.book_of("hamburg", &item)
        })
        .unwrap();
        within_eq(&at("PC 3"), PATIENCE, &other, || {
            chain.other.daemon.on_hand(&item)
        })
        .unwrap();
    }
}

/// A refusal names what can be had here, and who else has all of it.
fn refusals_help(chain: &Chain) {
    let answer = chain.order("too-many", "berlin", &[(PLENTY, 1_000)]);
    let said = answer.json().unwrap();
    assert_eq!(answer.status, 409, "{said}");
    let possible = said["lacking"][0]["possible_thousandths"].as_i64().unwrap();
    assert!(
        possible > 0 && possible <= i64::from(BERLIN) * UNIT,
        "{said}"
    );

    let more = i64::from(HAMBURG) + 1;
    let answer = chain.order("elsewhere", "hamburg", &[(PLENTY, more)]);
    let said = answer.json().unwrap();
    assert_eq!(
        (answer.status, &said["stores"]),
        (409, &json!(["berlin"])),
        "{said}"
    );
}

/// While the store is cut off: its floor sells every piece of the scarce ware, and hands over an
/// order that the channel cancels at the same time; the web orders until nothing is left.
fn cut_off(chain: &mut Chain) -> Promised {
    chain.wire.cut();
    let step = |word: &str| {
        let path = format!("/api/v1/orders/contested/{word}");
        let answer = chain.one.daemon.post(&path, &json!({})).unwrap();
        assert_eq!(answer.status, 200, "{word}: {}", answer.text());
    };
    step("pick");
    step("hand-over");
    let cancel = "/api/v1/channels/web/orders/contested/cancel";
    let answer = chain.hub.post(cancel, &json!({})).unwrap();
    assert_eq!(answer.json().unwrap()["result"], "cancelled");

    let (mut one, mut two) = (chain.one.pos.clone(), chain.two.pos.clone());
    let chain = &*chain;
    std::thread::scope(|scope| {
        let floor = |pc: &'_ Pc, pos: &mut Pos| {
            for _ in 0..BERLIN / 2 {
                pos.sell(&pc.daemon, SCARCE, 1).unwrap();
            }
        };
        let first = scope.spawn(move || floor(&chain.one, &mut one));
        let second = scope.spawn(move || floor(&chain.two, &mut two));
        let promised = order_all(chain, "cut");
        first.join().unwrap();
        second.join().unwrap();
        promised
    })
}

#[test]
fn a_cut_off_store_oversells_no_more_than_its_floor_took_and_every_unit_is_accounted_for() {
    let mut chain = Chain::open();
    let shown = chain.level_until("berlin", SCARCE, |it| it > 2 * UNIT);
    chain.level_until("berlin", PLENTY, |it| it > 2 * UNIT);
    chain.level_until("hamburg", PLENTY, |it| it > 0);
    refusals_help(&chain);

    // While everything is up: sales and an order that the store hears of.
    chain.one.sell(PLENTY);
    chain.two.sell(PLENTY);
    let answer = chain.order("contested", "berlin", &[(PLENTY, 1)]);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let again = chain.order("contested", "berlin", &[(PLENTY, 1)]);
    assert_eq!(again.status, 200, "{}", again.text());
    waits("the order in the store", || {
        let orders = chain.one.daemon.get("/api/v1/orders")?;
        let listed = orders["orders"].as_array().cloned().unwrap_or_default();
        Ok(match listed.iter().any(|it| it["id"] == "contested") {
            true => Look::Done(()),
            false => Look::NotYet(orders.to_string()),
        })
    });
    let granted = &shown["explain"];
    let outstanding = granted["granted_thousandths"].as_i64().unwrap()
        - granted["returned_thousandths"].as_i64().unwrap();

    let promised = cut_off(&mut chain);
    let accepted: i64 = promised.values().sum::<i64>() * UNIT;
    assert!(accepted > 0, "nothing was in dispute");
    assert!(
        accepted <= outstanding,
        "{accepted} of {outstanding} granted"
    );
    // Every piece was sold on the floor, so each one promised is sold twice; the floor had rights
    // to what was not granted away, and overdrew the rest.
    let own_rights = i64::from(BERLIN) * UNIT - outstanding;
    let overdraft = i64::from(BERLIN) * UNIT - own_rights;
    assert!(accepted <= overdraft, "{accepted} oversold of {overdraft}");

    chain.wire.heal();
    let sold = BTreeMap::from([(SCARCE, i64::from(BERLIN)), (PLENTY, 3)]);
    same_everywhere(&chain, &sold);
    accounted(&chain, &promised);
    explained(&chain, &promised);
}

/// Each oversold unit stands in exactly one record, and its order knows of it.
fn accounted(chain: &Chain, promised: &Promised) {
    let expected: BTreeMap<String, i64> = promised
        .iter()
        .map(|(order, units)| (order.clone(), units * UNIT))
        .collect();
    within_eq(
        "a record for each oversold unit",
        PATIENCE,
        &expected,
        || {
            let mut found = BTreeMap::new();
            for row in chain.compensations()? {
                let order = row["order"].as_str().unwrap_or_default().to_owned();
                let units = row["quantity_thousandths"].as_i64().unwrap_or_default();
                *found.entry(order).or_insert(0) += units;
            }
            Ok(found)
        },
    )
    .unwrap();
    for row in chain.compensations().unwrap() {
        assert_eq!(row["cause"], "floor_overdraft", "{row}");
        assert_eq!(row["item"], item(SCARCE).as_str(), "{row}");
        let remedy = row["remedy"].as_str().unwrap();
        let order = chain.order_now(row["order"].as_str().unwrap());
        assert_eq!(
            order["shorted"][0]["item"],
            item(SCARCE).as_str(),
            "{order}"
        );
        assert_eq!(order["shorted"][0]["quantity_thousandths"], UNIT, "{order}");
        match remedy {
            "cancelled" => assert_eq!(order["legs"], json!([]), "{order}"),
            "other_store" => assert_eq!(order["legs"][0]["store"], "hamburg", "{order}"),
            other => panic!("{other}: {row}"),
        }
    }
    let level = chain.level_until("berlin", SCARCE, |it| it == 0);
    let cells = &level["explain"];
    waits("no rights left with the hub", || {
        let level = chain.level("berlin", SCARCE)?;
        let cells = &level["explain"];
        let settled = cells["accepted_open_thousandths"] == 0
            && cells["granted_thousandths"] == cells["returned_thousandths"];
        Ok(match settled {
            true => Look::Done(()),
            false => Look::NotYet(level.to_string()),
        })
    });
    assert!(cells["words"].as_str().is_some_and(|it| !it.is_empty()));
}

/// What contradicts itself is said with what to do: at the hub, on the PC's API and on its page.
fn explained(chain: &Chain, promised: &Promised) {
    let exceptions = waits("the exception at the hub", || {
        let found = chain.hub.get("/api/v1/stores/berlin/exceptions")?;
        Ok(
            match found["orders"].as_array().is_some_and(|it| !it.is_empty()) {
                true => Look::Done(found["orders"].clone()),
                false => Look::NotYet(found.to_string()),
            },
        )
    });
    assert_eq!(exceptions.as_array().map(Vec::len), Some(1), "{exceptions}");
    assert_eq!(exceptions[0]["order"], "contested");
    assert_eq!(exceptions[0]["what"], "handed_over_after_end");
    assert!(
        exceptions[0]["hint"]
            .as_str()
            .unwrap()
            .contains("collect them")
    );
    assert!(exceptions[0]["owner"].is_string(), "{exceptions}");
    for pc in [&chain.one, &chain.two] {
        let view = waits("the exception in the store", || {
            let orders = pc.daemon.get("/api/v1/orders")?;
            let listed = orders["orders"].as_array().cloned().unwrap_or_default();
            let troubled = listed.into_iter().find(|it| it["exceptions"] != json!([]));
            Ok(troubled.map_or_else(|| Look::NotYet(orders.to_string()), Look::Done))
        });
        assert_eq!(view["id"], "contested", "{view}");
        assert_eq!(
            view["exceptions"],
            json!(["handed_over_after_end"]),
            "{view}"
        );
        let page = http::get(pc.daemon.http(), "/orders?order=contested&lang=en").unwrap();
        assert_eq!(page.status, 200);
        let text = page.text();
        assert!(
            text.contains("It was cancelled and the customer has the goods"),
            "{text}"
        );
        lost_in_store(pc, promised);
    }
}

/// The store sees which orders lost what, and why, on its API and its page.
fn lost_in_store(pc: &Pc, promised: &Promised) {
    let expected: Promised = promised
        .iter()
        .map(|(order, units)| (order.clone(), units * UNIT))
        .collect();
    within_eq("what orders lost", PATIENCE, &expected, || {
        let orders = pc.daemon.get("/api/v1/orders")?;
        let lost = orders["lost"].as_array().cloned().unwrap_or_default();
        let row = |it: &Value| {
            let order = it["order"].as_str().unwrap_or_default().to_owned();
            (order, it["quantity"].as_i64().unwrap_or_default())
        };
        Ok(lost.iter().map(row).collect())
    })
    .unwrap();
    let page = http::get(pc.daemon.http(), "/orders?lang=en").unwrap();
    let text = page.text();
    assert!(text.contains("sold on the floor, not found"), "{text}");
    for order in promised.keys() {
        assert!(text.contains(order.as_str()), "{order}: {text}");
    }
}
