//! Barcode scanners that type (keyboard wedges): the codec's wedge decoder over the keys that
//! [`crate::keyboard`] reads. Silence ends a scan only while no terminator was ever seen from this
//! scanner; afterwards a scan that falls silent waits for its end, and without one it is a fault.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use shelf_codecs::scanner::wedge::{IDLE_FLUSH_MS, KeyEvent, WedgeConfig, WedgeDecoder, WedgeItem};

use crate::config::Share;
use crate::decoder::{Decoded, Decoder, Fault, FaultCause};
use crate::dialogue::{Dialogue, Feedback, Passive};
use crate::driver::Driver;
use crate::habit::Habit;
use crate::keyboard::{KeyRecord, KeyboardOpener, RECORD_BYTES};
use crate::line_scanner::END_WAIT_MS;
use crate::sysfs::Sysfs;
use crate::transport::Opener;

/// A scanner that types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyboardScannerConfig {
    /// Layout that the scanner types for, terminators, stand-ins for GS.
    pub keys: WedgeConfig,
}

/// The driver; remembers over re-plugs whether the scanner ends its scans.
#[derive(Debug)]
pub struct KeyboardScanner {
    config: KeyboardScannerConfig,
    sysfs: Sysfs,
    share: Share,
    habit: Arc<Habit>,
}

impl KeyboardScanner {
    /// A driver that finds the event nodes of a unit below this sysfs.
    #[must_use]
    pub fn new(config: KeyboardScannerConfig, sysfs: Sysfs, share: Share) -> Self {
        Self {
            config,
            sysfs,
            share,
            habit: Arc::default(),
        }
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(KeyboardScannerDecoder {
            keys: WedgeDecoder::new(self.config.keys),
            habit: Arc::clone(&self.habit),
            partial: Vec::new(),
            more: VecDeque::new(),
        })
    }
}

impl Driver for KeyboardScanner {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(KeyboardOpener::new(self.sysfs.clone(), self.share.clone()))
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        // A keyboard has no way to be told; it beeped when it read the code.
        Box::new(Passive::new(self.decoder(), Feedback::default()))
    }
}

struct KeyboardScannerDecoder {
    keys: WedgeDecoder,
    habit: Arc<Habit>,
    /// The beginning of a record that came in pieces.
    partial: Vec<u8>,
    more: VecDeque<Decoded>,
}

impl KeyboardScannerDecoder {
    fn take(&mut self, record: KeyRecord) {
        match record {
            KeyRecord::Key { code, pressed } => self.keys.push(KeyEvent { code, pressed }),
            KeyRecord::CapsLock(on) => self.keys.set_caps_lock(on),
            KeyRecord::Lost => self.keys.keys_lost(),
        }
    }

    fn break_off(&mut self, cause: FaultCause) -> Option<Fault> {
        if !self.keys.has_pending() {
            return None;
        }
        self.keys.flush_idle();
        Some(match self.keys.next()? {
            WedgeItem::Scan(scan) => Fault::new(cause, &scan.bytes, scan.bytes.len() as u64),
            WedgeItem::Fault(fault) => {
                let cause = FaultCause::Undecodable(fault.reason);
                Fault::new(cause, &fault.bytes, fault.bytes_total)
            }
        })
    }
}

impl Decoder for KeyboardScannerDecoder {
    fn push(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        let whole = self.partial.len() / RECORD_BYTES * RECORD_BYTES;
        let bytes: Vec<u8> = self.partial.drain(..whole).collect();
        for record in bytes.chunks_exact(RECORD_BYTES) {
            let record = <[u8; RECORD_BYTES]>::try_from(record).ok();
            if let Some(record) = record.and_then(KeyRecord::from_bytes) {
                self.take(record);
            }
        }
    }

    fn next(&mut self) -> Option<Decoded> {
        let Some(item) = self.keys.next() else {
            return self.more.pop_front();
        };
        Some(match item {
            WedgeItem::Scan(scan) => {
                if scan.terminator.is_some() {
                    self.habit.end_seen();
                }
                Decoded::Scan(scan)
            }
            WedgeItem::Fault(fault) => {
                let cause = FaultCause::Undecodable(fault.reason);
                Decoded::Fault(Fault::new(cause, &fault.bytes, fault.bytes_total))
            }
        })
    }

    fn flush_idle(&mut self) {
        if !self.habit.ends_scans() {
            self.keys.flush_idle();
        } else if let Some(fault) = self.break_off(FaultCause::EndMissing) {
            self.more.push_back(Decoded::Fault(fault));
            self.habit.end_missed();
        }
    }

    fn idle_flush_after(&self) -> Option<Duration> {
        let wait_ms = if self.habit.ends_scans() {
            END_WAIT_MS
        } else {
            IDLE_FLUSH_MS
        };
        let pending = self.keys.has_pending();
        pending.then_some(Duration::from_millis(wait_ms))
    }

    fn cut_off(&mut self) -> Option<Fault> {
        self.break_off(FaultCause::CutOff)
    }
}

#[cfg(test)]
#[path = "keyboard_scanner/tests.rs"]
mod tests;
