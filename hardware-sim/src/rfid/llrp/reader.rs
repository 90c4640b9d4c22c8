//! The reader without its socket: what it knows, what it reads, and when it speaks.

use std::collections::VecDeque;

use shelf_codecs::llrp::{
    ConnectionAttempt, Field, FrameDecoder, FrameItem, Message, MessageType, ReaderEvent,
    ReaderEvents, ReaderTime, ReportContent, RoSpec, TagReport, encode_report,
};

use super::fault::LlrpFault;
use crate::line_server::{LineAction, LineDevice};
use crate::rfid::field::{Sighting, TagField};
use crate::rfid::order::{Order, Orders};

/// Reads that are held for a client that is away or not ready; more are lost, and it says so.
pub const HELD_SIGHTINGS_MAX: usize = 100_000;
/// Tags of one report.
const REPORT_TAGS_MAX: usize = 256;
/// The beginning of the year 2000, in microseconds since 1970.
const YEAR_2000_US: u64 = 946_684_800_000_000;
/// Bytes that begin no message.
const NOISE: [u8; 24] = [0xFF; 24];

/// What the reader is.
#[derive(Clone, Debug)]
pub struct LlrpReaderConfig {
    /// Everything that is left to chance.
    pub seed: u64,
    /// How many antennas it has.
    pub antennas: u16,
    /// Reads in a second while it works, as long as a tag is there.
    pub reads_per_s: u32,
    /// So many of a thousand reads are heard at the wrong antenna.
    pub stray_per_mille: u64,
    /// How often it reports, in milliseconds.
    pub report_ms: u64,
    /// Whether it can hold reports until it is asked for them.
    pub holds_reports: bool,
    /// Its clock at its start, in microseconds since 1970.
    pub utc_us: u64,
}

impl LlrpReaderConfig {
    /// Four antennas, 200 reads a second, a report every 50 ms.
    #[must_use]
    pub fn new(seed: u64) -> LlrpReaderConfig {
        LlrpReaderConfig {
            seed,
            antennas: 4,
            reads_per_s: 200,
            stray_per_mille: 0,
            report_ms: 50,
            holds_reports: true,
            utc_us: 0,
        }
    }
}

/// Lasting faults.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Habits {
    pub(super) silent: bool,
    pub(super) slow: bool,
    pub(super) garbage: bool,
    pub(super) new: bool,
    pub(super) taken: bool,
    pub(super) stray_errors: bool,
    pub(super) double: bool,
    pub(super) refuses_work: bool,
    pub(super) cut_next: bool,
}

/// One reader. Times are microseconds of one clock that the shell chooses.
#[derive(Debug)]
pub struct LlrpReader {
    pub(super) config: LlrpReaderConfig,
    field: TagField,
    orders: Orders<LlrpFault>,
    pub(super) habits: Habits,
    decoder: FrameDecoder,
    pub(super) connected: bool,
    pub(super) specs: Vec<RoSpec>,
    pub(super) holds_on_connect: bool,
    /// Reports wait until they are asked for.
    pub(super) holding: bool,
    pub(super) keepalive_ms: u64,
    keepalive_at_us: Option<u64>,
    report_at_us: u64,
    /// Reads owed from the time before, in millionths.
    owed: u64,
    held: VecDeque<(Sighting, u64)>,
    lost: bool,
    reads: u64,
    next_id: u32,
    asked: Vec<MessageType>,
    out: VecDeque<LineAction>,
}

impl LlrpReader {
    /// A reader that was just switched on.
    #[must_use]
    pub fn new(config: LlrpReaderConfig) -> LlrpReader {
        LlrpReader {
            field: TagField::new(config.seed, config.antennas, config.stray_per_mille),
            config,
            orders: Orders::default(),
            habits: Habits::default(),
            decoder: FrameDecoder::new(),
            connected: false,
            specs: Vec::new(),
            holds_on_connect: false,
            holding: false,
            keepalive_ms: 0,
            keepalive_at_us: None,
            report_at_us: 0,
            owed: 0,
            held: VecDeque::new(),
            lost: false,
            reads: 0,
            next_id: 1,
            asked: Vec::new(),
            out: VecDeque::new(),
        }
    }

    /// Something is to happen; whether there was room to remember it.
    pub fn order(&mut self, order: Order<LlrpFault>) -> bool {
        self.orders.give(order)
    }

    /// The tags before it.
    #[must_use]
    pub fn field(&self) -> &TagField {
        &self.field
    }

    /// Reads so far, reported or not.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// Every message that a client ever sent.
    #[must_use]
    pub fn asked(&self) -> &[MessageType] {
        &self.asked
    }

    fn forget_client(&mut self) {
        self.connected = false;
        self.keepalive_at_us = None;
        if !self.config.holds_reports || !self.holds_on_connect {
            // Nobody asked it to keep anything.
            self.held.clear();
        }
    }

    pub(super) fn is_working(&self) -> bool {
        self.specs.iter().any(|it| it.state == 2)
    }

