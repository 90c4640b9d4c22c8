//! The life of one device: wait for it, open it, listen, close it at once when it is gone, wait
//! longer after each failure, and begin again. One OS thread runs this per configured device. A
//! driver that panics takes its device down and nothing else; a thread that waits costs nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::backoff::{Backoff, RETRY_DELAY_MS_MAX};
use crate::driver::{Command, Driver};
use crate::opening::{self, Ended, Opening};
use crate::relay::RelayTo;
use crate::reporter::Reporter;
use crate::reviver::Reviver;
use crate::shared::Shared;
use crate::status::DeviceState;
use crate::transport::OpenError;
use crate::wake::Waited;

/// Everything that one device's thread owns.
pub(crate) struct DeviceThread {
    pub(crate) shared: Arc<Shared>,
    pub(crate) driver: Box<dyn Driver>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) reporter: Reporter,
    pub(crate) backoff: Backoff,
    pub(crate) reviver: Reviver,
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
                self.reviver.rescue.absent(self.reporter.now().mono_us);
                self.reporter.tell(DeviceState::Absent(target.missing));
                self.pause(None);
                continue;
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| self.serve(&node)));
            match outcome {
                Ok(Ok(Ended::Stopped)) => break,
                Ok(Ok(Ended::Retargeted)) => self.backoff.reset(),
                Ok(Ok(Ended::Lost(why) | Ended::Hung(why))) => self.failed(&node, why),
                Ok(Err(error)) => self.not_opened(&node, error),
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
            live.notice = None;
            live.is_disabled = false;
        }
        let mut transport = self.driver.opener().open(node, &self.shared.wake)?;
        let mut relay = self.relay_to.as_ref().map(RelayTo::open).transpose()?;
        if self.progress.opened_before {
            self.shared.live().counters.reopens += 1;
        }
        self.progress.opened_before = true;
        self.reporter.tell(DeviceState::Ready);
        let mut dialogue = self.driver.dialogue();
        let opened_us = self.reporter.now().mono_us;
        let mut opening = Opening {
            node,
            shared: &self.shared,
            commands: &self.commands,
            reporter: &mut self.reporter,
            backoff: &mut self.backoff,
            reviver: &mut self.reviver,
            generation: &mut self.progress.generation,
            transport: &mut *transport,
            dialogue: &mut *dialogue,
            relay: relay.as_mut(),
            due_not_before_us: 0,
            enabled: true,
        };
        let bytes_before = self.shared.live().counters.bytes_in;
        let ended = opening.run();
        if matches!(ended, Ended::Lost(_)) && self.shared.live().counters.bytes_in == bytes_before {
            self.reviver.rescue.failed();
        }
        // Closed before anything else: a node kept open gives the returning device a new name.
        drop(transport);
        opening::close(&mut *dialogue, &mut self.reporter);
        if self.reporter.now().mono_us.saturating_sub(opened_us) > RETRY_DELAY_MS_MAX * 1000 {
            self.backoff.reset();
        }
        Ok(ended)
    }

    /// It was open, or would not open, and failed: reset if it hangs.
    fn failed(&mut self, node: &Path, why: String) {
        let now_us = self.reporter.now().mono_us;
        let revived = self.reviver.revive(node, now_us, &self.shared);
        let words = revived.map_or(why.clone(), |it| format!("{why}; {it}"));
        self.down(DeviceState::Lost(words));
    }

    fn not_opened(&mut self, node: &Path, error: OpenError) {
        match error {
            // Of the node itself, not of the way on which its scans are passed on.
            OpenError::Silent { ref path, .. } if Path::new(path) == node => {
                self.reviver.rescue.failed();
                self.failed(node, error.to_string());
            }
            OpenError::Absent { .. } => self.down(DeviceState::Absent(error.to_string())),
            OpenError::Busy { .. } => self.down(DeviceState::Busy),
            OpenError::Failed { .. } | OpenError::Silent { .. } => {
                self.down(DeviceState::Lost(error.to_string()));
            }
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
