//! A port over a real pseudo-terminal: bytes both ways, and the end told once.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "a test's own queue")]

use std::sync::mpsc::channel;
use std::time::Duration;

use shelf_devices::port::{Port, PortEvent, line_node};
use shelf_devices::selector::Selector;
use shelf_devices::serial::SerialOpener;
use shelf_sim::scanner_pty::{Framing, PtyScanner};

#[test]
fn bytes_go_both_ways_in_order_and_a_pulled_cable_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = PtyScanner::plug(dir.path().join("line"), Framing::default()).unwrap();
    let (events, seen) = channel();
    let take = move |event| events.send(event).is_ok();
    let selector = Selector::Path(device.path().to_owned());
    let node = line_node(&selector).unwrap();
    let port = Port::open(&mut SerialOpener::default(), &node, take).unwrap();
    for byte in 0..10_u8 {
        assert!(port.write(vec![byte]));
    }
    let got = device.host_wrote(10, Duration::from_secs(10)).unwrap();
    assert_eq!(got, (0..10).collect::<Vec<u8>>());
    device.send_raw(b"hello", &[]).unwrap();
    let wait = Duration::from_secs(10);
    assert_eq!(
        seen.recv_timeout(wait).unwrap(),
        PortEvent::Bytes(b"hello".to_vec())
    );
    device.hang_up();
    assert!(matches!(
        seen.recv_timeout(wait).unwrap(),
        PortEvent::Gone(_)
    ));
    assert!(seen.recv_timeout(wait).is_err(), "the thread has ended");
}