    /// The reads since the last call: reported, held, or lost.
    fn work(&mut self, now_us: u64) {
        if !self.is_working() {
            self.report_at_us = now_us;
            return;
        }
        if now_us < self.report_at_us {
            return;
        }
        let interval_us = self.config.report_ms.max(1) * 1_000;
        let since_us = now_us - self.report_at_us + interval_us;
        self.report_at_us = now_us + interval_us;
        // A sleeper doesn't make up for an hour in one report.
        let since_us = since_us.min(1_000_000);
        self.owed += since_us * u64::from(self.config.reads_per_s);
        let due = self.owed / 1_000_000;
        self.owed %= 1_000_000;
        for _ in 0..due {
            let Some(sighting) = self.field.read() else {
                break;
            };
            if self.held.len() >= HELD_SIGHTINGS_MAX {
                self.held.pop_front();
                self.lost = true;
            }
            self.reads += 1;
            self.held.push_back((sighting, now_us));
        }
        self.report(now_us);
    }

    /// Reports what is there, if the client may have it.
    pub(super) fn report(&mut self, now_us: u64) {
        if !self.connected {
            if !self.config.holds_reports || !self.holds_on_connect {
                self.held.clear();
            }
            return;
        }
        if self.holding {
            return;
        }
        if std::mem::take(&mut self.lost) {
            self.tell_overflow(now_us);
        }
        while !self.held.is_empty() && self.connected {
            let count = self.held.len().min(REPORT_TAGS_MAX);
            let tags: Vec<(Sighting, u64)> = self.held.drain(..count).collect();
            let frame = self.encode(&tags);
            if std::mem::take(&mut self.habits.cut_next) {
                let half = frame.get(..frame.len() / 2).unwrap_or(&frame).to_vec();
                self.put(half);
                self.hang_up();
                return;
            }
            self.put(frame);
        }
    }

    fn encode(&mut self, tags: &[(Sighting, u64)]) -> Vec<u8> {
        let spec = self.specs.iter().find(|it| it.state == 2);
        let report = spec.and_then(|it| it.report.as_ref());
        let content = report.map_or(ReportContent::PRESENCE, |it| it.content);
        let (spec_id, base) = (spec.map_or(0, |it| it.id), self.config.utc_us);
        let doubled: Vec<Option<Vec<u8>>> = tags
            .iter()
            .map(|(it, _)| self.habits.double.then(|| digits(it.epc.as_slice())))
            .collect();
        let reports: Vec<TagReport<'_>> = tags
            .iter()
            .zip(&doubled)
            .map(|((sighting, at_us), doubled)| {
                let epc = doubled.as_deref().unwrap_or(sighting.epc.as_slice());
                let at = base.saturating_add(*at_us);
                let fields = [
                    (
                        ReportContent::RO_SPEC_ID,
                        Field::RoSpecId,
                        u64::from(spec_id),
                    ),
                    (
                        ReportContent::ANTENNA_ID,
                        Field::AntennaId,
                        sighting.antenna.into(),
                    ),
                    (
                        ReportContent::PEAK_RSSI,
                        Field::PeakRssi,
                        sighting.dbm.cast_unsigned().into(),
                    ),
                    (ReportContent::FIRST_SEEN, Field::FirstSeenUtc, at),
                    (ReportContent::LAST_SEEN, Field::LastSeenUtc, at),
                    (ReportContent::SEEN_COUNT, Field::SeenCount, 1),
                ];
                let asked = fields.into_iter().filter(|it| content.0 & it.0 != 0);
                let report = asked.fold(TagReport::of(epc), |it, (_, field, value)| {
                    it.with(field, value)
                });
                match self.habits.new {
                    true => report.with(Field::XpcW1, 0x8000).with(Field::XpcW2, 1),
                    false => report,
                }
            })
            .collect();
        self.next_id = self.next_id.wrapping_add(1);
        let frame = encode_report(self.next_id, &reports);
        match self.habits.garbage {
            true => super::answer::with_garbage(&frame),
            false => frame,
        }
    }

    fn misbehave(&mut self, now_us: u64, fault: LlrpFault) {
        match fault {
            LlrpFault::Cut => self.habits.cut_next = true,
            LlrpFault::Drop => self.hang_up(),
            LlrpFault::Close => {
                let event = self.event(now_us, ReaderEvent::ConnectionClose);
                self.put(event);
                self.hang_up();
            }
            LlrpFault::Silence => self.habits.silent = true,
            LlrpFault::Speak => self.habits.silent = false,
            LlrpFault::Slow => self.habits.slow = true,
            LlrpFault::Garbage => self.habits.garbage = true,
            LlrpFault::New => self.habits.new = true,
            LlrpFault::Noise => self.put(NOISE.to_vec()),
            LlrpFault::Taken => {
                self.habits.taken = true;
                self.hang_up();
            }
            LlrpFault::Free => self.habits.taken = false,
            LlrpFault::Overflow => {
                self.held.clear();
                self.lost = true;
            }
            LlrpFault::Antenna(antenna_id, connected) => {
                let event = ReaderEvent::Antenna {
                    connected,
                    antenna_id,
                };
                let event = self.event(now_us, event);
                self.put(event);
            }
            LlrpFault::StrayErrors => self.habits.stray_errors = true,
            LlrpFault::Clock2000 => self.config.utc_us = YEAR_2000_US,
            LlrpFault::Double => self.habits.double = true,
            LlrpFault::RefuseSpecs => self.habits.refuses_work = true,
        }
    }

