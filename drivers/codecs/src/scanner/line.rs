//! Scanners on a serial line or USB CDC: text with a terminator, if all goes well.
//!
//! The decoder finds scans in bytes that come in any pieces. What it yields doesn't depend on the
//! pieces, only on the bytes and on where the driver reports silence. A line that grows beyond
//! any barcode is reported once and skipped up to its terminator. It must never join two scans or
//! emit half of one as a whole: where rules are configured (prefix, suffix, STX, length), a text
//! that breaks them is a fault.

use std::collections::VecDeque;

use super::{Fault, FaultReason, SCAN_BYTES_MAX, Scan, Terminator, Terminators};
use crate::gs1::GS;

const STX: u8 = 0x02;
const NUL: u8 = 0;

/// Silence after which a driver calls [`LineDecoder::flush_idle`], in milliseconds. At 9600 baud
/// a character takes one.
pub const IDLE_FLUSH_MS: u64 = 50;

/// How a line scanner is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineConfig {
    /// What ends a scan.
    pub terminators: Terminators,
    /// Whether each scan starts with STX. If not, an STX at the start is taken off all the same.
    pub stx_required: bool,
    /// Text that the scanner puts before each scan.
    pub prefix: Vec<u8>,
    /// Text that it puts after each scan, before the terminator.
    pub suffix: Vec<u8>,
    /// Shortest text, in bytes, after prefix and suffix are off.
    pub length_min: usize,
    /// Whether any control character may be data (2D codes with binary content). If not, only
    /// GS, RS, FS and EOT may.
    pub binary: bool,
    /// A character that the scanner sends in place of GS.
    pub gs_substitute: Option<u8>,
}

impl Default for LineConfig {
    fn default() -> Self {
        LineConfig {
            terminators: Terminators::usual(),
            stx_required: false,
            prefix: Vec::new(),
            suffix: Vec::new(),
            length_min: 1,
            binary: false,
            gs_substitute: None,
        }
    }
}

/// What comes from a line scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineItem {
    /// One scan.
    Scan(Scan),
    /// Bytes that are none.
    Fault(Fault),
}

/// Finds scans in the bytes of a serial line. Iterate it after each push.
#[derive(Debug)]
pub struct LineDecoder {
    config: LineConfig,
    line: Vec<u8>,
    /// Bytes of the line in all; more than `line` holds where it is too long.
    line_bytes: u64,
    items: VecDeque<LineItem>,
}

impl LineDecoder {
    /// A decoder for a device with this configuration.
    #[must_use]
    pub fn new(config: LineConfig) -> LineDecoder {
        LineDecoder {
            config,
            line: Vec::new(),
            line_bytes: 0,
            items: VecDeque::new(),
        }
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.take(b);
        }
    }

    /// The driver saw no byte for [`IDLE_FLUSH_MS`]: what there is is a whole scan without
    /// terminator, or the rest of a broken one.
    pub fn flush_idle(&mut self) {
        self.end(None);
    }

    /// Forgets an unfinished line: the device is gone. Finished items stay.
    pub fn reset(&mut self) {
        self.line.clear();
        self.line_bytes = 0;
    }

    /// Whether an unfinished line is held: only then does silence mean anything, and only then need
    /// a driver wake up for it.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.line.is_empty()
    }

    fn take(&mut self, b: u8) {
        let set = self.config.terminators;
        match b {
            b'\r' if set.has(Terminator::Cr) => self.end(Some(Terminator::Cr)),
            b'\n' if set.has(Terminator::Lf) => self.end(Some(Terminator::Lf)),
            b'\n' if set.has(Terminator::CrLf) && self.line.last() == Some(&b'\r') => {
                self.line.pop();
                self.line_bytes -= 1;
                self.end(Some(Terminator::CrLf));
            }
            b'\t' if set.has(Terminator::Tab) => self.end(Some(Terminator::Tab)),
            0x03 if set.has(Terminator::Etx) => self.end(Some(Terminator::Etx)),
            // A new frame begins: what stands before it lost its end.
            STX if self.config.stx_required && !self.line.is_empty() => {
                self.fault(FaultReason::SuffixMissing);
                self.keep(b);
            }
            // NULs between lines are the noise of a port that was opened or unplugged.
            NUL if self.line.is_empty() && !self.config.binary => {}
            _ => self.keep(b),
        }
    }

    fn keep(&mut self, b: u8) {
        self.line_bytes = self.line_bytes.saturating_add(1);
        if self.line.len() < SCAN_BYTES_MAX {
            self.line.push(b);
        } else if let Some(last) = self.line.last_mut() {
            // Too long already; only the last byte matters, for finding CR LF.
            *last = b;
        }
    }

    fn fault(&mut self, reason: FaultReason) {
        self.items.push_back(LineItem::Fault(Fault::new(
            reason,
            &self.line,
            self.line_bytes,
        )));
        self.reset();
    }

    fn end(&mut self, terminator: Option<Terminator>) {
        if self.line.is_empty() {
            self.reset();
            return;
        }
        match self.text() {
            Ok(bytes) => {
                self.reset();
                self.items
                    .push_back(LineItem::Scan(Scan::plain(bytes, terminator)));
            }
            Err(reason) => self.fault(reason),
        }
    }

    /// The text of the finished line.
    fn text(&self) -> Result<Vec<u8>, FaultReason> {
        let config = &self.config;
        if self.line_bytes > u64::try_from(self.line.len()).unwrap_or(u64::MAX) {
            return Err(FaultReason::TooLong);
        }
        let text = match self.line.strip_prefix(&[STX]) {
            Some(text) => text,
            None if config.stx_required => return Err(FaultReason::PrefixMissing),
            None => &self.line,
        };
        let text = text
            .strip_prefix(&config.prefix[..])
            .ok_or(FaultReason::PrefixMissing)?;
        let text = text
            .strip_suffix(&config.suffix[..])
            .ok_or(FaultReason::SuffixMissing)?;
        if text.len() < config.length_min.max(1) {
            return Err(FaultReason::TooShort);
        }
        let mut text = text.to_vec();
        if let Some(substitute) = config.gs_substitute {
            text.iter_mut()
                .filter(|b| **b == substitute)
                .for_each(|b| *b = GS);
        }
        let control = |b: &u8| b.is_ascii_control() && !matches!(b, 0x04 | 0x1C..=0x1E);
        if !config.binary && text.iter().any(control) {
            return Err(FaultReason::Control);
        }
        if !config.binary && str::from_utf8(&text).is_err() {
            return Err(FaultReason::NotText);
        }
        Ok(text)
    }
}

impl Iterator for LineDecoder {
    type Item = LineItem;

    fn next(&mut self) -> Option<LineItem> {
        self.items.pop_front()
    }
}

/// The bytes that a scanner with this configuration sends for a text; for simulators.
#[must_use]
pub fn encode(text: &[u8], config: &LineConfig, terminator: Option<Terminator>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    if config.stx_required {
        out.push(STX);
    }
    out.extend_from_slice(&config.prefix);
    out.extend(text.iter().map(|&b| match config.gs_substitute {
        Some(substitute) if b == GS => substitute,
        _ => b,
    }));
    out.extend_from_slice(&config.suffix);
    out.extend_from_slice(terminator.map_or(&[], Terminator::bytes));
    out
}
