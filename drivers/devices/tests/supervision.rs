//! The device layer on real pseudo-terminals: re-plugging, exclusivity, back-pressure, panics, idling.

mod rig;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rig::{
    Rig, config, config_with, next, next_scan, status, stop, until, until_counted, until_ready,
    until_state,
};
use shelf_devices::clock::Stamp;
use shelf_devices::decoder::FaultCause;
use shelf_devices::dialogue::{Dialogue, Step};
use shelf_devices::driver::{Command, Driver};
use shelf_devices::event::Payload;
use shelf_devices::line_scanner::{LineScanner, LineScannerConfig};
use shelf_devices::status::DeviceState;
use shelf_devices::supervisor::{CommandError, StartError, Supervisor};
use shelf_devices::transport::{OpenError, Opener, ReadOutcome, Transport, WriteError};
use shelf_devices::wake::WakeFd;
use shelf_sim::scanner_pty::{Framing, ScanFault};

#[test]
fn unplugged_mid_frame_and_replugged_loses_and_invents_nothing() {
    let rig = Rig::new();
    let mut scanner = rig.scanner("hand", Framing::default());
    let (supervisor, events) = rig.start(vec![config("hand", scanner.path())]);
    until_ready(&events);
    let mut seqs = Vec::new();
    let mut codes = Vec::new();
    for round in 0..5 {
        let code = format!("40063813339{round}1");
        scanner.scan(&code).unwrap();
        codes.push(next_scan(&events));
        scanner
            .scan_with_fault("4006381333931", &ScanFault::Torn(6))
            .unwrap();
        // The torn bytes must be seen before the cable goes, or the kernel throws them away.
        until_counted(&supervisor, "hand", |c| c.bytes_in == (round + 1) * 20);
        scanner.hang_up();
        for event in until_state(&events, |s| matches!(s, DeviceState::Lost(_))) {
            seqs.push(event.seq);
            match event.payload {
                Payload::Fault(fault) => {
                    assert_eq!(fault.cause, FaultCause::CutOff);
                    assert_eq!((fault.masked.as_str(), fault.bytes_total), ("**0638", 6));
                }
                other => panic!("neither scan nor state may come here: {other:?}"),
            }
        }
        scanner.replug().unwrap();
        supervisor.rescan();
        until_ready(&events);
    }
    assert_eq!(codes, scanner.shown());
    let counters = status(&supervisor, "hand").counters;
    assert_eq!(
        (counters.frames, counters.faults, counters.reopens),
        (5, 5, 5)
    );
    assert_eq!(seqs.len(), 5);
    stop(supervisor, events);
}

