//! A backlog of thousands of documents: in columns to whoever reads them, as it is to whoever
//! doesn't, and through a hub from the one to the other.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod harness;

use std::collections::VecDeque;

use harness::{Random, machine};
use shelf_replica::Now;
use shelf_replica::conformance::Author;
use shelf_replica::hub::{Hub, HubConfig, HubEffect, HubInput};
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{Node, NodeEffect, NodeInput};
use shelf_replica::store::Store;
use shelf_stock::document::{Draft, Kind, Line, Subject};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_wire::frame::{FORMAT_COLUMNS, FORMAT_PLAIN, FRAME_BYTES_MAX, pack, unpack};
use shelf_wire::message::Message;

const DOCUMENTS: u64 = 4_500;
const WALL_MS: i64 = 1_790_000_000_000;

/// A payload with documents: its format, and how many documents and bytes it has.
#[derive(Debug)]
struct Sent {
    format: u8,
    documents: usize,
    bytes: usize,
}

/// A sale of three articles: too much for a thousand of them in a payload without columns.
fn basket(random: &mut Random, wall: Timestamp) -> Draft {
    let mut draft = Draft::new(Kind::Sale);
    draft.lines = (0..3)
        .map(|_| {
            let back_ms = i64::try_from(random.below(60_000)).unwrap();
            let price = Money::minor(i64::try_from(random.below(5_000)).unwrap());
            let item = format!("{:014}", random.below(100_000) * 90_000_001);
            Line {
                subject: Subject::Item(ItemId::new(item).unwrap()),
                quantity: Quantity::ONE,
                from: Location::SalesFloor,
                to: Location::Customer,
                effective: wall.plus_millis(-back_ms),
                unit_price: Some(price),
                amount: Some(price),
                parts: vec![],
                code: None,
                reason: None,
            }
        })
        .collect();
    draft
}

/// Two PCs and a hub over a perfect network; the first PC has a backlog.
struct Shop {
    authors: [Author; 2],
    nodes: [Node; 2],
    stores: [MemoryStore; 2],
    hub: Hub,
    hub_store: MemoryStore,
    /// What only reads the plain format.
    old_hub: bool,
    old_sibling: bool,
    up: Vec<Sent>,
    down: Vec<Sent>,
}

enum Packet {
    Up(usize, Vec<u8>),
    Down(usize, Vec<u8>),
}

const fn now() -> Now {
    Now {
        mono_ms: 1_000,
        wall: Timestamp::from_millis(WALL_MS),
    }
}

impl Shop {
    fn new(old_hub: bool, old_sibling: bool) -> Self {
        let mut authors = [Author::new(1, 7), Author::new(2, 8)];
        let mut stores = [MemoryStore::new(), MemoryStore::new()];
        let mut random = Random(5);
        let mut wall_ms = WALL_MS - 1_000_000_000;
        for _ in 0..DOCUMENTS {
            wall_ms += i64::try_from(random.below(100_000)).unwrap();
            let wall = Timestamp::from_millis(wall_ms);
            let sold = authors[0].write(basket(&mut random, wall), wall);
            stores[0].insert(&sold).unwrap();
        }
        let config = HubConfig {
            seed: 3,
            trust_first_use: true,
        };
        Self {
            nodes: [machine(&authors[0], 1, 1), machine(&authors[1], 2, 2)],
            authors,
            stores,
            hub: Hub::new(config),
            hub_store: MemoryStore::new(),
            old_hub,
            old_sibling,
            up: Vec::new(),
            down: Vec::new(),
        }
    }

    fn run(&mut self) {
        let mut packets = VecDeque::new();
        for index in 0..2 {
            self.tell(index, NodeInput::LinkUp, &mut packets);
        }
        while let Some(packet) = packets.pop_front() {
            match packet {
                Packet::Up(index, frame) => {
                    let from = self.authors[index].node();
                    let (mut effects, input) = (
                        Vec::new(),
                        HubInput::Frame {
                            from,
                            frame: &self.as_said_by_an_old_sibling(index, frame),
                        },
                    );
                    let store = &mut self.hub_store;
                    self.hub.handle(now(), input, store, &mut effects).unwrap();
                    for effect in effects {
                        if let HubEffect::Send { to, frame, .. } = effect {
                            note(&mut self.down, &frame);
                            let to = usize::from(to != self.authors[0].node());
                            packets.push_back(Packet::Down(to, frame));
                        }
                    }
                }
                Packet::Down(index, frame) => {
                    let frame = self.as_said_by_an_old_hub(frame);
                    self.tell(index, NodeInput::Frame(&frame), &mut packets);
                }
            }
        }
    }

