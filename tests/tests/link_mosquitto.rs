//! The machines over real connections to a real broker that dies twenty times under load: nothing
//! is lost, nothing is doubled. And what a link must see of a broker: nobody listening, last words.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shelf_link::mqtt::{Broker, Driver, MqttLink, Role, link};
use shelf_link::{Event, Frame, Link};
use shelf_replica::Now;
use shelf_replica::conformance::Author;
use shelf_replica::hub::{Hub, HubConfig, HubEffect, HubInput};
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{Node, NodeConfig, NodeEffect, NodeInput};
use shelf_replica::store::Store;
use shelf_stock::identity::{Digest, NodeId, Place};
use shelf_stock::name::{StoreId, TenantId};
use shelf_stock::time::Timestamp;
use shelf_tests::mosquitto;
use shelf_wire::frame::unpack;
use shelf_wire::message::Message;
use shelf_wire::topic::{Lane, Topic, Up};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep_until, timeout};

const RESTARTS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(60);

type Shared = Arc<Mutex<MemoryStore>>;

fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn store() -> StoreId {
    StoreId::new("berlin-1").unwrap()
}

fn topic(lane: Lane) -> Topic {
    Topic {
        tenant: tenant(),
        store: store(),
        lane,
    }
}

fn broker(port: u16) -> Broker {
    Broker {
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
        credentials: None,
    }
}

fn connect(port: u16, role: Role) -> (MqttLink, JoinHandle<()>) {
    let mut state = 7_u64;
    let jitter = Box::new(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % 100
    });
    let (link, driver): (MqttLink, Driver) = link(broker(port), role, jitter);
    (link, tokio::spawn(driver.run()))
}

fn now(begin: Instant) -> Now {
    let ms = u64::try_from(begin.elapsed().as_millis()).unwrap();
    let wall = 1_790_000_000_000 + i64::try_from(ms).unwrap();
    Now {
        mono_ms: ms + 1,
        wall: Timestamp::from_millis(wall),
    }
}

/// A PC that sells as fast as every two milliseconds while it is told to.
async fn run_node(
    mut link: MqttLink,
    mut author: Author,
    shared: Shared,
    mut selling: watch::Receiver<Option<bool>>,
    begin: Instant,
) -> BTreeSet<(Place, Digest)> {
    let mut machine = Node::new(NodeConfig {
        key: author.key().clone(),
        boot_nonce: 1,
        seed: 5,
        version: "test".to_owned(),
    });
    let (mut wake, mut sales, mut written) =
        (begin, interval(Duration::from_millis(2)), BTreeSet::new());
    loop {
        let is_selling = *selling.borrow_and_update();
        let Some(is_selling) = is_selling else {
            return written;
        };
        let (mut effects, mut frame) = (Vec::new(), Vec::new());
        let input = tokio::select! {
            event = link.recv() => match event {
                Event::Up => NodeInput::LinkUp,
                Event::Down { .. } => NodeInput::LinkDown,
                Event::Frame(it) => { frame = it.payload; NodeInput::Frame(&frame) }
                Event::NobodyListens => NodeInput::NobodyListens,
                Event::Refused { reason } => panic!("refused: {reason}"),
                Event::Closed => return written,
            },
            _ = sales.tick(), if is_selling => {
                let sold = author.sell("mug", now(begin).wall);
                shared.lock().unwrap().insert(&sold).unwrap();
                written.insert((sold.place(), sold.digest()));
                NodeInput::Appended { log: author.log(), upto: author.seq() }
            }
            () = sleep_until(wake) => NodeInput::Tick,
            _ = selling.changed() => continue,
        };
        let mut store = shared.lock().unwrap();
        machine
            .handle(now(begin), input, &mut *store, &mut effects)
            .unwrap();
        drop(store);
        wake = begin + PATIENCE * 60;
        for effect in effects {
            match effect {
                NodeEffect::Send { channel, frame } => {
                    let topic = topic(Lane::Up(machine.id(), channel));
                    link.send(Frame {
                        topic,
                        payload: frame,
                    })
                    .ok();
                }
                NodeEffect::WakeAt(at_ms) => wake = begin + Duration::from_millis(at_ms),
                NodeEffect::Broadcast { .. } | NodeEffect::Event(_) => {}
            }
        }
        drop(frame);
    }
}

