//! A dialogue with a made-up device: timers, writes and closing, as every session relies on them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the made-up device can't do fails its test"
)]

mod rig;

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rig::{PATIENCE, Rig, config, next, status, stop, until_counted, until_ready, until_state};
use shelf_devices::clock::Stamp;
use shelf_devices::decoder::{Decoded, Fault, FaultCause};
use shelf_devices::dialogue::{Dialogue, Step};
use shelf_devices::driver::{Command, Driver};
use shelf_devices::event::{DeviceEvent, Payload};
use shelf_devices::status::DeviceState;
use shelf_devices::supervisor::Supervisor;
use shelf_devices::transport::{OpenError, Opener, ReadOutcome, Transport, WriteError};
use shelf_devices::wake::{Waited, WakeFd};

/// Words on their way to or from the made-up device.
const WORDS_MAX: usize = 2000;

/// A device made up of closures' worth of switches: it says what is put into its mouth.
struct Made {
    says: Arc<Mutex<Receiver<Vec<u8>>>>,
    heard: SyncSender<Vec<u8>>,
    /// What every write answers.
    write_error: Option<WriteError>,
    make: fn() -> Box<dyn Dialogue>,
}

struct MadeTransport {
    says: Arc<Mutex<Receiver<Vec<u8>>>>,
    heard: SyncSender<Vec<u8>>,
    write_error: Option<WriteError>,
    wake: Arc<WakeFd>,
}

impl Driver for Made {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(Made {
            says: Arc::clone(&self.says),
            heard: self.heard.clone(),
            write_error: self.write_error.clone(),
            make: self.make,
        })
    }
    fn dialogue(&self) -> Box<dyn Dialogue> {
        (self.make)()
    }
}

impl Opener for Made {
    fn open(&mut self, _: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        Ok(Box::new(MadeTransport {
            says: Arc::clone(&self.says),
            heard: self.heard.clone(),
            write_error: self.write_error.clone(),
            wake: Arc::clone(wake),
        }))
    }
}

impl Transport for MadeTransport {
    fn read(&mut self, buf: &mut [u8], deadline: Option<Duration>) -> ReadOutcome {
        let said = self.says.lock().unwrap().try_recv();
        match said.as_deref() {
            Ok(b"GONE") => return ReadOutcome::Gone("pulled".to_owned()),
            Ok(bytes) => {
                buf[..bytes.len()].copy_from_slice(bytes);
                return ReadOutcome::Bytes(bytes.len());
            }
            Err(_) => {}
        }
        match self.wake.wait(deadline) {
            Waited::Woken => ReadOutcome::Woken,
            Waited::TimedOut => ReadOutcome::Idle,
        }
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        match self.write_error.clone() {
            Some(error) => Err(error),
            None => {
                let _test_over = self.heard.send(bytes.to_vec());
                Ok(())
            }
        }
    }
}

/// What the test holds in its hand.
struct Hand {
    supervisor: Supervisor,
    events: shelf_devices::delivery::EventReceiver,
    says: SyncSender<Vec<u8>>,
    heard: Receiver<Vec<u8>>,
    _rig: Rig,
}

fn start(make: fn() -> Box<dyn Dialogue>, write_error: Option<WriteError>) -> Hand {
    let rig = Rig::new();
    let (says, mouth) = sync_channel(WORDS_MAX);
    let (ear, heard) = sync_channel(WORDS_MAX);
    let driver = Made {
        says: Arc::new(Mutex::new(mouth)),
        heard: ear,
        write_error,
        make,
    };
    let devices: Vec<(_, Box<dyn Driver>)> =
        vec![(config("it", Path::new("/dev/made")), Box::new(driver))];
    let (supervisor, events) =
        Supervisor::start_with_drivers(&rig.surroundings(), devices).unwrap();
    Hand {
        supervisor,
        events,
        says,
        heard,
        _rig: rig,
    }
}

impl Hand {
    /// Puts bytes into the device's mouth.
    fn say(&self, bytes: &[u8]) {
        self.says.send(bytes.to_vec()).unwrap();
        // The made-up device has no descriptor of its own: any command wakes its thread.
        self.supervisor
            .command("it", Command::Write(Vec::new()))
            .unwrap();
    }

