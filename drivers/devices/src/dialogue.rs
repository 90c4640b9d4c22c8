//! The seam between a device's thread and what talks with the device. A dialogue is pure: time and
//! bytes come in, items and bytes go out, so that the same machine runs against a simulator in
//! virtual time and against a cable. It must never block, read a clock or grow without bound, and
//! what it can't read it yields as a fault and goes on.
//!
//! # Duties of the thread
//! After every call it takes [`Dialogue::next`] until there is none and performs the steps in their
//! order; it calls [`Dialogue::due`] once [`Dialogue::deadline`] has passed, but bytes that are
//! already there come first; a dialogue without deadline costs no wake-ups.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Stamp;
use crate::decoder::{Decoded, Decoder, Fault};
use crate::driver::Command;

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Report this.
    Item(Decoded),
    /// Write these bytes (on HID: one output report). If they can't be written whole, the device is
    /// closed and opened again: half a message leaves the other side in an unknown state.
    Write(Vec<u8>),
    /// Write these bytes if the device takes them; a beep that is missed is only counted.
    Try(Vec<u8>),
    /// Close the device and begin again after a pause, for this reason in words.
    Hangup(String),
    /// It is there and hangs, in these words: it is reset over USB, if it may be.
    Hung {
        /// Why.
        why: String,
        /// What to do where it can't be reset now: begin again after a pause, or go on as it is.
        hang_up: bool,
    },
}

/// One conversation, from the opening of a device to its end.
pub trait Dialogue: Send {
    /// The transport is open: greet, configure.
    fn opened(&mut self, now: Stamp) {
        let _silent_until_spoken_to = now;
    }

    /// Takes bytes as they come, in pieces of any size; on HID exactly one report.
    fn received(&mut self, now: Stamp, bytes: &[u8]);

    /// The time of [`Dialogue::deadline`] has passed. Must move the deadline on.
    fn due(&mut self, now: Stamp);

    /// When [`Dialogue::due`] is to be called, on the clock of [`Stamp::mono_us`], in microseconds;
    /// `None` while nothing is pending.
    fn deadline(&self) -> Option<u64>;

    /// Somebody wants something of the device. One that can't do it ignores it.
    fn command(&mut self, now: Stamp, command: Command);

    /// Something may be missing between what was received last and what comes next. Only transports
    /// that can lose reports tell it.
    fn overrun(&mut self, now: Stamp) {
        let _only_reports_get_lost = now;
    }

    /// Whether bytes from the device mean that it works, so that the next failure is retried soon. One that
    /// answers only to say that it belongs to somebody else is asked again ever more seldom.
    fn is_settled(&self) -> bool {
        true
    }

    /// Whether it obeys [`Command::Enable`]: a scanner that its host can keep from scanning. Such a one is told
    /// to scan at every opening, because an earlier host may have left it off.
    fn can_be_disabled(&self) -> bool {
        false
    }

    /// The next step, oldest first.
    fn next(&mut self) -> Option<Step>;

    /// The device is gone or the thread stops: ends what is under way (items may follow in
    /// [`Dialogue::next`], bytes are not written any more) and returns an unfinished frame as a
    /// fault. Never a scan, however whole it looks.
    fn closed(&mut self, now: Stamp) -> Option<Fault>;
}

/// The bytes by which a device that only talks is told what became of a scan, and whether to scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Feedback {
    /// For the good beep; empty: it has none, or beeps by itself.
    pub accepted: Vec<u8>,
    /// For the bad beep; empty: it has none.
    pub refused: Vec<u8>,
    /// To let it scan; empty: it always does.
    pub enable: Vec<u8>,
    /// To keep it from scanning; empty: it always scans.
    pub disable: Vec<u8>,
}

impl Feedback {
    /// The bytes of a command, empty if it has none.
    #[must_use]
    pub fn bytes(&self, command: Command) -> Vec<u8> {
        match command {
            Command::Accepted => self.accepted.clone(),
            Command::Refused => self.refused.clone(),
            Command::Enable(true) => self.enable.clone(),
            Command::Enable(false) if self.can_disable() => self.disable.clone(),
            Command::Write(bytes) => bytes,
            _ => Vec::new(),
        }
    }

    /// Whether it can be kept from scanning, and let scan again.
    #[must_use]
    pub fn can_disable(&self) -> bool {
        !self.enable.is_empty() && !self.disable.is_empty()
    }
}

/// A device that only talks: a decoder, and bytes for the beep.
pub struct Passive {
    decoder: Box<dyn Decoder>,
    feedback: Feedback,
    /// When it was last heard or silent, on the monotonic clock in microseconds.
    heard_us: u64,
    feedback_due: VecDeque<Vec<u8>>,
}

impl Passive {
    /// A dialogue around a decoder.
    #[must_use]
    pub fn new(decoder: Box<dyn Decoder>, feedback: Feedback) -> Self {
        Self {
            decoder,
            feedback,
            heard_us: 0,
            feedback_due: VecDeque::new(),
        }
    }
}

