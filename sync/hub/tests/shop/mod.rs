//! Stores of one PC each that do what they are told, and a channel that takes levels.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use shelf_hub::config::{ChannelConfig, HubConfig};
use shelf_link::{Event, Frame, Link, mqtt};
use shelf_replica::Now;
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{Node, NodeConfig, NodeEffect, NodeInput};
use shelf_replica::orders;
use shelf_replica::store::{LogId, Store};
use shelf_stock::customer_order::{Order, OrderState};
use shelf_stock::document::{CountLine, CountScope, Document, Draft, Kind, Line, Subject};
use shelf_stock::identity::{Digest, Incarnation, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::name::{AreaId, SessionId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::key::NodeKey;
use shelf_wire::sealed::Authored;
use shelf_wire::topic::{Lane, Topic};
use tokio::sync::{mpsc, watch};

use super::support::TestHub;

const DEADLINE: Duration = Duration::from_secs(90);

/// A hub behind a broker, with channels.
pub fn hub(directory: &Path, port: u16, channels: Vec<ChannelConfig>) -> TestHub {
    let broker = SocketAddr::from(([127, 0, 0, 1], port));
    let data = directory.join("hub");
    let mut config = HubConfig::local("demo".parse().unwrap(), data, Some(broker));
    config.channels = channels;
    TestHub::with(&config)
}

/// Asks again until it is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < DEADLINE, "{what} took too long");
        std::thread::yield_now();
    }
}

/// A store's PC: memory for a disk, a real link, a thread of its own.
pub struct Pc {
    drafts: mpsc::Sender<Draft>,
    orders: watch::Receiver<Vec<Order>>,
}

impl Pc {
    pub fn start(index: u8, store: &str, port: u16) -> Self {
        let (drafts, written) = mpsc::channel(16);
        let (shown, orders) = watch::channel(Vec::new());
        let store = store.to_owned();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime
                .unwrap()
                .block_on(Running::run(index, &store, port, written, shown));
        });
        Self { drafts, orders }
    }

    fn write(&self, draft: Draft) {
        self.drafts.blocking_send(draft).unwrap();
    }

    pub fn count(&self, counted: &[(&str, i64)]) {
        let line = |(name, units): &(&str, i64)| CountLine {
            item: name.parse().unwrap(),
            location: Location::SalesFloor,
            quantity: Quantity::units(*units),
            effective: wall(),
        };
        let session = SessionId::new("s1").unwrap();
        self.write(Draft::new(Kind::Count {
            session: session.clone(),
            area: AreaId::new("A1").unwrap(),
            counted: counted.iter().map(line).collect(),
        }));
        self.write(Draft::new(Kind::CountClose {
            session,
            location: Location::SalesFloor,
            scope: CountScope::EveryCounted,
        }));
    }

    pub fn sell(&self, item: &str, units: i64) {
        let mut draft = Draft::new(Kind::Sale);
        draft.lines.push(Line {
            subject: Subject::Item(item.parse().unwrap()),
            quantity: Quantity::units(units),
            from: Location::SalesFloor,
            to: Location::Customer,
            effective: wall(),
            unit_price: None,
            amount: None,
            parts: Vec::new(),
            code: None,
            reason: None,
        });
        self.write(draft);
    }

    pub fn hand_over(&self, order: &Order) {
        self.write(orders::hand_over(order, false, wall()));
    }

    /// Waits until the PC has an order in this state.
    pub fn order(&self, number: &str, state: OrderState) -> Order {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let mut seen = self.orders.clone();
        let found = |orders: &Vec<Order>| {
            let is = |it: &&Order| it.id.as_str() == number && it.state == state;
            orders.iter().find(is).cloned()
        };
        let waited = runtime.unwrap().block_on(async {
            let wait = seen.wait_for(|it| found(it).is_some());
            tokio::time::timeout(DEADLINE, wait).await.map(|_| ())
        });
        let now = self.orders.borrow().clone();
        waited.unwrap_or_else(|_| panic!("{number} never was {state:?}: {now:?}"));
        found(&now).unwrap()
    }
}

fn wall() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_millis(i64::try_from(since.unwrap().as_millis()).unwrap())
}

struct Running {
    node: Node,
    store: MemoryStore,
    name: String,
    link: mqtt::MqttLink,
    started: tokio::time::Instant,
    wake_at_ms: Option<u64>,
    log: LogId,
    head: (Seq, Digest),
    shown: watch::Sender<Vec<Order>>,
}