    fn hear(&self) -> Vec<u8> {
        self.heard.recv_timeout(PATIENCE).unwrap()
    }
}

/// Asks at its opening, asks again every 20 ms until something comes, and repeats what comes.
#[derive(Default)]
struct Asks {
    due_us: Option<u64>,
    steps: Vec<Step>,
    half: Vec<u8>,
}

const ASK_AGAIN_US: u64 = 20_000;

impl Dialogue for Asks {
    fn opened(&mut self, now: Stamp) {
        self.due(now);
    }
    fn received(&mut self, _: Stamp, bytes: &[u8]) {
        self.due_us = None;
        self.half = bytes.to_vec();
        if let Some(text) = bytes.strip_suffix(b".") {
            self.half.clear();
            self.steps.push(Step::Item(Decoded::Notice(
                String::from_utf8_lossy(text).into(),
            )));
        }
    }
    fn due(&mut self, now: Stamp) {
        assert!(self.due_us.is_none_or(|at| at <= now.mono_us), "too early");
        self.steps.push(Step::Write(b"?".to_vec()));
        self.due_us = Some(now.mono_us + ASK_AGAIN_US);
    }
    fn deadline(&self) -> Option<u64> {
        self.due_us
    }
    fn command(&mut self, _: Stamp, command: Command) {
        match command {
            Command::Reset => self.steps.push(Step::Hangup("told to".to_owned())),
            Command::Print(bytes) => self.steps.push(Step::Write(bytes)),
            _ => {}
        }
    }
    fn next(&mut self) -> Option<Step> {
        (!self.steps.is_empty()).then(|| self.steps.remove(0))
    }
    fn closed(&mut self, _: Stamp) -> Option<Fault> {
        let last = Decoded::Notice("good bye".to_owned());
        self.steps.push(Step::Item(last));
        self.steps.push(Step::Write(b"never".to_vec()));
        let half = std::mem::take(&mut self.half);
        (!half.is_empty()).then(|| Fault::new(FaultCause::CutOff, &half, half.len() as u64))
    }
}

fn asks() -> Box<dyn Dialogue> {
    Box::<Asks>::default()
}

fn notice(event: &DeviceEvent) -> &str {
    match &event.payload {
        Payload::Notice(words) => words,
        other => panic!("{other:?} instead of a notice"),
    }
}

#[test]
fn timers_fire_until_there_is_none_and_then_nothing_wakes_the_thread() {
    let hand = start(asks, None);
    until_ready(&hand.events);
    for _ in 0..3 {
        assert_eq!(hand.hear(), b"?");
    }
    hand.say(b"enough.");
    assert_eq!(notice(&next(&hand.events)), "enough");
    let it = status(&hand.supervisor, "it");
    assert_eq!(it.notice.as_deref(), Some("enough"));
    // An empty one takes it back.
    hand.say(b".");
    until_counted(&hand.supervisor, "it", |c| c.bytes_in == 8);
    rig::until(|| status(&hand.supervisor, "it").notice.is_none());
    while hand.heard.try_recv().is_ok() {}
    let reads = status(&hand.supervisor, "it").counters.reads;
    // Silent, and without a timer: nothing is asked and nothing wakes.
    assert!(hand.heard.recv_timeout(Duration::from_millis(300)).is_err());
    let later = status(&hand.supervisor, "it").counters.reads;
    assert!(later <= reads + 1, "{reads} {later}");
    stop(hand.supervisor, hand.events);
}