impl Dialogue for Passive {
    fn opened(&mut self, now: Stamp) {
        self.command(now, Command::Enable(true));
    }

    fn received(&mut self, now: Stamp, bytes: &[u8]) {
        self.heard_us = now.mono_us;
        self.decoder.push(bytes);
    }

    fn due(&mut self, now: Stamp) {
        self.heard_us = now.mono_us;
        self.decoder.flush_idle();
    }

    fn deadline(&self) -> Option<u64> {
        let wait: Duration = self.decoder.idle_flush_after()?;
        let wait_us = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        Some(self.heard_us.saturating_add(wait_us))
    }

    fn command(&mut self, _now: Stamp, command: Command) {
        let bytes = self.feedback.bytes(command);
        if !bytes.is_empty() {
            self.feedback_due.push_back(bytes);
        }
    }

    fn overrun(&mut self, now: Stamp) {
        self.heard_us = now.mono_us;
        self.decoder.overrun();
    }

    fn can_be_disabled(&self) -> bool {
        self.feedback.can_disable()
    }

    fn next(&mut self) -> Option<Step> {
        match self.decoder.next() {
            Some(item) => Some(Step::Item(item)),
            None => self.feedback_due.pop_front().map(Step::Try),
        }
    }

    fn closed(&mut self, _now: Stamp) -> Option<Fault> {
        self.decoder.cut_off()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line_scanner::{END_WAIT_MS, LineScanner, LineScannerConfig};
    use shelf_codecs::scanner::line::IDLE_FLUSH_MS;

    fn at(ms: u64) -> Stamp {
        Stamp {
            mono_us: ms * 1000,
            wall_ms: 0,
        }
    }

    fn steps(dialogue: &mut dyn Dialogue) -> Vec<String> {
        let show = |step| match step {
            Step::Item(Decoded::Scan(scan)) => String::from_utf8(scan.bytes).unwrap(),
            Step::Item(Decoded::Fault(fault)) => fault.cause.to_string(),
            other => format!("{other:?}"),
        };
        std::iter::from_fn(|| dialogue.next()).map(show).collect()
    }

    #[test]
    fn a_passive_device_has_a_deadline_only_while_a_scan_is_unfinished() {
        let mut it = LineScanner::new(LineScannerConfig::default()).passive();
        it.opened(at(5));
        assert_eq!(it.deadline(), None);
        it.received(at(10), b"4006381333931");
        assert_eq!(it.deadline(), Some((10 + IDLE_FLUSH_MS) * 1000));
        it.due(at(10 + IDLE_FLUSH_MS));
        assert_eq!(steps(&mut it), ["4006381333931"]);
        assert_eq!(it.deadline(), None);
        // Once a terminator was seen, silence ends nothing.
        it.received(at(100), b"111\r222");
        assert_eq!(steps(&mut it), ["111"]);
        assert_eq!(it.deadline(), Some((100 + END_WAIT_MS) * 1000));
        it.due(at(100 + END_WAIT_MS));
        let missing = "the end of the scan never came: scan again";
        assert_eq!(steps(&mut it), [missing]);
        it.received(at(2000), b"40063");
        let fault = it.closed(at(2001)).unwrap();
        assert_eq!(fault.bytes_total, 5);
        assert!(it.next().is_none());
    }

    #[test]
    fn commands_that_a_passive_device_knows_become_bytes() {
        let config = LineScannerConfig {
            accepted_bytes: b"B".to_vec(),
            ..LineScannerConfig::default()
        };
        let mut it = LineScanner::new(config).passive();
        it.command(at(1), Command::Accepted);
        it.command(at(1), Command::Refused);
        it.command(at(1), Command::OpenDrawer);
        it.command(at(1), Command::Write(b"x".to_vec()));
        let tried = [b"B", b"x"].map(|it| Step::Try(it.to_vec()));
        let steps: Vec<Step> = std::iter::from_fn(|| it.next()).collect();
        assert_eq!(steps, tried);
    }

    #[test]
    fn only_a_scanner_that_can_be_let_scan_again_is_kept_from_scanning() {
        let told = |enable: &[u8], disable: &[u8]| {
            let config = LineScannerConfig {
                enable_bytes: enable.to_vec(),
                disable_bytes: disable.to_vec(),
                ..LineScannerConfig::default()
            };
            let mut it = LineScanner::new(config).passive();
            it.opened(at(0));
            it.command(at(1), Command::Enable(false));
            it.command(at(2), Command::Enable(true));
            let steps: Vec<Step> = std::iter::from_fn(|| it.next()).collect();
            (it.can_be_disabled(), steps)
        };
        let tried = |all: &[&[u8]]| all.iter().map(|it| Step::Try(it.to_vec())).collect();
        assert_eq!(told(b"E", b"D"), (true, tried(&[b"E", b"D", b"E"])));
        assert_eq!(told(b"", b""), (false, Vec::new()));
        // Half a pair would leave it off for ever.
        assert_eq!(told(b"", b"D"), (false, Vec::new()));
    }
}