    fn greet(&mut self, now_us: u64, attempt: ConnectionAttempt) {
        let greeting = self.event(now_us, ReaderEvent::ConnectionAttempt(attempt));
        self.put(greeting);
    }

    fn tell_overflow(&mut self, now_us: u64) {
        self.lost = false;
        let event = self.event(now_us, ReaderEvent::BufferOverflow);
        self.put(event);
    }

    /// An event's message.
    pub(super) fn event(&mut self, now_us: u64, event: ReaderEvent) -> Vec<u8> {
        self.next_id = self.next_id.wrapping_add(1);
        let events = ReaderEvents {
            at: Some(ReaderTime::Utc(self.config.utc_us.saturating_add(now_us))),
            events: vec![event],
        };
        Message::ReaderEventNotification(events).encode(self.next_id)
    }

    fn send(&mut self, message: &Message) {
        self.next_id = self.next_id.wrapping_add(1);
        self.put(message.encode(self.next_id));
    }

    pub(super) fn put(&mut self, bytes: Vec<u8>) {
        if self.habits.silent {
            return;
        }
        // The slow one's bytes go out a segment each.
        let piece_bytes = if self.habits.slow { 1 } else { bytes.len() };
        let pieces = bytes.chunks(piece_bytes.max(1));
        self.out
            .extend(pieces.map(|it| LineAction::Send(it.to_vec())));
    }

    pub(super) fn hang_up(&mut self) {
        self.out.push_back(LineAction::Close);
        self.forget_client();
    }

    pub(super) fn next_keepalive(&self, now_us: u64) -> Option<u64> {
        (self.connected && self.keepalive_ms > 0).then(|| now_us + self.keepalive_ms * 1_000)
    }

    pub(super) fn keepalive_set(&mut self, now_us: u64, ms: u32) {
        self.keepalive_ms = ms.into();
        self.keepalive_at_us = self.next_keepalive(now_us);
    }
}

/// Bytes as the text of their digits.
fn digits(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.iter().map(|it| format!("{it:02X}"));
    text.collect::<String>().into_bytes()
}

impl LineDevice for LlrpReader {
    /// A client is there. It is greeted, or sent away.
    fn connected(&mut self, now_us: u64) {
        self.decoder = FrameDecoder::new();
        if self.habits.taken {
            self.greet(now_us, ConnectionAttempt::ClientInitiatedExists);
            self.out.push_back(LineAction::Close);
            return;
        }
        self.connected = true;
        self.holding = self.holds_on_connect;
        self.keepalive_at_us = self.next_keepalive(now_us);
        self.greet(now_us, ConnectionAttempt::Success);
        if self.lost && !self.holding {
            self.tell_overflow(now_us);
        }
    }

    /// The client is gone. Its work goes on.
    fn disconnected(&mut self, _now_us: u64) {
        self.forget_client();
    }

    fn received(&mut self, now_us: u64, bytes: &[u8]) {
        self.work(now_us);
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.push(bytes);
        while let Some(item) = decoder.next_item() {
            match item {
                FrameItem::Frame(frame) => {
                    self.asked.push(frame.kind);
                    let (id, message) = (frame.id, Message::read(&frame));
                    self.answer(now_us, id, message);
                }
                FrameItem::Fault(_) => self.hang_up(),
            }
        }
        self.decoder = decoder;
    }

    /// Orders, reads, reports and keep-alives that are due.
    fn advance(&mut self, now_us: u64) {
        while let Some(order) = self.orders.play(now_us, &mut self.field) {
            match order {
                Order::Rate(reads_per_s) => self.config.reads_per_s = reads_per_s,
                Order::Fault(fault) => self.misbehave(now_us, fault),
                _ => {}
            }
        }
        self.work(now_us);
        if self.keepalive_at_us.is_some_and(|at| at <= now_us) {
            self.send(&Message::Keepalive);
            self.keepalive_at_us = self.next_keepalive(now_us);
        }
    }

    fn due_us(&self) -> Option<u64> {
        let report = self.is_working().then_some(self.report_at_us);
        let times = [self.keepalive_at_us, report, self.orders.due_us()];
        times.into_iter().flatten().min()
    }

    fn take_actions(&mut self) -> Vec<LineAction> {
        self.out.drain(..).collect()
    }

    /// Another client tried; it is told so and sent away. Ours is told too.
    fn second_client(&mut self, now_us: u64) -> Option<Vec<u8>> {
        if self.connected {
            self.greet(now_us, ConnectionAttempt::AnotherAttempted);
        }
        let refused = ReaderEvent::ConnectionAttempt(ConnectionAttempt::ClientInitiatedExists);
        Some(self.event(now_us, refused))
    }
}
