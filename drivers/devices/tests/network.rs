//! Scanners on the network: lines over TCP, the other side that closes, and passing scans on.
#![allow(clippy::unwrap_used, reason = "a rig fails its test")]

mod rig;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use rig::{Rig, config, next_scan, status, stop, until, until_ready, until_state};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use shelf_codecs::scanner::Terminator;
use shelf_devices::config::{DeviceConfig, Share};
use shelf_devices::relay::RelayTo;
use shelf_devices::serial::SerialSettings;
use shelf_devices::status::DeviceState;
use shelf_sim::scanner_pty::Framing;

fn at(listener: &TcpListener) -> DeviceConfig {
    let address = listener.local_addr().unwrap();
    DeviceConfig {
        selector: format!("tcp:{address}").parse().unwrap(),
        ..config("net", Path::new("/nowhere"))
    }
}

#[test]
fn lines_come_over_tcp_and_a_closed_connection_is_made_again() {
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (supervisor, events) = rig.start(vec![at(&listener)]);
    for code in ["11111111", "22222222"] {
        let mut scanner = listener.accept().unwrap().0;
        until_ready(&events);
        scanner.write_all(format!("{code}\r").as_bytes()).unwrap();
        assert_eq!(next_scan(&events), code);
        drop(scanner);
        until_state(&events, |s| matches!(s, DeviceState::Lost(_)));
        supervisor.rescan();
    }
    stop(supervisor, events);
}

#[test]
fn a_place_where_nobody_listens_is_lost_with_words_and_not_asked_in_a_circle() {
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = at(&listener);
    drop(listener);
    let (supervisor, events) = rig.start(vec![nobody]);
    until_state(
        &events,
        |s| matches!(s, DeviceState::Lost(why) if why.contains("refused")),
    );
    while events.recv_timeout(Duration::from_millis(1000)).is_ok() {}
    let opens = status(&supervisor, "net").counters.opens;
    assert!((2..=7).contains(&opens), "{opens} openings");
    stop(supervisor, events);
}

#[test]
fn stopping_ends_a_connection_that_is_being_made() {
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A full queue of connections: the next one is not answered.
    let mut fill = Vec::new();
    while let Ok(stream) =
        TcpStream::connect_timeout(&listener.local_addr().unwrap(), Duration::from_millis(200))
    {
        fill.push(stream);
    }
    let (supervisor, events) = rig.start(vec![at(&listener)]);
    until(|| status(&supervisor, "net").counters.opens > 0);
    stop(supervisor, events);
}

#[test]
fn scans_are_passed_on_to_the_serial_port_of_a_pos() {
    let rig = Rig::new();
    let mut scanner = rig.scanner("hand", Framing::default());
    let pos = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&pos).unwrap();
    unlockpt(&pos).unwrap();
    let path = ptsname(&pos, Vec::new()).unwrap().into_string().unwrap();
    let relayed = DeviceConfig {
        share: Share::Relay(RelayTo::Serial {
            path: path.into(),
            settings: SerialSettings::default(),
            terminator: Terminator::Tab,
        }),
        ..config("hand", scanner.path())
    };
    let (supervisor, events) = rig.start(vec![relayed]);
    until_ready(&events);
    scanner.scan("4006381333931").unwrap();
    assert_eq!(next_scan(&events), "4006381333931");
    let mut seen = [0; 14];
    std::fs::File::from(pos).read_exact(&mut seen).unwrap();
    assert_eq!(&seen, b"4006381333931\t");
    assert_eq!(status(&supervisor, "hand").counters.relays_failed, 0);
    stop(supervisor, events);
}
