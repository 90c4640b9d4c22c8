//! Two PCs of one store with nothing but a broker in the store: each shows the other's sales. Then
//! one of them gets a hub, and carries the other's documents there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed test panics; it writes the configuration under test"
)]

use std::time::Duration;

use serde_json::Value;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until};
use shelf_tests::wares::{catalogue, item, opening};

const PATIENCE: Duration = Duration::from_secs(90);
const WARES: u32 = 4;

fn pc(number: u32, store_broker: &Broker) -> Daemon {
    let setup = Setup {
        pc: format!("PC {number}"),
        more: format!(
            "[lan]\nbroker = \"mqtt://127.0.0.1:{}\"\n",
            store_broker.port()
        ),
        ..Setup::default()
    };
    Daemon::start(&setup).unwrap()
}

fn public_key(pc: &Daemon) -> String {
    let status = pc.status().unwrap();
    status["sync"]["public_key"].as_str().unwrap().to_owned()
}

/// Adds lines at the end of a PC's configuration and starts it again.
fn configure(pc: &mut Daemon, lines: &str) {
    let path = pc.config();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + lines).unwrap();
    pc.restart().unwrap();
}

fn shows(pc: &Daemon, ware: u32, pieces: i64) {
    until("the other PC's stock", PATIENCE, || {
        let on_hand = pc.on_hand(&item(ware)).unwrap_or_default();
        Ok(match on_hand == pieces {
            true => Look::Done(()),
            false => Look::NotYet(format!("{on_hand} on hand, {}", pc.status()?["sync"])),
        })
    })
    .unwrap();
}

#[test]
fn siblings_share_their_stock_without_a_hub_and_one_carries_both_logs_to_it() {
    let store_broker = Broker::start().unwrap();
    let (mut one, mut two) = (pc(1, &store_broker), pc(2, &store_broker));
    let (first, second) = (public_key(&one), public_key(&two));
    configure(&mut one, &format!("siblings = [\"{second}\"]\n"));
    configure(&mut two, &format!("siblings = [\"{first}\"]\n"));
    one.stock_up(WARES, 20).unwrap();
    two.import("/api/v1/items", &catalogue(WARES)).unwrap();
    two.import("/api/v1/opening", &opening(1, 7)).unwrap();
    let before = one.on_hand(&item(2)).unwrap();
    shows(&two, 2, before);
    let knows = |it: &Value| {
        let pcs = it["sync"]["pcs"].as_array().cloned().unwrap_or_default();
        pcs.iter()
            .any(|it| it["name"] == "PC 1" && it["here"] == true && it["over"] == "store")
    };
    two.status_until("the other PC by name", knows).unwrap();
    let at = two.http().to_string();
    let (code, said, trouble) = two.ask(&["status", "--at", &at]).unwrap();
    // Without a hub the store is not green: nothing is safe outside of it.
    assert_eq!(code, 0, "{said}{trouble}");
    assert!(said.contains("PC PC 1: heard now over the store"), "{said}");

    // A hub appears, and only PC 2 knows of it.
    let hub_broker = Broker::start().unwrap();
    let hub = Hub::start(hub_broker.port()).unwrap();
    let address = hub_broker.port();
    configure(
        &mut two,
        &format!("[hub]\nbroker = \"mqtt://127.0.0.1:{address}\"\n"),
    );
    let written = one.documents().unwrap().len();
    assert!(written > 1);
    until("both logs at the hub", PATIENCE, || {
        let at_hub = hub.documents().map(|it| it.len()).unwrap_or_default();
        Ok(match at_hub == written {
            true => Look::Done(()),
            false => Look::NotYet(format!("{at_hub} of {written} documents")),
        })
    })
    .unwrap();
    assert_eq!(hub.book(&item(2)).unwrap(), before);
}