#[test]
fn event_numbers_run_on_without_gaps_over_replugs() {
    let rig = Rig::new();
    let mut scanner = rig.scanner("hand", Framing::default());
    let (supervisor, events) = rig.start(vec![config("hand", scanner.path())]);
    let mut all = until_ready(&events);
    for _ in 0..3 {
        scanner.scan("1234567").unwrap();
        all.push(next(&events));
        scanner.hang_up();
        all.extend(until_state(&events, |s| matches!(s, DeviceState::Lost(_))));
        scanner.replug().unwrap();
        supervisor.rescan();
        all.extend(until_ready(&events));
    }
    all.extend(stop(supervisor, events));
    let scans: Vec<u64> = all
        .iter()
        .filter(|e| matches!(e.payload, Payload::Scan(_)))
        .map(|e| e.seq.counter)
        .collect();
    assert_eq!(scans.len(), 3);
    assert!(scans.is_sorted() && all.iter().all(|e| e.seq.incarnation == 7));
    let distinct: BTreeSet<_> = all.iter().map(|e| e.seq).collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn a_port_held_by_another_program_is_busy_and_is_taken_when_it_is_free() {
    let rig = Rig::new();
    let mut scanner = rig.scanner("hand", Framing::default());
    // The lock is per opening, not per process: this is what a second program looks like.
    let other = serialport::new(scanner.path().to_str().unwrap(), 9600)
        .open_native()
        .unwrap();
    let (supervisor, events) = rig.start(vec![config("hand", scanner.path())]);
    until_state(&events, |s| *s == DeviceState::Busy);
    let refused = supervisor.command("hand", Command::Accepted).unwrap_err();
    assert!(
        matches!(
            refused,
            CommandError::NotReady {
                state: DeviceState::Busy,
                ..
            }
        ),
        "{refused}"
    );
    drop(other);
    supervisor.rescan();
    until_ready(&events);
    scanner.scan("4006381333931").unwrap();
    assert_eq!(next_scan(&events), "4006381333931");
    stop(supervisor, events);
}

#[test]
fn while_we_hold_a_port_another_program_is_refused() {
    let rig = Rig::new();
    let scanner = rig.scanner("hand", Framing::default());
    let (supervisor, events) = rig.start(vec![config("hand", scanner.path())]);
    until_ready(&events);
    let path = scanner.path().to_str().unwrap().to_owned();
    let refused = serialport::new(path, 9600).open_native().unwrap_err();
    assert_eq!(refused.kind(), serialport::ErrorKind::NoDevice);
    stop(supervisor, events);
}

#[test]
fn ten_thousand_scans_against_a_paused_consumer_are_all_delivered_in_order() {
    let mut rig = Rig::new();
    rig.queue_events_max = 16;
    rig.spill_bytes_max = 64 * 1024;
    let mut scanner = rig.scanner("hand", Framing::default());
    let (supervisor, events) = rig.start(vec![config("hand", scanner.path())]);
    until_ready(&events);
    let sender = std::thread::spawn(move || {
        for i in 0..10_000 {
            scanner.scan(&format!("{i:013}")).unwrap();
        }
        scanner
    });
    // Not one event is taken until the thread has stopped reading because every buffer is full.
    until_counted(&supervisor, "hand", |c| c.stalls > 0);
    let held = status(&supervisor, "hand").counters;
    assert!(held.frames < 10_000, "the scanner was not held off");
    let codes: Vec<String> = (0..10_000).map(|_| next_scan(&events)).collect();
    let scanner = sender.join().unwrap();
    assert_eq!(codes, scanner.shown());
    let counters = status(&supervisor, "hand").counters;
    assert_eq!(counters.frames, 10_000);
    assert!(counters.spilled_bytes_peak >= 64 * 1024 && counters.spilled_bytes_peak < 256 * 1024);
    stop(supervisor, events);
}

#[test]
fn stopping_delivers_what_was_read_to_a_slow_consumer() {
    let mut rig = Rig::new();
    rig.queue_events_max = 1;
    let mut scanner = rig.scanner("hand", Framing::default());
    let (supervisor, events) = rig.start(vec![config("hand", scanner.path())]);
    until_ready(&events);
    for i in 0..50 {
        scanner.scan(&format!("{i:08}")).unwrap();
    }
    until_counted(&supervisor, "hand", |c| c.frames >= 50);
    let rest = stop(supervisor, events);
    let scans = rest
        .iter()
        .filter(|e| matches!(e.payload, Payload::Scan(_)))
        .count();
    assert_eq!(scans, 50);
    assert_eq!(
        rest.last().unwrap().payload,
        Payload::State(DeviceState::Stopped)
    );
}

#[test]
fn a_dropped_receiver_does_not_keep_threads_from_stopping() {
    let mut rig = Rig::new();
    rig.queue_events_max = 1;
    let mut scanner = rig.scanner("hand", Framing::default());
    let (supervisor, events) = rig.start(vec![config("hand", scanner.path())]);
    until_ready(&events);
    for _ in 0..20 {
        scanner.scan("12345678").unwrap();
    }
    until_counted(&supervisor, "hand", |c| c.frames >= 20);
    drop(events);
    // The thread ends by itself: reading on would pile up scans that nobody takes.
    until(|| status(&supervisor, "hand").state == DeviceState::Stopped);
    supervisor.join();
}

#[test]
fn an_idle_device_costs_no_wake_ups_and_an_absent_one_no_circle_of_openings() {
    let rig = Rig::new();
    let scanner = rig.scanner("hand", Framing::default());
    let absent = rig.dir.path().join("nothing");
    let (supervisor, events) = rig.start(vec![
        config("hand", scanner.path()),
        config("gone", &absent),
    ]);
    let absent_before = until_ready(&events).len();
    // Nothing arrives; the time passes in the receiver.
    let mut announced = absent_before;
    while let Ok(event) = events.recv_timeout(Duration::from_millis(1500)) {
        assert_eq!(&*event.device, "gone", "{event:?}");
        announced += 1;
    }
    // Tried several times, announced once.
    assert_eq!(announced, 1);
    // A request to look again wakes who is down, not who works.
    let looks = supervisor.hotplug().rescans;
    supervisor.rescan();
    until(|| supervisor.hotplug().rescans > looks);
    assert_eq!(status(&supervisor, "hand").counters.reads, 0);
    // In 1.5 s and more: at 0, 0.25, 0.75 and 1.75 s (less up to a quarter of jitter).
    let gone = status(&supervisor, "gone").counters;
    assert!((2..=7).contains(&gone.opens) && gone.reads == 0, "{gone:?}");
    stop(supervisor, events);
}

#[test]
fn an_unplugged_device_is_not_read_in_a_circle() {
    let rig = Rig::new();
    let mut scanner = rig.scanner("hand", Framing::default());
    let (supervisor, events) = rig.start(vec![config("hand", scanner.path())]);
    until_ready(&events);
    scanner.hang_up();
    until_state(&events, |s| matches!(s, DeviceState::Lost(_)));
    while events.recv_timeout(Duration::from_millis(1000)).is_ok() {}
    let counters = status(&supervisor, "hand").counters;
    assert!(counters.reads <= 2 && counters.opens <= 7, "{counters:?}");
    stop(supervisor, events);
}

#[test]
fn commands_reach_the_device_and_too_many_are_refused() {
    let rig = Rig::new();
    let mut scanner = rig.scanner("hand", Framing::default());
    let kind = LineScannerConfig {
        accepted_bytes: b"B".to_vec(),
        ..LineScannerConfig::default()
    };
    let (supervisor, events) = rig.start(vec![config_with("hand", scanner.path(), kind)]);
    until_ready(&events);
    supervisor.command("hand", Command::Accepted).unwrap();
    supervisor
        .command("hand", Command::Write(b"\x16\x54\r".to_vec()))
        .unwrap();
    assert_eq!(
        scanner.host_wrote(4, rig::PATIENCE).unwrap(),
        b"B\x16\x54\r"
    );
    let unknown = supervisor.command("hnad", Command::Accepted).unwrap_err();
    assert_eq!(unknown, CommandError::Unknown("hnad".to_owned()));
    stop(supervisor, events);
}

fn scanner() -> LineScanner {
    LineScanner::new(LineScannerConfig::default())
}

/// A driver whose device panics on the word of a scan.
struct Fragile(LineScanner);
struct FragileDialogue(Box<dyn Dialogue>);

impl Driver for Fragile {
    fn opener(&self) -> Box<dyn Opener> {
        self.0.opener()
    }
    fn dialogue(&self) -> Box<dyn Dialogue> {
        Box::new(FragileDialogue(self.0.dialogue()))
    }
}

impl Dialogue for FragileDialogue {
    fn received(&mut self, now: Stamp, bytes: &[u8]) {
        assert!(!bytes.contains(&b'!'), "a defect in the decoder");
        self.0.received(now, bytes);
    }
    fn due(&mut self, now: Stamp) {
        self.0.due(now);
    }
    fn deadline(&self) -> Option<u64> {
        self.0.deadline()
    }
    fn command(&mut self, now: Stamp, command: Command) {
        self.0.command(now, command);
    }
    fn next(&mut self) -> Option<Step> {
        self.0.next()
    }
    fn closed(&mut self, now: Stamp) -> Option<shelf_devices::decoder::Fault> {
        self.0.closed(now)
    }
}

#[test]
fn a_panicking_driver_takes_down_its_device_only_and_comes_back() {
    let rig = Rig::new();
    let mut bad = rig.scanner("bad", Framing::default());
    let mut good = rig.scanner("good", Framing::default());
    let devices: Vec<(_, Box<dyn Driver>)> = vec![
        (config("bad", bad.path()), Box::new(Fragile(scanner()))),
        (config("good", good.path()), Box::new(scanner())),
    ];
    let (supervisor, events) =
        Supervisor::start_with_drivers(&rig.surroundings(), devices).unwrap();
    until_ready(&events);
    until_ready(&events);
    bad.scan("boom!").unwrap();
    until_state(
        &events,
        |s| matches!(s, DeviceState::Lost(why) if why.contains("a defect")),
    );
    good.scan("11111111").unwrap();
    assert_eq!(next_scan(&events), "11111111");
    supervisor.rescan();
    until_ready(&events);
    bad.scan("22222222").unwrap();
    assert_eq!(next_scan(&events), "22222222");
    assert_eq!(status(&supervisor, "bad").counters.panics, 1);
    assert_eq!(status(&supervisor, "good").counters.reopens, 0);
    stop(supervisor, events);
}

/// A driver whose openings always fail in one way.
struct Unopenable(OpenError);
struct UnopenableOpener(OpenError);

impl Driver for Unopenable {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(UnopenableOpener(self.0.clone()))
    }
    fn dialogue(&self) -> Box<dyn Dialogue> {
        scanner().dialogue()
    }
}

