//! What a device's thread tells the world: events with their identities, states that are news,
//! counters and journal. It keeps the promise that nothing read is dropped; it decides nothing about
//! the device itself.

use std::sync::Arc;

use shelf_codecs::redact::{mask_bytes, mask_text};

use crate::clock::{Clock, Stamp};
use crate::decoder::{Decoded, NOTICE_BYTES_MAX};
use crate::delivery::{Outbox, Pumped};
use crate::event::{DeviceEvent, EventSeq, Payload};
use crate::journal::Direction;
use crate::raw::{RawForm, RawTrail};
use crate::shared::Shared;
use crate::status::DeviceState;
use crate::tag_read::{TAGS_PER_EVENT_MAX, TagRead};

/// Faults of one device that are told within [`FAULT_WINDOW_US`]; more are counted and in the journal,
/// so that a device that talks nonsense can't fill queue, ledger and log.
pub(crate) const FAULTS_TOLD_MAX: u32 = 60;
/// See [`FAULTS_TOLD_MAX`]; one minute.
const FAULT_WINDOW_US: u64 = 60_000_000;
/// What is told instead, once in a window.
const NONSENSE: &str = "most of what it sends can't be read: see its last frames";

pub(crate) struct Reporter {
    shared: Arc<Shared>,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    incarnation: u64,
    counter: u64,
    told: Option<DeviceState>,
    /// When the present window of faults began, and how many it has.
    faults: (u64, u32),
    raw: RawTrail,
}

impl Reporter {
    pub(crate) fn new(
        shared: Arc<Shared>,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
        incarnation: u64,
        raw_form: RawForm,
    ) -> Self {
        Self {
            shared,
            outbox,
            clock,
            incarnation,
            counter: 0,
            told: None,
            faults: (0, 0),
            raw: RawTrail::new(raw_form),
        }
    }

    pub(crate) fn now(&self) -> Stamp {
        self.clock.now()
    }

    /// Moves events towards the daemon as far as there is room.
    pub(crate) fn pump(&mut self) -> Pumped {
        self.outbox.pump()
    }

    /// Whether the device must not be read now.
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.is_full()
    }

    /// Notes bytes read, and when; called before they are decoded.
    pub(crate) fn received(&mut self, bytes: &[u8]) -> Stamp {
        let now = self.clock.now();
        self.raw.push(bytes);
        let mut live = self.shared.live();
        live.counters.bytes_in += bytes.len() as u64;
        live.last_data = Some(now);
        now
    }

    /// Notes bytes written.
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        let now = self.clock.now();
        let mut live = self.shared.live();
        live.counters.bytes_out += bytes.len() as u64;
        // What goes to a printer or a display may hold a card's number.
        let text = mask_bytes(bytes);
        live.journal
            .add(now, Direction::Out, &text, bytes.len() as u64);
    }

    /// Posts what the decoder made of bytes read at `now`.
    pub(crate) fn emit(&mut self, now: Stamp, item: Decoded) {
        let (text, length) = item.journal_text();
        let raw = match &item {
            // Bytes that are not decoded yet belong to what they will make.
            Decoded::Notice(_) => Vec::new(),
            item => self.raw.take(item),
        };
        {
            let mut live = self.shared.live();
            live.journal
                .add_with_raw(now, Direction::In, (&text, length), raw);
            match &item {
                Decoded::Reply(_) | Decoded::Notice(_) => {}
                Decoded::Fault(_) => live.counters.faults += 1,
                _ => live.counters.frames += 1,
            }
        }
        let payload = match item {
            Decoded::Reply(_) => return,
            Decoded::Scan(scan) => Payload::Scan(scan),
            Decoded::Badge(uid) => Payload::Badge(uid),
            Decoded::Weight(weighing) => Payload::Weight(weighing),
            Decoded::Tags(reads) => return self.post_tags(now, &reads),
            Decoded::Receipt(receipt) => Payload::Receipt(receipt),
            Decoded::Notice(words) => return self.post_notice(now, &words),
            Decoded::Fault(fault) => match self.count_fault(now) {
                told if told <= FAULTS_TOLD_MAX => Payload::Fault(fault),
                told if told == FAULTS_TOLD_MAX + 1 => return self.post_notice(now, NONSENSE),
                _ => return,
            },
        };
        self.post(now, payload);
    }

    fn post_notice(&mut self, now: Stamp, words: &str) {
        if words.is_empty() {
            self.shared.live().notice = None;
            return;
        }
        let words = noted(words);
        self.shared.live().notice = Some(words.clone());
        self.post(now, Payload::Notice(words));
    }

    /// How many faults the present window has with this one.
    fn count_fault(&mut self, now: Stamp) -> u32 {
        let (began_us, count) = &mut self.faults;
        if now.mono_us.saturating_sub(*began_us) >= FAULT_WINDOW_US {
            (*began_us, *count) = (now.mono_us, 0);
        }
        *count = count.saturating_add(1);
        *count
    }

    fn post_tags(&mut self, now: Stamp, reads: &[TagRead]) {
        for some in reads.chunks(TAGS_PER_EVENT_MAX) {
            self.post(now, Payload::Tags(some.to_vec()));
        }
    }

    fn post(&mut self, at: Stamp, payload: Payload) {
        self.counter += 1;
        let seq = EventSeq {
            incarnation: self.incarnation,
            counter: self.counter,
        };
        let device = Arc::clone(&self.shared.name);
        self.outbox.push(DeviceEvent {
            device,
            seq,
            at,
            payload,
        });
        let held = self.outbox.spilled_bytes() as u64;
        let mut live = self.shared.live();
        live.counters.spilled_bytes_peak = live.counters.spilled_bytes_peak.max(held);
    }

    /// Sets the state and announces it if it is news; trying again is not.
    pub(crate) fn tell(&mut self, state: DeviceState) {
        if state == DeviceState::Ready {
            self.raw.clear();
        }
        state.clone_into(&mut self.shared.live().state);
        if self.told.as_ref() != Some(&state) {
            self.told = Some(state.clone());
            let now = self.clock.now();
            self.post(now, Payload::State(state));
        }
        // A device that comes and goes while the daemon is behind must not fill memory with news.
        while self.outbox.pump() == Pumped::Waiting && self.outbox.is_full() && !self.ending() {
            self.shared.wake.wait(None);
        }
    }

    /// Whether to stop: told so, or nobody will ever take an event.
    pub(crate) fn ending(&self) -> bool {
        self.shared.stopping() || self.outbox.is_closed()
    }

    /// Waits until everything is in the daemon's queue, or nobody will take it.
    pub(crate) fn deliver_rest(&mut self) {
        loop {
            match self.outbox.pump() {
                Pumped::Empty => return,
                Pumped::Waiting => {
                    self.shared.wake.wait(None);
                }
                Pumped::Closed => {
                    tracing::error!(
                        device = %self.shared.name,
                        bytes = self.outbox.spilled_bytes(),
                        "events were not taken before the receiver closed; scan again what is missing"
                    );
                    return;
                }
            }
        }
    }
}

/// A notice as it may be shown: masked and bounded.
fn noted(words: &str) -> String {
    let mut words = mask_text(words);
    let end = (0..=NOTICE_BYTES_MAX.min(words.len())).rfind(|&at| words.is_char_boundary(at));
    words.truncate(end.unwrap_or(0));
    words
}
