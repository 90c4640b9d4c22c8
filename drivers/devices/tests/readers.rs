//! RFID readers through the whole device layer: simulated readers on real sockets and pseudo-terminals, real
//! threads, the queue, and commands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a rig fails its test"
)]

mod rig;

use std::collections::BTreeSet;

use rig::{PATIENCE, Rig};
use shelf_codecs::epc::EpcBytes;
use shelf_devices::config::{DeviceConfig, DeviceKind, Role, Share};
use shelf_devices::delivery::EventReceiver;
use shelf_devices::driver::Command;
use shelf_devices::event::Payload;
use shelf_devices::llrp_reader::{LlrpReaderConfig, READING};
use shelf_devices::serial::SerialSettings;
use shelf_devices::status::DeviceState;
use shelf_devices::supervisor::Supervisor;
use shelf_devices::tag_read::TagRead;
use shelf_devices::uhf_reader::{Family, UhfReaderConfig};
use shelf_sim::rfid::llrp::{LlrpReaderConfig as SimConfig, LlrpServer};
use shelf_sim::rfid::uhf::{UhfModel, UhfReaderConfig as SimUhfConfig, UhfServer};

fn device(select: &str, kind: DeviceKind) -> DeviceConfig {
    DeviceConfig {
        name: "reader".into(),
        selector: select.parse().unwrap(),
        kind,
        role: Role::Zone("floor".into()),
        share: Share::Exclusive,
    }
}

fn fixed(server: &LlrpServer) -> DeviceConfig {
    let kind = DeviceKind::LlrpReader(LlrpReaderConfig::default());
    device(&format!("tcp:{}", server.addr()), kind)
}

/// What the daemon is to the layer: it says that the ledger is ready whenever a reader is open.
struct Daemon {
    supervisor: Supervisor,
    events: EventReceiver,
    lets_read: bool,
}

impl Daemon {
    fn start(rig: &Rig, config: DeviceConfig) -> Daemon {
        let (supervisor, events) = Supervisor::start(&rig.surroundings(), vec![config]).unwrap();
        Daemon {
            supervisor,
            events,
            lets_read: true,
        }
    }

    /// Takes events until one is what is waited for.
    fn until<T>(&self, what: &str, mut wanted: impl FnMut(&Payload) -> Option<T>) -> T {
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect(what);
            if event.payload == Payload::State(DeviceState::Ready) && self.lets_read {
                // It may be gone again already; then it is told at its next opening.
                let _told = self.supervisor.command("reader", Command::StartReading);
            }
            if let Some(found) = wanted(&event.payload) {
                return found;
            }
        }
    }

    fn notice(&self, words: &str) {
        self.until(words, |it| match it {
            Payload::Notice(text) => text.contains(words).then_some(()),
            _ => None,
        });
    }

    fn tags(&self, count: usize) -> BTreeSet<EpcBytes> {
        let mut seen = BTreeSet::new();
        self.until("tags", |it| {
            seen.extend(reads(it).iter().map(|it| it.epc));
            (seen.len() >= count).then_some(())
        });
        seen
    }
}

fn reads(payload: &Payload) -> &[TagRead] {
    match payload {
        Payload::Tags(reads) => reads,
        _ => &[],
    }
}

fn orders(server: &LlrpServer, lines: &[&str]) {
    for line in lines {
        assert!(server.order(line.parse().unwrap()), "{line}");
    }
}

#[test]
fn a_fixed_reader_waits_for_the_ledger_and_then_tells_antenna_and_strength() {
    let rig = Rig::new();
    let server = LlrpServer::start(0, SimConfig::new(1)).unwrap();
    orders(&server, &["fill 300 2"]);
    let mut daemon = Daemon::start(&rig, fixed(&server));
    daemon.lets_read = false;
    daemon.until("open", |it| {
        (*it == Payload::State(DeviceState::Ready)).then_some(())
    });
    // Nobody said that the ledger is ready: nothing may come.
    let early = daemon
        .events
        .recv_timeout(std::time::Duration::from_millis(500));
    assert!(early.is_err(), "{early:?}");
    daemon
        .supervisor
        .command("reader", Command::StartReading)
        .unwrap();
    daemon.notice(READING);
    let mut seen = BTreeSet::new();
    daemon.until("tags", |it| {
        for read in reads(it) {
            assert_eq!(read.antenna, 2);
            assert!(matches!(read.rssi_centi_dbm, Some(-6_000..=-5_000)));
            seen.insert(read.epc);
        }
        (seen.len() == 300).then_some(())
    });
}