impl Opener for UnopenableOpener {
    fn open(&mut self, _: &Path, _: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        Err(self.0.clone())
    }
}

#[test]
fn a_permission_error_is_reported_only_after_udev_had_its_time() {
    let rig = Rig::new();
    let denied = OpenError::Denied {
        path: "/dev/ttyX".to_owned(),
    };
    let driver: Box<dyn Driver> = Box::new(Unopenable(denied));
    let devices = vec![(config("x", Path::new("/dev/ttyX")), driver)];
    let (supervisor, events) =
        Supervisor::start_with_drivers(&rig.surroundings(), devices).unwrap();
    let before = until_state(&events, |s| *s == DeviceState::Denied);
    assert!(before.is_empty(), "{before:?}");
    assert_eq!(status(&supervisor, "x").counters.opens, 6);
    stop(supervisor, events);
}

/// A transport that counts as read for ever, to prove that an end of stream is never bytes.
struct Ends;
impl Transport for Ends {
    fn read(&mut self, _: &mut [u8], _: Option<Duration>) -> ReadOutcome {
        ReadOutcome::Gone("the stream ended".to_owned())
    }
    fn write(&mut self, _: &[u8]) -> Result<(), WriteError> {
        Ok(())
    }
}
struct EndsOpener;
impl Opener for EndsOpener {
    fn open(&mut self, _: &Path, _: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        Ok(Box::new(Ends))
    }
}
struct EndsDriver;
impl Driver for EndsDriver {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(EndsOpener)
    }
    fn dialogue(&self) -> Box<dyn Dialogue> {
        scanner().dialogue()
    }
}

