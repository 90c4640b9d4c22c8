//! One opening of a device, from its first word to its loss: the dialogue's hands. It moves bytes,
//! time and commands into the dialogue and performs its steps in their order. What is already there to
//! be read comes before any timer, so that a thread that was held up never breaks a scan off; a device
//! that talks without pause can't keep timers from firing either.

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::clock::Stamp;
use crate::decoder::Decoded;
use crate::delivery::Pumped;
use crate::dialogue::{Dialogue, Step};
use crate::driver::Command;
use crate::relay::Relay;
use crate::reporter::Reporter;
use crate::reviver::Reviver;
use crate::shared::Shared;
use crate::transport::{ReadOutcome, Transport, WriteError};
use crate::wake::poll_for;

/// Bytes taken from a device in one read.
const READ_BYTES_MAX: usize = 4096;
/// Shortest time between two calls of [`Dialogue::due`], in microseconds: a dialogue whose deadline
/// never moves on is a defect, and must not make the thread run in a circle.
const DUE_GAP_US_MIN: u64 = 5_000;
/// Longest read of a scanner that was told not to scan: not every transport can be woken out of a read, and it
/// is to scan as soon as somebody can take a scan.
const ENABLE_WAIT_MAX: Duration = Duration::from_millis(250);
/// How long the last word to a device has to leave before it is closed.
const LEAVING: Duration = Duration::from_millis(250);

/// Why an opening ended.
pub(crate) enum Ended {
    /// The thread was told to stop.
    Stopped,
    /// The device is elsewhere now, or nowhere.
    Retargeted,
    /// It failed.
    Lost(String),
    /// It is there and hangs.
    Hung(String),
}

/// An open device with everything that its thread lends it.
pub(crate) struct Opening<'a> {
    pub(crate) node: &'a Path,
    pub(crate) shared: &'a Shared,
    pub(crate) commands: &'a Receiver<Command>,
    pub(crate) reporter: &'a mut Reporter,
    pub(crate) backoff: &'a mut Backoff,
    pub(crate) reviver: &'a mut Reviver,
    pub(crate) generation: &'a mut u64,
    pub(crate) transport: &'a mut dyn Transport,
    pub(crate) dialogue: &'a mut dyn Dialogue,
    pub(crate) relay: Option<&'a mut Relay>,
    /// When the next timer may fire at the earliest, on the monotonic clock in microseconds.
    pub(crate) due_not_before_us: u64,
    /// What a scanner was told last: to scan, or not. Every dialogue begins by telling it to scan.
    pub(crate) enabled: bool,
}

