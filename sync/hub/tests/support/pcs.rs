//! A broker, the hub's program, and PCs that sell: what tests of killed hubs share.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use shelf_link::{Event, Frame, Link, mqtt};
use shelf_replica::Now;
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{Node, NodeConfig, NodeEffect, NodeInput};
use shelf_replica::store::{LogId, Peer, Store};
use shelf_stock::document::{Document, Draft, Kind, Line, Subject};
use shelf_stock::identity::{Digest, Incarnation, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::key::NodeKey;
use shelf_wire::sealed::Authored;
use shelf_wire::topic::{Lane, Topic};
use tokio::sync::watch;
use tokio::time::Instant;

pub const DOCUMENTS_PER_NODE: u64 = 400;
const DEADLINE: Duration = Duration::from_secs(90);

/// mosquitto on a port of its own; ends with the test.
pub struct Mosquitto {
    child: Child,
    pub port: u16,
}

impl Mosquitto {
    pub fn start(directory: &Path) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let file = directory.join("mosquitto.conf");
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n");
        std::fs::write(&file, text).unwrap();
        let program = ["/usr/sbin/mosquitto", "mosquitto"];
        let program = program
            .iter()
            .find(|it| it.starts_with('m') || Path::new(it).exists());
        let child = Command::new(program.unwrap())
            .args(["-c".as_ref(), file.as_os_str()])
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed");
        Self { child, port }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The hub's program.
pub struct Program {
    child: Child,
    pub http: std::net::SocketAddr,
}

impl Program {
    /// Starts it over a directory with more arguments.
    pub fn start(data: &Path, port: u16, more: &[&str]) -> Self {
        let config = data.with_extension("toml");
        let text = "tenant = \"demo\"\n[enrolment]\ntrust_first_use = true\n";
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_shelf-hub"));
        command
            .args(["run", "--json", "--listen", "127.0.0.1:0", "--config"])
            .arg(config);
        command
            .arg("--data")
            .arg(data)
            .arg("--broker")
            .arg(format!("mqtt://127.0.0.1:{port}"));
        command.args(more);
        let mut child = command
            .env("SHELF_HUB_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let event: serde_json::Value = serde_json::from_str(&line).expect("the hub starts");
        let http = event["http"].as_str().unwrap().parse().unwrap();
        Self { child, http }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a PC has done so far.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub written: Vec<(Place, Digest)>,
    pub acked: u64,
    pub held: usize,
}

/// A PC: memory for a disk, a real link.
struct Pc {
    node: Node,
    store: MemoryStore,
    link: mqtt::MqttLink,
    started: Instant,
    wake_at_ms: Option<u64>,
    log: LogId,
    progress: watch::Sender<Progress>,
}

impl Pc {
    async fn run(mut self) {
        let mut sales = tokio::time::interval(Duration::from_millis(3));
        loop {
            let wake = self
                .wake_at_ms
                .unwrap_or(u64::MAX / 2)
                .min(u64::from(u32::MAX));
            let wake = self.started + Duration::from_millis(wake);
            tokio::select! {
                event = self.link.recv() => match event {
                    Event::Up => self.handle(NodeInput::LinkUp),
                    Event::Down { .. } => self.handle(NodeInput::LinkDown),
                    Event::Frame(frame) => self.handle(NodeInput::Frame(&frame.payload)),
                    Event::NobodyListens => self.handle(NodeInput::NobodyListens),
                    Event::Refused { .. } => {}
                    Event::Closed => return,
                },
                () = tokio::time::sleep_until(wake) => self.handle(NodeInput::Tick),
                _ = sales.tick() => self.sell(),
            }
        }
    }

    fn now(&self) -> Now {
        let mono_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap();
        Now {
            mono_ms,
            wall: Timestamp::from_millis(1_790_000_000_000 + i64::try_from(mono_ms).unwrap()),
        }
    }

    fn handle(&mut self, input: NodeInput<'_>) {
        let mut effects = Vec::new();
        self.wake_at_ms = None;
        let now = self.now();
        self.node
            .handle(now, input, &mut self.store, &mut effects)
            .unwrap();
        let held = self.store.documents().len();
        // The hub's word: an ack, or the cursors of its answer to a hello.
        let acked = self.store.cursor(Peer::Hub, self.log).unwrap().0;
        for effect in effects {
            match effect {
                NodeEffect::Send { channel, frame } => {
                    let topic = Topic {
                        tenant: "demo".parse().unwrap(),
                        store: "berlin".parse().unwrap(),
                        lane: Lane::Up(self.node.id(), channel),
                    };
                    // What is lost here is sent again.
                    let _ = self.link.send(Frame {
                        topic,
                        payload: frame,
                    });
                }
                NodeEffect::WakeAt(at) => self.wake_at_ms = Some(at),
                NodeEffect::Event(_) | NodeEffect::Broadcast { .. } => {}
            }
        }
        self.progress.send_if_modified(|it| {
            let before = (it.acked, it.held);
            (it.acked, it.held) = (acked, held);
            before != (acked, held)
        });
    }

    fn sell(&mut self) {
        let written = self.progress.borrow().written.clone();
        let seq = Seq(written.len() as u64 + 1);
        if seq.0 > DOCUMENTS_PER_NODE {
            return;
        }
        let wall = self.now().wall;
        let mut draft = Draft::new(Kind::Sale);
        draft.lines.push(Line {
            subject: Subject::Item("4711".parse().unwrap()),
            quantity: Quantity::ONE,
            from: Location::SalesFloor,
            to: Location::Customer,
            effective: wall,
            unit_price: None,
            amount: None,
            parts: Vec::new(),
            code: None,
            reason: None,
        });
        let place = Place {
            node: self.log.node,
            incarnation: self.log.incarnation,
            seq,
        };
        let document = Document {
            place,
            prev: written.last().map_or(Digest::ZERO, |it| it.1),
            hlc: Hlc::at(wall),
            wall,
            draft,
        };
        let authored = Authored::write(document).unwrap();
        self.store.insert(&authored).unwrap();
        let digest = authored.digest();
        self.progress
            .send_modify(|it| it.written.push((place, digest)));
        self.handle(NodeInput::Appended {
            log: self.log,
            upto: seq,
        });
    }
}

pub fn start_pc(index: u8, port: u16) -> watch::Receiver<Progress> {
    let key = NodeKey::from_seed([index; 32]);
    let id = key.node_id();
    let broker = mqtt::Broker {
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
        credentials: None,
    };
    let (tenant, store) = ("demo".parse().unwrap(), "berlin".parse().unwrap());
    let role = mqtt::Role::node(&tenant, &store, id, u64::from(index));
    let mut draws = u64::from(index);
    let jitter = Box::new(move || {
        draws = draws
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        draws % 50
    });
    let (link, driver) = mqtt::link(broker, role, jitter);
    tokio::spawn(driver.run());
    let (progress, seen) = watch::channel(Progress::default());
    let config = NodeConfig {
        key,
        boot_nonce: u64::from(index),
        seed: u64::from(index),
        version: "test".to_owned(),
    };
    let pc = Pc {
        node: Node::new(config),
        store: MemoryStore::new(),
        link,
        started: Instant::now(),
        wake_at_ms: None,
        log: LogId {
            node: id,
            incarnation: Incarnation(u64::from(index) << 32),
        },
        progress,
    };
    tokio::spawn(pc.run());
    seen
}

/// Waits until the PCs together have progressed far enough.
pub async fn until(
    pcs: &mut [watch::Receiver<Progress>],
    what: &str,
    enough: impl Fn(&[Progress]) -> bool,
) -> Vec<Progress> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let states: Vec<Progress> = pcs.iter().map(|it| it.borrow().clone()).collect();
        if enough(&states) {
            return states;
        }
        let [first, second] = pcs else {
            panic!("two PCs")
        };
        let changed = async {
            tokio::select! {
                it = first.changed() => it.unwrap(),
                it = second.changed() => it.unwrap(),
            }
        };
        let waited = tokio::time::timeout_at(deadline, changed).await;
        assert!(
            waited.is_ok(),
            "{what} took too long: {:?}",
            numbers(&states)
        );
    }
}

fn numbers(states: &[Progress]) -> Vec<(usize, u64, usize)> {
    states
        .iter()
        .map(|it| (it.written.len(), it.acked, it.held))
        .collect()
}

/// What the API says of the PCs agrees with what they did.
fn check_nodes(http: std::net::SocketAddr) {
    let nodes = super::get(http, "/api/v1/stores/berlin/nodes").json();
    for node in nodes["nodes"].as_array().unwrap() {
        assert_eq!(node["heads"][0]["seq"], DOCUMENTS_PER_NODE, "{node}");
        assert!(node["last_seen"].is_i64(), "{node}");
        let id = node["node"].as_str().unwrap();
        let path = format!("/api/v1/stores/berlin/documents?limit=1000&node={id}");
        let own = super::get(http, &path).json();
        assert_eq!(
            own["documents"].as_array().unwrap().len() as u64,
            DOCUMENTS_PER_NODE
        );
    }
    for (search, found) in [("47", 1), ("48", 0), ("%", 0)] {
        let path = format!(
            "/api/v1/stores/berlin/stock?search={}",
            search.replace('%', "%25")
        );
        let page = super::get(http, &path).json();
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{search}");
    }
}

/// Every document (id, digest) and the stock of the one item.
pub fn read_hub(http: std::net::SocketAddr) -> (Vec<(String, String)>, serde_json::Value) {
    check_nodes(http);
    let mut documents = Vec::new();
    let mut after = 0;
    loop {
        let path = format!("/api/v1/stores/berlin/documents?limit=150&after={after}");
        let page = super::get(http, &path).json();
        for row in page["documents"].as_array().unwrap() {
            assert_eq!(row["document"]["kind"]["type"], "sale");
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            documents.push((text("id"), text("digest")));
        }
        match page["next"].as_i64() {
            Some(next) => after = next,
            None => break,
        }
    }
    (
        documents,
        super::get(http, "/api/v1/stores/berlin/stock/4711").json(),
    )
}
