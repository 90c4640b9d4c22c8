//! A store's documents as files: what is served, and what a new PC's machine makes of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]

mod support;

use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shelf_hub::storage::Storage;
use shelf_hub::storage::sqlite::SqliteStorage;
use shelf_replica::Now;
use shelf_replica::conformance::Author;
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{Node, NodeConfig, NodeEffect, NodeEvent, NodeInput};
use shelf_replica::store::Store;
use shelf_stock::identity::Seq;
use shelf_stock::time::Timestamp;
use shelf_wire::key::{NodeKey, PublicKey};
use support::TestHub;

const WALL: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const LIST: &str = "/api/v1/stores/berlin/bootstrap";
/// Documents that an author signs at once.
const SIGNED: u64 = 250;

fn grow(data: &Path, author: &mut Author, documents: u64) {
    let mut storage = SqliteStorage::open(data).unwrap();
    let transaction = storage.begin().unwrap();
    let store = transaction.store_key("demo", "berlin").unwrap();
    {
        let mut shop = transaction.shop(store);
        for number in 1..=documents {
            let sale = author.sell(&format!("item-{}", number % 40), WALL);
            shop.insert(&sale).unwrap();
            if number % SIGNED == 0 || number == documents {
                let head = author.key().sign_head(&sale.sealed().head());
                shop.put_signed_head(&head).unwrap();
            }
        }
    }
    transaction.commit().unwrap();
}

fn hash(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().map(|it| format!("{it:02x}")).collect()
}

fn ranges(list: &Value) -> Vec<(u64, u64)> {
    let parts = list["parts"].as_array().unwrap();
    let range = |it: &Value| (it["first"].as_u64().unwrap(), it["last"].as_u64().unwrap());
    parts.iter().map(range).collect()
}

fn hashes(list: &Value) -> Vec<String> {
    let parts = list["parts"].as_array().unwrap();
    parts.iter().map(|it| it["sha256"].to_string()).collect()
}

/// Every frame of the parts, in order.
fn frames(hub: &TestHub, list: &Value) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for part in list["parts"].as_array().unwrap() {
        let answer = hub.get(&format!("{LIST}/{}", part["number"]));
        assert_eq!(answer.status, 200);
        assert_eq!(part["sha256"], hash(&answer.body));
        assert_eq!(part["bytes"], answer.body.len());
        let mut rest = answer.body.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (frame, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            frames.push(frame.to_vec());
            rest = after;
        }
    }
    frames
}

/// A new PC that knows its siblings' keys.
fn new_pc(run: u64, store: &mut MemoryStore, keys: &[PublicKey]) -> Node {
    let mut node = Node::new(NodeConfig {
        key: NodeKey::from_seed([99; 32]),
        boot_nonce: run,
        seed: run,
        version: "test".into(),
    });
    let name = "lan";
    give(&mut node, store, NodeInput::LanUp { name, keys });
    node
}

fn give(node: &mut Node, store: &mut MemoryStore, input: NodeInput<'_>) -> Vec<NodeEffect> {
    let now = Now {
        mono_ms: 1,
        wall: WALL,
    };
    let mut effects = Vec::new();
    node.handle(now, input, store, &mut effects).unwrap();
    effects
}

#[test]
fn a_new_pc_gets_every_document_also_when_it_is_killed_in_the_middle() {
    let data = tempfile::tempdir().unwrap();
    let (mut till, mut office) = (Author::new(1, 1), Author::new(2, 1));
    grow(data.path(), &mut till, 11_000);
    grow(data.path(), &mut office, 1_500);
    let hub = TestHub::start(data.path());
    let list = hub.get(LIST).json();
    assert_eq!(
        (&list["complete"], &list["format"]),
        (&true.into(), &1.into())
    );
    let frames = frames(&hub, &list);

    let keys = [till.key().public_key(), office.key().public_key()];
    let mut store = MemoryStore::new();
    let mut node = new_pc(1, &mut store, &keys);
    for frame in &frames[..frames.len() / 2] {
        give(&mut node, &mut store, NodeInput::Snapshot(frame));
    }
    // Killed: what its store has is all that is left; the parts are given again from the first.
    let mut node = new_pc(2, &mut store, &keys);
    let mut new = 0;
    for frame in &frames {
        for effect in give(&mut node, &mut store, NodeInput::Snapshot(frame)) {
            if let NodeEffect::Event(NodeEvent::Received { new: more, .. }) = effect {
                new += more;
            }
        }
    }
    assert!((1..12_500).contains(&new), "{new}: half was there already");
    let held: Vec<Seq> = [&till, &office]
        .map(|it| store.log(it.log()).unwrap().unwrap().upto)
        .into();
    assert_eq!(held, [Seq(11_000), Seq(1_500)]);
    hub.stop();
}