async fn run_hub(mut link: MqttLink, shared: Shared, begin: Instant) {
    let mut machine = Hub::new(HubConfig {
        seed: 9,
        trust_first_use: true,
    });
    let mut wake = begin + PATIENCE * 60;
    loop {
        let (mut effects, payload);
        let input = tokio::select! {
            event = link.recv() => match event {
                Event::Frame(Frame { topic: Topic { lane: Lane::Up(from, _), .. }, payload: it }) => {
                    payload = it;
                    HubInput::Frame { from, frame: &payload }
                }
                Event::Closed => return,
                _ => continue,
            },
            () = sleep_until(wake) => HubInput::Tick,
        };
        effects = Vec::new();
        let mut store = shared.lock().unwrap();
        machine
            .handle(now(begin), input, &mut *store, &mut effects)
            .unwrap();
        drop(store);
        wake = begin + PATIENCE * 60;
        for effect in effects {
            match effect {
                HubEffect::Send { to, channel, frame } => {
                    let topic = topic(Lane::Down(to, channel));
                    link.send(Frame {
                        topic,
                        payload: frame,
                    })
                    .ok();
                }
                HubEffect::WakeAt(at_ms) => wake = begin + Duration::from_millis(at_ms),
                HubEffect::Event(_) => {}
            }
        }
    }
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut ticks = interval(Duration::from_millis(5));
    let waited = timeout(PATIENCE, async {
        while !is_so() {
            ticks.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

fn count(shared: &Shared) -> usize {
    shared.lock().unwrap().documents().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_broker_restarts_under_load_lose_and_double_nothing() {
    let mut broker = mosquitto::Broker::start().unwrap();
    let begin = Instant::now();
    let (selling, heard) = watch::channel(Some(true));
    let hub_store = Shared::default();
    let (hub_link, _) = connect(broker.port(), Role::hub("hub-1", Some(&tenant()), None));
    tokio::spawn(run_hub(hub_link, Arc::clone(&hub_store), begin));
    let mut pcs = Vec::new();
    for number in 1..=2 {
        let (author, shared) = (Author::new(number, 1), Shared::default());
        let role = Role::node(&tenant(), &store(), author.node(), 1);
        let (link, _) = connect(broker.port(), role);
        let run = run_node(link, author, Arc::clone(&shared), heard.clone(), begin);
        pcs.push((shared, tokio::spawn(run)));
    }
    for round in 0..RESTARTS {
        let before = count(&hub_store);
        let what = format!("documents flow before restart {round}");
        until(&what, || count(&hub_store) > before + 50).await;
        broker.restart().unwrap();
    }
    selling.send(Some(false)).unwrap();
    let sold = pcs
        .iter()
        .map(|(shared, _)| Arc::clone(shared))
        .collect::<Vec<_>>();
    until("everybody has everything", || {
        let hub = hub_store.lock().unwrap().documents();
        sold.iter().all(|it| it.lock().unwrap().documents() == hub)
    })
    .await;
    selling.send(None).unwrap();
    let mut written = BTreeSet::new();
    for (_, run) in pcs {
        written.extend(run.await.unwrap());
    }
    let hub = hub_store.lock().unwrap();
    assert_eq!(
        hub.documents(),
        written,
        "nothing lost, nothing that nobody wrote"
    );
    assert_eq!(hub.folded().count(), written.len(), "nothing doubled");
    println!("{} documents through {RESTARTS} restarts", written.len());
}

async fn next(link: &mut MqttLink) -> Event {
    timeout(PATIENCE, link.recv()).await.unwrap()
}

#[tokio::test]
async fn a_payload_that_nobody_listens_to_is_told() {
    let broker = mosquitto::Broker::start().unwrap();
    let node = NodeId::from_bytes([1; 16]);
    let (mut pc, _) = connect(broker.port(), Role::node(&tenant(), &store(), node, 1));
    assert_eq!(next(&mut pc).await, Event::Up);
    let frame = Frame {
        topic: topic(Lane::Up(node, Up::Log)),
        payload: vec![1],
    };
    pc.send(frame.clone()).unwrap();
    assert_eq!(next(&mut pc).await, Event::NobodyListens);
    let (mut hub, _) = connect(broker.port(), Role::hub("hub-1", None, None));
    assert_eq!(next(&mut hub).await, Event::Up);
    pc.send(frame.clone()).unwrap();
    assert_eq!(next(&mut hub).await, Event::Frame(frame));
}

#[tokio::test]
async fn a_connection_that_dies_leaves_its_last_words_and_a_goodbye_none() {
    let broker = mosquitto::Broker::start().unwrap();
    let node = NodeId::from_bytes([1; 16]);
    let (mut hub, _) = connect(broker.port(), Role::hub("hub-1", None, None));
    assert_eq!(next(&mut hub).await, Event::Up);
    let role = |boot_nonce| Role::node(&tenant(), &store(), node, boot_nonce);
    let (mut polite, _) = connect(broker.port(), role(41));
    assert_eq!(next(&mut polite).await, Event::Up);
    drop(polite);
    let (mut pc, driver) = connect(broker.port(), role(42));
    assert_eq!(next(&mut pc).await, Event::Up);
    driver.abort();
    let Event::Frame(will) = next(&mut hub).await else {
        panic!("no last words");
    };
    assert_eq!(will.topic, topic(Lane::Up(node, Up::Will)));
    let message = unpack(&will.payload).unwrap();
    assert!(
        matches!(message, Message::Will(it) if it.boot_nonce == 42),
        "{message:?}"
    );
    let (mut late, _) = connect(broker.port(), Role::hub("hub-2", None, None));
    assert_eq!(next(&mut late).await, Event::Up);
    assert_eq!(next(&mut late).await, Event::Frame(will), "it is retained");
    let (mut pc, _) = connect(broker.port(), role(43));
    assert_eq!(next(&mut pc).await, Event::Up);
    let (mut later, _) = connect(broker.port(), Role::hub("hub-3", None, None));
    assert_eq!(next(&mut later).await, Event::Up);
    let frame = Frame {
        topic: topic(Lane::Up(node, Up::Stat)),
        payload: vec![1],
    };
    pc.send(frame.clone()).unwrap();
    assert_eq!(
        next(&mut later).await,
        Event::Frame(frame),
        "the last words are cleared"
    );
}
