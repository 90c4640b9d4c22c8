//! The life of one device: wait for it, open it, listen, close it at once when it is gone, wait
//! longer after each failure, and begin again. One OS thread runs this per configured device. A
//! driver that panics takes its device down and nothing else; a thread that waits costs nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::backoff::{Backoff, RETRY_DELAY_MS_MAX};
use crate::clock::{Clock, Stamp};
use crate::decoder::{Decoded, Decoder};
use crate::delivery::{Outbox, Pumped};
use crate::driver::{Command, Driver};
use crate::event::{DeviceEvent, EventSeq, Payload};
use crate::journal::Direction;
use crate::shared::Shared;
use crate::status::DeviceState;
use crate::transport::{OpenError, ReadOutcome, Transport, WriteError};
use crate::wake::Waited;

/// Bytes taken from a device in one read.
const READ_BYTES_MAX: usize = 4096;

/// Everything that one device's thread owns.
pub(crate) struct DeviceThread {
    pub(crate) shared: Arc<Shared>,
    pub(crate) driver: Box<dyn Driver>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) backoff: Backoff,
    pub(crate) incarnation: u64,
    pub(crate) progress: Progress,
}

/// What a device's thread remembers from one opening to the next.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    counter: u64,
    generation: u64,
    opened_before: bool,
    told: Option<DeviceState>,
}

/// Why an opening ended.
enum Ended {
    /// The thread was told to stop.
    Stopped,
    /// The device is elsewhere now, or nowhere.
    Retargeted,
    /// It failed.
    Lost(String),
}

