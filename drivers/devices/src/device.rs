//! The life of one device: wait for it, open it, listen, close it at once when it is gone, wait
//! longer after each failure, and begin again. One OS thread runs this per configured device. A
//! driver that panics takes its device down and nothing else; a thread that waits costs nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::backoff::{Backoff, RETRY_DELAY_MS_MAX};
use crate::clock::Stamp;
use crate::decoder::{Decoded, Decoder};
use crate::delivery::Pumped;
use crate::driver::{Command, Driver};
use crate::relay::{Relay, RelayTo};
use crate::reporter::Reporter;
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
    pub(crate) reporter: Reporter,
    pub(crate) backoff: Backoff,
    pub(crate) progress: Progress,
    /// Where scans are passed on to, unless the transport does it.
    pub(crate) relay_to: Option<RelayTo>,
}

/// What a device's thread remembers from one opening to the next.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    generation: u64,
    opened_before: bool,
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
            if self.reporter.ending() {
                break;
            }
            self.progress.generation = self.shared.generation();
            let target = self.shared.target();
            let Some(node) = target.node else {
                self.reporter.tell(DeviceState::Absent(target.missing));
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
        self.reporter.tell(DeviceState::Stopped);
        self.reporter.deliver_rest();
    }

    /// One opening, from open to close.
    fn serve(&mut self, node: &Path) -> Result<Ended, OpenError> {
        {
            let mut live = self.shared.live();
            live.counters.opens += 1;
            live.state = DeviceState::Opening;
        }
        let mut transport = self.driver.opener().open(node, &self.shared.wake)?;
        let mut relay = self.relay_to.as_ref().map(RelayTo::open).transpose()?;
        if self.progress.opened_before {
            self.shared.live().counters.reopens += 1;
        }
        self.progress.opened_before = true;
        self.reporter.tell(DeviceState::Ready);
        let mut decoder = self.driver.decoder();
        let opened_us = self.reporter.now().mono_us;
        let ended = self.listen(node, &mut *transport, &mut *decoder, relay.as_mut());
        // Closed before anything else: a node kept open gives the returning device a new name.
        drop(transport);
        let now = self.reporter.now();
        if let Some(fault) = decoder.cut_off() {
            self.reporter.emit(now, Decoded::Fault(fault));
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
        mut relay: Option<&mut Relay>,
    ) -> Ended {
        let mut buf = [0u8; READ_BYTES_MAX];
        loop {
            if let Some(ended) = self.interrupted(node, transport) {
                return ended;
            }
            match self.reporter.pump() {
                Pumped::Closed => return Ended::Stopped,
                Pumped::Waiting if self.reporter.is_full() => {
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
                    let now = self.reporter.received(n);
                    self.backoff.reset();
                    decoder.push(&buf[..n]);
                    self.drain(now, decoder, relay.as_deref_mut());
                }
                ReadOutcome::Idle => {
                    decoder.flush_idle();
                    let now = self.reporter.now();
                    self.drain(now, decoder, relay.as_deref_mut());
                }
                ReadOutcome::Overrun => {
                    decoder.overrun();
                    let now = self.reporter.now();
                    self.drain(now, decoder, relay.as_deref_mut());
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
            if bytes.is_empty() {
                continue;
            }
            match transport.write(&bytes) {
                Ok(()) => self.reporter.sent(&bytes),
                Err(WriteError::TimedOut { .. } | WriteError::Refused(_)) => {
                    self.shared.live().counters.commands_failed += 1;
                }
                Err(WriteError::Gone(why)) => return Some(Ended::Lost(why)),
            }
        }
        None
    }

    /// Reports what the decoder has, and passes scans on to a POS that waits for them.
    fn drain(&mut self, now: Stamp, decoder: &mut dyn Decoder, mut relay: Option<&mut Relay>) {
        while let Some(item) = decoder.next() {
            let for_the_pos = match (&item, &relay) {
                (Decoded::Scan(scan), Some(_)) => Some(scan.clone()),
                _ => None,
            };
            self.reporter.emit(now, item);
            let (Some(scan), Some(relay)) = (for_the_pos, relay.as_deref_mut()) else {
                continue;
            };
            // Into the ledger first: the POS may be slow.
            self.reporter.pump();
            if let Err(error) = relay.pass_on(&scan) {
                self.shared.live().counters.relays_failed += 1;
                tracing::warn!(device = %self.shared.name, %error, "a scan did not reach the POS");
            }
        }
    }

    fn not_opened(&mut self, error: OpenError) {
        match error {
            OpenError::Absent { .. } => self.down(DeviceState::Absent(error.to_string())),
            OpenError::Busy { .. } => self.down(DeviceState::Busy),
            OpenError::Failed { .. } => self.down(DeviceState::Lost(error.to_string())),
            OpenError::Denied { .. } => {
                let (delay, give_notice) = self.backoff.next_delay_denied();
                if give_notice {
                    self.reporter.tell(DeviceState::Denied);
                }
                self.pause(Some(delay));
            }
        }
    }

    fn down(&mut self, state: DeviceState) {
        self.reporter.tell(state);
        let delay = self.backoff.next_delay();
        self.pause(Some(delay));
    }

    /// Sleeps until `limit` has passed, the thread is to stop, or trying again is worth it.
    fn pause(&mut self, limit: Option<Duration>) {
        let start_us = self.reporter.now().mono_us;
        loop {
            self.refuse_commands();
            self.reporter.pump();
            if self.reporter.ending() {
                return;
            }
            if self.shared.generation() != self.progress.generation {
                self.backoff.reset();
                return;
            }
            let passed =
                Duration::from_micros(self.reporter.now().mono_us.saturating_sub(start_us));
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
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