#[test]
fn commands_write_and_hang_up_in_order_and_a_cut_off_frame_is_a_fault() {
    let hand = start(asks, None);
    until_ready(&hand.events);
    assert_eq!(hand.hear(), b"?");
    hand.say(b"half a sent");
    until_counted(&hand.supervisor, "it", |c| c.bytes_in == 11);
    while hand.heard.try_recv().is_ok() {}
    let print = Command::Print(b"5500 0000 0000 0004".to_vec());
    hand.supervisor.command("it", print).unwrap();
    assert_eq!(hand.hear(), b"5500 0000 0000 0004");
    hand.supervisor.command("it", Command::Reset).unwrap();
    let last = until_state(&hand.events, |s| {
        *s == DeviceState::Lost("told to".to_owned())
    });
    assert_eq!(notice(&last[0]), "good bye");
    assert!(
        matches!(&last[1].payload, Payload::Fault(f) if f.cause == FaultCause::CutOff && f.bytes_total == 11)
    );
    let status = status(&hand.supervisor, "it");
    let out = status
        .journal
        .iter()
        .any(|it| it.text.contains("0000 0000"));
    assert!(!out, "a card's number in the journal: {:?}", status.journal);
    // It begins anew, and what was to be written after the end never is.
    until_ready(&hand.events);
    assert_eq!(hand.hear(), b"?");
    stop(hand.supervisor, hand.events);
}

#[test]
fn a_dialogue_that_cannot_write_is_closed() {
    for error in [
        WriteError::Gone("hung up".to_owned()),
        WriteError::Refused("no such report".to_owned()),
        WriteError::TimedOut {
            written: 0,
            wanted: 1,
            limit_ms: 1000,
        },
    ] {
        let hand = start(asks, Some(error));
        until_state(&hand.events, |s| matches!(s, DeviceState::Lost(_)));
        stop(hand.supervisor, hand.events);
    }
}

/// Its deadline never moves on: a defect.
struct Stuck;

impl Dialogue for Stuck {
    fn received(&mut self, _: Stamp, _: &[u8]) {}
    fn due(&mut self, _: Stamp) {}
    fn deadline(&self) -> Option<u64> {
        Some(0)
    }
    fn command(&mut self, _: Stamp, _: Command) {}
    fn next(&mut self) -> Option<Step> {
        None
    }
    fn closed(&mut self, _: Stamp) -> Option<Fault> {
        None
    }
}

#[test]
fn a_deadline_that_never_moves_does_not_make_the_thread_run_in_a_circle() {
    let hand = start(|| Box::new(Stuck), None);
    until_ready(&hand.events);
    assert!(hand.heard.recv_timeout(Duration::from_millis(500)).is_err());
    let reads = status(&hand.supervisor, "it").counters.reads;
    assert!((5..=150).contains(&reads), "{reads} rounds in 500 ms");
    stop(hand.supervisor, hand.events);
}

/// Says how often its timer fired when it has heard enough.
#[derive(Default)]
struct Counts {
    due_us: u64,
    fired: u32,
    heard: u32,
    said: Option<Step>,
}

impl Dialogue for Counts {
    fn received(&mut self, now: Stamp, _: &[u8]) {
        self.heard += 1;
        // Without this the flood would be over before the first timer.
        self.due_us = if self.fired == 0 {
            1
        } else {
            now.mono_us + ASK_AGAIN_US
        };
    }
    fn due(&mut self, now: Stamp) {
        self.fired += 1;
        self.due_us = now.mono_us + ASK_AGAIN_US;
        let words = format!("fired after {}", self.heard);
        self.said.get_or_insert(Step::Item(Decoded::Notice(words)));
    }
    fn deadline(&self) -> Option<u64> {
        (self.due_us > 0 && self.fired == 0).then_some(self.due_us)
    }
    fn command(&mut self, _: Stamp, _: Command) {}
    fn next(&mut self) -> Option<Step> {
        self.said.take()
    }
    fn closed(&mut self, _: Stamp) -> Option<Fault> {
        None
    }
}

#[test]
fn a_device_that_never_stops_talking_does_not_hold_up_timers() {
    let hand = start(|| Box::<Counts>::default(), None);
    until_ready(&hand.events);
    for _ in 0..1000 {
        hand.says.send(b"babble".to_vec()).unwrap();
    }
    hand.say(b"babble");
    // The first bytes come first; then the timer, though more bytes are there.
    assert_eq!(notice(&next(&hand.events)), "fired after 1");
    stop(hand.supervisor, hand.events);
}
