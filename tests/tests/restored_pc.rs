//! Disks that go back in time, and disks that are copied: a PC restored from an old copy of its
//! data, and two PCs started from the same copy. Nothing is lost, doubled or numbered twice, and
//! whoever looks is told in words what happened and what to do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use shelf_tests::daemon::{Daemon, Setup, copy_folder};
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until, within_eq};
use shelf_tests::pos::Pos;
use shelf_tests::wares::item;
use shelf_tests::wire::Wire;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);
const WARES: u32 = 4;
const PIECES: u32 = 50;

fn setup(name: &str, port: u16, pos: &Pos) -> Setup {
    Setup {
        pc: name.into(),
        broker: Some(port),
        tills: vec![pos.till()],
        ..Setup::default()
    }
}

fn has_told_all(pc: &Daemon) {
    let told = |it: &Value| it["sync"]["unsynced"] == 0 && it["sync"]["link_up"] == true;
    until("everything acked", PATIENCE, || {
        let status = pc.status()?;
        Ok(match told(&status) {
            true => Look::Done(()),
            false => Look::NotYet(status["sync"].to_string()),
        })
    })
    .unwrap();
}

/// The places of all documents, of which none may be there twice.
fn places(documents: &[Value], field: &str) -> BTreeSet<String> {
    let all: Vec<String> = documents
        .iter()
        .map(|it| it[field].as_str().unwrap_or_default().to_owned())
        .collect();
    let unique: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(unique.len(), all.len(), "a document is there twice");
    unique
}

fn sync_until(pc: &Daemon, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, PATIENCE, || {
        let sync = pc.status()?["sync"].clone();
        Ok(match wanted(&sync) {
            true => Look::Done(sync),
            false => Look::NotYet(sync.to_string()),
        })
    })
    .unwrap()
}

/// The copy of a PC's data, taken while it is stopped.
fn copied(pc: &mut Daemon) -> TempDir {
    pc.stop().unwrap();
    let folder = tempfile::tempdir().unwrap();
    copy_folder(pc.data(), folder.path()).unwrap();
    folder
}

#[test]
fn a_pc_restored_from_an_old_copy_gets_its_tail_back_and_says_what_to_count() {
    let broker = Broker::start().unwrap();
    let wire = Wire::to(broker.port()).unwrap();
    let hub = Hub::start(broker.port()).unwrap();
    let mut pos = Pos::at("pos-1");
    let mut pc = Daemon::start(&setup("PC 1", wire.port(), &pos)).unwrap();
    pc.stock_up(WARES, PIECES).unwrap();
    pos.sell(&pc, 1, 1).unwrap();
    has_told_all(&pc);
    let old = copied(&mut pc);

    // Work that the copy doesn't have, all of it acked.
    pc.restart().unwrap();
    let mut sold = BTreeSet::new();
    for ware in [1, 2, 2, 1, 2] {
        sold.insert(pos.sell(&pc, ware, 1).unwrap());
    }
    has_told_all(&pc);
    let before = places(&hub.documents().unwrap(), "id");
    assert!(sold.is_subset(&before));
    pc.stop().unwrap();

    // The old copy is put back, and sells at once, while nobody can tell it what it lost.
    pc.replace_data(old.path()).unwrap();
    wire.cut();
    pc.restart().unwrap();
    let alone = [pos.sell(&pc, 1, 1).unwrap(), pos.sell(&pc, 3, 2).unwrap()];
    for place in &alone {
        assert!(!before.contains(place), "{place} was used before");
    }

    wire.heal();
    let sync = sync_until(&pc, "the lost documents", |it| {
        it["restored"]["returned"].as_u64() >= Some(5)
    });
    has_told_all(&pc);
    let restored = &sync["restored"];
    let words = restored["words"].as_str().unwrap();
    assert!(words.contains("went back in time"), "{words}");
    assert!(words.contains("again"), "{words}");
    let recount: BTreeSet<&str> = restored["recount"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let (first, second) = (item(1), item(2));
    assert_eq!(recount, BTreeSet::from([first.as_str(), second.as_str()]));
    let (code, said, _) = pc.ask(&["status", "--at", &pc.http().to_string()]).unwrap();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("went back in time"), "{said}");
    assert!(said.contains(&format!("count again: {first}")), "{said}");

    let expected: BTreeSet<String> = before.iter().cloned().chain(alone).collect();
    within_eq(
        "every document at the hub, once",
        PATIENCE,
        &expected,
        || Ok(places(&hub.documents()?, "id")),
    )
    .unwrap();
    for (ware, less) in [(1, 4), (2, 3), (3, 2), (4, 0)] {
        let left = (i64::from(PIECES) - less) * 1_000;
        let item = item(ware);
        within_eq("this PC's book", PATIENCE, &left, || pc.on_hand(&item)).unwrap();
        within_eq("the hub's book", PATIENCE, &left, || hub.book(&item)).unwrap();
    }
}

