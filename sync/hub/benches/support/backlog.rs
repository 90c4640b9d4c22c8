//! A PC's backlog as the frames that it sends, and the hub's way of taking them, for benches.

#![allow(unreachable_pub, reason = "benches share it")]

use std::time::{Duration, Instant};

use shelf_hub::config::HubConfig;
use shelf_hub::exchange::Exchange;
use shelf_hub::platform::Clock;
use shelf_hub::storage::Storage;
use shelf_link::Frame;
use shelf_replica::Now;
use shelf_replica::hub::{Hub, HubConfig as MachineConfig, HubEffect, HubInput};
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{Node, NodeConfig, NodeEffect, NodeInput};
use shelf_replica::store::{LogId, Peer, Store};
use shelf_stock::identity::Seq;
use shelf_stock::time::Timestamp;
use shelf_wire::key::NodeKey;
use shelf_wire::sealed::Authored;
use shelf_wire::topic::{Lane, Topic, Up};

use super::sales::{INCARNATION, WALL_MS, movements, sales};

/// Messages of one transaction: what one PC may have on the way.
pub const GROUP_MESSAGES: usize = 8;

/// A backlog.
pub struct Load {
    pub documents: Vec<Authored>,
    /// Up-frames, the hello first.
    pub frames: Vec<Frame>,
    pub movements: usize,
}

/// What a PC with so many documents says to a hub that it never met.
pub fn load(count: u64) -> Load {
    let key = NodeKey::from_seed([7; 32]);
    let log = LogId {
        node: key.node_id(),
        incarnation: INCARNATION,
    };
    let mut own = MemoryStore::new();
    let documents = sales(&key, count);
    for document in &documents {
        own.insert(document).unwrap();
    }
    let node = Node::new(NodeConfig {
        key,
        boot_nonce: 1,
        seed: 1,
        version: "bench".to_owned(),
    });
    Load {
        movements: movements(&documents),
        documents,
        frames: recorded(node, own, log, count),
    }
}

/// Everything that a PC sends to a hub in memory until that has all of its log.
fn recorded(mut node: Node, mut own: MemoryStore, log: LogId, count: u64) -> Vec<Frame> {
    let mut hub = Hub::new(MachineConfig {
        seed: 2,
        trust_first_use: true,
    });
    let mut far = MemoryStore::new();
    let now = Now {
        mono_ms: 1,
        wall: Timestamp::from_millis(WALL_MS),
    };
    let mut effects = Vec::new();
    node.handle(now, NodeInput::LinkUp, &mut own, &mut effects)
        .unwrap();
    let appended = NodeInput::Appended {
        log,
        upto: Seq(count),
    };
    node.handle(now, appended, &mut own, &mut effects).unwrap();
    let mut frames = Vec::new();
    while own.cursor(Peer::Hub, log).unwrap().0 < count {
        let sent = std::mem::take(&mut effects);
        assert!(!sent.is_empty(), "the PC has nothing to say");
        for effect in sent {
            let NodeEffect::Send { channel, frame } = effect else {
                continue;
            };
            let mut answers = Vec::new();
            let input = HubInput::Frame {
                from: log.node,
                frame: &frame,
            };
            hub.handle(now, input, &mut far, &mut answers).unwrap();
            for answer in answers {
                if let HubEffect::Send { frame, .. } = answer {
                    let input = NodeInput::Frame(&frame);
                    node.handle(now, input, &mut own, &mut effects).unwrap();
                }
            }
            frames.push((channel, frame));
        }
    }
    let frame = |(channel, payload): (Up, Vec<u8>)| Frame {
        topic: Topic {
            tenant: "demo".parse().unwrap(),
            store: "berlin".parse().unwrap(),
            lane: Lane::Up(log.node, channel),
        },
        payload,
    };
    frames.into_iter().map(frame).collect()
}

/// The hub's way: groups of frames, a transaction each.
pub fn ours(storage: &mut dyn Storage, exchange: &mut Exchange, frames: &[Frame]) -> Duration {
    let clock = Clock::start();
    let began = Instant::now();
    for group in frames.chunks(GROUP_MESSAGES) {
        let now = clock.now();
        let mut leaving = Vec::new();
        let transaction = storage.begin().unwrap();
        exchange.claim(&*transaction, now, group.iter()).unwrap();
        for frame in group {
            exchange
                .frame(&*transaction, now, frame, &mut leaving)
                .unwrap();
        }
        exchange.tick(&*transaction, now, &mut leaving).unwrap();
        transaction.commit().unwrap();
    }
    began.elapsed()
}

pub fn exchange() -> Exchange {
    let tenant = "demo".parse().unwrap();
    Exchange::new(&HubConfig::local(tenant, std::path::PathBuf::new(), None))
}