#[test]
fn a_device_that_opens_and_fails_at_once_is_backed_off_from() {
    let rig = Rig::new();
    let driver: Box<dyn Driver> = Box::new(EndsDriver);
    let devices = vec![(config("x", Path::new("/dev/ttyX")), driver)];
    let (supervisor, events) =
        Supervisor::start_with_drivers(&rig.surroundings(), devices).unwrap();
    until_state(&events, |s| matches!(s, DeviceState::Lost(_)));
    let mut quiet = Duration::ZERO;
    while quiet < Duration::from_millis(1500) {
        // Each failing opening announces itself twice: ready, lost.
        let _announced = events.recv_timeout(Duration::from_millis(300));
        quiet += Duration::from_millis(300);
    }
    let opens = status(&supervisor, "x").counters.opens;
    assert!((2..=6).contains(&opens), "{opens} openings");
    stop(supervisor, events);
}

#[test]
fn two_devices_of_one_name_are_refused() {
    let rig = Rig::new();
    let twice = vec![
        config("a", Path::new("/dev/ttyS0")),
        config("a", Path::new("/dev/ttyS1")),
    ];
    let error = Supervisor::start(&rig.surroundings(), twice).err().unwrap();
    assert!(matches!(error, StartError::SameName(name) if name == "a"));
}