impl DeviceThread {
    /// Runs until stopped; returns when everything read has been delivered.
    pub(crate) fn run(mut self) {
        loop {
            // Signals up to here are covered by what is looked at next.
            self.shared.wake.clear();
            if self.ending() {
                break;
            }
            self.progress.generation = self.shared.generation();
            let target = self.shared.target();
            let Some(node) = target.node else {
                self.tell(DeviceState::Absent(target.missing));
                self.pause(None);
                continue;
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| self.serve(&node)));
            match outcome {
                Ok(Ok(Ended::Stopped)) => break,
                Ok(Ok(Ended::Retargeted)) => self.backoff.reset(),
                Ok(Ok(Ended::Lost(why))) => self.down(DeviceState::Lost(why)),
                Ok(Err(error)) => self.not_opened(error),
                Err(panic) => {
                    self.shared.live().counters.panics += 1;
                    self.down(DeviceState::Lost(format!(
                        "its driver failed: {}",
                        words(&*panic)
                    )));
                }
            }
        }
        self.tell(DeviceState::Stopped);
        self.deliver_rest();
    }

    /// One opening, from open to close.
    fn serve(&mut self, node: &Path) -> Result<Ended, OpenError> {
        {
            let mut live = self.shared.live();
            live.counters.opens += 1;
            live.state = DeviceState::Opening;
        }
        let mut transport = self.driver.opener().open(node, &self.shared.wake)?;
        if self.progress.opened_before {
            self.shared.live().counters.reopens += 1;
        }
        self.progress.opened_before = true;
        self.tell(DeviceState::Ready);
        let mut decoder = self.driver.decoder();
        let opened_us = self.clock.now().mono_us;
        let ended = self.listen(node, &mut *transport, &mut *decoder);
        // Closed before anything else: a node kept open gives the returning device a new name.
        drop(transport);
        let now = self.clock.now();
        if let Some(fault) = decoder.cut_off() {
            self.emit(now, Decoded::Fault(fault));
        }
        if now.mono_us.saturating_sub(opened_us) > RETRY_DELAY_MS_MAX * 1000 {
            self.backoff.reset();
        }
        Ok(ended)
    }

    fn listen(
        &mut self,
        node: &Path,
        transport: &mut dyn Transport,
        decoder: &mut dyn Decoder,
    ) -> Ended {
        let mut buf = [0u8; READ_BYTES_MAX];
        loop {
            if let Some(ended) = self.interrupted(node, transport) {
                return ended;
            }
            match self.outbox.pump() {
                Pumped::Closed => return Ended::Stopped,
                Pumped::Waiting if self.outbox.is_full() => {
                    self.shared.live().counters.stalls += 1;
                    self.shared.wake.wait(None);
                    continue;
                }
                Pumped::Waiting | Pumped::Empty => {}
            }
            let outcome = transport.read(&mut buf, decoder.idle_flush_after());
            self.shared.live().counters.reads += 1;
            match outcome {
                ReadOutcome::Bytes(n) => {
                    let now = self.received(n);
                    decoder.push(&buf[..n]);
                    self.drain(now, decoder);
                }
                ReadOutcome::Idle => {
                    decoder.flush_idle();
                    let now = self.clock.now();
                    self.drain(now, decoder);
                }
                ReadOutcome::Woken => {}
                ReadOutcome::Gone(why) => return Ended::Lost(why),
            }
        }
    }

    /// Looks at everything that a wake-up may have been for.
    fn interrupted(&mut self, node: &Path, transport: &mut dyn Transport) -> Option<Ended> {
        if self.shared.stopping() {
            return Some(Ended::Stopped);
        }
        let generation = self.shared.generation();
        if generation != self.progress.generation {
            self.progress.generation = generation;
            if self.shared.target().node.as_deref() != Some(node) {
                return Some(Ended::Retargeted);
            }
        }
        while let Ok(command) = self.commands.try_recv() {
            let bytes = self.driver.encode(&command);
            match transport.write(&bytes) {
                Ok(()) => self.sent(&bytes),
                Err(WriteError::TimedOut { .. }) => {
                    self.shared.live().counters.commands_failed += 1;
                }
                Err(WriteError::Gone(why)) => return Some(Ended::Lost(why)),
            }
        }
        None
    }

    fn received(&mut self, bytes: usize) -> Stamp {
        let now = self.clock.now();
        let mut live = self.shared.live();
        live.counters.bytes_in += bytes as u64;
        live.last_data = Some(now);
        drop(live);
        self.backoff.reset();
        now
    }

    fn sent(&mut self, bytes: &[u8]) {
        let now = self.clock.now();
        let mut live = self.shared.live();
        live.counters.bytes_out += bytes.len() as u64;
        let text = bytes.escape_ascii().to_string();
        live.journal
            .add(now, Direction::Out, &text, bytes.len() as u64);
    }

    fn drain(&mut self, now: Stamp, decoder: &mut dyn Decoder) {
        while let Some(item) = decoder.next() {
            self.emit(now, item);
        }
    }

    fn emit(&mut self, now: Stamp, item: Decoded) {
        let (text, length) = item.journal_text();
        let payload = {
            let mut live = self.shared.live();
            live.journal.add(now, Direction::In, &text, length);
            match item {
                Decoded::Scan(scan) => {
                    live.counters.frames += 1;
                    Payload::Scan(scan)
                }
                Decoded::Fault(fault) => {
                    live.counters.faults += 1;
                    Payload::Fault(fault)
                }
            }
        };
        self.post(now, payload);
    }

    fn post(&mut self, at: Stamp, payload: Payload) {
        self.progress.counter += 1;
        let seq = EventSeq {
            incarnation: self.incarnation,
            counter: self.progress.counter,
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
    fn tell(&mut self, state: DeviceState) {
        state.clone_into(&mut self.shared.live().state);
        if self.progress.told.as_ref() != Some(&state) {
            self.progress.told = Some(state.clone());
            let now = self.clock.now();
            self.post(now, Payload::State(state));
        }
        // A device that comes and goes while the daemon is behind must not fill memory with news.
        while self.outbox.pump() == Pumped::Waiting && self.outbox.is_full() && !self.ending() {
            self.shared.wake.wait(None);
        }
    }

    /// Whether to stop: told so, or nobody will ever take an event.
    fn ending(&self) -> bool {
        self.shared.stopping() || self.outbox.is_closed()
    }

    fn not_opened(&mut self, error: OpenError) {
        match error {
            OpenError::Absent { .. } => self.down(DeviceState::Absent(error.to_string())),
            OpenError::Busy { .. } => self.down(DeviceState::Busy),
            OpenError::Failed { .. } => self.down(DeviceState::Lost(error.to_string())),
            OpenError::Denied { .. } => {
                let (delay, give_notice) = self.backoff.next_delay_denied();
                if give_notice {
                    self.tell(DeviceState::Denied);
                }
                self.pause(Some(delay));
            }
        }
    }

    fn down(&mut self, state: DeviceState) {
        self.tell(state);
        let delay = self.backoff.next_delay();
        self.pause(Some(delay));
    }

    /// Sleeps until `limit` has passed, the thread is to stop, or trying again is worth it.
    fn pause(&mut self, limit: Option<Duration>) {
        let start_us = self.clock.now().mono_us;
        loop {
            self.refuse_commands();
            self.outbox.pump();
            if self.ending() {
                return;
            }
            if self.shared.generation() != self.progress.generation {
                self.backoff.reset();
                return;
            }
            let passed = Duration::from_micros(self.clock.now().mono_us.saturating_sub(start_us));
            let left = limit.map(|l| l.saturating_sub(passed));
            if left == Some(Duration::ZERO) || self.shared.wake.wait(left) == Waited::TimedOut {
                return;
            }
        }
    }

    /// A beep for a scan of long ago is worse than none.
    fn refuse_commands(&mut self) {
        while self.commands.try_recv().is_ok() {
            self.shared.live().counters.commands_failed += 1;
        }
    }

    fn deliver_rest(&mut self) {
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

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
