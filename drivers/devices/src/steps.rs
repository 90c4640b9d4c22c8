//! What dialogues around sessions have in common: their steps in order, their one timer, and the
//! sessions' time in milliseconds.

use std::collections::VecDeque;

use shelf_sessions::time::Mono;

use crate::clock::Stamp;
use crate::decoder::{Decoded, Fault, FaultCause};
use crate::dialogue::Step;

/// The sessions' time of a stamp.
pub(crate) fn mono(now: Stamp) -> Mono {
    Mono(now.mono_us / 1000)
}

/// Steps that the thread has not taken yet, and the session's timer.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    queue: VecDeque<Step>,
    due_at: Option<Mono>,
}

impl Steps {
    /// Something to report.
    pub(crate) fn item(&mut self, item: Decoded) {
        self.queue.push_back(Step::Item(item));
    }

    /// Something that people should know.
    pub(crate) fn notice(&mut self, words: impl Into<String>) {
        self.item(Decoded::Notice(words.into()));
    }

    /// Bytes that are no frame of a scanner.
    pub(crate) fn scanner_fault(&mut self, fault: &shelf_codecs::scanner::Fault) {
        self.item(Decoded::Fault(scanner_fault(fault)));
    }

    /// Bytes that must arrive.
    pub(crate) fn write(&mut self, bytes: Vec<u8>) {
        self.queue.push_back(Step::Write(bytes));
    }

    /// Bytes that may be missed; none is nothing.
    pub(crate) fn attempt(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.queue.push_back(Step::Try(bytes));
        }
    }

    /// It hangs.
    pub(crate) fn hung(&mut self, why: impl Into<String>, hang_up: bool) {
        let why = why.into();
        self.queue.push_back(Step::Hung { why, hang_up });
    }

    /// Sets the timer, in place of an earlier one.
    pub(crate) fn set_timer(&mut self, at: Mono) {
        self.due_at = Some(at);
    }

    /// There is nothing to wait for.
    pub(crate) fn clear_timer(&mut self) {
        self.due_at = None;
    }

    /// As [`Dialogue::deadline`](crate::dialogue::Dialogue::deadline) tells it.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.due_at.map(|at| at.0.saturating_mul(1000))
    }

    /// The next step, oldest first.
    pub(crate) fn next(&mut self) -> Option<Step> {
        self.queue.pop_front()
    }
}

/// A codec's fault as it is reported.
pub(crate) fn scanner_fault(fault: &shelf_codecs::scanner::Fault) -> Fault {
    let cause = FaultCause::Undecodable(fault.reason);
    Fault::new(cause, &fault.bytes, fault.bytes_total)
}

/// The same of a code that the device's going cut off.
pub(crate) fn cut_off(fault: &shelf_codecs::scanner::Fault) -> Fault {
    Fault::new(FaultCause::CutOff, &fault.bytes, fault.bytes_total)
}