impl Running {
    async fn run(
        index: u8,
        store: &str,
        port: u16,
        mut written: mpsc::Receiver<Draft>,
        shown: watch::Sender<Vec<Order>>,
    ) {
        let key = NodeKey::from_seed([index; 32]);
        let id = key.node_id();
        let broker = mqtt::Broker {
            host: "127.0.0.1".to_owned(),
            port,
            tls: None,
            credentials: None,
        };
        let names = ("demo".parse().unwrap(), store.parse().unwrap());
        let role = mqtt::Role::node(&names.0, &names.1, id, u64::from(index));
        let (link, driver) = mqtt::link(broker, role, Box::new(|| 7));
        tokio::spawn(driver.run());
        let mut pc = Self {
            node: Node::new(NodeConfig {
                key,
                boot_nonce: u64::from(index),
                seed: u64::from(index),
                version: "test".to_owned(),
            }),
            store: MemoryStore::new(),
            name: store.to_owned(),
            link,
            started: tokio::time::Instant::now(),
            wake_at_ms: None,
            log: LogId {
                node: id,
                incarnation: Incarnation(u64::from(index) << 32),
            },
            head: (Seq(0), Digest::ZERO),
            shown,
        };
        loop {
            let wake = pc
                .wake_at_ms
                .unwrap_or(u64::MAX / 2)
                .min(u64::from(u32::MAX));
            let wake = pc.started + Duration::from_millis(wake);
            tokio::select! {
                event = pc.link.recv() => match event {
                    Event::Up => pc.handle(NodeInput::LinkUp),
                    Event::Down { .. } => pc.handle(NodeInput::LinkDown),
                    Event::Frame(frame) => pc.handle(NodeInput::Frame(&frame.payload)),
                    Event::NobodyListens => pc.handle(NodeInput::NobodyListens),
                    Event::Refused { .. } => {}
                    Event::Closed => return,
                },
                () = tokio::time::sleep_until(wake) => pc.handle(NodeInput::Tick),
                draft = written.recv() => match draft {
                    Some(draft) => pc.write(draft),
                    None => return,
                },
            }
        }
    }

    fn handle(&mut self, input: NodeInput<'_>) {
        let mut effects = Vec::new();
        self.wake_at_ms = None;
        let mono_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap();
        let now = Now {
            mono_ms,
            wall: wall(),
        };
        self.node
            .handle(now, input, &mut self.store, &mut effects)
            .unwrap();
        for effect in effects {
            match effect {
                NodeEffect::Send { channel, frame } => {
                    let topic = Topic {
                        tenant: "demo".parse().unwrap(),
                        store: self.name.parse().unwrap(),
                        lane: Lane::Up(self.node.id(), channel),
                    };
                    // What is lost here is sent again.
                    let _ = self.link.send(Frame {
                        topic,
                        payload: frame,
                    });
                }
                NodeEffect::WakeAt(at) => self.wake_at_ms = Some(at),
                _ => {}
            }
        }
        let orders = orders::listed(&self.store, None, 100).unwrap();
        let orders: Vec<Order> = orders.into_iter().map(|it| it.order).collect();
        self.shown.send_if_modified(|it| {
            let changed = *it != orders;
            *it = orders;
            changed
        });
    }

    fn write(&mut self, draft: Draft) {
        let (seq, prev) = self.head;
        let seq = Seq(seq.0 + 1);
        let place = Place {
            node: self.log.node,
            incarnation: self.log.incarnation,
            seq,
        };
        let wall = wall();
        let document = Document {
            place,
            prev,
            hlc: Hlc::at(wall),
            wall,
            draft,
        };
        let authored = Authored::write(document).unwrap();
        self.store.take_changed();
        self.store.insert(&authored).unwrap();
        let items = self.store.take_changed();
        self.head = (seq, authored.digest());
        let log = self.log;
        self.handle(NodeInput::Appended { log, upto: seq });
        self.handle(NodeInput::StockChanged { items: &items });
    }
}

type Told = Arc<(Mutex<Vec<Value>>, Condvar)>;

/// A channel's address: refuses some batches, then takes them.
pub struct Webhook {
    addr: SocketAddr,
    told: Told,
}

impl Webhook {
    pub fn start(failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let told = Told::default();
        let theirs = Arc::clone(&told);
        std::thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                take(stream.unwrap(), index < failures, &theirs);
            }
        });
        Self { addr, told }
    }

    pub fn url(&self) -> String {
        format!("http://{}/levels", self.addr)
    }

    /// Waits until the newest level of an item that it was told is this.
    pub fn until(&self, item: &str, thousandths: i64) {
        let (levels, changed) = &*self.told;
        let newest = |levels: &Vec<Value>| {
            let of_item = levels.iter().rev().find(|it| it["item"] == item);
            of_item.and_then(|it| it["shown_thousandths"].as_i64())
        };
        let guard = levels.lock().unwrap();
        let waited =
            changed.wait_timeout_while(guard, DEADLINE, |it| newest(it) != Some(thousandths));
        let (levels, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "{item} {thousandths}: {levels:?}");
    }
}

fn take(mut stream: TcpStream, fails: bool, told: &Told) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let status = if fails { "503 Busy" } else { "204 Done" };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).unwrap();
    if !fails {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let (levels, changed) = &**told;
        let rows = body["levels"].as_array().unwrap().clone();
        levels.lock().unwrap().extend(rows);
        changed.notify_all();
    }
}
