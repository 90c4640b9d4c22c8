//! A new PC joins a store whose hub holds many thousand documents: it is told by MQTT, fetches them
//! over HTTP as files that are verified, goes on where a kill in the middle left it, and then shows
//! what its sibling shows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed test panics; the narrow line owns sockets and threads"
)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;
use shelf_ledger::{Ledger, RecordError, Tx};
use shelf_stock::document::{Draft, Kind, Line, Subject};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::hub::Hub;
use shelf_tests::ledger_lab;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until, within_eq};
use shelf_tests::wares::{catalogue, draw, item};

const PATIENCE: Duration = Duration::from_secs(90);
const WARES: u64 = 40;
const DOCUMENTS: u64 = 16_000;
/// Documents of one transaction.
const GROUP: u64 = 500;
/// Of the files only so many bytes pass before the kill; the list comes first.
const FILES_BEFORE_THE_KILL_BYTES: i64 = 40_000;
/// Of what the broker sends only so much passes until the files are here: the hub's answer, the hint
/// and a few documents. An exchange that is not held up would bring everything in seconds.
const BROKER_BYTES: i64 = 3_000;

/// A line that lets only so many bytes back, then holds still until it may go on.
struct NarrowLine {
    address: SocketAddr,
    shared: Arc<Narrow>,
}

#[derive(Default)]
struct Narrow {
    gate: Mutex<Gate>,
    changed: Condvar,
    /// Where the last request of a file's middle began; 0: there was none.
    resumed_at: AtomicU64,
}

#[derive(Default)]
struct Gate {
    left_bytes: i64,
    /// Connections of an earlier one are over.
    run: u64,
}

impl NarrowLine {
    fn to(far: SocketAddr, bytes: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Narrow::default());
        shared.gate.lock().unwrap().left_bytes = bytes;
        let held = shared.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(far) else {
                    continue;
                };
                let (up, down) = (held.clone(), held.clone());
                let (near2, far2) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || upwards(near, far, &up));
                std::thread::spawn(move || downwards(far2, near2, &down));
            }
        });
        Self { address, shared }
    }

    /// What was connected is over; from now on so many bytes may pass.
    fn begin_again(&self, bytes: i64) {
        let mut gate = self.shared.gate.lock().unwrap();
        gate.left_bytes = bytes;
        gate.run += 1;
        self.shared.changed.notify_all();
    }

    fn open(&self) {
        self.shared.gate.lock().unwrap().left_bytes = i64::MAX;
        self.shared.changed.notify_all();
    }

    fn is_still(&self) -> bool {
        self.shared.gate.lock().unwrap().left_bytes <= 0
    }

    fn resumed_at(&self) -> u64 {
        self.shared.resumed_at.load(Ordering::SeqCst)
    }
}

fn upwards(mut near: TcpStream, mut far: TcpStream, narrow: &Narrow) {
    let mut bytes = [0_u8; 16 * 1024];
    while let Ok(count @ 1..) = near.read(&mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..count]).to_ascii_lowercase();
        let from = text.split_once("range: bytes=");
        let from = from.and_then(|(_, rest)| rest.split_once('-'));
        if let Some(from @ 1..) = from.and_then(|(from, _)| from.parse::<u64>().ok()) {
            narrow.resumed_at.store(from, Ordering::SeqCst);
        }
        if far.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
    let _ended = far.shutdown(std::net::Shutdown::Both);
}

fn downwards(mut far: TcpStream, mut near: TcpStream, narrow: &Narrow) {
    let run = narrow.gate.lock().unwrap().run;
    let mut bytes = [0_u8; 1024];
    while let Ok(count @ 1..) = far.read(&mut bytes) {
        let gate = narrow.gate.lock().unwrap();
        let held = |it: &mut Gate| it.run == run && it.left_bytes <= 0;
        let mut gate = narrow.changed.wait_while(gate, held).unwrap();
        if gate.run != run {
            return;
        }
        gate.left_bytes -= i64::try_from(count).unwrap();
        drop(gate);
        if near.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
    let _ended = near.shutdown(std::net::Shutdown::Both);
}

fn sale(number: u64) -> Draft {
    let mut draft = Draft::new(Kind::Sale);
    draft.lines.push(Line {
        subject: Subject::Item(ware(number % WARES)),
        quantity: Quantity::ONE,
        from: Location::SalesFloor,
        to: Location::Customer,
        // Drawn, or some bytes would hold thousands of them.
        effective: Timestamp::from_millis(1_767_603_600_000 + drawn(number) % 1_000_000_000),
        unit_price: Some(Money::minor(drawn(number + DOCUMENTS) % 10_000)),
        amount: None,
        parts: Vec::new(),
        code: None,
        reason: None,
    });
    draft
}

fn drawn(step: u64) -> i64 {
    i64::try_from(draw(7, step) >> 1).unwrap()
}

fn ware(number: u64) -> ItemId {
    ItemId::new(item(u32::try_from(number + 1).unwrap())).unwrap()
}

/// A PC's ledger with the sales of months.
fn grown(data: &Path) {
    std::fs::create_dir_all(data).unwrap();
    let mut options = ledger_lab::options(data, 0).unwrap();
    options.store = "berlin".parse().unwrap();
    let (ledger, _) = Ledger::open(options).unwrap();
    for first in (0..DOCUMENTS).step_by(usize::try_from(GROUP).unwrap()) {
        let job = move |tx: &mut Tx<'_>| {
            for number in first..first + GROUP {
                tx.record(&sale(number))?;
            }
            Ok::<_, RecordError>(())
        };
        ledger
            .writer()
            .execute_blocking("grow", job)
            .wait()
            .unwrap();
    }
}

