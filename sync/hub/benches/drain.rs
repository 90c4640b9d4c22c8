//! A PC's backlog through a real broker to a hub until everything is acked.
//!
//! mosquitto, the hub over SQLite and the PC's machine share this computer. The PC keeps its log in
//! memory, so what is measured is the way: packing, signing, broker, hub, commit, ack.
//! Arguments: number of documents (default 50000), rounds (default 3).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a bench measures time and prints it, and fails by panicking"
)]

#[allow(unreachable_pub, reason = "benches share it")]
#[path = "support/sales.rs"]
mod sales;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use sales::{INCARNATION, WALL_MS, movements, sales};
use shelf_hub::config::HubConfig;
use shelf_hub::server::HubServer;
use shelf_link::{Event, Frame, Link, mqtt};
use shelf_replica::Now;
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{Node, NodeConfig, NodeEffect, NodeInput};
use shelf_replica::store::{LogId, Peer, Store};
use shelf_stock::identity::Seq;
use shelf_stock::time::Timestamp;
use shelf_wire::key::NodeKey;
use shelf_wire::sealed::Authored;
use shelf_wire::topic::{Lane, Topic};
use support::pcs::Mosquitto;

struct Pc {
    node: Node,
    store: MemoryStore,
    link: mqtt::MqttLink,
    log: LogId,
    began: Instant,
    wake_at_ms: Option<u64>,
}

impl Pc {
    fn handle(&mut self, input: NodeInput<'_>) -> u64 {
        let mono_ms = self.began.elapsed().as_millis() as u64;
        let now = Now {
            mono_ms,
            wall: Timestamp::from_millis(WALL_MS + mono_ms as i64),
        };
        let mut effects = Vec::new();
        self.wake_at_ms = None;
        self.node
            .handle(now, input, &mut self.store, &mut effects)
            .unwrap();
        for effect in effects {
            match effect {
                NodeEffect::Send { channel, frame } => {
                    let topic = Topic {
                        tenant: "demo".parse().unwrap(),
                        store: "berlin".parse().unwrap(),
                        lane: Lane::Up(self.node.id(), channel),
                    };
                    let _ = self.link.send(Frame {
                        topic,
                        payload: frame,
                    });
                }
                NodeEffect::WakeAt(at) => self.wake_at_ms = Some(at),
                _ => {}
            }
        }
        self.store.cursor(Peer::Hub, self.log).unwrap().0
    }

    async fn drain(mut self, count: u64) {
        let log = self.log;
        let upto = Seq(count);
        let mut acked = self.handle(NodeInput::Appended { log, upto });
        while acked < count {
            let wake = self.wake_at_ms.unwrap_or(u64::from(u32::MAX));
            let wake = self.began + Duration::from_millis(wake);
            acked = tokio::select! {
                event = self.link.recv() => match event {
                    Event::Up => self.handle(NodeInput::LinkUp),
                    Event::Down { .. } => self.handle(NodeInput::LinkDown),
                    Event::Frame(frame) => self.handle(NodeInput::Frame(&frame.payload)),
                    Event::NobodyListens => self.handle(NodeInput::NobodyListens),
                    _ => acked,
                },
                () = tokio::time::sleep_until(wake.into()) => self.handle(NodeInput::Tick),
            };
        }
    }
}

fn pc(sold: &[Authored], port: u16) -> Pc {
    let key = NodeKey::from_seed([7; 32]);
    let (id, mut store) = (key.node_id(), MemoryStore::new());
    for document in sold {
        store.insert(document).unwrap();
    }
    let broker = mqtt::Broker {
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
        credentials: None,
    };
    let (tenant, shop) = ("demo".parse().unwrap(), "berlin".parse().unwrap());
    let role = mqtt::Role::node(&tenant, &shop, id, 1);
    let (link, driver) = mqtt::link(broker, role, Box::new(|| 1));
    tokio::spawn(driver.run());
    Pc {
        node: Node::new(NodeConfig {
            key,
            boot_nonce: 1,
            seed: 1,
            version: "bench".to_owned(),
        }),
        store,
        link,
        log: LogId {
            node: id,
            incarnation: INCARNATION,
        },
        began: Instant::now(),
        wake_at_ms: None,
    }
}

fn main() {
    let mut numbers = std::env::args().filter_map(|it| it.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(50_000);
    let rounds = numbers.next().unwrap_or(3);
    let sold = sales(&NodeKey::from_seed([7; 32]), count);
    let moved = movements(&sold);
    let mut took = Vec::new();
    for _ in 0..rounds {
        let directory = tempfile::tempdir().unwrap();
        let broker = Mosquitto::start(directory.path());
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], broker.port));
        let data = directory.path().join("hub");
        let config = HubConfig::local("demo".parse().unwrap(), data, Some(address));
        let hub = HubServer::start(&config).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        took.push(runtime.block_on(async {
            let mut pc = pc(&sold, broker.port);
            // The clock starts when the link is there.
            while pc.link.recv().await != Event::Up {}
            pc.began = Instant::now();
            let began = pc.began;
            pc.handle(NodeInput::LinkUp);
            pc.drain(count).await;
            began.elapsed()
        }));
        hub.stop().unwrap();
    }
    took.sort();
    let median = took[took.len() / 2];
    println!(
        "{count} documents, {moved} movements: store to acked in {:.2} s, {:.1} k movements/s \
         (median of {rounds})",
        median.as_secs_f64(),
        moved as f64 / median.as_secs_f64() / 1000.0
    );
}