    fn tell(&mut self, index: usize, input: NodeInput<'_>, packets: &mut VecDeque<Packet>) {
        let mut effects = Vec::new();
        let store = &mut self.stores[index];
        self.nodes[index]
            .handle(now(), input, store, &mut effects)
            .unwrap();
        for effect in effects {
            if let NodeEffect::Send { frame, .. } = effect {
                note(&mut self.up, &frame);
                packets.push_back(Packet::Up(index, frame));
            }
        }
    }

    fn as_said_by_an_old_sibling(&self, index: usize, frame: Vec<u8>) -> Vec<u8> {
        match unpack(&frame) {
            Ok(Message::Hello(mut hello)) if index == 1 && self.old_sibling => {
                hello.reads = hello.format;
                let hello = hello.signed(self.authors[1].key());
                pack(&Message::Hello(Box::new(hello))).unwrap()
            }
            _ => frame,
        }
    }

    fn as_said_by_an_old_hub(&self, frame: Vec<u8>) -> Vec<u8> {
        match unpack(&frame) {
            Ok(Message::HelloAnswer(mut answer)) if self.old_hub => {
                answer.format = FORMAT_PLAIN.into();
                pack(&Message::HelloAnswer(answer)).unwrap()
            }
            _ => frame,
        }
    }

    fn everybody_has_everything(&self) {
        let all = self.stores[0].documents();
        assert_eq!(u64::try_from(all.len()).unwrap(), DOCUMENTS);
        assert!(self.hub_store.documents() == all, "the hub");
        assert!(self.stores[1].documents() == all, "the sibling");
    }
}

fn note(sent: &mut Vec<Sent>, frame: &[u8]) {
    if let Ok(Message::LogBatch(batch)) = unpack(frame) {
        assert!(frame.len() <= FRAME_BYTES_MAX);
        sent.push(Sent {
            format: frame[0] >> 4,
            documents: batch.bodies.len(),
            bytes: frame.len(),
        });
    }
}

fn formats(sent: &[Sent]) -> (u8, u8) {
    let formats = || sent.iter().map(|it| it.format);
    (formats().min().unwrap(), formats().max().unwrap())
}

fn bytes(sent: &[Sent]) -> usize {
    sent.iter().map(|it| it.bytes).sum()
}

#[test]
fn a_backlog_travels_in_columns_and_in_few_payloads() {
    let mut shop = Shop::new(false, false);
    shop.run();
    shop.everybody_has_everything();
    assert_eq!(formats(&shop.up), (FORMAT_COLUMNS, FORMAT_COLUMNS));
    assert_eq!(formats(&shop.down), (FORMAT_COLUMNS, FORMAT_COLUMNS));
    let mut plain = Shop::new(true, true);
    plain.run();
    plain.everybody_has_everything();
    assert_eq!(formats(&plain.up), (FORMAT_PLAIN, FORMAT_PLAIN));
    assert_eq!(formats(&plain.down), (FORMAT_PLAIN, FORMAT_PLAIN));
    let (columns_bytes, plain_bytes) = (bytes(&shop.up), bytes(&plain.up));
    assert!(
        columns_bytes * 3 < plain_bytes * 2,
        "{columns_bytes} of {plain_bytes}"
    );
    assert!(shop.up.len() < plain.up.len(), "{:?}", shop.up);
    assert!(shop.up.iter().any(|it| it.documents > 1_000));
}

#[test]
fn what_one_pc_sent_in_columns_reaches_a_sibling_that_cannot_read_them() {
    let mut shop = Shop::new(false, true);
    shop.run();
    shop.everybody_has_everything();
    assert_eq!(formats(&shop.up), (FORMAT_COLUMNS, FORMAT_COLUMNS));
    assert_eq!(formats(&shop.down), (FORMAT_PLAIN, FORMAT_PLAIN));
}