fn setup(name: &str, broker: u16, http: SocketAddr) -> Setup {
    Setup {
        pc: name.into(),
        broker: Some(broker),
        hub: Some(http),
        ..Setup::default()
    }
}

fn held(pc: &Daemon) -> u64 {
    let status = pc.status().unwrap();
    status["ledger"]["documents"].as_u64().unwrap()
}

/// What was downloaded of a part that is not whole yet.
fn partial_bytes(pc: &Daemon) -> u64 {
    let parts = std::fs::read_dir(pc.data().join("bootstrap"));
    let parts = parts.into_iter().flatten().flatten();
    parts.map(|it| it.metadata().unwrap().len()).sum()
}

/// A PC whose sales are at the hub, which has made its files: it does so when the first one asks.
fn old(broker: &Broker, hub: &Hub) -> Daemon {
    let mut old = Daemon::prepare(&setup("Old", broker.port(), hub.http())).unwrap();
    grown(old.data());
    old.restart().unwrap();
    until("everything is at the hub", PATIENCE, || {
        let sync = old.status()?["sync"].clone();
        Ok(match sync["unsynced"] == 0 && sync["link_up"] == true {
            true => Look::Done(()),
            false => Look::NotYet(sync.to_string()),
        })
    })
    .unwrap();
    until("the hub's files", PATIENCE, || {
        let list = hub.get("/api/v1/stores/berlin/bootstrap")?;
        Ok(
            match list["complete"] == true && list["parts"][0].is_object() {
                true => Look::Done(()),
                false => Look::NotYet(list.to_string()),
            },
        )
    })
    .unwrap();
    old
}

#[test]
fn a_new_pc_fetches_the_store_as_files_goes_on_after_a_kill_and_shows_what_its_sibling_shows() {
    let broker = Broker::start().unwrap();
    let hub = Hub::start(broker.port()).unwrap();
    let old = old(&broker, &hub);
    let files = NarrowLine::to(hub.http(), FILES_BEFORE_THE_KILL_BYTES);
    let exchange = SocketAddr::from(([127, 0, 0, 1], broker.port()));
    let exchange = NarrowLine::to(exchange, BROKER_BYTES);
    let mut new = Daemon::start(&setup("New", exchange.address.port(), files.address)).unwrap();
    until("a file stops in the middle", PATIENCE, || {
        Ok(match files.is_still() && partial_bytes(&new) > 0 {
            true => Look::Done(()),
            false => Look::NotYet(new.status()?["sync"].to_string()),
        })
    })
    .unwrap();
    new.kill9();
    let before = partial_bytes(&new);
    assert!(before > 0, "nothing was kept of the file");

    files.begin_again(i64::MAX);
    exchange.begin_again(BROKER_BYTES);
    new.restart().unwrap();
    until("it goes on in the middle of the file", PATIENCE, || {
        Ok(match files.resumed_at() > 0 {
            true => Look::Done(()),
            false => Look::NotYet(new.status()?.to_string()),
        })
    })
    .unwrap();
    assert_eq!(files.resumed_at(), before);
    within_eq("the store's documents", PATIENCE, &DOCUMENTS, || {
        Ok(held(&new))
    })
    .unwrap();
    assert!(exchange.is_still(), "the broker brought them");
    for number in 0..WARES {
        let item = ware(number);
        let here = new.on_hand(item.as_str()).unwrap();
        assert_eq!(here, old.on_hand(item.as_str()).unwrap(), "{item}");
        assert_eq!(here, -1_000 * i64::try_from(DOCUMENTS / WARES).unwrap());
    }
    let log = std::fs::read_to_string(new.log()).unwrap();
    assert!(
        log.contains("fetched as files"),
        "it was not told of the files"
    );

    // Then the exchange alone keeps it in step.
    exchange.open();
    old.import("/api/v1/items", &catalogue(1)).unwrap();
    old.import(
        "/api/v1/opening",
        &format!("gtin,quantity\n{},9\n", shelf_tests::wares::gtin13(1)),
    )
    .unwrap();
    let counted = ware(0);
    within_eq("a count at the sibling", PATIENCE, &9_000, || {
        new.on_hand(counted.as_str())
    })
    .unwrap();
    let gone = |it: &Value| it["sync"]["bootstrap"].is_null();
    new.status_until("nothing is being fetched", gone).unwrap();
}