impl Opening<'_> {
    /// Runs until the device is lost or the thread is wanted elsewhere.
    pub(crate) fn run(&mut self) -> Ended {
        let now = self.reporter.now();
        self.dialogue.opened(now);
        match self.perform(now) {
            Err(ended) => ended,
            Ok(()) => loop {
                if let Err(ended) = self.round() {
                    self.leave_enabled(&ended);
                    return ended;
                }
            },
        }
    }

    /// A scanner that was kept from scanning scans again before it is let go: whoever opens it next need not
    /// know how to wake it.
    fn leave_enabled(&mut self, ended: &Ended) {
        if !self.enabled && matches!(ended, Ended::Stopped) {
            // What can't be written any more is told at the next opening.
            let _ended_already = self.tell_enabled(true);
            if self.dialogue.can_be_disabled() {
                // The pause itself: closing throws away what is still on its way out.
                let _always_times_out = poll_for(&mut [], Some(LEAVING));
            }
        }
    }

    /// Whether it is a scanner that was told not to scan, and obeys.
    fn rests(&self) -> bool {
        !self.enabled && self.dialogue.can_be_disabled()
    }

    fn tell_enabled(&mut self, wanted: bool) -> Result<(), Ended> {
        self.enabled = wanted;
        let now = self.reporter.now();
        self.dialogue.command(now, Command::Enable(wanted));
        self.shared.live().is_disabled = self.rests();
        self.perform(now)
    }

    fn round(&mut self) -> Result<(), Ended> {
        self.interrupted()?;
        match self.reporter.pump() {
            Pumped::Closed => return Err(Ended::Stopped),
            Pumped::Waiting if self.reporter.is_full() => {
                self.shared.live().counters.stalls += 1;
                self.shared.wake.wait(None);
                return Ok(());
            }
            Pumped::Waiting | Pumped::Empty => {}
        }
        let mut buf = [0u8; READ_BYTES_MAX];
        let outcome = self.transport.read(&mut buf, self.patience());
        self.shared.live().counters.reads += 1;
        match outcome {
            ReadOutcome::Bytes(n) => {
                let now = self.reporter.received(&buf[..n]);
                self.dialogue.received(now, &buf[..n]);
                if self.dialogue.is_settled() {
                    self.backoff.reset();
                    self.reviver.rescue.worked(now.mono_us);
                }
                self.perform(now)?;
                self.fire(now)
            }
            ReadOutcome::Idle => {
                let mut now = self.reporter.now();
                if !self.rests() {
                    // The transport has waited until the deadline, whatever the clock says.
                    now.mono_us = now.mono_us.max(self.due_us().unwrap_or(0));
                }
                self.fire(now)
            }
            ReadOutcome::Overrun => {
                let now = self.reporter.now();
                self.dialogue.overrun(now);
                self.perform(now)
            }
            ReadOutcome::Woken => Ok(()),
            ReadOutcome::Gone(why) => Err(Ended::Lost(why)),
        }
    }

    /// When the dialogue wants to be called, on the monotonic clock in microseconds.
    fn due_us(&self) -> Option<u64> {
        let deadline = self.dialogue.deadline()?;
        Some(deadline.max(self.due_not_before_us))
    }

    /// How long a read may wait; none without a timer.
    fn patience(&self) -> Option<Duration> {
        let left = |due: u64| due.saturating_sub(self.reporter.now().mono_us);
        let timer = self.due_us().map(|it| Duration::from_micros(left(it)));
        match self.rests() {
            false => timer,
            true => Some(timer.map_or(ENABLE_WAIT_MAX, |it| it.min(ENABLE_WAIT_MAX))),
        }
    }

    /// Calls the dialogue if its time has come.
    fn fire(&mut self, now: Stamp) -> Result<(), Ended> {
        if self.due_us().is_none_or(|at| at > now.mono_us) {
            return Ok(());
        }
        self.due_not_before_us = now.mono_us.saturating_add(DUE_GAP_US_MIN);
        self.dialogue.due(now);
        self.perform(now)
    }

    /// Looks at everything that a wake-up may have been for.
    fn interrupted(&mut self) -> Result<(), Ended> {
        if self.shared.stopping() {
            return Err(Ended::Stopped);
        }
        let generation = self.shared.generation();
        if generation != *self.generation {
            *self.generation = generation;
            if self.shared.target().node.as_deref() != Some(self.node) {
                return Err(Ended::Retargeted);
            }
        }
        let wanted = self.shared.is_enabled();
        if wanted != self.enabled {
            self.tell_enabled(wanted)?;
        }
        while let Ok(command) = self.commands.try_recv() {
            let now = self.reporter.now();
            self.dialogue.command(now, command);
            self.perform(now)?;
        }
        Ok(())
    }

    /// Performs the dialogue's steps in their order.
    fn perform(&mut self, now: Stamp) -> Result<(), Ended> {
        while let Some(step) = self.dialogue.next() {
            match step {
                Step::Item(item) => self.report(now, item),
                Step::Write(bytes) => self.write(&bytes).map_err(|error| match error {
                    WriteError::Gone(why) => Ended::Lost(why),
                    error => Ended::Lost(error.to_string()),
                })?,
                Step::Try(bytes) => match self.write(&bytes) {
                    Ok(()) => {}
                    Err(WriteError::TimedOut { .. } | WriteError::Refused(_)) => {
                        self.shared.live().counters.commands_failed += 1;
                    }
                    Err(WriteError::Gone(why)) => return Err(Ended::Lost(why)),
                },
                Step::Hangup(why) => return Err(Ended::Lost(why)),
                Step::Hung { why, hang_up } => self.hung(now, why, hang_up)?,
            }
        }
        Ok(())
    }

    /// The dialogue says that it hangs.
    fn hung(&mut self, now: Stamp, why: String, hang_up: bool) -> Result<(), Ended> {
        self.reviver.rescue.hangs();
        match self.reviver.can_reset(self.node, now.mono_us) {
            true => Err(Ended::Hung(why)),
            false if hang_up => Err(Ended::Lost(why)),
            false => Ok(()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.transport.write(bytes)?;
        self.reporter.sent(bytes);
        Ok(())
    }

    /// Reports an item, and passes a scan on to a POS that waits for it.
    fn report(&mut self, now: Stamp, item: Decoded) {
        let for_the_pos = match (&item, &self.relay) {
            (Decoded::Scan(scan), Some(_)) => Some(scan.clone()),
            _ => None,
        };
        self.reporter.emit(now, item);
        let (Some(scan), Some(relay)) = (for_the_pos, self.relay.as_deref_mut()) else {
            return;
        };
        // Into the ledger first: the POS may be slow.
        self.reporter.pump();
        if let Err(error) = relay.pass_on(&scan) {
            self.shared.live().counters.relays_failed += 1;
            tracing::warn!(device = %self.shared.name, %error, "a scan did not reach the POS");
        }
    }
}

/// Ends a dialogue whose device is closed: what it still has to say is reported, nothing is written.
pub(crate) fn close(dialogue: &mut dyn Dialogue, reporter: &mut Reporter) {
    let now = reporter.now();
    let fault = dialogue.closed(now);
    while let Some(step) = dialogue.next() {
        if let Step::Item(item) = step {
            reporter.emit(now, item);
        }
    }
    if let Some(fault) = fault {
        reporter.emit(now, Decoded::Fault(fault));
    }
}
