//! Line scanners: the codec's line decoder with what only a driver can know, namely silence and
//! whether this scanner ends its scans with a terminator. As long as none was seen, 50 ms of silence
//! end a scan (many scanners leave the factory without suffix). Once one was seen, silence ends
//! nothing: a scan that stalls on the bus is waited for, and one whose end never comes is a fault,
//! not a short code.

use std::sync::Arc;
use std::time::Duration;

use shelf_codecs::barcode::PrefixScheme;
use shelf_codecs::scanner::line::{IDLE_FLUSH_MS, LineConfig, LineDecoder, LineItem};
use shelf_codecs::scanner::{FaultReason, Scan, Terminators};

use crate::decoder::{Decoded, Decoder, Fault, FaultCause};
use crate::dialogue::{Dialogue, Feedback, Passive};
use crate::driver::Driver;
pub use crate::habit::END_MISSING_IN_A_ROW_MAX;
use crate::habit::Habit;
use crate::line_opener::LineOpener;
use crate::raw::RawForm;
use crate::serial::SerialSettings;
use crate::transport::Opener;

/// How long the rest of a scan is waited for when the scanner is known to end its scans, in
/// milliseconds.
pub const END_WAIT_MS: u64 = 1_000;

/// A barcode scanner that sends lines over a serial port.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineScannerConfig {
    /// Line settings of the port.
    pub serial: SerialSettings,
    /// How scans are framed.
    pub line: LineConfig,
    /// How the scanner marks the symbology in front of the text.
    pub prefix_scheme: PrefixScheme,
    /// Bytes that make it sound the good beep; empty if it beeps by itself.
    pub accepted_bytes: Vec<u8>,
    /// Bytes that make it sound the bad beep; empty if it has none.
    pub refused_bytes: Vec<u8>,
    /// Bytes that let it scan; empty if it always does.
    pub enable_bytes: Vec<u8>,
    /// Bytes that keep it from scanning; empty if it always scans.
    pub disable_bytes: Vec<u8>,
}

/// The driver of a line scanner; remembers over re-plugs whether it ends its scans.
#[derive(Debug)]
pub struct LineScanner {
    config: LineScannerConfig,
    habit: Arc<Habit>,
}

impl LineScanner {
    /// A driver for a scanner with this configuration.
    #[must_use]
    pub fn new(config: LineScannerConfig) -> Self {
        Self {
            config,
            habit: Arc::default(),
        }
    }

    /// The dialogue with a scanner that was just opened.
    #[must_use]
    pub fn passive(&self) -> Passive {
        let feedback = Feedback {
            accepted: self.config.accepted_bytes.clone(),
            refused: self.config.refused_bytes.clone(),
            enable: self.config.enable_bytes.clone(),
            disable: self.config.disable_bytes.clone(),
        };
        Passive::new(self.decoder(), feedback)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(LineScannerDecoder {
            lines: LineDecoder::new(self.config.line.clone()),
            only_silence_ends: self.config.line.terminators == Terminators::NONE,
            prefix_scheme: self.config.prefix_scheme,
            habit: Arc::clone(&self.habit),
            flushed: None,
        })
    }
}

impl Driver for LineScanner {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(LineOpener::new(self.config.serial))
    }

    fn raw_form(&self) -> RawForm {
        RawForm::Stream
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        Box::new(self.passive())
    }
}

struct LineScannerDecoder {
    lines: LineDecoder,
    only_silence_ends: bool,
    prefix_scheme: PrefixScheme,
    habit: Arc<Habit>,
    /// What a flush made of the unfinished line.
    flushed: Option<Decoded>,
}

impl LineScannerDecoder {
    fn silence_ends_a_scan(&self) -> bool {
        self.only_silence_ends || !self.habit.ends_scans()
    }

    fn decoded(&self, item: LineItem) -> Decoded {
        match item {
            LineItem::Scan(scan) => {
                if scan.terminator.is_some() {
                    self.habit.end_seen();
                }
                Decoded::Scan(without_prefix(scan, self.prefix_scheme))
            }
            LineItem::Fault(fault) => {
                let cause = FaultCause::Undecodable(fault.reason);
                Decoded::Fault(Fault::new(cause, &fault.bytes, fault.bytes_total))
            }
        }
    }

    /// Ends the unfinished line as a fault for this cause; a line that is faulty by itself keeps its
    /// own cause.
    fn break_off(&mut self, cause: FaultCause) -> Option<Fault> {
        self.lines.flush_idle();
        match self.lines.next()? {
            LineItem::Scan(scan) => Some(Fault::new(cause, &scan.bytes, scan.bytes.len() as u64)),
            LineItem::Fault(fault) => {
                let cause = match fault.reason {
                    // What is missing is missing because the line broke off.
                    FaultReason::SuffixMissing | FaultReason::TooShort => cause,
                    other => FaultCause::Undecodable(other),
                };
                Some(Fault::new(cause, &fault.bytes, fault.bytes_total))
            }
        }
    }
}

impl Decoder for LineScannerDecoder {
    fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    fn next(&mut self) -> Option<Decoded> {
        match self.lines.next() {
            Some(item) => Some(self.decoded(item)),
            None => self.flushed.take(),
        }
    }

    fn flush_idle(&mut self) {
        if self.silence_ends_a_scan() {
            self.lines.flush_idle();
        } else if self.lines.has_pending() {
            self.flushed = self.break_off(FaultCause::EndMissing).map(Decoded::Fault);
            self.habit.end_missed();
        }
    }

    fn idle_flush_after(&self) -> Option<Duration> {
        let wait_ms = if self.silence_ends_a_scan() {
            IDLE_FLUSH_MS
        } else {
            END_WAIT_MS
        };
        self.lines
            .has_pending()
            .then_some(Duration::from_millis(wait_ms))
    }

    fn cut_off(&mut self) -> Option<Fault> {
        self.break_off(FaultCause::CutOff)
    }
}

/// Moves a symbology prefix from the text to where it belongs.
fn without_prefix(scan: Scan, scheme: PrefixScheme) -> Scan {
    let text = scan.text(scheme);
    if text.text.len() == scan.bytes.len() {
        return scan;
    }
    Scan {
        bytes: text.text.to_vec(),
        aim: text.aim,
        symbology: text.symbology,
        ..scan
    }
}

#[cfg(test)]
#[path = "line_scanner/tests.rs"]
mod tests;