#[test]
fn a_cable_that_is_cut_in_a_report_is_told_and_reading_goes_on() {
    let rig = Rig::new();
    let server = LlrpServer::start(0, SimConfig::new(2)).unwrap();
    orders(&server, &["fill 20 1"]);
    let daemon = Daemon::start(&rig, fixed(&server));
    assert_eq!(daemon.tags(20).len(), 20);
    orders(&server, &["fault cut", "fill 5 2"]);
    daemon.notice("bytes of a report could not be read");
    daemon.until("lost", |it| {
        matches!(it, Payload::State(DeviceState::Lost(_))).then_some(())
    });
    daemon.notice(READING);
    assert_eq!(daemon.tags(25).len(), 25);
    // Set up once: what it gathers while nobody listens must not be thrown away.
    let added = shelf_codecs::llrp::MessageType::ADD_ROSPEC;
    assert_eq!(server.asked().iter().filter(|it| **it == added).count(), 1);
}

#[test]
fn a_reader_that_belongs_to_another_is_asked_ever_more_seldom() {
    let rig = Rig::new();
    let server = LlrpServer::start(0, SimConfig::new(3)).unwrap();
    orders(&server, &["fault taken"]);
    let daemon = Daemon::start(&rig, fixed(&server));
    daemon.notice("it belongs to another program");
    daemon.until("lost", |it| match it {
        Payload::State(DeviceState::Lost(why)) => why.contains("another program").then_some(()),
        _ => None,
    });
    // A quarter, a half, one and two seconds: until nothing comes for longer than a second, it is asked no
    // more than a few times.
    while daemon
        .events
        .recv_timeout(std::time::Duration::from_millis(1_200))
        .is_ok()
    {}
    let status = daemon.supervisor.status();
    assert!(status[0].counters.opens <= 6, "{:?}", status[0].counters);
    orders(&server, &["fault free", "fill 3"]);
    assert_eq!(daemon.tags(3).len(), 3);
}

#[test]
fn serial_readers_are_read_on_a_terminal_and_over_the_network() {
    let rig = Rig::new();
    let link = rig.dir.path().join("uhf");
    let server = UhfServer::on_pty(&link, SimUhfConfig::new(UhfModel::M100, 1)).unwrap();
    assert!(server.order("fill 7".parse().unwrap()));
    let kind = |family| {
        DeviceKind::UhfReader(UhfReaderConfig {
            family,
            serial: SerialSettings::default(),
        })
    };
    let select = format!("path:{}", link.display());
    let daemon = Daemon::start(&rig, device(&select, kind(Family::M100)));
    assert_eq!(daemon.tags(7).len(), 7);
    assert!(server.order("fault unplug".parse().unwrap()));
    daemon.until("unplugged", |it| {
        matches!(it, Payload::State(DeviceState::Lost(_))).then_some(())
    });
    assert!(server.order("fault plug".parse().unwrap()));
    assert_eq!(daemon.tags(7).len(), 7);

    let config = SimUhfConfig {
        antennas: 4,
        ..SimUhfConfig::new(UhfModel::Chafon, 2)
    };
    let server = UhfServer::on_tcp(0, config).unwrap();
    assert!(server.order("fill 2 3".parse().unwrap()));
    let family = Family::Chafon {
        address: 0xFF,
        dialect: shelf_codecs::uhf::chafon::Dialect::Reader288,
    };
    let select = format!("tcp:{}", server.addr().unwrap());
    let daemon = Daemon::start(&rig, device(&select, kind(family)));
    daemon.until("the third antenna", |it| {
        let read = reads(it).first()?;
        assert_eq!((read.antenna, read.rssi_centi_dbm), (3, None));
        Some(())
    });
}