#[test]
fn a_frame_that_its_author_did_not_sign_stores_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (mut till, stranger) = (Author::new(1, 1), Author::new(3, 1));
    grow(data.path(), &mut till, 500);
    let hub = TestHub::start(data.path());
    let frame = frames(&hub, &hub.get(LIST).json()).remove(0);
    let mut store = MemoryStore::new();
    let mut node = new_pc(1, &mut store, &[stranger.key().public_key()]);
    give(&mut node, &mut store, NodeInput::Snapshot(&frame));
    assert!(store.logs().unwrap().is_empty(), "an unknown author");
    let mut node = new_pc(1, &mut store, &[till.key().public_key()]);
    for at in [2, frame.len() / 2, frame.len() - 1] {
        let mut tampered = frame.clone();
        tampered[at] ^= 0x55;
        give(&mut node, &mut store, NodeInput::Snapshot(&tampered));
        assert!(store.logs().unwrap().is_empty(), "byte {at}");
    }
    give(&mut node, &mut store, NodeInput::Snapshot(&frame));
    assert_eq!(store.log(till.log()).unwrap().unwrap().upto, Seq(500));
    hub.stop();
}

#[test]
fn parts_never_change_and_the_last_one_gets_a_successor() {
    let data = tempfile::tempdir().unwrap();
    let mut till = Author::new(1, 1);
    grow(data.path(), &mut till, 10_600);
    let hub = TestHub::start(data.path());
    let list = hub.get(LIST).json();
    assert_eq!(ranges(&list), [(1, 10_000), (10_001, 10_600)]);
    assert_eq!(list, hub.get(LIST).json(), "nothing new, nothing made");
    let last = format!("{LIST}/{}", list["parts"][1]["number"]);
    let whole = hub.get(&last);
    let etag = format!("\"{}\"", hash(&whole.body));
    assert_eq!(whole.header("etag"), Some(etag.as_str()));
    let ask = |headers: &[(&str, &str)]| hub.ask("GET", &last, headers, b"");
    let rest = ask(&[("range", "bytes=100-"), ("if-range", &etag)]);
    assert_eq!(
        (rest.status, rest.body.as_slice()),
        (206, &whole.body[100..])
    );
    let other = ask(&[("range", "bytes=100-"), ("if-range", "\"x\"")]);
    assert_eq!((other.status, other.body == whole.body), (200, true));
    assert_eq!(ask(&[("if-none-match", &etag)]).status, 304);
    assert_eq!(ask(&[("range", "bytes=99999999-")]).status, 416);
    for gone in ["0", "x", "99"] {
        assert_eq!(hub.get(&format!("{LIST}/{gone}")).status, 404);
    }
    assert_eq!(hub.get("/api/v1/stores/nowhere/bootstrap").status, 404);
    hub.stop();

    // The files are only a copy: made again they are the same.
    std::fs::remove_dir_all(data.path().join("bootstrap")).unwrap();
    let hub = TestHub::start(data.path());
    assert_eq!(hashes(&hub.get(LIST).json()), hashes(&list));
    let list = hub.get(LIST).json();
    hub.stop();

    grow(data.path(), &mut till, 1_000);
    let hub = TestHub::start(data.path());
    let grown = hub.get(LIST).json();
    assert_eq!(ranges(&grown), [(1, 10_000), (10_001, 11_600)]);
    assert_eq!(grown["parts"][0], list["parts"][0]);
    assert_ne!(grown["parts"][1]["number"], list["parts"][1]["number"]);
    let last = format!("{LIST}/{}", list["parts"][1]["number"]);
    assert_eq!(hub.get(&last).body, whole.body, "a download can end");
    hub.stop();
}