#[test]
fn two_pcs_from_one_copy_are_told_apart_and_lose_nothing() {
    let broker = Broker::start().unwrap();
    let hub = Hub::start(broker.port()).unwrap();
    let mut pos = Pos::at("pos-1");
    let mut one = Daemon::start(&setup("PC 1", broker.port(), &pos)).unwrap();
    one.stock_up(WARES, PIECES).unwrap();
    has_told_all(&one);
    let image = copied(&mut one);
    one.restart().unwrap();

    let mut other_pos = Pos::at("pos-1").from_receipt(1_000);
    let mut two = Daemon::prepare(&setup("PC 2", broker.port(), &other_pos)).unwrap();
    copy_folder(image.path(), two.data()).unwrap();
    two.restart().unwrap();

    // Both sell on, whatever the hub says of them, and somebody is told what it is.
    let mut sold = BTreeSet::new();
    until("the hub sees a clone", PATIENCE, || {
        sold.insert(pos.sell(&one, 1, 1)?);
        sold.insert(other_pos.sell(&two, 2, 1)?);
        let refused = [&one, &two].map(|it| it.status().map(|it| it["sync"]["refused"].clone()));
        let words: Vec<Value> = refused.into_iter().collect::<Result<_, _>>()?;
        Ok(match words.iter().any(|it| it == "clone") {
            true => Look::Done(()),
            false => Look::NotYet(format!("{words:?}")),
        })
    })
    .unwrap();
    for pc in [&one, &two] {
        sync_until(pc, "each says that it is cloned", |it| {
            it["refused"] == "clone"
        });
        let (code, said, _) = pc.ask(&["status", "--at", &pc.http().to_string()]).unwrap();
        assert_eq!(code, 0, "{said}");
        assert!(
            said.contains("Two PCs run with this PC's identity"),
            "{said}"
        );
    }
    sold.insert(pos.sell(&one, 1, 1).unwrap());
    sold.insert(other_pos.sell(&two, 2, 1).unwrap());
    settle(&hub, &mut one, &mut two);

    until("every sale of both at the hub", PATIENCE, || {
        let there = places(&hub.documents()?, "id");
        let missing: Vec<&String> = sold.difference(&there).collect();
        Ok(match missing.is_empty() {
            true => Look::Done(()),
            false => Look::NotYet(format!("{} missing of {}", missing.len(), sold.len())),
        })
    })
    .unwrap();
}

/// What the words say: the copy gets an identity of its own, the operator admits the other again.
fn settle(hub: &Hub, one: &mut Daemon, two: &mut Daemon) {
    let node = one.status().unwrap()["node"].as_str().unwrap().to_owned();
    two.stop().unwrap();
    let config = two.config();
    let data = two.data().display().to_string();
    let words = [
        "new-identity",
        "--config",
        &config.display().to_string(),
        "--data",
        &data,
    ]
    .map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (code, said, errors) = two.ask(&words).unwrap();
    assert_eq!(code, 0, "{said} {errors}");
    two.restart().unwrap();
    let path = format!("/api/v1/stores/berlin/nodes/{node}/admit");
    let answer = hub.post(&path, &serde_json::json!({})).unwrap();
    assert!(answer.status < 300, "{} {}", answer.status, answer.text());
    assert_ne!(two.status().unwrap()["node"], node.as_str());
    for pc in [&*one, &*two] {
        sync_until(pc, "admitted again", |it| {
            it["refused"].is_null() && it["link_up"] == true
        });
        has_told_all(pc);
    }
}
