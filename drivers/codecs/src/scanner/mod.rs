//! How scanners deliver what they read: serial lines, HID POS and OEM reports, packets, keyboards.
//!
//! Each decoder takes what the transport gives and yields whole scans and faults. A scan is the
//! text of one symbol; what it means is [`crate::barcode`]'s question. A damaged scan is a fault,
//! never a shorter code. Nothing here waits: "idle" is told by the driver, and time is an
//! argument. Decoders are iterators: drain them after every push; what a push adds is bounded by
//! the bytes it was given.

pub mod feedback;
pub mod hid_pos;
pub mod line;
pub mod magellan;
pub mod oem;
pub mod setup;
pub mod ssi;
pub mod wedge;

#[cfg(test)]
mod tests;

use crate::barcode::{Aim, PrefixScheme, ScanText, Symbology};

/// Longest scan, in bytes. The largest symbols hold about 7 KiB.
pub const SCAN_BYTES_MAX: usize = 8 * 1024;
/// How many of the first bytes of a faulty scan are kept for the event.
pub const FAULT_BYTES_KEPT_MAX: usize = 256;

/// What ended a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Terminator {
    /// Carriage return, Enter.
    Cr,
    /// Line feed.
    Lf,
    /// Carriage return and line feed, where only both together end a scan.
    CrLf,
    /// Tabulator.
    Tab,
    /// End of text, 0x03.
    Etx,
}

impl Terminator {
    /// The names by which configuration files call the terminators.
    pub const NAMES: [(&'static str, Terminator); 5] = [
        ("cr", Terminator::Cr),
        ("lf", Terminator::Lf),
        ("crlf", Terminator::CrLf),
        ("tab", Terminator::Tab),
        ("etx", Terminator::Etx),
    ];

    /// The terminator with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Terminator> {
        Self::NAMES
            .iter()
            .find(|row| row.0 == name)
            .map(|row| row.1)
    }

    /// The bytes on a serial line.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Terminator::Cr => b"\r",
            Terminator::Lf => b"\n",
            Terminator::CrLf => b"\r\n",
            Terminator::Tab => b"\t",
            Terminator::Etx => b"\x03",
        }
    }
}

/// The set of terminators that a device is configured for. With [`Terminator::Cr`] or
/// [`Terminator::Lf`] in it, [`Terminator::CrLf`] adds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminators(u8);

impl Terminators {
    /// Nothing ends a scan but silence.
    pub const NONE: Terminators = Terminators(0);

    /// CR, LF, or both: what nearly all scanners send.
    #[must_use]
    pub fn usual() -> Terminators {
        Terminators::NONE.with(Terminator::Cr).with(Terminator::Lf)
    }

    /// This set and one more.
    #[must_use]
    pub fn with(self, terminator: Terminator) -> Terminators {
        Terminators(self.0 | 1 << terminator as u8)
    }

    /// Whether it is in the set.
    #[must_use]
    pub fn has(self, terminator: Terminator) -> bool {
        self.0 & 1 << terminator as u8 != 0
    }
}

impl Default for Terminators {
    fn default() -> Self {
        Terminators::usual()
    }
}

/// One scan as a device delivered it.
#[derive(Clone, PartialEq, Eq)]
pub struct Scan {
    /// The text, without what the transport put around it. A symbology prefix that the scanner
    /// puts into the text itself is still there: see [`Scan::text`].
    pub bytes: Vec<u8>,
    /// The AIM identifier, where the transport carries it apart from the text.
    pub aim: Option<Aim>,
    /// The symbology by the maker's code, where the transport carries it.
    pub symbology: Option<Symbology>,
    /// What ended it; `None`: silence, or the transport has whole messages.
    pub terminator: Option<Terminator>,
    /// Keys that were pressed but type nothing (control chords); a sign of a hostile or
    /// misconfigured code.
    pub ignored_keys: u32,
}

impl Scan {
    /// A scan of which only the text is known.
    #[must_use]
    pub fn plain(bytes: Vec<u8>, terminator: Option<Terminator>) -> Scan {
        Scan {
            bytes,
            aim: None,
            symbology: None,
            terminator,
            ignored_keys: 0,
        }
    }

    /// The text with what is known of its symbol: by the transport, else by the prefix scheme
    /// that the device is configured for.
    #[must_use]
    pub fn text(&self, scheme: PrefixScheme) -> ScanText<'_> {
        if self.aim.is_some() || self.symbology.is_some() {
            return ScanText {
                text: &self.bytes,
                aim: self.aim,
                symbology: self.symbology,
            };
        }
        scheme.split(&self.bytes)
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan")
            .field("bytes", &crate::redact::mask_bytes(&self.bytes))
            .field("aim", &self.aim)
            .field("symbology", &self.symbology)
            .field("terminator", &self.terminator)
            .field("ignored_keys", &self.ignored_keys)
            .finish()
    }
}

/// Why bytes of a scanner are no scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum FaultReason {
    /// Longer than [`SCAN_BYTES_MAX`]: a lost terminator, or no scanner.
    #[error("longer than any barcode: lost terminator, or not a scanner")]
    TooLong,
    /// Shorter than the device's configured minimum.
    #[error("shorter than the shortest code this device may send")]
    TooShort,
    /// The configured prefix or STX is missing: the beginning was lost.
    #[error("the configured prefix is missing")]
    PrefixMissing,
    /// The configured suffix is missing: the end was lost.
    #[error("the configured suffix is missing")]
    SuffixMissing,
    /// A control character that no barcode of this device may hold: wrong line settings or noise.
    #[error("control character in the text: wrong line settings, or noise")]
    Control,
    /// Bytes that are no text: seven bits read as eight, a wrong speed, or noise.
    #[error("no text: wrong speed or bits of the line, or noise")]
    NotText,
    /// A report that the layout doesn't know.
    #[error("unknown report")]
    UnknownReport,
    /// A report shorter than its own length field says.
    #[error("report cut short")]
    ReportCut,
    /// The rest of a code in several reports never came.
    #[error("the rest of a long code is missing")]
    PartMissing,
    /// Key events were lost by the system.
    #[error("key presses were lost")]
    KeysLost,
    /// A check sum or check digit doesn't hold: bytes were damaged.
    #[error("the check sum is wrong: damaged on the way")]
    CheckWrong,
    /// A key that types nothing in the configured layout: the layout is wrong.
    #[error("a key has no character in the configured keyboard layout")]
    KeyUnmapped,
}

/// Bytes that are no scan; becomes an event, never a code.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub reason: FaultReason,
    /// The first bytes, at most [`FAULT_BYTES_KEPT_MAX`].
    pub bytes: Vec<u8>,
    /// How many bytes there were in all.
    pub bytes_total: u64,
}

impl Fault {
    pub(crate) fn new(reason: FaultReason, bytes: &[u8], bytes_total: u64) -> Fault {
        let kept = bytes.get(..FAULT_BYTES_KEPT_MAX).unwrap_or(bytes);
        Fault {
            reason,
            bytes: kept.to_vec(),
            bytes_total,
        }
    }

    /// A fault of these bytes; the first [`FAULT_BYTES_KEPT_MAX`] are kept.
    #[must_use]
    pub fn of(reason: FaultReason, bytes: &[u8]) -> Fault {
        Fault::whole(reason, bytes)
    }

    pub(crate) fn whole(reason: FaultReason, bytes: &[u8]) -> Fault {
        Fault::new(
            reason,
            bytes,
            u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        )
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fault")
            .field("reason", &self.reason)
            .field("bytes", &crate::redact::mask_bytes(&self.bytes))
            .field("bytes_total", &self.bytes_total)
            .finish()
    }
}
